package learn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestSolve holds the solver to the figures of scikit-learn's Ridge (alpha 1 and 10, sample weights, an intercept) for
// the same small problem.
func TestSolve(t *testing.T) {
	t.Parallel()
	x := [][]float64{{1, 2}, {2, 1}, {3, 5}, {4, 3}, {0, 1}}
	y := []float64{1, -1, 1, -1, 1}
	weight := []float64{1, 2, 1, 0.5, 3}
	g := newGram(2)
	for i := range x {
		g.add(x[i], y[i], weight[i])
	}
	for lambda, want := range reference {
		got, err := g.solve(lambda)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Errorf("lambda %v: got %v, want %v", lambda, got, want)
			}
		}
	}
	if _, err := newGram(2).solve(0); !errors.Is(err, errSingular) {
		t.Errorf("of nothing: %v", err)
	}
}

// reference by lambda: the weights, then the intercept; scikit-learn 1.9.1.
var reference = map[float64][]float64{
	1:  {-0.7816938453445553, 0.5944239873750655, 0.3056286165176223},
	10: {-0.31455867674319127, 0.19962925994581493, 0.39341223442178813},
}

// samples of a home in which one sound, the second logit, is mistaken for laughter.
func samples(n int, right func(i int) bool) []Sample {
	random := rand.New(rand.NewPCG(7, 9))
	all := make([]Sample, n)
	for i := range all {
		laugh := right(i)
		x := []float64{random.NormFloat64(), random.NormFloat64(), random.NormFloat64()}
		if !laugh {
			x[1] += 3
		}
		all[i] = Sample{Logits: x, Evidence: -3 + random.NormFloat64(), Class: "Laughter", Laugh: laugh, Group: fmt.Sprint(i / 3)}
	}
	return all
}

func half(i int) bool { return i%2 == 0 }

var options = Options{Thresholds: true, Head: orchestrator.Head{Name: "test", Version: 1, Classes: []string{"Laughter", "Speech", "Cough"}},
	Policy: orchestrator.Policy{Name: "test", Version: 1, Classes: map[string]orchestrator.Thresholds{"*": {Sure: 0.02, Maybe: 0.01}}, Release: 0.005, Neighbours: 0.25}}

func TestTrain(t *testing.T) {
	t.Parallel()
	all := samples(120, half)
	p, err := Train(all, options)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Train(all, options)
	if err != nil || !cmp.Equal(p, again) {
		t.Errorf("not the same again: %v\n%s", err, cmp.Diff(p, again))
	}
	if p.Samples != 120 || p.Right != 60 || p.Groups != 40 || p.Before.Right != 60 || p.After.Precision < 0.9 || p.Before.Precision > 0.7 ||
		p.After.WrongSure >= p.Before.WrongSure {
		t.Errorf("proposal %+v", p)
	}
	h := p.Policy.Head
	if h.Output([]float64{0, 0, 0}) <= h.Output([]float64{0, 3, 0}) || h.Weights[1] >= 0 || h.Output([]float64{0, -1e6, 0}) != orchestrator.MaxHeadOutput {
		t.Errorf("head %+v", h)
	}
	if options.Policy.Head != nil || options.Policy.Classes["*"].Sure != 0.02 {
		t.Error("the policy of today was changed")
	}

	// Marks that say nothing: no better than chance is claimed, whatever fits the marks themselves.
	random := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		all[i].Laugh = random.IntN(2) == 0
	}
	if p, err = Train(all, options); err != nil || p.After.Precision > 0.7 {
		t.Errorf("of noise: precision %v, %v", p.After.Precision, err)
	}
}

func TestWhatCannotBeLearned(t *testing.T) {
	t.Parallel()
	blind := samples(40, half)
	for i := range blind {
		blind[i].Logits = nil
	}
	one := samples(40, half)
	for i := range one {
		one[i].Group = "the same"
	}
	for name, c := range map[string]struct {
		samples []Sample
		want    error
	}{
		"none":             {nil, ErrFew},
		"29":               {samples(29, half), ErrFew},
		"all right":        {samples(60, func(int) bool { return true }), ErrAllRight},
		"all wrong":        {samples(60, func(int) bool { return false }), ErrAllWrong},
		"four of one kind": {samples(60, func(i int) bool { return i < 4 }), ErrAllWrong},
		"no logits":        {blind, ErrNoLogits},
		"one recording":    {one, nil},
		"30":               {samples(30, half), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Train(c.samples, options)
			if !errors.Is(err, c.want) || (err == nil) != (p.Policy != nil) {
				t.Errorf("%v, want %v; policy %v", err, c.want, p.Policy)
			}
		})
	}
}

// A class with enough samples gets thresholds of its own, and none is moved further than by two logits.
func TestThresholdsByClass(t *testing.T) {
	t.Parallel()
	policy := options.Policy
	var all []Sample
	var evidence []float64
	add := func(class string, laugh bool, sure float64, n int) {
		for range n {
			all = append(all, Sample{Class: class, Laugh: laugh})
			evidence = append(evidence, orchestrator.Logit(sure))
		}
	}
	add("Baby laughter", true, 0.09, 20)
	add("Baby laughter", false, 0.04, 20)
	add("Giggle", true, 0.015, 10)
	add("Giggle", false, 0.005, 4)
	got := thresholds(policy, all, evidence, 0).Classes
	baby, others := got["Baby laughter"], got["*"]
	if len(got) != 2 || baby.Sure <= 0.04 || baby.Sure > 0.09 || others.Sure <= 0.005 || others.Sure > 0.015 || others.Maybe >= others.Sure {
		t.Errorf("classes %v", got)
	}
	add("Baby laughter", false, 0.9, 500)
	got = thresholds(policy, all, evidence, 0).Classes
	if limit := moved(0.02, most); got["Baby laughter"].Sure > limit {
		t.Errorf("moved to %v, beyond %v", got["Baby laughter"].Sure, limit)
	}
}

func BenchmarkTrain(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	all := samples(5000, half)
	for i := range all {
		all[i].Logits = make([]float64, 201)
		for k := range all[i].Logits {
			all[i].Logits[k] = random.NormFloat64()
		}
	}
	o := options
	o.Head.Classes, o.Head.Around = make([]string, 67), 1
	for i := range o.Head.Classes {
		o.Head.Classes[i] = fmt.Sprint(i)
	}
	for b.Loop() {
		if _, err := Train(all, o); err != nil {
			b.Fatal(err)
		}
	}
}
