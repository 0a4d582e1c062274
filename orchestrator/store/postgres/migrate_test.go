package postgres

import (
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
)

// TestImportedSourcesMigration: users who were imported get the address that users have who are added.
func TestImportedSourcesMigration(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	config, err := parse(address)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	const add = "INSERT INTO users (name, timezone, source, priority, threshold, inferd, enabled) VALUES "
	if err := execute(address, add+"('alice', 'UTC', 'limitless', 0, 0, '', TRUE), ('bob', 'UTC', 'limitless', 7, 0, '', TRUE), ('carol', 'UTC', 'folder:limitless', 0, 0, '', TRUE)"); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), address, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]orchestrator.User{"alice": {Source: "limitless:", Priority: 100}, "bob": {Source: "limitless:", Priority: 7}, "carol": {Source: "folder:limitless"}} {
		if user, err := s.User(t.Context(), name); err != nil || user.Source != want.Source || user.Priority != want.Priority {
			t.Errorf("%s is %+v (%v)", name, user, err)
		}
	}
}
