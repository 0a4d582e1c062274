package sqlite

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

// counting counts statements: each is bound once.
type counting struct {
	store.Dialect
	statements atomic.Int64
}

func (c *counting) Bind(query string) string {
	c.statements.Add(1)
	return c.Dialect.Bind(query)
}

// TestDefectStatementsDoNotGrowWithLaughs: the system before took 582 statements to store one laugh of
// thirty seconds.
func TestDefectStatementsDoNotGrowWithLaughs(t *testing.T) {
	t.Parallel()
	counter := &counting{}
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "chortle.db"), quiet(), func(c *store.Config) {
		counter.Dialect, c.Dialect = c.Dialect, counter
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	user, err := s.AddUser(t.Context(), storetest.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	save := func(hours, laughs int) int64 {
		t.Helper()
		var heard []orchestrator.Laugh
		for i := range laughs {
			heard = append(heard, storetest.At(float64(i), float64(i)+0.5))
		}
		rec := storetest.Recording(fmt.Sprintf("%d.ogg", hours), time.Unix(0, 0).Add(time.Duration(hours)*time.Hour))
		before := counter.statements.Load()
		if _, err := s.SaveRecording(t.Context(), storetest.Result(user, rec, heard...)); err != nil {
			t.Fatal(err)
		}
		return counter.statements.Load() - before
	}
	save(0, 0)
	one, many := save(0, 1), save(1, 200)
	if one > 11 || many > one+2 {
		t.Errorf("one laugh takes %d statements, 200 take %d", one, many)
	}

	before := counter.statements.Load()
	for run := range 50 {
		id := time.Unix(int64(run), 0).UTC().Format(time.RFC3339)
		if err := s.BeginRun(t.Context(), orchestrator.Run{ID: id, StartedAt: time.Unix(int64(run), 0)}); err != nil {
			t.Fatal(err)
		}
		day := orchestrator.UserDay{UserID: user.ID, Date: orchestrator.DateOf(time.Unix(0, 0)), Errors: make([]orchestrator.RunError, 3)}
		if err := s.SaveDay(t.Context(), id, day); err != nil {
			t.Fatal(err)
		}
	}
	if runs, err := s.Runs(t.Context(), 50); err != nil || len(runs) != 50 || len(runs[49].Days[0].Errors) != 3 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	stored := counter.statements.Load() - before
	if _, err := s.Runs(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	if n := counter.statements.Load() - before - stored; n > 4 {
		t.Errorf("listing 50 runs takes %d statements", n)
	}
}
