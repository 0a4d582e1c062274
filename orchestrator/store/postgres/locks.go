package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chortle-audio/chortle/orchestrator"
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
	mu   sync.Mutex
	held map[int64]*lock
}

type lock struct {
	mu       sync.Mutex
	key      int64
	conn     *pgx.Conn // nil while it is lost
	released bool
}

// Lock implements store.Dialect.
func (d *dialect) Lock(ctx context.Context, key int64) (func(), error) {
	l := &lock{key: key}
	if err := l.take(ctx, d.config); err != nil {
		return nil, err
	}
	d.locks.mu.Lock()
	defer d.locks.mu.Unlock()
	d.locks.held[key] = l
	return func() {
		d.locks.mu.Lock()
		if d.locks.held[key] == l {
			delete(d.locks.held, key)
		}
		d.locks.mu.Unlock()
		l.release()
	}, nil
}

// Confirm implements store.Dialect.
func (d *dialect) Confirm(ctx context.Context, key int64) error {
	d.locks.mu.Lock()
	l := d.locks.held[key]
	d.locks.mu.Unlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released || l.conn != nil && l.conn.Ping(ctx) == nil {
		return nil
	}
	l.drop()
	return l.take(ctx, d.config)
}

// take connects and asks for the lock.
func (l *lock) take(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	l.conn = conn
	var taken bool
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockSpace+l.key).Scan(&taken)
	if err == nil && taken {
		return nil
	}
	l.drop()
	if err == nil {
		err = orchestrator.ErrLocked
	}
	return err
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
	_, _ = l.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", lockSpace+l.key) // else the end of the connection does
	l.drop()
}

func (l *locks) releaseAll() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lock := range l.held {
		lock.release()
	}
	clear(l.held)
	return nil
}
