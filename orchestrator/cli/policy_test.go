package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// TestPolicyOfAUser: set, shown, explained, remembered and undone.
func TestPolicyOfAUser(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	id := fmt.Sprint(at(p.json(0, "laughs", "list"), "laughs", 0, "id"))
	why := p.must("laughs", "show", id, "--why")
	for _, want := range []string{"heard as Laughter 0.", "sure from 0.17", "policy threshold-1"} {
		if !strings.Contains(why, want) {
			t.Errorf("why lacks %q:\n%s", want, why)
		}
	}
	start := at(p.json(0, "laughs", "list"), "laughs", 0, "start")
	if got := p.must("policy", "explain", "--user", "alice", "--at", fmt.Sprint(start)); !strings.Contains(got, "stored as laugh "+id) {
		t.Errorf("explained: %s", got)
	}
	if got := p.must("policy", "explain", "--user", "alice", "--at", "2026-11-22T14:30:01Z"); !strings.Contains(got, "no laughter was heard") {
		t.Errorf("explained: %s", got)
	}

	p.must("policy", "set", "--user", "alice", `{"name": "alices", "longest_pause_s": 0.5, "classes": {"Giggle": {"sure": 0.9}}}`)
	if got := p.must("policy", "show", "--user", "alice"); !strings.Contains(got, "alices-1") || !strings.Contains(got, "Giggle") {
		t.Errorf("shown: %s", got)
	}
	p.must("policy", "set", "--user", "alice", "")
	if got := p.json(0, "policy", "history", "--user", "alice"); len(at(got, "changes").([]any)) != 2 {
		t.Errorf("history: %v", got)
	}
	p.must("policy", "undo", "--user", "alice")
	if at(p.json(0, "policy", "show", "--user", "alice"), "policy", "longest_pause_s") != 0.5 {
		t.Error("nothing was undone")
	}
	p.must("policy", "undo", "--user", "alice")
	if got := p.run("policy", "learn", "--user", "alice"); got.code != orchestrator.ExitIncomplete || !strings.Contains(got.stderr, "30 are needed: 30 more") {
		t.Errorf("learned of nothing: exit %d: %s", got.code, got.stderr)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no user":            {[]string{"policy", "show", "--user", "nobody"}, "nobody"},
		"nothing to undo":    {[]string{"policy", "undo", "--user", "alice"}, "never changed"},
		"out of range":       {[]string{"policy", "set", "--user", "alice", `{"classes": {"*": {"sure": 2}}}`}, "want above 0 and up to 1"},
		"release above":      {[]string{"policy", "set", "--user", "alice", `{"release": 0.9}`}, "release is 0.9, above"},
		"no classes":         {[]string{"policy", "set", "--user", "alice", `{"classes": {"*": null}}`}, "classes is empty"},
		"both for and none":  {[]string{"policy", "set", "--user", "alice", `{"classes": {"Giggle": {"sure": 0.3}}, "against": [{"classes": ["Giggle"], "weight": 1}]}`}, "both in classes and in against"},
		"a head of no shape": {[]string{"policy", "set", "--user", "alice", `{"head": {"name": "x", "version": 1, "classes": ["Laughter"], "around": 1, "weights": [1], "weight": 1}}`}, "1 weights; want 3"},
		"unknown field":      {[]string{"policy", "set", "--user", "alice", `{"sure": 1}`}, "sure"},
		"no such moment":     {[]string{"policy", "explain", "--user", "alice", "--at", "2001-01-01 00:00:00"}, "no recording"},
		"no time":            {[]string{"policy", "explain", "--user", "alice", "--at", "noon"}, "is no time"},
		"unknown company":    {[]string{"laughs", "list", "--with", "musik"}, "did you mean music?"},
	} {
		if got := p.run(c.args...); got.code != orchestrator.ExitUsage || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%s: exit %d, want %q: %s", name, got.code, c.says, got.stderr)
		}
	}
	if list := p.json(0, "laughs", "list", "--with", "music"); len(at(list, "laughs").([]any)) != 0 {
		t.Errorf("with music: %v", list)
	}
}

