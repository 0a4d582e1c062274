package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/keeping"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
)

// Retention is for how long a user's sound is kept: what the settings say, with what is said of the user.
func (s *Service) Retention(user orchestrator.User) (orchestrator.Retention, error) {
	r, err := s.Config.Keep.Override(user.Retention)
	if err != nil {
		return r, fmt.Errorf("user %s: %w", user.Name, err)
	}
	return r, nil
}

// PrunePlan says what Prune would delete now of these users, or of all where nobody is named. It changes nothing, and waits
// for nobody.
func (s *Service) PrunePlan(ctx context.Context, names []string) (document.Prune, error) {
	return s.prune(ctx, names, true)
}

// Prune deletes what the rules of retention take, of these users, or of all where nobody is named. Also where the error is
// not nil, the document says what was deleted. A *LockedError while a run is under way.
func (s *Service) Prune(ctx context.Context, names []string) (document.Prune, error) {
	release, err := s.lockAlone(ctx)
	if err != nil {
		return document.Prune{}, err
	}
	defer release()
	return s.prune(ctx, names, false)
}

// prune is Prune, under locks that the caller holds.
func (s *Service) prune(ctx context.Context, names []string, dryRun bool) (document.Prune, error) {
	all, err := s.Users(ctx)
	if err != nil {
		return document.Prune{}, err
	}
	users := all
	if len(names) > 0 {
		if users, err = chooseUsers(all, names); err != nil {
			return document.Prune{}, err
		}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return document.Prune{}, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return document.Prune{}, err
	}
	now := s.Now()
	backup, err := s.lastGoodBackup(ctx, "")
	if err != nil {
		return document.Prune{}, err
	}
	subjects := make([]keeping.Subject, len(users))
	for i, user := range users {
		rules, err := s.Retention(user)
		if err != nil {
			return document.Prune{}, err
		}
		subjects[i] = keeping.Subject{User: user, Retention: rules}
		if rules.OriginalDays > 0 {
			if subjects[i].Originals, err = s.originals(user); err != nil {
				return document.Prune{}, err
			}
		}
	}
	pruner := keeping.Pruner{Store: opened, Clips: kept, Now: now, Backup: backup, Disk: s.clipDisk(), DryRun: dryRun}
	return pruner.Prune(ctx, subjects)
}

// clipDisk is the disk of the clips; nil where no share of it is set, or there is none.
func (s *Service) clipDisk() *keeping.Disk {
	kind, rest, err := s.clipKind()
	if s.Config.Keep.DiskShare == 0 || err != nil || !kind.local {
		return nil
	}
	size, free, err := diskSpace(rest)
	if err != nil {
		s.Log.WithError(err).Warn("look at the disk of the clips")
		return nil
	}
	return &keeping.Disk{Size: size, Used: size - free, Limit: int64(s.Config.Keep.DiskShare * float64(size))}
}

// diskSpace is what the disk of a folder has for this user, and what of it is free, in bytes.
func diskSpace(dir string) (size, free int64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	block := int64(disk.Bsize)                               //nolint:unconvert // it is not 64 bits long everywhere
	used := (int64(disk.Blocks) - int64(disk.Bfree)) * block // what is kept for root counts for nothing, as in df
	return used + int64(disk.Bavail)*block, int64(disk.Bavail) * block, nil
}

// originals are the folders of a user's downloads that are kept: those in the data folder, and an archive where it is what
// the user's recordings are read from.
func (s *Service) originals(user orchestrator.User) ([]keeping.Original, error) {
	found := []keeping.Original{{Dir: s.OriginalsDir(user)}}
	dir, isFolder := strings.CutPrefix(user.Source, folderKind.scheme+":")
	if !isFolder {
		return found, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, limitless.ManifestName))
	if errors.Is(err, os.ErrNotExist) {
		return found, nil // a person filled it
	}
	if err != nil {
		return nil, fmt.Errorf("read archive of %s: %w", user.Name, err)
	}
	archive := keeping.Original{Dir: dir, Files: map[string]time.Time{}}
	for text := range bytes.Lines(text) {
		var line limitless.ManifestLine
		if json.Unmarshal(text, &line) == nil && line.File != "" {
			archive.Files[line.File] = line.End
		}
	}
	return append(found, archive), nil
}

// lastGoodBackup is the moment of the last backup at a place, or anywhere where that is empty, that was read back and is
// still there; zero where there is none. One of the future does not count: the clock was wrong then, or is now.
func (s *Service) lastGoodBackup(ctx context.Context, place string) (time.Time, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return time.Time{}, err
	}
	notes, err := opened.Backups(ctx, 50)
	if err != nil {
		return time.Time{}, err
	}
	for _, note := range notes {
		if note.Error != "" || note.StartedAt.After(s.Now()) || place != "" && note.Place != place {
			continue
		}
		if filepath.IsAbs(note.Place) {
			if info, err := os.Stat(filepath.Join(note.Place, note.Name)); err != nil || info.Size() != note.Bytes {
				continue
			}
		}
		return note.StartedAt, nil
	}
	return time.Time{}, nil
}
