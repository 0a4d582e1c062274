// Package pgtest gives tests a real PostgreSQL server: that of CHORTLE_TEST_POSTGRES_URL where it is
// set, else one that it starts from the programs of this machine, reachable by a Unix socket only, and
// as an unprivileged user where the tests run as root. It ends with the test process, however that ends.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// external names the setting with the address of a server that runs already. Its user must be allowed
// to create databases.
const external = "CHORTLE_TEST_POSTGRES_URL"

var (
	mutex  sync.Mutex
	shared *Server // of this test process; nil until a test needs it
	count  atomic.Int64
)

// Main runs the tests of a package, stops the server, and fails where a goroutine is left. Call it as
// the whole of TestMain; it does not return.
func Main(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.remove()
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Database makes an empty database for the test on the server that all tests of the process share,
// and returns its address.
func Database(t testing.TB) string {
	t.Helper()
	if address := os.Getenv(external); address != "" {
		return temporary(t, address)
	}
	mutex.Lock()
	defer mutex.Unlock()
	if shared == nil {
		server, err := launch(programs(t))
		if err != nil {
			t.Fatal(err)
		}
		shared = server
	}
	return temporary(t, shared.address("postgres"))
}

// Start starts a server for the test alone, which may stop it. It is gone at the end of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	server, err := launch(programs(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.remove)
	return server
}

// Database makes an empty database on the server and returns its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	made, _ := create(t, s.address("postgres"))
	return made
}

// temporary makes a database beside the one at address, and drops it at the end of the test.
func temporary(t testing.TB, address string) string {
	t.Helper()
	made, name := create(t, address)
	t.Cleanup(func() { execute(t, address, "DROP DATABASE "+name+" WITH (FORCE)") })
	return made
}

// Execute runs statements in the database at address.
func Execute(t testing.TB, address, statements string) {
	t.Helper()
	execute(t, address, statements)
}

// create makes a database beside the one at address.
func create(t testing.TB, address string) (made, name string) {
	t.Helper()
	name = fmt.Sprintf("chortle_test_%d_%d", os.Getpid(), count.Add(1))
	execute(t, address, "CREATE DATABASE "+name)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String(), name
}

// execute runs a statement on a connection of its own.
func execute(t testing.TB, address, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// programs returns the folder of initdb and postgres.
func programs(t testing.TB) string {
	t.Helper()
	for _, dir := range candidates(testkit.Root()) {
		if complete(dir) {
			return dir
		}
	}
	testkit.Missing(t, "a PostgreSQL server (initdb and postgres)")
	return ""
}
