package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

// testHeard stores what else was heard: with the scores, for second thoughts, and with each laugh.
func testHeard(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	model := Model()
	model.Heard, model.LogitStep = []string{"Speech", "Cough"}, 0.25
	scores := orchestrator.NewScores(model)
	for i := range 40 {
		frame := orchestrator.Frame{Offset: int64(i) * model.Hop, Logits: []float32{-9, -9}, Heard: []float32{float32(i) / 4, -20}}
		if i == 10 || i == 30 {
			frame.Logits[1] = 0.75
		}
		if err := scores.Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	scores.Close(hour)
	laugh := At(5, 6)
	laugh.Tier, laugh.Evidence = orchestrator.TierMaybe, 0.25
	laugh.Around = orchestrator.Around{Speech: 0.75, Heard: []orchestrator.HeardClass{{Class: "Speech", Score: 0.9}, {Class: "Music", Score: 0.5}}}
	alone := At(100, 101)
	result := orchestrator.Result{UserID: alice.ID, Recording: Recording("a.ogg", noon), Model: model, Scores: scores, Laughs: []orchestrator.Laugh{laugh, alone},
		Policy: orchestrator.Policy{Name: "test", Version: 2, Classes: map[string]orchestrator.Thresholds{"*": {Sure: 0.5, Maybe: 0.1}}, Neighbours: 0.25}}
	f.save(t, result)

	back := collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{}))
	if len(back) != 1 {
		t.Fatalf("%d results", len(back))
	}
	if diff := cmp.Diff(scores, back[0].Scores); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	expect(t, "step of the model", back[0].Model.LogitStep, 0.25)
	found := collect(t, f.Laughs(t.Context(), orchestrator.LaughFilter{}))
	if len(found) != 2 {
		t.Fatalf("%d laughs", len(found))
	}
	if diff := cmp.Diff(laugh.Around, found[0].Around); diff != "" {
		t.Errorf("around (-want +got):\n%s", diff)
	}
	expect(t, "evidence", found[0].Evidence, 0.25)
	expect(t, "certainty", found[0].Certainty, result.Policy.Certainty(laugh))
	expect(t, "tier", found[0].Tier, orchestrator.TierMaybe)
	for with, want := range map[string]int{"others": 1, "music": 1, "television": 0, "oth": 0, "%": 0, "": 0} {
		expect(t, "laughs with "+with, len(collect(t, f.Laughs(t.Context(), orchestrator.LaughFilter{With: []string{with}}))), want)
	}
	expect(t, "laughs with both", len(collect(t, f.Laughs(t.Context(), orchestrator.LaughFilter{With: []string{"others", "music"}}))), 1)
}
