package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/pressly/goose/v3"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	defaultRetryFor = 30 * time.Second
	// attemptTimeout bounds one transaction or one page: a server that accepts and then says nothing
	// must not hold a run for ever.
	attemptTimeout = time.Minute
	firstPause     = 50 * time.Millisecond
	longestPause   = 3 * time.Second
)

// Config says what a Store stands on. DB, Dialect, Locker, Goose, Migrations and Log must be set.
type Config struct {
	DB         *sql.DB
	Dialect    Dialect
	Locker     Locker
	Goose      goose.Dialect
	Migrations fs.FS // *.sql files in its root
	Log        logrus.FieldLogger
	// RetryFor is how long a database that cannot be reached is tried again; 0 means 30 s.
	RetryFor time.Duration
	// BeforeMigration, unless nil, is called before the schema of a database changes that is not new. It returns where the
	// database is kept as it was, for the error of a migration that fails; its own error keeps the schema from changing.
	BeforeMigration func(ctx context.Context, s *Store, from, to int64) (kept string, err error)
	// Now dates what the ledger says of recordings; nil means time.Now.
	Now func() time.Time
}

// Option changes a Config; the Open functions of the dialects take them.
type Option func(*Config)

// RetryFor sets how long a database that cannot be reached is tried again, instead of 30 s.
func RetryFor(d time.Duration) Option { return func(c *Config) { c.RetryFor = d } }

// Store implements orchestrator.Store over database/sql. Safe for concurrent use.
//
// Errors of all methods: orchestrator.ErrStoreUnavailable when the database could not be reached for
// as long as it is tried again, or cannot be used until a person acts (full disk, damaged file,
// refused password); the cause of ctx when it ended; else as each method says.
type Store struct {
	db         *sql.DB
	dialect    Dialect
	locker     Locker
	goose      goose.Dialect
	migrations fs.FS
	log        logrus.FieldLogger
	retryFor   time.Duration
	now        func() time.Time
	before     func(ctx context.Context, s *Store, from, to int64) (string, error)
	runs       runLocks
	named      namedLocks
}

var _ orchestrator.Store = (*Store)(nil)

// New migrates the database to the newest schema and returns the store over it, which then owns
// c.DB and c.Locker; on error both are closed.
func New(ctx context.Context, c Config) (*Store, error) {
	s := &Store{db: c.DB, dialect: c.Dialect, locker: c.Locker, goose: c.Goose, migrations: c.Migrations, log: c.Log,
		retryFor: cmp.Or(c.RetryFor, defaultRetryFor), now: c.Now, before: c.BeforeMigration, runs: runLocks{held: map[string]func(){}}, named: namedLocks{held: map[int64]int{}}}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close() // nothing was written
		return nil, err
	}
	return s, nil
}

// Close gives back connections and locks.
func (s *Store) Close() error {
	s.unlockRuns()
	return errors.Join(s.locker.Close(), s.db.Close())
}

// Check looks for damage and returns the name and version of the database, such as "SQLite 3.50.4".
func (s *Store) Check(ctx context.Context) (engine string, err error) {
	err = s.retry(ctx, "check database", func(ctx context.Context) error {
		engine, err = s.dialect.Check(ctx, s.db)
		return err
	})
	return engine, err
}

// LockUser implements orchestrator.Store.
func (s *Store) LockUser(ctx context.Context, userID int64) (release func(), err error) {
	err = s.retry(ctx, fmt.Sprintf("lock user %d", userID), func(ctx context.Context) error {
		release, err = s.locker.Lock(ctx, userID, false)
		return err
	})
	return release, err
}

// transaction runs work in a transaction, and the whole of it again when the connection fails.
func (s *Store) transaction(ctx context.Context, verb string, work func(context.Context, querier) error) error {
	return s.retry(ctx, verb, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after the commit
		if err := s.limit(ctx, tx); err != nil {
			return err
		}
		if err := work(ctx, querier{tx, s.dialect}); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// read runs work outside a transaction, and again when the connection fails. A context that is limited to some users takes a
// transaction where the database itself can hold work to that.
func (s *Store) read(ctx context.Context, verb string, work func(context.Context, querier) error) error {
	return s.retry(ctx, verb, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		if userIDs, limited := orchestrator.UsersOf(ctx); !limited || s.dialect.Limit(userIDs) == "" {
			return work(ctx, querier{s.db, s.dialect})
		}
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
		if err := s.limit(ctx, tx); err != nil {
			return err
		}
		return work(ctx, querier{tx, s.dialect})
	})
}

// limit holds a transaction to the users of its context.
func (s *Store) limit(ctx context.Context, tx *sql.Tx) error {
	userIDs, limited := orchestrator.UsersOf(ctx)
	if !limited {
		return nil
	}
	statement := s.dialect.Limit(userIDs)
	if statement == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, statement)
	return err
}

// errTryAgain marks an error that passes, whatever the dialect thinks of it.
var errTryAgain = errors.New("try again")

func (s *Store) verdict(err error) (Verdict, string) {
	switch {
	case errors.Is(err, errTryAgain), errors.Is(err, context.DeadlineExceeded):
		return VerdictTransient, ""
	case errors.Is(err, orchestrator.ErrNotFound), errors.Is(err, orchestrator.ErrExists), errors.Is(err, orchestrator.ErrLocked):
		return VerdictOther, ""
	}
	return s.dialect.Judge(err)
}

// retry runs op until it succeeds, fails for good, or the database was away for too long. The error
// says what was under way, which is verb.
func (s *Store) retry(ctx context.Context, verb string, op func(context.Context) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestPause
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if last = op(ctx); last == nil {
			return struct{}{}, nil
		}
		if verdict, _ := s.verdict(last); verdict != VerdictTransient {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(s.retryFor), backoff.WithNotify(func(err error, pause time.Duration) {
		s.log.WithError(err).WithField("pause", pause).Warnf("%s: trying again", verb)
	}))
	if err == nil {
		return nil
	}
	last = plain(last)
	switch verdict, remedy := s.verdict(last); {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", verb, context.Cause(ctx))
	case verdict != VerdictTransient && verdict != VerdictBroken:
		return fmt.Errorf("%s: %w", verb, last)
	case remedy == "":
		return fmt.Errorf("%s: %w: %w", verb, orchestrator.ErrStoreUnavailable, last)
	case verdict == VerdictBroken:
		return &brokenError{fmt.Errorf("%s: %w: %w", verb, orchestrator.ErrStoreUnavailable, last), remedy}
	default:
		return fmt.Errorf("%s: %w: %w; %s", verb, orchestrator.ErrStoreUnavailable, last, remedy)
	}
}

// brokenError is an error of a database that cannot be used until a person does what the remedy says.
type brokenError struct {
	err    error
	remedy string
}

func (e *brokenError) Error() string { return fmt.Sprintf("%v; %s", e.err, e.remedy) }
func (e *brokenError) Unwrap() error { return e.err }

// Problem returns its code, with what a person can do at the database.
func (e *brokenError) Problem() (orchestrator.Code, orchestrator.Facts) {
	return orchestrator.CodeStoreBroken, orchestrator.Facts{"do": e.remedy}
}

// plain takes off what libraries say around an error without saying more: what was under way is told
// by the caller, and which database by the remedy.
func plain(err error) error {
	for strings.HasPrefix(err.Error(), "failed to ") {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	return err
}
