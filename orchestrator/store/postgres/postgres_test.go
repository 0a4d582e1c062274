package postgres

import (
	"context"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Database {
		address := pgtest.Database(t)
		return storetest.Database{
			Open:    func() (*store.Store, error) { return Open(t.Context(), address, quiet()) },
			Execute: func(statement string) error { return execute(address, statement) },
			Holds:   func(word string) (string, error) { return holds(address, word) },
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

// holds finds a table that has a word in one of its rows.
func holds(address, word string) (where string, err error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		return "", err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	for _, table := range tables {
		var count int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" row WHERE row::text LIKE '%' || $1 || '%'", word).Scan(&count)
		if err != nil {
			return "", err
		}
		if count > 0 {
			where = table
		}
	}
	return where, nil
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
