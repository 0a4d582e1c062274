package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// locker takes kernel locks on files of their own beside the database, so that they go with the process however that
// ends.
type locker struct{ path string }

var _ store.Locker = locker{}

// Lock implements store.Locker. The file stays, unless it is a run's: nobody takes that lock again.
func (l locker) Lock(_ context.Context, key int64, shared bool) (func(), error) {
	folder := l.path + "-locks"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(folder, strconv.FormatInt(key, 10)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	lock := flock.TryLock
	if shared {
		lock = flock.TryShare
	}
	if err := lock(file); err != nil {
		_ = file.Close()
		if errors.Is(err, flock.ErrLocked) {
			return nil, orchestrator.ErrLocked
		}
		return nil, err
	}
	return func() {
		if key < store.SchemaLock && key > store.NamedLocks {
			_ = os.Remove(file.Name()) // else it lies there
		}
		_ = flock.Close(file)
	}, nil
}

// Sweep removes the files of the locks of runs that are over, which something killed: their ids come never again. It returns
// how many there were.
func (l locker) Sweep(ctx context.Context) (swept int, err error) {
	entries, err := os.ReadDir(l.path + "-locks")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	for _, entry := range entries {
		key, parseErr := strconv.ParseInt(entry.Name(), 10, 64)
		if parseErr != nil || key >= store.SchemaLock || key <= store.NamedLocks {
			continue
		}
		release, lockErr := l.Lock(ctx, key, false)
		if lockErr != nil {
			continue // it is under way, or somebody else's
		}
		release() // which removes it
		swept++
	}
	return swept, err
}

// Confirm implements store.Locker: the kernel takes no lock away.
func (l locker) Confirm(context.Context, int64) error { return nil }

// Close implements store.Locker: every lock has its own release.
func (l locker) Close() error { return nil }
