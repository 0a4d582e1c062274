// Package sqlite keeps the store in one SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
	driver "modernc.org/sqlite"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// pragmas of every connection. WAL lets people read while a run writes. FULL makes every commit
// durable: a source may delete its copy of a recording once it is stored, and there is one commit a
// recording. The cache is small because the machine is.
var pragmas = []string{
	"busy_timeout(5000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(ON)",
	"secure_delete(ON)", // what a user deletes is gone from the file, too
	"cache_size(-1024)", // KiB a connection
	"journal_size_limit(8388608)",
}

const (
	maxConnections     = 4
	maxIdleConnections = 2
)

// Open opens the database at path, makes it and its folder where they are missing (for this user's
// eyes only), and migrates it. It logs to log what it migrates and what it tries again.
//
// Errors: orchestrator.ErrStoreUnavailable with the remedy when the file cannot be used;
// store.ErrNewerSchema when a newer program wrote it.
func Open(ctx context.Context, path string, log logrus.FieldLogger, options ...store.Option) (*store.Store, error) {
	return open(ctx, path, log, pragmas, options...)
}

func open(ctx context.Context, path string, log logrus.FieldLogger, pragmas []string, options ...store.Option) (*store.Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find database %q: %w", path, err)
	}
	if err := checkPlace(filepath.Dir(path), unix.Statfs, mountTable); err != nil {
		return nil, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create database %q: %w: %w; let this user write there", path, orchestrator.ErrStoreUnavailable, err)
	}
	// Where the kernel has them, locks of the open file instead of the process's: those would all be
	// lost whenever anything in this process opened the file and closed it again, such as a backup.
	if _, err := driver.OFDLocking(true); err != nil && !errors.Is(err, driver.ErrOFDLockingUnavailable) &&
		!errors.Is(err, driver.ErrOFDLockingTooLate) {
		return nil, fmt.Errorf("choose locks of database %q: %w", path, err)
	}
	db, err := sql.Open("sqlite", address(path, pragmas))
	if err != nil {
		return nil, fmt.Errorf("open database %q: %w", path, err)
	}
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxIdleConnections)

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	config := store.Config{DB: db, Dialect: &dialect{path: path}, Locker: locker{path}, Goose: goose.DialectSQLite3, Migrations: files, Log: log}
	for _, option := range options {
		option(&config)
	}
	return store.New(ctx, config)
}

// create makes the file and its folder. SQLite gives its companion files the rights of the file.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// address names the database to the driver. Times are kept as whole microseconds.
func address(path string, pragmas []string) string {
	query := url.Values{
		"_pragma":              pragmas,
		"_txlock":              {"immediate"}, // every transaction writes: wait at its begin, never in its middle
		"_time_integer_format": {"unix_micro"},
		"_inttotime":           {"1"},
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String()
}
