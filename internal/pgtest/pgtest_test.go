package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chortle-audio/chortle/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	first, second := pgtest.Database(t), pgtest.Database(t)
	run(t, first, "CREATE TABLE a (n int)")
	run(t, second, "CREATE TABLE a (n int)")
}

func TestAServerKeepsItsDataOverACrash(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	address := server.Database(t)
	run(t, address, "CREATE TABLE a AS SELECT 7 AS n")
	server.Stop(t)
	if _, err := pgx.Connect(context.Background(), address); err == nil {
		t.Fatal("a stopped server answers")
	}
	server.Restart(t)
	run(t, address, "SELECT n FROM a")
}

func run(t *testing.T, address, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
