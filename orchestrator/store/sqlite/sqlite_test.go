package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(helper); path != "" {
		hold(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// hold takes the lock of the first user, says so, and waits to be killed.
func hold(path string) {
	s, err := Open(context.Background(), path, quiet())
	if err == nil {
		_, err = s.LockUser(context.Background(), 1)
	}
	if err != nil {
		fmt.Print(err)
		return
	}
	fmt.Print("held")
	_, _ = os.Stdin.Read(make([]byte, 1)) // nobody writes
}

// holds finds the file below a folder that has a word in it.
func holds(dir, word string) (where string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(word)) {
			where = path
		}
		return err
	})
	return where, err
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Database {
		path := filepath.Join(t.TempDir(), "data", "chortle.db")
		return storetest.Database{
			Open:    func() (*store.Store, error) { return Open(t.Context(), path, quiet()) },
			Execute: func(statement string) error { return execute(path, statement) },
			Holds:   func(word string) (string, error) { return holds(filepath.Dir(path), word) },
		}
	})
}

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// execute runs a statement past the store.
func execute(path, statement string) error {
	db, err := openRaw(path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

func openRaw(path string) (*sql.DB, error) { return sql.Open("sqlite", address(path, pragmas)) }

func BenchmarkSaveDay(b *testing.B) {
	path := filepath.Join(b.TempDir(), "chortle.db")
	storetest.Bench(b, func(testing.TB) storetest.Database {
		return storetest.Database{Open: func() (*store.Store, error) { return Open(b.Context(), path, quiet()) }}
	}, func() int64 {
		if err := execute(path, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return info.Size()
	})
}

// A table that a migration adds must be in a backup, too. Sessions and invitations are not: a backup lets nobody in.
func TestEveryTableIsDumped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chortle.db")
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	got := []string{"sessions", "invitations", "devices", "backups", "attempts"}
	_, err = s.Dump(t.Context(), func(table orchestrator.Table) error { got = append(got, table.Name); return nil })
	if err != nil {
		t.Fatal(err)
	}
	db, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil || !slices.Contains(got, name) {
			t.Errorf("table %q is not dumped, %v", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}
