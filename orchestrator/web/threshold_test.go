package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// TestThresholdByMarks: marks propose, a person decides, and there is a way back.
func TestThresholdByMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *settings.Config) { c.OneThreshold = true })
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alice := w.users["alice"]
	alice.Policy = `{"longest_pause_s":2}`
	if err := opened.UpdateUser(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	policy, err := w.program.PolicyOf(alice)
	if err != nil {
		t.Fatal(err)
	}
	// Right ones from 0.40 on, wrong ones up to 0.35, but for one in ten of each.
	var laughs []orchestrator.Laugh
	for i := range 60 {
		score := 0.4 + float64(i)/200
		switch {
		case i == 39:
			score = 0.25
		case i >= 40 && i < 58:
			score = 0.3 + float64(i-40)/400
		case i >= 58:
			score = 0.8
		}
		start := int64(i) * 10 * orchestrator.SampleRateHz
		laughs = append(laughs, orchestrator.Laugh{Onset: start + 16000, Offset: start + 32000, Score: score, Class: "Laughter", Tier: orchestrator.TierSure, ClassScores: []float64{score}})
	}
	model := orchestrator.Model{Name: "yamnet", Version: "1", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(3600 * orchestrator.SampleRateHz)
	if _, err := opened.SaveRecording(t.Context(), orchestrator.Result{UserID: alice.ID, Model: model, Scores: scores, Policy: policy, Laughs: laughs,
		Recording: orchestrator.Recording{Name: "party.wav", Start: time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC), SHA256: "party"}}); err != nil {
		t.Fatal(err)
	}
	if status, text := w.as("member", "GET", "/u/alice/threshold", ""); status != http.StatusOK || !strings.Contains(text, "After 20 laughs") {
		t.Errorf("before anybody marked: %d", status)
	}
	i := 0
	for l, err := range opened.LaughsOf(t.Context(), []int64{alice.ID}, orchestrator.LaughFilter{Recording: "party.wav"}) {
		if err != nil {
			t.Fatal(err)
		}
		mark := orchestrator.MarkRight
		if i >= 40 {
			mark = orchestrator.MarkWrong
		}
		if _, err := opened.Mark(t.Context(), []int64{alice.ID}, l.ID, mark); err != nil {
			t.Fatal(err)
		}
		i++
	}
	status, text := w.as("member", "GET", "/u/alice/threshold", "")
	for _, want := range []string{"sure from 0.20 on", "keeps 100 % of the right ones and drops 0 %", "40 laughs that you said are right, and 20 that are not", "keep 98 % of the right ones and drop 90 % of the wrong ones", `name="threshold" value="0.35"`} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d, the page lacks %q", status, want)
		}
	}
	for _, bad := range []string{"", "2", "-1", "NaN", "1e-9", "x"} {
		if status, _ := w.as("member", "POST", "/u/alice/threshold", "threshold="+bad); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	own := func(want float64, rest string) {
		t.Helper()
		user, err := w.program.User(t.Context(), "alice")
		if err != nil || service.OwnThreshold(user) != want || !strings.Contains(user.Policy, rest) {
			t.Errorf("%v: policy %q, %v", want, user.Policy, err)
		}
		if policy, err := w.program.PolicyOf(user); err != nil || want != 0 && policy.Classes[orchestrator.AnyClass].Sure != want || policy.LongestPause != 2 {
			t.Errorf("%v: %+v, %v", want, policy, err)
		}
	}
	got := w.ask("member", "POST", "/u/alice/threshold", "threshold=0.35")
	if location := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || location != "/u/alice/threshold?did=threshold&was=0" {
		t.Fatalf("use it: %d to %s", got.StatusCode, location)
	}
	own(0.35, `"longest_pause_s":2`)
	if _, text := w.as("member", "GET", "/u/alice/threshold?did=threshold&was=0", ""); !strings.Contains(text, "Go back to 0.20") || !strings.Contains(text, "sure from 0.35 on") {
		t.Error("there is no way back")
	}
	for step, want := range []float64{0.5, 0} {
		if status, _ := w.as("member", "POST", "/u/alice/threshold", fmt.Sprintf("threshold=%v", want)); status != http.StatusSeeOther {
			t.Errorf("step %d: %d", step, status)
		}
		own(want, `"longest_pause_s":2`)
	}
}
