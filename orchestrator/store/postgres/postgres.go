// Package postgres keeps the store in a PostgreSQL database.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	maxConnections     = 4
	maxIdleConnections = 2
	maxIdleTime        = 5 * time.Minute
	connectTimeout     = 5 * time.Second
	statementCache     = 64 // prepared statements a connection
	// sessionSettings let the server give up what a lost program began. They are set by a statement
	// and not at the start of the session, which poolers refuse.
	sessionSettings = "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"
)

// Open connects to the database at a postgres:// address and migrates it; a server that cannot be
// reached is tried again for as long as store.RetryFor says. It logs to log what it migrates and what
// it tries again. A password never appears in an error.
//
// Users are locked for a session: a pooler between must keep one (PgBouncer's session mode).
//
// Errors: orchestrator.ErrStoreUnavailable when the server cannot be reached or does not let us in;
// store.ErrNewerSchema when a newer program wrote the database.
func Open(ctx context.Context, address string, log logrus.FieldLogger, options ...store.Option) (*store.Store, error) {
	config, err := parse(address)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sessionSettings)
		if err != nil {
			err = errors.Join(err, conn.Close(ctx))
		}
		return err
	}))
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxIdleConnections)
	db.SetConnMaxIdleTime(maxIdleTime)

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c := store.Config{DB: db, Dialect: &dialect{config}, Locker: newLocks(config), Goose: goose.DialectPostgres, Migrations: files, Log: log}
	for _, option := range options {
		option(&c)
	}
	return store.New(ctx, c)
}

// parse reads the address. What pgx says of a wrong one quotes it, and hides the password only where
// it can tell it; so the quotation goes.
func parse(address string) (*pgx.ConnConfig, error) {
	const remedy = "want postgres://USER@HOST:PORT/DATABASE"
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, fmt.Errorf("parse database address: it is not a postgres:// one; %s", remedy)
	}
	config, err := pgx.ParseConfig(address)
	if failure := (*pgconn.ParseConfigError)(nil); errors.As(err, &failure) {
		return nil, fmt.Errorf("parse database address: %s; %s", reason(failure), remedy)
	}
	if err != nil {
		return nil, fmt.Errorf("parse database address: it cannot be read; %s", remedy)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.StatementCacheCapacity = statementCache
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "chortle"
	}
	return config, nil
}

// reason is the driver's own words on an address, without the address and without the error behind
// them, which may quote a part of it.
func reason(failure *pgconn.ParseConfigError) string {
	whole := failure.Error()
	i := strings.LastIndex(whole, "`: ") // the end of the quotation
	if i < 0 {
		return "it cannot be read"
	}
	words, _, _ := strings.Cut(whole[i+len("`: "):], " (")
	if strings.Contains(words, "TLS") {
		return "its sslmode or certificates cannot be used"
	}
	return strings.Replace(words, "failed to ", "cannot ", 1)
}
