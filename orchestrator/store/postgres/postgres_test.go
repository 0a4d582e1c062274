package postgres

import (
	"context"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/internal/storetest"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Database {
		address := pgtest.Database(t)
		return storetest.Database{
			Open:    func() (*store.Store, error) { return Open(t.Context(), address, quiet()) },
			Execute: func(statement string) error { return execute(address, statement) },
		}
	})
}

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// execute runs a statement past the store.
func execute(address, statement string) error {
	conn, err := pgx.Connect(context.Background(), address)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), statement)
	return err
}

func BenchmarkSaveDay(b *testing.B) {
	address := pgtest.Database(b)
	storetest.Bench(b, func(testing.TB) storetest.Database {
		return storetest.Database{Open: func() (*store.Store, error) { return Open(b.Context(), address, quiet()) }}
	}, func() (bytes int64) {
		conn, err := pgx.Connect(b.Context(), address)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(b.Context())
		if err := conn.QueryRow(b.Context(), "SELECT pg_database_size(current_database())").Scan(&bytes); err != nil {
			b.Fatal(err)
		}
		return bytes
	})
}
