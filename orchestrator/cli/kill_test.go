package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// A run that is killed with SIGKILL at any moment, and again, and again: the run that comes to its end leaves the
// same rows and the same clips as one that nobody disturbed. Moments are drawn until enough of them were within a run.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	places, wanted, most := 10, 100, 200 // for each database: at once, kills of a run under way, and places in all
	if testing.Short() {
		places, wanted = 2, 4
	}
	sound := map[string][]recorded{"alice": {{9*time.Hour + 7*time.Minute, 40 * time.Second}, {14 * time.Hour, 40 * time.Second}}}
	const chunk = "CHORTLE_CHUNK_MINUTES=120"
	calm := newAPI(t, sound, chunk)
	began := time.Now()
	if err := calm.begin().Wait(); err != nil {
		t.Fatal(err)
	}
	long := time.Since(began)
	undisturbed := calm.results("alice")

	server := pgtest.Start(t)
	for name, database := range map[string]func(t testing.TB) []string{
		"sqlite":   func(testing.TB) []string { return []string{chunk} },
		"postgres": func(t testing.TB) []string { return []string{chunk, "CHORTLE_DATABASE_URL=" + server.Database(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var killed atomic.Int64
			seed := 0
			for ; killed.Load() < int64(wanted) && seed < most; seed += places {
				t.Run(fmt.Sprint("from ", seed), func(t *testing.T) {
					for i := range places {
						t.Run(fmt.Sprint(i), func(t *testing.T) {
							t.Parallel()
							a := newAPI(t, sound, database(t)...)
							a.killAtMoments(rand.New(rand.NewPCG(uint64(seed+i), 42)), long)
							killed.Add(a.unfinished())
							a.runToTheEnd()
							if diff := cmp.Diff(undisturbed, a.results("alice")); diff != "" {
								t.Errorf("-undisturbed +killed:\n%s", diff)
							}
							if left := a.tree("data/users"); len(left) > 0 {
								t.Errorf("downloads left: %v", left)
							}
						})
					}
				})
			}
			t.Logf("%d runs killed under way, in %d places", killed.Load(), seed)
			if killed.Load() < int64(wanted) {
				t.Errorf("only %d runs were killed under way, want %d", killed.Load(), wanted)
			}
		})
	}
}

// begin begins a run as a process of its own.
func (a *api) begin() *exec.Cmd {
	a.Helper()
	bin, err := programs()
	if err != nil {
		a.Fatal(err)
	}
	run := exec.Command(bin+"/orchestrator", "run", "--date", "2026-11-22")
	run.Env = a.environ
	if err := run.Start(); err != nil {
		a.Fatal(err)
	}
	return run
}

// killAtMoments kills some runs, each at a moment of the time that one takes, until one comes to its end before.
func (a *api) killAtMoments(random *rand.Rand, long time.Duration) {
	a.Helper()
	for range 10 {
		run := a.begin()
		timer := time.AfterFunc(time.Duration(random.Float64()*float64(long)), func() { _ = run.Process.Kill() })
		err := run.Wait()
		timer.Stop()
		if err == nil {
			return
		}
	}
}

// unfinished counts the runs that were begun and never ended.
func (a *api) unfinished() (n int64) {
	a.Helper()
	s := a.openStore()
	defer s.Close()
	runs, err := s.Runs(a.Context(), 100)
	if err != nil {
		a.Fatal(err)
	}
	for _, run := range runs {
		if run.FinishedAt.IsZero() || run.Error == store.NeverEnded {
			n++
		}
	}
	return n
}

// runToTheEnd runs the day until nothing keeps it away any more: a server may take a moment to see that its client
// was killed, and a child that was just being started has the lock of its parent until it is a program of its own.
// What was under way in three runs that were killed is given up, for it may be what kills them, until it is asked for.
func (a *api) runToTheEnd() {
	a.Helper()
	args := append(slices.Clone(day), "--json")
	for kept := 0; kept < 1000; kept++ {
		r := a.run(args...)
		if r.code == orchestrator.ExitLocked {
			continue
		}
		var run map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &run); err != nil {
			a.Fatalf("%v\n%s", err, r.stderr)
		}
		if given := at(run, "users", 0, "recordings", "given_up"); given != 0.0 && given != nil {
			args = append(slices.Clone(day), "--json", "--reprocess")
			continue
		}
		if at(run, "users", 0, "status") == "ok" {
			return
		}
		if at(run, "users", 0, "status") != "skipped" {
			a.Fatalf("the last run: %v", run)
		}
	}
	a.Fatal("the day is still kept away")
}
