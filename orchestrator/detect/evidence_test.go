package detect_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// model has logits in steps of a quarter, so that a test's numbers are kept as they are.
var model = orchestrator.Model{Laughter: []string{"Laughter", "Giggle"}, Heard: []string{"Speech", "Crying, sobbing", "Cough"},
	Window: window, Hop: hop, LogitStep: 0.25}

// logits makes the scores of a recording from the logits of each frame, in the order of model's classes.
func logits(frames ...[5]float32) orchestrator.Scores {
	s := orchestrator.NewScores(model)
	for i, f := range frames {
		if err := s.Add(orchestrator.Frame{Offset: int64(i) * hop, Logits: f[:2], Heard: f[2:]}); err != nil {
			panic(err)
		}
	}
	s.Close(int64(len(frames)-1)*hop + window)
	return s
}

// contrasting is a policy of one threshold with contrasts and neighbours.
func contrasting(neighbours float64, against ...orchestrator.Contrast) orchestrator.Policy {
	return orchestrator.Policy{Name: "test", Version: 1, Classes: map[string]orchestrator.Thresholds{"*": {Sure: 0.01, Maybe: 0.001}},
		Neighbours: neighbours, Against: against, Release: 0.0005, LongestPause: 0.5}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	nothing := [5]float32{-20, -20, -20, -20, -20}
	crying := orchestrator.Contrast{Classes: []string{"Crying, sobbing", "Whimper"}, Weight: 1.5, Margin: 1}
	around := crying
	around.Around = 2
	floor := orchestrator.FloorLogit
	learned := func(neighbours float64, weights []float64) orchestrator.Policy {
		policy := contrasting(neighbours)
		policy.Head = &orchestrator.Head{Name: "test", Version: 1, Classes: []string{"Giggle", "Speech", "Cough"}, Around: 1, Weights: weights, Bias: 0.25, Weight: 2}
		return policy
	}
	unknown := learned(0, []float64{0, 0, 0, 0, 1, 0, 0, 0, 0})
	unknown.Head.Classes = []string{"Giggle", "Speech", "Snoring"}
	for name, c := range map[string]struct {
		frames []([5]float32)
		policy orchestrator.Policy
		want   float64 // logit of the evidence
	}{
		"neither":              {[][5]float32{nothing, {-1, -2, 0, 0, 0}, nothing}, contrasting(0), -1},
		"quiet neighbours":     {[][5]float32{nothing, {-1, -2, 0, 0, 0}, nothing}, contrasting(0.25), (-1 + 0.25*2*floor) / 1.5},
		"loud neighbours":      {[][5]float32{{-4, -3, 0, 0, 0}, {-1, -2, 0, 0, 0}, {-2, -2, 0, 0, 0}}, contrasting(0.25), (-1 - 0.25*3 - 0.25*2) / 1.5},
		"ends of a recording":  {[][5]float32{{-1, -2, 0, 0, 0}}, contrasting(0.25), -1},
		"a head":               {[][5]float32{nothing, {-1, -2, 1, -20, -20}, nothing}, learned(0.25, []float64{0, 0, 0, 0.5, 1, 0, 0, 0, 0}), (-1 + 0.25*2*floor + 2*(0.5*-2+1+0.25)) / 1.5},
		"a head of much":       {[][5]float32{nothing, {-1, -2, 1, -20, -20}, nothing}, learned(0, []float64{0, 0, 0, 0, -100, 0, 0, 0, 0}), -1 - 2*orchestrator.MaxHeadOutput},
		"a head of another":    {[][5]float32{nothing, {-1, -2, 1, -20, -20}, nothing}, unknown, -1},
		"crying is far":        {[][5]float32{nothing, {-1, -2, 0, -3, 0}, nothing}, contrasting(0, crying), -1},
		"crying is near":       {[][5]float32{nothing, {-1, -2, 0, -1, 0}, nothing}, contrasting(0, crying), -1 - 1.5*1},
		"crying is louder":     {[][5]float32{nothing, {-1, -2, 0, 1, 0}, nothing}, contrasting(0, crying), -1 - 1.5*3},
		"crying beside it":     {[][5]float32{{-20, -20, -20, 1, -20}, nothing, {-1, -2, 0, -20, 0}, nothing}, contrasting(0, crying), -1},
		"crying around it":     {[][5]float32{{-20, -20, -20, 1, -20}, nothing, {-1, -2, 0, -20, 0}, nothing}, contrasting(0, around), -1 - 1.5*3},
		"crying longer before": {[][5]float32{{-20, -20, -20, 1, -20}, nothing, nothing, nothing, nothing, {-1, -2, 0, -20, 0}}, contrasting(0, around), -1},
		"two contrasts": {[][5]float32{nothing, {-1, -2, 0, 1, 0}, nothing},
			contrasting(0, crying, orchestrator.Contrast{Classes: []string{"Cough"}, Weight: 0.5, Margin: 1}), -1 - 1.5*3 - 0.5*2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.policy.Classes["*"] = orchestrator.Thresholds{Sure: 1e-6, Maybe: 1e-6}
			c.policy.Release = 1e-6
			laughs := detect.Laughs(logits(c.frames...), c.policy)
			if len(laughs) != 1 {
				t.Fatalf("%d laughs", len(laughs))
			}
			if got := orchestrator.Logit(laughs[0].Evidence); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("evidence has the logit %v, want %v", got, c.want)
			}
			if laughs[0].Score != orchestrator.Sigmoid(-1) || laughs[0].Class != "Laughter" {
				t.Errorf("heard as %s %v", laughs[0].Class, laughs[0].Score)
			}
		})
	}
}

