package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/chortle-audio/chortle/orchestrator/store"
)

type dialect struct{ path string }

var _ store.Dialect = (*dialect)(nil)

// damageError is what a check found to be wrong.
type damageError string

func (e damageError) Error() string { return string(e) }

// Bind implements store.Dialect: the parameters are SQLite's own.
func (d *dialect) Bind(query string) string { return query }

// Judge implements store.Dialect.
func (d *dialect) Judge(err error) (store.Verdict, string) {
	damaged := fmt.Sprintf("%s is damaged: put a backup in its place, or move it away and save what can be saved with: sqlite3 FILE .recover", d.path)
	if damage := damageError(""); errors.As(err, &damage) {
		return store.VerdictBroken, damaged
	}
	var failure *driver.Error
	if !errors.As(err, &failure) {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOSPC) {
			return store.VerdictBroken, fmt.Sprintf("let this user write in %s, and make room there", filepath.Dir(d.path))
		}
		return store.VerdictOther, ""
	}
	switch failure.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY:
		return store.VerdictUnique, ""
	}
	switch failure.Code() & 0xff { // the rest is detail
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return store.VerdictTransient, fmt.Sprintf("another program keeps %s locked", d.path)
	case codes.SQLITE_NOTADB, codes.SQLITE_CORRUPT:
		return store.VerdictBroken, damaged
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_CANTOPEN:
		return store.VerdictBroken, fmt.Sprintf("let this user write %s and its folder", d.path)
	case codes.SQLITE_FULL:
		return store.VerdictBroken, fmt.Sprintf("make room on the disk of %s", d.path)
	case codes.SQLITE_IOERR:
		return store.VerdictBroken, fmt.Sprintf("look at the disk of %s", d.path)
	case codes.SQLITE_NOMEM:
		return store.VerdictBroken, "there is too little memory"
	}
	return store.VerdictOther, ""
}

// Limit implements store.Dialect: SQLite knows no rights on rows.
func (d *dialect) Limit([]int64) string { return "" }

// Check implements store.Dialect.
func (d *dialect) Check(ctx context.Context, db *sql.DB) (string, error) {
	var version, verdict string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return "", err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return "", err
	}
	if verdict != "ok" {
		return "", damageError(strings.ReplaceAll(verdict, "\n", " "))
	}
	rows, err := db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if rows.Next() {
		return "", damageError("a row refers to one that is not there")
	}
	return "SQLite " + version, rows.Err()
}

// Scrub implements store.Dialect. Deleted rows are overwritten with zeros as they go (secure_delete), but
// the log of changes still has them until it is emptied.
func (d *dialect) Scrub(ctx context.Context, db *sql.DB, _ []string) error {
	var busy, size, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &size, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("empty %s-wal: somebody reads the database; it is emptied by the next run", d.path)
	}
	return nil
}
