package sqlite

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

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
	l.statements = append(l.statements, query)
	return l.Dialect.Bind(query)
}

// since returns the statements from the nth on.
func (l *listening) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.statements[n:])
}

var parameter = regexp.MustCompile(`\?\d+`)

// plan is what SQLite would do, a line a step.
func plan(t *testing.T, db *sql.DB, statement string) (steps []string) {
	t.Helper()
	count := map[string]bool{}
	for _, p := range parameter.FindAllString(statement, -1) {
		count[p] = true
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+statement, make([]any, len(count))...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestPagesUseIndexes: no query of a page goes through all rows of anything but users, whose number is small, and the
// number of queries does not depend on what is stored.
func TestPagesUseIndexes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chortle.db")
	listener := &listening{}
	s, err := Open(t.Context(), path, quiet(), func(c *store.Config) { listener.Dialect, c.Dialect = c.Dialect, listener })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	user, err := s.AddUser(t.Context(), storetest.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	today := orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	storetest.Years(t, s, user, today, 420, 3)
	small := regexp.MustCompile(`^SCAN (u|users|chosen|found|hours|h|c|\(subquery-\d+\)|CONSTANT ROW|[a-z] USING INDEX (ledger_failed|recordings_failed))( |$)`) // those two have the rows that are looked for, and no other
	for name, page := range storetest.Pages(user.ID, today) {
		before := len(listener.since(0))
		if err := page(t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		statements := listener.since(before)
		if len(statements) > 14 {
			t.Errorf("%s takes %d queries", name, len(statements))
		}
		for _, statement := range statements {
			steps := plan(t, db, statement)
			list := strings.Contains(statement, "FROM laughs l") && strings.Contains(statement, "\n	FROM") && strings.Contains(statement, "LIMIT") // comes in order
			if few := strings.Contains(statement, "ORDER BY COALESCE("); list && few {                                                             // but for starred ones, which are few
				list = false
				if !strings.Contains(strings.Join(steps, "\n"), "USING INDEX laughs_star") {
					t.Errorf("%s: not by the index of stars: %s\n%s", name, statement, strings.Join(steps, "\n"))
				}
			}
			for _, step := range steps {
				if strings.HasPrefix(step, "SCAN") && !small.MatchString(step) || strings.Contains(step, "AUTOMATIC") || list && strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s: %s\n%s", name, statement, strings.Join(steps, "\n"))
				}
			}
			if testing.Verbose() {
				t.Logf("%s: %s\n  %s", name, statement, strings.Join(steps, "\n  "))
			}
		}
	}
}

// BenchmarkPages measures the queries of pages: go test -bench Pages -cpu 1 -run '^$' ./orchestrator/store/sqlite
func BenchmarkPages(b *testing.B) {
	unsafe := slices.Clone(pragmas) // only reads are measured
	unsafe[slices.Index(unsafe, "synchronous(FULL)")] = "synchronous(OFF)"
	s, err := open(b.Context(), filepath.Join(b.TempDir(), "chortle.db"), quiet(), unsafe)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	storetest.BenchPages(b, s, func() {})
}
