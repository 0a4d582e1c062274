package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// schemaOf makes a database of an older schema with these rows, and returns its path.
func schemaOf(t *testing.T, version int64, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chortle.db")
	db, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return path
}

// TestAFailedMigrationNamesTheCopy: it says where the database is as it was, and a copy that cannot be made keeps the schema
// as it is. A new database has nothing to keep.
func TestAFailedMigrationNamesTheCopy(t *testing.T) {
	t.Parallel()
	path := schemaOf(t, 13)
	all, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	broken := fstest.MapFS{"9999_broken.sql": {Data: []byte("-- +goose Up\nALTER TABLE nowhere ADD COLUMN x TEXT;\n")}}
	for _, name := range []string{"0001_initial.sql", "0002_secrets.sql"} {
		if content, err := fs.ReadFile(all, name); err == nil {
			broken[name] = &fstest.MapFile{Data: content}
		}
	}
	asked := 0
	keep := func(failure error) store.Option {
		return func(c *store.Config) {
			c.Migrations = broken
			c.BeforeMigration = func(_ context.Context, _ *store.Store, from, to int64) (string, error) {
				if asked++; from != 13 || to != 9999 {
					t.Errorf("from %d to %d", from, to)
				}
				return "/data/copy.db", failure
			}
		}
	}
	if _, err := Open(t.Context(), path, quiet(), keep(nil)); err == nil || !strings.Contains(err.Error(), "/data/copy.db") {
		t.Errorf("a failed migration: %v", err)
	}
	if _, err := Open(t.Context(), path, quiet(), keep(errors.New("no room"))); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("no copy: %v", err)
	}
	fresh, err := Open(t.Context(), filepath.Join(t.TempDir(), "new.db"), quiet(), func(c *store.Config) {
		c.BeforeMigration = func(context.Context, *store.Store, int64, int64) (string, error) { return "", errors.New("asked") }
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Close(); err != nil || asked != 2 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// TestModelVersionsMigration: the table of models is made anew under the rows that refer to it.
func TestModelVersionsMigration(t *testing.T) {
	t.Parallel()
	path := schemaOf(t, 3,
		"INSERT INTO users (id, name, timezone, source, priority, threshold, inferd, enabled) VALUES (1, 'alice', 'UTC', 'folder:/x', 1, 0, '', 1)",
		"INSERT INTO models (id, name, sha256, laughter) VALUES (5, 'yamnet', 'abc', '[]'), (6, 'loud', '', '[]')",
		"INSERT INTO runs VALUES ('run', 'manual', 0, 0, 'ok', 0, '')",
		`INSERT INTO recordings VALUES (1, 1, 'sha', 'a.ogg', 1, 0, 0, 'name', 0, 100, 'done', 0, '', 'run')`,
		`INSERT INTO laughs VALUES (1, 1, 1, 5, 0, 1000, 0, 16, 0.5, 'Laughter', '{}', '', '', 0, '')`,
		`INSERT INTO run_users VALUES (1, 'run', 1, '2026-11-22', 'UTC', 'ok', 1, 1, 0, 0, 0, 100, 1, 1, 0, 0, 0, 0, 0, '{}', 5,
			'7', 'inferd', 10, 5, 1, 1, 0, 0, 0, 0, 0, 0, '{}')`)
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	laughs := 0
	for laugh, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil || laugh.Model != "yamnet" || laugh.ModelVersion != "7" || laugh.ModelSHA256 != "abc" {
			t.Errorf("laugh is %+v (%v)", laugh, err)
		}
		laughs++
	}
	if laughs != 1 {
		t.Errorf("%d laughs are left; want 1", laughs)
	}
	if err := execute(path, "DELETE FROM models WHERE id = 5"); err == nil {
		t.Error("a model to which laughs refer can be deleted")
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestImportedSourcesMigration: users who were imported get the address that users have who are added.
func TestImportedSourcesMigration(t *testing.T) {
	t.Parallel()
	const add = "INSERT INTO users (name, timezone, source, priority, threshold, inferd, enabled) VALUES "
	path := schemaOf(t, 6, add+"('alice', 'UTC', 'limitless', 0, 0, '', 1), ('bob', 'UTC', 'limitless', 7, 0, '', 1), ('carol', 'UTC', 'folder:limitless', 0, 0, '', 1)")
	s, err := Open(t.Context(), path, quiet())
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
