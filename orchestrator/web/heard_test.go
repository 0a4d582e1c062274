package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestWhatElseWasHeard: a laugh's page says it, and why the laugh counts; a day shows only what was heard with others, music or a television.
func TestWhatElseWasHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	model := orchestrator.Model{Name: "yamnet", Version: "1", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(3600 * orchestrator.SampleRateHz)
	policy := orchestrator.Policy{Name: "test", Version: 1, Classes: map[string]orchestrator.Thresholds{orchestrator.AnyClass: {Sure: 0.3, Maybe: 0.1}}, Neighbours: 0.5, Release: 0.05,
		Against: []orchestrator.Contrast{{Classes: []string{"Cough"}, Weight: 1}}}
	laugh := func(second int64, around orchestrator.Around) orchestrator.Laugh {
		return orchestrator.Laugh{Onset: second * orchestrator.SampleRateHz, Offset: (second + 2) * orchestrator.SampleRateHz, Score: 0.5, Evidence: 0.41, Class: "Laughter",
			Tier: orchestrator.TierSure, ClassScores: []float64{0.5}, Around: around}
	}
	if _, err := opened.SaveRecording(t.Context(), orchestrator.Result{UserID: w.users["alice"].ID, Model: model, Scores: scores, Policy: policy,
		Recording: orchestrator.Recording{Name: "party.wav", Start: time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC), SHA256: "party"},
		Laughs:    []orchestrator.Laugh{laugh(10, orchestrator.Around{Heard: []orchestrator.HeardClass{{Class: "Music", Score: 0.62}}, Speech: 0.8}), laugh(100, orchestrator.Around{})}}); err != nil {
		t.Fatal(err)
	}
	var ids []string
	day := orchestrator.Date{Year: 2026, Month: 11, Day: 21}
	for l, err := range opened.LaughsOf(t.Context(), []int64{w.users["alice"].ID}, orchestrator.LaughFilter{From: day, To: day}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
	}
	for query, want := range map[string][2]bool{"": {true, true}, "?with=music": {true, false}, "?with=others": {true, false}, "?with=television": {false, false}} {
		status, text := w.as("listener", "GET", "/u/alice/2026-11-21"+query, "")
		if got := [2]bool{strings.Contains(text, `data-laugh="`+ids[0]), strings.Contains(text, `data-laugh="`+ids[1])}; status != http.StatusOK || got != want {
			t.Errorf("%q: %d, shows %v, want %v", query, status, got, want)
		}
	}
	if status, _ := w.as("listener", "GET", "/u/alice/2026-11-21?with=drums", ""); status != http.StatusBadRequest {
		t.Errorf("an unknown filter: %d", status)
	}
	_, text := w.as("listener", "GET", "/l/"+ids[0], "")
	for _, want := range []string{"Also heard", "music</span>", "0.62", "with others who talk, with music", "less what argues against it, that makes 0.41: 0.30 is sure"} {
		if !strings.Contains(text, want) {
			t.Errorf("the laugh's page lacks %q", want)
		}
	}
}
