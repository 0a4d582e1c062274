package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// A model that is killed over its limit costs the nights on which that happens, and no recording for good.
func TestTheMemoryLimitLosesNoRecording(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	greedy := testkit.Python(t) + " " + p.file("", "greedy.py", fmt.Appendf(nil, faulty, "taken = b'x' * (200 << 20); import time; time.sleep(600)"))
	environ := p.environ
	p.environ = append(p.environ, "CHORTLE_MODEL_MEMORY_LIMIT=160M")
	for range orchestrator.MaxAttempts {
		run := p.json(orchestrator.ExitIncomplete, append(day, "--model", greedy)...)
		if at(run, "users", 0, "recordings", "failed") != 1.0 || !strings.Contains(fmt.Sprint(at(run, "users", 0, "errors")), "CHORTLE_MODEL_MEMORY_LIMIT") {
			t.Fatalf("under a limit that is too low: %v", run)
		}
	}
	p.environ = environ
	if run := p.json(0, day...); at(run, "users", 0, "recordings", "processed") != 1.0 || at(run, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("without it: %v", run)
	}
}

// What is given up is told by a run of its day, and by status with the command that tries again; it is no
// failure of that run, and no alert.
func TestWhatIsGivenUpIsTold(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	good := p.path("alice/2026-11-22T14-30-00Z.ogg")
	p.file("alice", "2026-11-22T23-59-00Z.ogg", []byte("no sound"))
	p.must("user", "set", "alice", "--timezone", "Asia/Tokyo") // where that is the 23rd
	p.file("alice", "2026-11-23T08-00-00Z.ogg", []byte("no sound either"))
	tokyo := []string{"run", "--date", "2026-11-23"}
	for range orchestrator.MaxAttempts {
		p.json(orchestrator.ExitIncomplete, tokyo...)
	}
	p.must(day...) // the good one, of the 22nd

	run := p.json(0, tokyo...)
	want := map[string]any{"found": 2.0, "processed": 0.0, "skipped": 2.0, "given_up": 2.0, "failed": 0.0, "left": 0.0}
	if diff := cmp.Diff(want, at(run, "users", 0, "recordings")); diff != "" {
		t.Errorf("run: %s", diff)
	}
	if diff := cmp.Diff(run, p.json(0, "runs", "show", "--last")); diff != "" {
		t.Errorf("runs show: %s", diff)
	}
	if out := p.must("runs", "show"); !strings.Contains(out, "2 given up") || strings.Contains(out, "known") {
		t.Errorf("for people:\n%s", out)
	}
	again := "orchestrator run --user alice --date 2026-11-23 --reprocess"
	lost := at(p.json(0, "status"), "users", 0, "given_up")
	if at(lost, 0, "recording") != "2026-11-22T23-59-00Z.ogg" || at(lost, 0, "start") != "2026-11-22T23:59:00.000Z" || at(lost, 0, "attempts") != 3.0 ||
		at(lost, 0, "remedy") != again || !strings.Contains(fmt.Sprint(at(lost, 0, "reason")), "bad recording") || at(lost, 1) == nil || at(lost, 2) != nil {
		t.Errorf("status: %v", lost)
	}
	if out := p.must("status"); !strings.Contains(out, "given up: alice 2026-11-22T23-59-00Z.ogg, tried 3 times") || !strings.Contains(out, again) || strings.Contains(out, "All is well") {
		t.Errorf("status for people:\n%s", out)
	}

	p.file("alice", "2026-11-23T08-00-00Z.ogg", p.content(good, 7)) // repaired: it has other content
	p.file("alice", "2026-11-22T23-59-00Z.ogg", p.content(good, 8))
	run = p.json(0, strings.Fields(again)[1:]...)
	if at(run, "users", 0, "recordings", "processed") != 2.0 {
		t.Errorf("repaired: %v", run)
	}
	if out := p.must("status"); strings.Contains(out, "given up:") || !strings.Contains(out, "All is well") {
		t.Errorf("status after it:\n%s", out)
	}
}
