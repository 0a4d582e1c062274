package store

import (
	"context"
	"database/sql"
)

// SchemaLock is the key of the lock under which the schema is migrated. Users have the keys above it, and runs
// those below it down to NamedLocks, each of which is used once.
const SchemaLock int64 = 0

// NamedLocks is above the keys of all locks that have a name; see Store.LockShared.
const NamedLocks int64 = -1 << 33

// Locker takes locks that every process sees that shares the database. Safe for concurrent use.
type Locker interface {
	// Lock takes the lock of key without waiting: alone, or beside others that share it. orchestrator.ErrLocked when
	// somebody has it otherwise, in this process or another. The lock goes with release, or with the process. Errors
	// of the connection are the driver's.
	Lock(ctx context.Context, key int64, shared bool) (release func(), err error)
	// Confirm makes sure that a lock taken by Lock is still held, and takes it again where a broken
	// connection has lost it. A key that is not locked is no error. An error that wraps
	// orchestrator.ErrLocked says that somebody else has it now.
	Confirm(ctx context.Context, key int64) error
	// Close releases all locks.
	Close() error
}

// Dialect is what differs between databases. Safe for concurrent use.
type Dialect interface {
	// Bind rewrites the parameters ?1, ?2 … to the database's own.
	Bind(query string) string
	// Judge says what an error of the driver means, with the remedy where a person can act on it.
	Judge(err error) (verdict Verdict, remedy string)
	// Limit is the statement that holds a transaction to rows of these users, whatever its own statements say; empty where the
	// database cannot.
	Limit(userIDs []int64) string
	// Check looks for damage, which Judge calls broken, and returns the name and version of the database.
	Check(ctx context.Context, db *sql.DB) (engine string, err error)
	// Scrub clears what deleted rows of these tables leave in the files of the database, as far as that is possible
	// from here.
	Scrub(ctx context.Context, db *sql.DB, tables []string) error
}

// Verdict is what an error means to the store.
type Verdict int

// The verdicts.
const (
	// VerdictOther is an error of the statement itself.
	VerdictOther Verdict = iota
	// VerdictUnique is a row that exists already.
	VerdictUnique
	// VerdictTransient passes: the whole transaction is worth another try.
	VerdictTransient
	// VerdictBroken does not pass until a person acts.
	VerdictBroken
)
