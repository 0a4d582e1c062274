package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

const (
	// lockSpace keeps our advisory locks apart from those of other programs in the same database:
	// "Chor" in ASCII, above the key, and one less for the keys below zero.
	lockSpace int64 = 0x43686f72 << 32
	// unlockTimeout bounds giving a lock back; the end of the connection gives it back too.
	unlockTimeout = 2 * time.Second
)

// locks are advisory locks, each on a connection of its own: it lives as long as that does.
type locks struct {
	config *pgx.ConnConfig
	mu     sync.Mutex
	held   map[int64][]*lock // several of a key where they are shared
}

var _ store.Locker = (*locks)(nil)

func newLocks(config *pgx.ConnConfig) *locks {
	return &locks{config: config, held: map[int64][]*lock{}}
}

type lock struct {
	mu       sync.Mutex
	key      int64
	shared   bool
	conn     *pgx.Conn // nil while it is lost
	released bool
}

// Lock implements store.Locker.
func (l *locks) Lock(ctx context.Context, key int64, shared bool) (func(), error) {
	one := &lock{key: key, shared: shared}
	if err := one.take(ctx, l.config); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[key] = append(l.held[key], one)
	return func() {
		l.mu.Lock()
		l.held[key] = slices.DeleteFunc(l.held[key], func(other *lock) bool { return other == one })
		if len(l.held[key]) == 0 {
			delete(l.held, key)
		}
		l.mu.Unlock()
		one.release()
	}, nil
}

// Confirm implements store.Locker.
func (l *locks) Confirm(ctx context.Context, key int64) error {
	l.mu.Lock()
	held := slices.Clone(l.held[key])
	l.mu.Unlock()
	for _, one := range held {
		if err := one.confirm(ctx, l.config); err != nil {
			return err
		}
	}
	return nil
}

func (l *lock) confirm(ctx context.Context, config *pgx.ConnConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released || l.conn != nil && l.conn.Ping(ctx) == nil {
		return nil
	}
	l.drop()
	return l.take(ctx, config)
}

// take connects and asks for the lock.
func (l *lock) take(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	l.conn = conn
	var taken bool
	err = conn.QueryRow(ctx, "SELECT "+l.function("pg_try_advisory_lock")+"($1)", lockSpace+l.key).Scan(&taken)
	if err == nil && taken {
		return nil
	}
	l.drop()
	if err == nil {
		err = orchestrator.ErrLocked
	}
	return err
}

// function is the server's function for a lock of this kind.
func (l *lock) function(name string) string {
	if l.shared {
		return name + "_shared"
	}
	return name
}

// drop closes the connection, if there is one.
func (l *lock) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	_ = l.conn.Close(ctx) // it is of no use any more, in whatever state
	l.conn = nil
}

// release gives the lock back before the connection ends: the server notices that end a little later.
func (l *lock) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	_, _ = l.conn.Exec(ctx, "SELECT "+l.function("pg_advisory_unlock")+"($1)", lockSpace+l.key) // else the end of the connection does
	l.drop()
}

// Close implements store.Locker.
func (l *locks) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, held := range l.held {
		for _, one := range held {
			one.release()
		}
	}
	clear(l.held)
	return nil
}
