package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/storetest"
	"github.com/chortle-audio/chortle/orchestrator/store"
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

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Database {
		path := filepath.Join(t.TempDir(), "data", "chortle.db")
		return storetest.Database{
			Open:    func() (*store.Store, error) { return Open(t.Context(), path, quiet()) },
			Execute: func(statement string) error { return execute(path, statement) },
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
