package postgres

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
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
	rows := map[string]int{}
	s, err := Open(t.Context(), address, quiet(), func(c *store.Config) {
		c.BeforeMigration = func(ctx context.Context, s *store.Store, from, _ int64) (string, error) { // as a backup does
			schema, err := s.Dump(ctx, func(table orchestrator.Table) error {
				for _, err := range table.Rows {
					if err != nil {
						return err
					}
					rows[table.Name]++
				}
				return nil
			})
			if schema != from || from != 6 {
				t.Errorf("schema %d is dumped from %d", schema, from)
			}
			return "", err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if rows["users"] != 3 {
		t.Errorf("an older schema is dumped with %v", rows)
	}
	for name, want := range map[string]orchestrator.User{"alice": {Source: "limitless:", Priority: 100}, "bob": {Source: "limitless:", Priority: 7}, "carol": {Source: "folder:limitless"}} {
		if user, err := s.User(t.Context(), name); err != nil || user.Source != want.Source || user.Priority != want.Priority {
			t.Errorf("%s is %+v (%v)", name, user, err)
		}
	}
}
