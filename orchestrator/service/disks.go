package service

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/health"
)

// disks are those that a run writes to, each once. One that cannot be looked at is left out: what is to be written there
// tells why.
func (s *Service) disks() (disks []health.Disk) {
	type place struct{ what, path string }
	places := []place{{"the data", s.Config.DataDir}}
	if path, local := strings.CutPrefix(s.Config.DatabaseURL, "sqlite:"); local {
		places = append(places, place{"the database", path})
	}
	if kind, rest, err := s.clipKind(); err == nil && kind.local {
		places = append(places, place{"the clips", rest})
	}
	if path, here := strings.CutPrefix(s.Config.Backup.To, "folder:"); here {
		places = append(places, place{"the backups", path})
	}
	if s.Config.LogDir != "" {
		places = append(places, place{"the log", s.Config.LogDir})
	}
	known := map[uint64]int{}
	for _, p := range places {
		info, err := os.Stat(p.path)
		if err != nil {
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			continue
		}
		device := uint64(stat.Dev) //nolint:unconvert // it is not 64 bits long everywhere
		if i, found := known[device]; found {
			disks[i].What += " and " + p.what
			continue
		}
		if _, free, err := diskSpace(p.path); err == nil {
			known[device] = len(disks)
			disks = append(disks, health.Disk{What: p.what, Path: p.path, Free: free})
		}
	}
	return disks
}

// clipRoom is an orchestrator.ErrNoRoom where so little is free on the disk of the clips that it is left to the database.
func (s *Service) clipRoom() error {
	kind, rest, err := s.clipKind()
	if s.Config.Keep.ClipRoom == 0 || err != nil || !kind.local {
		return nil
	}
	_, free, err := diskSpace(rest)
	if err != nil || free >= s.Config.Keep.ClipRoom {
		return nil // what cannot be looked at may still be written to
	}
	return fmt.Errorf("keep clips in %s: %w: %d MB are free, and clips leave %d MB of it alone", rest, orchestrator.ErrNoRoom, free/1e6, s.Config.Keep.ClipRoom/1e6)
}
