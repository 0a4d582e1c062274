package orchestrator_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// heardModel has two laughter classes and two others.
func heardModel(step float64) orchestrator.Model {
	return orchestrator.Model{Laughter: []string{"Laughter", "Giggle"}, Heard: []string{"Speech", "Cough"}, Window: 200, Hop: 100, LogitStep: step}
}

func TestLogitsAreKeptToTheStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]float64{0.34717748, 1. / 16}).Draw(t, "step")
		s := orchestrator.NewScores(heardModel(step))
		logit := rapid.Float64Range(-12, 7).Draw(t, "logit")
		if err := s.Add(orchestrator.Frame{Logits: []float32{float32(logit), -20}, Heard: []float32{0, 0}}); err != nil {
			t.Fatal(err)
		}
		got := s.At(0, 0)
		if logit < orchestrator.FloorLogit {
			if got != 0 {
				t.Fatalf("logit %v is kept as %v", logit, got)
			}
			return
		}
		if off := math.Abs(orchestrator.Logit(got) - logit); off > step/2+1e-6 {
			t.Fatalf("logit %v is kept as %v, %v away", logit, orchestrator.Logit(got), off)
		}
		if s.At(0, 1) != 0 {
			t.Fatal("what was not heard has a score")
		}
	})
}

// What else was heard is stored in the frames around laughter, and in no other, whatever frames were left out.
func TestWhatElseIsKeptAroundLaughter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "frames")
		sent := rapid.SliceOfN(rapid.SampledFrom([]bool{true, true, true, false}), n, n).Draw(t, "sent")
		laughs := rapid.SliceOfN(rapid.SampledFrom([]bool{false, false, false, false, false, false, true}), n, n).Draw(t, "laughs")
		s := orchestrator.NewScores(heardModel(0))
		for i := range n {
			frame := orchestrator.Frame{Offset: int64(i) * 100, Scores: []float32{0, 0}, Heard: []float32{float32(i % 7), -9}}
			if laughs[i] {
				frame.Scores[1] = 0.5
			}
			if sent[i] {
				if err := s.Add(frame); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Close(int64(n+1) * 100)
		reader := s.Heard.Reader()
		order := rapid.Permutation(indices(n)).Draw(t, "order")
		for _, i := range order {
			near := false
			for k := max(0, i-orchestrator.HeardAround); k <= min(n-1, i+orchestrator.HeardAround); k++ {
				whole := !slices.Contains(sent[min(i, k):max(i, k)+1], false) // nothing is known across what was left out
				near = near || laughs[k] && sent[k] && whole
			}
			got := reader.Frame(i)
			if near && got == nil {
				t.Fatalf("frame %d is not kept", i)
			}
			if got == nil {
				continue
			}
			if !sent[i] || s.Heard.Logit(got[0]) != float64(i%7) || got[1] != 0 {
				t.Fatalf("frame %d is kept as %v", i, got)
			}
		}
		for k := range n {
			if laughs[k] && sent[k] {
				return
			}
		}
		if len(s.Heard.Data) > 0 {
			t.Fatal("something is kept without laughter")
		}
	})
}

func TestWhatElseIsBounded(t *testing.T) {
	t.Parallel()
	model := heardModel(0)
	model.Heard = orchestrator.HeardClasses()
	s := orchestrator.NewScores(model)
	frame := orchestrator.Frame{Scores: []float32{1, 1}, Heard: make([]float32, len(model.Heard))}
	for i := range 100_000 {
		frame.Offset = int64(i) * 100
		if err := s.Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	if size := len(s.Heard.Data); size < 4<<20 || size > 5<<20 {
		t.Errorf("%d bytes of a day of laughter", size)
	}
	if s.Heard.Reader().Frame(50_000) == nil || s.Heard.Reader().Frame(99_000) != nil {
		t.Error("want the first hours, and not the last")
	}
}

func TestScoresSayWhatAPolicyLacks(t *testing.T) {
	t.Parallel()
	s := orchestrator.NewScores(heardModel(0))
	policy := contrasted()
	if got := s.Lacks(policy); !slices.Equal(got, []string{"Crying, sobbing"}) {
		t.Errorf("lacks %q", got)
	}
	policy.Against[0].Weight = 0
	if got := s.Lacks(policy); got != nil {
		t.Errorf("what has no weight: lacks %q", got)
	}
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
