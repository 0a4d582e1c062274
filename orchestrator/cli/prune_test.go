package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Nothing is deleted unless a rule says so; a plan changes nothing; a run carries the rules out at its end, unless its
// clock may be wrong.
func TestPrune(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	if done := p.json(0, "prune"); at(done, "users", 0, "clips", "deleted") != 0.0 || len(p.clipFiles()) != 1 {
		t.Errorf("without a rule: %v", done)
	}
	if shown := p.json(0, "user", "set", "alice", "--keep", "days=30, size=5GB"); at(shown, "keep") != "days=30 size=5000000000" {
		t.Errorf("%v", shown)
	}
	if r := p.run("user", "set", "alice", "--keep", "weeks=3"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "maybe-days=") {
		t.Errorf("unknown word: %+v", r)
	}
	later := func() time.Time { return time.Date(2027, 1, 20, 4, 0, 0, 0, time.UTC) }
	if plan := p.runAt(t.Context(), later, "", "prune", "--dry-run"); plan.code != 0 || !strings.Contains(plan.stdout, "1 age") || len(p.clipFiles()) != 1 {
		t.Errorf("plan: %+v", plan)
	}
	if r := p.runAt(t.Context(), later, "", "run", "--user", "alice"); len(p.clipFiles()) != 1 || !strings.Contains(r.stderr, "or the clock is wrong") {
		t.Errorf("after a long pause: %+v", r)
	}
	next := func() time.Time { return later().Add(24 * time.Hour) }
	if r := p.runAt(t.Context(), next, "", "run", "--user", "alice"); len(p.clipFiles()) != 0 || !strings.Contains(r.stderr, `"by_rule":"map[age:1]"`) {
		t.Errorf("the night after: %+v", r)
	}
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0, "clip") != "" {
		t.Errorf("the row stays: %v", laughs)
	}
	if p.json(0, "user", "set", "alice", "--keep", "")["keep"] != "" {
		t.Error("nothing of one's own")
	}
}

// A disk that is nearly full costs laughs their clips only; they can be cut once there is room, and nobody is left in the
// dark.
func TestANearlyFullDisk(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_CLIP_ROOM=900TB", "CHORTLE_ALERT_DISK_FREE=900TB").alice()
	r := p.run(day...)
	if r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stdout, "laughs are stored without clips") || !strings.Contains(r.stdout, "run --user alice --date 2026-11-22 --reprocess") {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(r.stderr, `"alert":"disk_low"`) || strings.Count(r.stderr, `"alert":"disk_low"`) != 1 {
		t.Errorf("one disk, one alert: %s", r.stderr)
	}
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0, "clip") != "" || len(p.clipFiles()) != 0 {
		t.Errorf("%v", laughs)
	}
	p.environ = append(p.environ, "CHORTLE_CLIP_ROOM=0", "CHORTLE_ALERT_DISK_FREE=0")
	p.must(append(day, "--reprocess")...)
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0, "clip") == "" || len(p.clipFiles()) != 1 {
		t.Errorf("with room: %v", laughs)
	}
	if out := p.must("doctor"); !strings.Contains(out, "1 clips, each with its laugh") || !strings.Contains(out, "everything is kept") {
		t.Errorf("doctor: %s", out)
	}
}
