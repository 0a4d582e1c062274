package cli_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	p := newPlace(t, "CHORTLE_DATABASE_URL="+server.Database(t), "CHORTLE_STORE_RETRY=500ms").alice()
	b := p.block()
	server.Stop(t) // in the middle of a run
	if err := syscall.Kill(b.decoder, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.waitFor(t, "database unavailable")
	if state := b.wait(t); state.ExitCode() != orchestrator.ExitFailed {
		t.Errorf("a run whose database went away: %v", state)
	}
	if r := p.run(day...); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "database unavailable") {
		t.Errorf("a run without its database: %+v", r)
	}
	server.Restart(t)
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0) == nil || at(laughs, "laughs", 1) != nil {
		t.Errorf("what was stored before: %v", laughs)
	}
	next := p.json(orchestrator.ExitIncomplete, day...)
	if at(next, "users", 0, "recordings", "skipped") != 1.0 || at(next, "users", 0, "recordings", "failed") != 1.0 {
		t.Errorf("the next run: %v", next)
	}
}
