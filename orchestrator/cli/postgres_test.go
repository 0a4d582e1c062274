package cli_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
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

// TestMachinesThatShareADatabase: while one machine reads a night, no other one backs up, restores or changes the key, as
// clips and rows change under it; both may read. While one backs up, none reads.
func TestMachinesThatShareADatabase(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_DATABASE_URL="+pgtest.Start(t).Database(t)).alice()
	p.must("key", "new", p.path("next.key"))
	other := p.openStore()
	run := append(slices.Clone(day), "--user", "alice")
	alone := [][]string{{"backup", p.path("backup.tar")}, {"restore", p.path("backup.tar"), "--replace", "--yes"}, {"key", "rotate", "--new-key-file", p.path("next.key")}}
	expect := func(commands [][]string, locked bool, when string) {
		t.Helper()
		for _, command := range commands {
			r := p.run(command...)
			if is := r.code == orchestrator.ExitLocked && strings.Contains(r.stderr, "on another machine"); is != locked {
				t.Errorf("%v %s: %+v", command, when, r)
			}
		}
	}
	release, err := other.LockShared(t.Context(), store.WorkLock)
	if err != nil {
		t.Fatal(err)
	}
	expect(alone, true, "while the other machine reads")
	expect([][]string{run, {"rescore", "--threshold", "0.3"}}, false, "while the other machine reads")
	release()
	if release, err = other.LockExclusive(t.Context(), store.WorkLock); err != nil {
		t.Fatal(err)
	}
	expect(append(alone, run, []string{"rescore", "--threshold", "0.3"}, []string{"user", "wipe", "alice", "--yes"}), true, "while the other machine backs up")
	release()
	expect([][]string{{"backup", p.path("backup.tar")}, run}, false, "afterwards")
}
