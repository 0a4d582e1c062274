package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
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
		return nil, orchestrator.WithCode(fmt.Errorf("lock data folder: %w", err), orchestrator.CodeFolderUnwritable, "setting", "CHORTLE_DATA_DIR")
	}
	if err := flock.TryLock(file); err != nil {
		defer file.Close()
		if errors.Is(err, flock.ErrLocked) {
			who, since := whoHolds(file)
			return nil, &LockedError{What: "data folder " + dir, Holder: who, Since: since}
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

// lockAlone is Lock, and keeps away runs and commands of other machines that share the database.
func (s *Service) lockAlone(ctx context.Context) (release func(), err error) {
	return s.lockBoth(ctx, (*store.Store).LockExclusive)
}

// lockShared is Lock, and keeps away what must be alone on other machines, such as a backup, but no runs.
func (s *Service) lockShared(ctx context.Context) (release func(), err error) {
	return s.lockBoth(ctx, (*store.Store).LockShared)
}

type lockWork = func(s *store.Store, ctx context.Context, name string) (func(), error)

func (s *Service) lockBoth(ctx context.Context, lock lockWork) (release func(), err error) {
	releaseDir, err := s.Lock()
	if err != nil {
		return nil, err
	}
	releaseWork, err := s.lockWork(ctx, lock)
	if err != nil {
		releaseDir()
		return nil, err
	}
	return func() {
		releaseWork()
		releaseDir()
	}, nil
}

// lockWork takes the lock of the database.
func (s *Service) lockWork(ctx context.Context, lock lockWork) (release func(), err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	release, err = lock(opened, ctx, store.WorkLock)
	if errors.Is(err, orchestrator.ErrLocked) {
		err = &LockedError{What: "database", Holder: "a run or a command on another machine that shares it is under way"}
	}
	return release, err
}

// whoHolds describes the holder, and from when it has held the file. It may be just writing itself down, or have had no
// room for that: when the file was last touched is known all the same.
func whoHolds(file *os.File) (who string, since time.Time) {
	var h holder
	if err := json.NewDecoder(io.LimitReader(file, 64<<10)).Decode(&h); err != nil {
		if info, err := file.Stat(); err == nil {
			since = info.ModTime()
		}
		return "another run holds it", since
	}
	return fmt.Sprintf("process %d on %s holds it since %s (%s)", h.PID, h.Host, h.StartedAt.Format(time.RFC3339), h.Command), h.StartedAt
}

// lockUser keeps runs, here and elsewhere, away from a user. A *LockedError where one reads the user.
func (s *Service) lockUser(ctx context.Context, user orchestrator.User) (release func(), err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	release, err = opened.LockUser(ctx, user.ID)
	if errors.Is(err, orchestrator.ErrLocked) {
		err = &LockedError{What: "user " + user.Name, Holder: "a run reads this user"}
	}
	return release, err
}