// TestLearnFromMarks: what a person marked wrong, told apart by another sound, is not found again under what was learned,
// and is again when that is undone.
func TestLearnFromMarks(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.environ = append(p.environ, "CHORTLE_THRESHOLD=")
	opened := p.openStore()
	alice, err := opened.User(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	model := orchestrator.Model{Name: "test", Version: "1", Laughter: []string{"Laughter", "Giggle"}, Heard: orchestrator.HumanClasses(), Window: 15600, Hop: 7680, LogitStep: 0.25}
	const marks = 40
	run := orchestrator.Run{ID: "learning", StartedAt: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Trigger: orchestrator.TriggerManual}
	if err := opened.BeginRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for i := range marks {
		scores := orchestrator.NewScores(model)
		for frame := range 20 {
			heard := make([]float32, len(model.Heard))
			for k := range heard {
				heard[k] = -8 + float32((i*7+k*3)%5)/4
			}
			logits := []float32{-20, -20}
			if frame == 10 {
				logits = []float32{-1 + float32(i%3)/2, -3}
				if i%2 == 1 { // a television laughs: something hums beside it
					heard[26] = 2
				}
			}
			if err := scores.Add(orchestrator.Frame{Offset: int64(frame) * model.Hop, Logits: logits, Heard: heard}); err != nil {
				t.Fatal(err)
			}
		}
		scores.Close(19*model.Hop + model.Window)
		policy := detect.DefaultPolicy()
		start := time.Date(2026, 11, 22, 8, i, 0, 0, time.UTC)
		result := orchestrator.Result{RunID: run.ID, UserID: alice.ID, Model: model, Scores: scores, Laughs: detect.Laughs(scores, policy), Policy: policy,
			Recording: orchestrator.Recording{Name: fmt.Sprintf("%02d.ogg", i), SHA256: fmt.Sprintf("%064d", i), Start: start, Size: 1, ModTime: start}}
		if len(result.Laughs) != 1 {
			t.Fatalf("recording %d has %d laughs", i, len(result.Laughs))
		}
		if _, err := opened.SaveRecording(t.Context(), result); err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	for laugh, err := range opened.Laughs(t.Context(), orchestrator.LaughFilter{Users: []string{"alice"}}) {
		if err != nil {
			t.Fatal(err)
		}
		mark := orchestrator.MarkRight
		if i%2 == 1 {
			mark = orchestrator.MarkWrong
		}
		if _, err := opened.Mark(t.Context(), []int64{alice.ID}, laugh.ID, mark); err != nil {
			t.Fatal(err)
		}
		i++
	}
	if i != marks {
		t.Fatalf("%d laughs", i)
	}

	proposal := p.json(0, "policy", "learn", "--user", "alice")
	if at(proposal, "samples") != 40.0 || at(proposal, "before", "wrong_sure") != 20.0 || at(proposal, "after", "wrong_sure").(float64) > 2 || at(proposal, "accepted") != false {
		t.Fatalf("proposal %v", proposal)
	}
	if at(p.json(0, "policy", "show", "--user", "alice"), "id") != "default-3" {
		t.Error("the policy was changed before it was accepted")
	}
	if out := p.must("policy", "learn", "--user", "alice", "--accept"); !strings.Contains(out, "40 marks, 20 right and 20 wrong") {
		t.Errorf("learned: %s", out)
	}
	rescored := p.json(0, "rescore", "--policy", "--user", "alice")
	if before, after := at(rescored, "users", 0, "laughs_before").(float64), at(rescored, "users", 0, "laughs_after").(float64); before != marks || after < 18 || after > 24 {
		t.Errorf("rescored %v", rescored)
	}
	for laugh, err := range opened.Laughs(t.Context(), orchestrator.LaughFilter{Users: []string{"alice"}, Marks: []orchestrator.Mark{orchestrator.MarkRight}, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if why := p.must("laughs", "show", laugh.ID, "--why"); !strings.Contains(why, "what was learned (alice-1) argues for it") || !strings.Contains(why, "policy alice-1") {
			t.Errorf("why: %s", why)
		}
	}
	learned, err := json.Marshal(at(p.json(0, "policy", "show", "--user", "alice"), "policy", "head"))
	if err != nil {
		t.Fatal(err)
	}
	head := p.file("", "head.json", learned)
	p.must("policy", "undo", "--user", "alice")
	p.must("rescore", "--policy", "--user", "alice")
	if got := at(p.json(0, "laughs", "list", "--user", "alice"), "laughs").([]any); len(got) != marks {
		t.Errorf("%d laughs after the undo", len(got))
	}
	p.must("policy", "set", "--user", "alice", "--head", head) // as somebody else would use it
	if history := p.json(0, "policy", "history", "--user", "alice"); !strings.Contains(fmt.Sprint(at(history, "changes", 1, "note")), "40 marks of alice") ||
		at(history, "changes", 0, "undone") != true {
		t.Errorf("history %v", history)
	}
}
