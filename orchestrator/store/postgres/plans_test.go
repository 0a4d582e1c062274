package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

// listening notes the statements that pass.
type listening struct {
	store.Dialect
	mu         sync.Mutex
	statements []string
}

func (l *listening) Bind(query string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	bound := l.Dialect.Bind(query)
	l.statements = append(l.statements, bound)
	return bound
}

// since returns the statements from the nth on.
func (l *listening) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.statements[n:])
}

var parameter = regexp.MustCompile(`\$\d+`)

// plan is what the server would do with a statement that it prepared, a line a step.
func plan(t *testing.T, conn *pgx.Conn, statement string) string {
	t.Helper()
	ctx := t.Context()
	count := map[string]bool{}
	for _, p := range parameter.FindAllString(statement, -1) {
		count[p] = true
	}
	execute := "EXPLAIN EXECUTE statement"
	if len(count) > 0 {
		execute += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", len(count)), ", ") + ")"
	}
	for _, command := range []string{"DEALLOCATE ALL", "PREPARE statement AS " + statement} {
		if _, err := conn.Exec(ctx, command); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	rows, err := conn.Query(ctx, execute, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return strings.Join(steps, "\n")
}

// TestPagesUseIndexes: with sequential scans forbidden as far as possible, none is left but of users, whose number is
// small: there is an index for all that a page asks for.
func TestPagesUseIndexes(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	listener := &listening{}
	s, err := Open(t.Context(), address, quiet(), func(c *store.Config) { listener.Dialect, c.Dialect = c.Dialect, listener })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	user, err := s.AddUser(t.Context(), storetest.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	today := orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	storetest.Years(t, s, user, today, 420, 3)
	if err := execute(address, "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	scan := regexp.MustCompile(`Seq Scan on (\w+)`)
	for name, page := range storetest.Pages(user.ID, today) {
		before := len(listener.since(0))
		if err := page(t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, statement := range listener.since(before) {
			steps := plan(t, conn, statement)
			if testing.Verbose() {
				t.Logf("%s: %s\n%s", name, statement, steps)
			}
			for _, found := range scan.FindAllStringSubmatch(steps, -1) {
				if found[1] != "users" && found[1] != "models" && found[1] != "policies" {
					t.Errorf("%s: %s\n%s", name, statement, steps)
				}
			}
		}
	}
}

// BenchmarkPages measures the queries of pages: go test -bench Pages -cpu 1 -run '^$' ./orchestrator/store/postgres
func BenchmarkPages(b *testing.B) {
	address := pgtest.Database(b)
	s, err := Open(b.Context(), address, quiet())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	storetest.BenchPages(b, s, func() {
		if err := execute(address, "VACUUM ANALYZE"); err != nil {
			b.Fatal(fmt.Errorf("settle: %w", err))
		}
	})
}
