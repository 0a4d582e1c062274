package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"github.com/chortle-audio/chortle/orchestrator"
)

// WorkLock is the name of the lock that runs share, on however many machines, and that whatever must be alone with
// the data has exclusively: backup, restore, a change of the key, a removal.
const WorkLock = "work"

// namedLocks are the keys of the locks with a name that a store has, each with how often.
type namedLocks struct {
	mu   sync.Mutex
	held map[int64]int
}

// namedLock is the key of a lock with a name, one of the keys below NamedLocks. Names that share one exclude each
// other needlessly.
func namedLock(name string) int64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name)) // never fails
	return NamedLocks - 1 - int64(hash.Sum32())
}

// LockShared takes the lock of that name together with others that share it, until release is called, the store is closed
// or this process ends. It does not wait: orchestrator.ErrLocked when somebody has it exclusively, in any process
// that shares the database.
func (s *Store) LockShared(ctx context.Context, name string) (release func(), err error) {
	return s.lockNamed(ctx, name, true)
}

// LockExclusive is LockShared alone: orchestrator.ErrLocked when anybody else has the lock.
func (s *Store) LockExclusive(ctx context.Context, name string) (release func(), err error) {
	return s.lockNamed(ctx, name, false)
}

func (s *Store) lockNamed(ctx context.Context, name string, shared bool) (release func(), err error) {
	key := namedLock(name)
	var unlock func()
	err = s.retry(ctx, fmt.Sprintf("lock %s", name), func(ctx context.Context) error {
		unlock, err = s.locker.Lock(ctx, key, shared)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.named.count(key, 1)
	return sync.OnceFunc(func() {
		s.named.count(key, -1)
		unlock()
	}), nil
}

func (n *namedLocks) count(key int64, change int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held[key] += change; n.held[key] <= 0 {
		delete(n.held, key)
	}
}

func (n *namedLocks) keys() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.held))
}

// confirmNamed takes locks with a name again that a broken connection has lost.
func (s *Store) confirmNamed(ctx context.Context) error {
	for _, key := range s.named.keys() {
		if err := s.locker.Confirm(ctx, key); errors.Is(err, orchestrator.ErrLocked) {
			return fmt.Errorf("%w: a lock was lost with the connection, and somebody else has it: %w", errTryAgain, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}
