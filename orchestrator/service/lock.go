package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
)

// holder says who holds the lock of a data folder.
type holder struct {
	PID       int       `json:"pid"`
	Host      string    `json:"host"`
	StartedAt time.Time `json:"started_at"`
	Command   string    `json:"command"`
}

// Lock keeps every run, and every command that must be alone, away from the data folder until release is called or
// this process ends: the lock is the kernel's; the file stays and only tells who holds it. A *LockedError where
// another has it.
func (s *Service) Lock() (release func(), err error) {
	dir := s.Config.DataDir
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "run.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w; let this user write there and make room, or set CHORTLE_DATA_DIR", err)
	}
	if err := flock.TryLock(file); err != nil {
		defer file.Close()
		if errors.Is(err, flock.ErrLocked) {
			return nil, &LockedError{"data folder " + dir, whoHolds(file)}
		}
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	host, _ := os.Hostname()
	// It is only what people read: a full disk does not keep a run from being the only one.
	if content, err := json.Marshal(holder{os.Getpid(), host, s.Now().UTC().Truncate(time.Second), s.Command}); err == nil {
		_ = file.Truncate(0)
		_, _ = file.WriteAt(append(content, '\n'), 0)
	}
	return func() {
		_ = file.Truncate(0)
		_ = flock.Close(file)
	}, nil
}

// whoHolds describes the holder; it may be just writing itself down, and is then not known.
func whoHolds(file *os.File) string {
	var h holder
	if err := json.NewDecoder(file).Decode(&h); err != nil {
		return "another run holds it"
	}
	return fmt.Sprintf("process %d on %s holds it since %s (%s)", h.PID, h.Host, h.StartedAt.Format(time.RFC3339), h.Command)
}

// lockUser keeps runs, here and elsewhere, away from a user. A *LockedError where one reads the user.
func (s *Service) lockUser(ctx context.Context, user orchestrator.User) (release func(), err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	release, err = opened.LockUser(ctx, user.ID)
	if errors.Is(err, orchestrator.ErrLocked) {
		err = &LockedError{"user " + user.Name, "a run reads this user"}
	}
	return release, err
}