// A class that has its own thresholds does not carry another over its own.
func TestEveryClassHasItsThreshold(t *testing.T) {
	t.Parallel()
	policy := contrasting(0)
	policy.Classes = map[string]orchestrator.Thresholds{"*": {Sure: 0.5, Maybe: 0.25}, "Giggle": {Sure: 0.9, Maybe: 0.9}}
	s := logits([5]float32{-6, 2, 0, 0, 0}, [5]float32{-20, -20, -20, -20, -20}, [5]float32{-20, -20, -20, -20, -20}, [5]float32{0.5, -1, 0, 0, 0})
	laughs := detect.Laughs(s, policy)
	if len(laughs) != 1 || laughs[0].Class != "Laughter" || laughs[0].Tier != orchestrator.TierSure {
		t.Errorf("laughs are %+v; want none of the giggle of 0.88", laughs)
	}
}

func TestWhatElseWasHeard(t *testing.T) {
	t.Parallel()
	nothing := [5]float32{-20, -20, -20, -20, -20}
	s := logits(nothing, [5]float32{-20, -20, 2, -20, -20}, nothing, [5]float32{1, -2, 0, -20, -1}, nothing)
	laughs := detect.Laughs(s, contrasting(0))
	want := orchestrator.Around{Speech: orchestrator.Sigmoid(2), Heard: []orchestrator.HeardClass{
		{Class: "Speech", Score: orchestrator.Sigmoid(2)}, {Class: "Cough", Score: orchestrator.Sigmoid(-1)}}}
	if len(laughs) != 1 {
		t.Fatalf("%d laughs", len(laughs))
	}
	if diff := cmp.Diff(want, laughs[0].Around); diff != "" {
		t.Errorf("around (-want +got):\n%s", diff)
	}
	if got := laughs[0].Around; got.Score("Cough") != orchestrator.Sigmoid(-1) || got.Score("Crying, sobbing") != 0 {
		t.Errorf("scores of classes: %+v", got)
	}
	s.Heard = orchestrator.Sounds{} // an older row
	if laughs = detect.Laughs(s, contrasting(0)); laughs[0].Around.Heard != nil {
		t.Errorf("scores of laughter alone: %+v", laughs[0].Around)
	}
}

// Whatever argues against a laugh never makes it more likely, and raising thresholds never adds laughing time.
func TestContrastsOnlyTakeAway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) (f [5]float32) {
			for i := range f {
				f[i] = float32(rapid.Float64Range(-9, 3).Draw(t, "logit"))
			}
			return f
		}), 1, 30).Draw(t, "frames")
		s := logits(frames...)
		without := contrasting(0.25)
		with := contrasting(0.25, orchestrator.Contrast{Classes: []string{"Crying, sobbing"}, Weight: 1, Margin: 2, Around: 1})
		within := func(narrow, wide []orchestrator.Laugh) {
			for _, n := range narrow {
				inside := false
				for _, w := range wide {
					inside = inside || w.Onset <= n.Onset && n.Offset <= w.Offset
				}
				if !inside {
					t.Fatalf("[%d, %d) lies in none of %v", n.Onset, n.Offset, spans(wide))
				}
			}
		}
		within(detect.Laughs(s, with), detect.Laughs(s, without))
		stricter := with.Clone()
		stricter.Classes["*"] = orchestrator.Thresholds{Sure: 0.1, Maybe: 0.05}
		stricter.Release = 0.02
		within(detect.Laughs(s, stricter), detect.Laughs(s, with))
	})
}

func TestExplain(t *testing.T) {
	t.Parallel()
	nothing := [5]float32{-20, -20, -20, -20, -20}
	s := logits(nothing, [5]float32{-4, -3, -20, -20, -20}, [5]float32{-1, -2, 0, -20, -2}, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing)
	policy := contrasting(0.25, orchestrator.Contrast{Classes: []string{"Crying, sobbing"}, Weight: 1, Margin: 1, Around: 1},
		orchestrator.Contrast{Classes: []string{"Cough", "Snoring"}, Weight: 1, Margin: 2})
	r, ok := detect.Explain(s, policy, 0, s.Length)
	evidence := orchestrator.Sigmoid((-1 + 0.25*(-3+orchestrator.FloorLogit) - 1) / 1.5)
	if !ok || r.Class != "Laughter" || r.Score != orchestrator.Sigmoid(-1) || math.Abs(r.Evidence-evidence) > 1e-12 || r.Tier != orchestrator.TierSure ||
		r.Before != orchestrator.Sigmoid(-3) || len(r.Against) != 2 || r.Against[0].Cost != 0 || r.Against[1].Class != "Cough" || r.Against[1].Cost != 1 ||
		len(r.Lacks) != 1 || r.Lacks[0] != "Snoring" {
		t.Errorf("%v: %+v; want evidence %v", ok, r, evidence)
	}
	if laughs := detect.Laughs(s, policy); len(laughs) != 1 || laughs[0].Evidence != r.Evidence {
		t.Errorf("the laugh is another: %+v", laughs)
	}
	if r, ok := detect.Explain(s, policy, s.Length-hop, s.Length); ok || len(r.Lacks) != 1 {
		t.Errorf("of silence: %+v", r)
	}
}
