package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
)

// A run that is killed with SIGKILL at any moment, and again, and again: the run that comes to its end leaves the
// same rows and the same clips as one that nobody disturbed.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	places, kills := 20, 5 // for each database
	if testing.Short() {
		places = 2
	}
	sound := map[string][]recorded{"alice": {{9*time.Hour + 7*time.Minute, 40 * time.Second}, {14 * time.Hour, 40 * time.Second}}}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	// start begins a run as a process of its own.
	start := func(t *testing.T, a *api) *exec.Cmd {
		t.Helper()
		run := exec.Command(bin+"/orchestrator", "run", "--date", "2026-11-22")
		run.Env = a.environ
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		return run
	}
	const chunk = "CHORTLE_CHUNK_MINUTES=120"
	calm := newAPI(t, sound, chunk)
	began := time.Now()
	if err := start(t, calm).Wait(); err != nil {
		t.Fatal(err)
	}
	long := time.Since(began)
	wanted := calm.results("alice")

	server := pgtest.Start(t)
	for name, database := range map[string]func(t testing.TB) []string{
		"sqlite":   func(testing.TB) []string { return []string{chunk} },
		"postgres": func(t testing.TB) []string { return []string{chunk, "CHORTLE_DATABASE_URL=" + server.Database(t)} },
	} {
		for seed := range places {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(uint64(seed), 42))
				a := newAPI(t, sound, database(t)...)
				for range kills {
					run := start(t, a)
					time.AfterFunc(time.Duration(random.Float64()*float64(long)), func() { _ = run.Process.Kill() })
					_ = run.Wait() // killed, or done
				}
				// A server may take a moment to see that its client was killed, and so may a child that the killed
				// run was just forking, which has its locks until it runs another program.
				for skipped := 0; ; skipped++ {
					r := a.run(append(day, "--json")...)
					var run map[string]any
					if err := json.Unmarshal([]byte(r.stdout), &run); err != nil {
						t.Fatalf("%v\n%s", err, r.stderr)
					}
					if at(run, "users", 0, "status") == "ok" {
						break
					}
					if at(run, "users", 0, "status") != "skipped" && r.code != orchestrator.ExitLocked || skipped > 100 {
						t.Fatalf("the last run: %v", run)
					}
				}
				if diff := cmp.Diff(wanted, a.results("alice")); diff != "" {
					t.Errorf("-undisturbed +killed:\n%s", diff)
				}
				if left := a.tree("data/users"); len(left) > 0 {
					t.Errorf("downloads left: %v", left)
				}
			})
		}
	}
}
