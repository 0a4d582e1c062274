// Package learn proposes a policy from what people judged: a linear head over the logits of human sounds around each
// candidate, by ridge regression, and thresholds. It is pure and deterministic: the same samples in the same order give
// the same numbers. What it says of its own proposal is cross-validated: every sample is judged by a head and thresholds
// that never saw it, nor anything else of its group.
package learn

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Sample is a candidate that was judged.
type Sample struct {
	// Logits as of detect.Features for the candidate's best frame; nil where they are not stored.
	Logits []float64
	// Evidence of the candidate under the policy without a head, as a logit; Class it was heard as.
	Evidence float64
	Class    string
	// Laugh is true where it is one.
	Laugh bool
	// Group keeps samples together that are not independent, such as those of one recording or of one source.
	Group string
	// Weight of the sample; 0 means 1.
	Weight float64
}

// Least are how many judged samples a proposal needs, of which LeastEach must be right, and as many wrong.
const (
	Least     = 30
	LeastEach = 5
)

// Problems of samples.
var (
	// ErrFew reports too few samples.
	ErrFew = errors.New("too few are judged")
	// ErrAllRight and ErrAllWrong report samples of one kind: nothing tells laughs from others.
	ErrAllRight = errors.New("too few are wrong")
	ErrAllWrong = errors.New("too few are right")
	// ErrNoLogits reports samples of a model without logits.
	ErrNoLogits = errors.New("no logits are stored with them")
)

// Check returns why nothing can be learned of samples; nil where it can.
func Check(samples []Sample) error {
	right, logits := 0, 0
	for _, s := range samples {
		if s.Laugh {
			right++
		}
		if s.Logits != nil {
			logits++
		}
	}
	switch {
	case len(samples) < Least:
		return ErrFew
	case len(samples)-right < LeastEach:
		return ErrAllRight
	case right < LeastEach:
		return ErrAllWrong
	case logits < Least:
		return ErrNoLogits
	}
	return nil
}

// Options of training.
type Options struct {
	// Head is filled in with weights: its name, classes and frames say of what.
	Head orchestrator.Head
	// Policy that is changed.
	Policy orchestrator.Policy
	// Thresholds wants the policy's thresholds chosen anew, from the samples. Without it they stay.
	Thresholds bool
	// Cost is what a wrong laugh that is kept counts against a right one that is lost; 0 means 1.
	Cost float64
}

// Judgement is what a policy makes of the samples.
type Judgement struct {
	// Right and Wrong samples, and how many of each are sure, or sure or maybe.
	Right       int `json:"right"`
	Wrong       int `json:"wrong"`
	RightSure   int `json:"right_sure"`
	WrongSure   int `json:"wrong_sure"`
	RightEither int `json:"right_sure_or_maybe"`
	WrongEither int `json:"wrong_sure_or_maybe"`
	// Precision is the average precision of the evidence, 0 to 1: how well it orders right before wrong.
	Precision float64 `json:"average_precision"`
}

// Proposal is what was learned.
type Proposal struct {
	// User that it is for; empty for one of a labelled folder.
	User string `json:"user"`
	// Samples that were judged, Right and Wrong ones, and how many there are to be at least.
	Samples int `json:"samples"`
	Right   int `json:"right"`
	Wrong   int `json:"wrong"`
	Least   int `json:"least"`
	// Groups that the samples are of, such as recordings, and the Ridge that cross-validation chose.
	Groups int     `json:"groups"`
	Ridge  float64 `json:"ridge"`
	// Reason why nothing is proposed, in words; empty where something is.
	Reason string `json:"reason"`
	// Contradictions are the IDs of laughs at the same moment that are marked differently; they are left out.
	Contradictions []string `json:"contradictions"`
	// Before is what the policy of today makes of the samples; After is what the proposed one is expected to, cross-validated.
	Before Judgement `json:"before"`
	After  Judgement `json:"after"`
	// Policy that is proposed, and Override, what a user's policy would say; nil and empty where none is.
	Policy   *orchestrator.Policy `json:"policy"`
	Override string               `json:"-"`
	// Accepted is true once it is the user's.
	Accepted bool `json:"accepted"`
}

// ridges are the strengths that are tried, of standardised logits.
var ridges = []float64{30, 100, 300, 1000, 3000}

// folds of cross-validation, at most.
const folds = 10

// parts are the weights of a head that are tried: of standard deviations of the evidence for each of the head's. A larger
// one is taken where it orders the samples better by worth at least.
var parts = []float64{0.5, 1, 2}

const worth = 0.005

// Train learns a head, and where they are wanted thresholds. Errors are those of Check.
func Train(samples []Sample, o Options) (Proposal, error) {
	p := Proposal{Samples: len(samples), Least: Least, Contradictions: []string{}}
	for _, s := range samples {
		if s.Laugh {
			p.Right++
		} else {
			p.Wrong++
		}
	}
	if err := Check(samples); err != nil {
		return p, err
	}
	samples = slices.Clone(samples)
	balance(samples)
	mean, deviation := moments(samples)
	rows := make([][]float64, len(samples))
	for i, s := range samples {
		rows[i] = standard(s.Logits, mean, deviation)
	}
	fold, groups := foldsOf(samples)
	p.Groups = groups
	of := make([]*gram, slices.Max(fold)+1)
	all := newGram(len(mean))
	for i := range of {
		of[i] = newGram(len(mean))
	}
	for i, s := range samples {
		if rows[i] == nil {
			continue
		}
		of[fold[i]].add(rows[i], target(s), s.Weight)
	}
	for _, g := range of {
		all.plus(g, 1)
	}
	spread := evidenceSpread(samples)

	best, part := -1.0, 0.0
	var held []float64 // the evidence of each sample with a head that never saw it
	for _, ridge := range slices.Backward(ridges) {
		out, err := crossOutputs(samples, rows, fold, all, of, ridge)
		if err != nil {
			return p, err
		}
		for _, weight := range parts {
			evidence := make([]float64, len(samples))
			for i, s := range samples {
				evidence[i] = s.Evidence + weight*spread*out[i]
			}
			if precision := averagePrecision(samples, evidence); precision > best+worth {
				best, held, part, p.Ridge = precision, evidence, weight, ridge
			}
		}
	}
	weights, err := all.solve(p.Ridge)
	if err != nil {
		return p, err
	}
	// The policy divides what it adds up by the weight of all frames; see package detect.
	o.Head = headOf(o.Head, weights, mean, deviation, samples, rows, part*spread*(1+2*o.Policy.Neighbours))
	policy := o.Policy.Clone()
	policy.Head = &o.Head
	p.Policy = &policy

	before := make([]float64, len(samples))
	for i, s := range samples {
		before[i] = s.Evidence
	}
	p.Before = judge(samples, before, func(int) orchestrator.Policy { return o.Policy })
	if !o.Thresholds {
		p.After = judge(samples, held, func(int) orchestrator.Policy { return o.Policy })
		return p, policy.Validate()
	}
	chosen := make([]orchestrator.Policy, len(of))
	for k := range of { // by the samples of the other folds
		var rest []Sample
		var evidence []float64
		for i := range samples {
			if fold[i] != k {
				rest, evidence = append(rest, samples[i]), append(evidence, held[i])
			}
		}
		chosen[k] = thresholds(policy, rest, evidence, o.Cost)
	}
	p.After = judge(samples, held, func(i int) orchestrator.Policy { return chosen[fold[i]] })
	policy = thresholds(policy, samples, held, o.Cost)
	return p, policy.Validate()
}

func target(s Sample) float64 {
	if s.Laugh {
		return 1
	}
	return -1
}

// balance gives the laughs as much weight as the rest, and makes the average 1.
func balance(samples []Sample) {
	var sums [2]float64
	kind := func(s Sample) int {
		if s.Laugh {
			return 1
		}
		return 0
	}
	for i := range samples {
		samples[i].Weight = cmp.Or(samples[i].Weight, 1)
		sums[kind(samples[i])] += samples[i].Weight
	}
	for i := range samples {
		samples[i].Weight *= float64(len(samples)) / (2 * sums[kind(samples[i])])
	}
}

// moments are the weighted mean and standard deviation of each logit.
func moments(samples []Sample) (mean, deviation []float64) {
	var sum float64
	for _, s := range samples {
		if s.Logits == nil {
			continue
		}
		if mean == nil {
			mean, deviation = make([]float64, len(s.Logits)), make([]float64, len(s.Logits))
		}
		for i, v := range s.Logits {
			mean[i] += s.Weight * v
			deviation[i] += s.Weight * v * v
		}
		sum += s.Weight
	}
	for i := range mean {
		mean[i] /= sum
		deviation[i] = math.Sqrt(max(0, deviation[i]/sum-mean[i]*mean[i]))
		if deviation[i] < 1e-6 {
			deviation[i] = 1 // it never varies: its weight stays 0
		}
	}
	return mean, deviation
}

// standard are logits with mean 0 and deviation 1; nil of nil.
func standard(logits, mean, deviation []float64) []float64 {
	if logits == nil {
		return nil
	}
	row := make([]float64, len(logits))
	for i, v := range logits {
		row[i] = (v - mean[i]) / deviation[i]
	}
	return row
}

// foldsOf deals the groups out, the largest first, each to the fold that has the fewest samples.
func foldsOf(samples []Sample) (fold []int, groups int) {
	sizes := map[string]int{}
	var names []string
	for _, s := range samples {
		if sizes[s.Group] == 0 {
			names = append(names, s.Group)
		}
		sizes[s.Group]++
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b)) })
	counts := make([]int, min(folds, len(names)))
	of := map[string]int{}
	for _, name := range names {
		least := 0
		for k := range counts {
			if counts[k] < counts[least] {
				least = k
			}
		}
		of[name] = least
		counts[least] += sizes[name]
	}
	fold = make([]int, len(samples))
	for i, s := range samples {
		fold[i] = of[s.Group]
	}
	if len(names) == 1 { // better than nothing
		for i := range fold {
			fold[i] = i % folds
		}
	}
	return fold, len(names)
}

// evidenceSpread is the standard deviation of the evidence.
func evidenceSpread(samples []Sample) float64 {
	var sum, squares, weight float64
	for _, s := range samples {
		sum, squares, weight = sum+s.Weight*s.Evidence, squares+s.Weight*s.Evidence*s.Evidence, weight+s.Weight
	}
	return math.Sqrt(max(0, squares/weight-sum*sum/(weight*weight)))
}

// outputs of weights for the rows, and their weighted mean and deviation over those that choose wants.
func outputs(samples []Sample, rows [][]float64, weights []float64, choose func(int) bool) (out []float64, mean, deviation float64) {
	out = make([]float64, len(rows))
	var sum, squares, weight float64
	for i, row := range rows {
		if row == nil {
			continue
		}
		out[i] = weights[len(weights)-1]
		for k, v := range row {
			out[i] += weights[k] * v
		}
		if choose(i) {
			w := samples[i].Weight
			sum, squares, weight = sum+w*out[i], squares+w*out[i]*out[i], weight+w
		}
	}
	if weight == 0 {
		return out, 0, 1
	}
	mean = sum / weight
	deviation = math.Sqrt(max(1e-12, squares/weight-mean*mean))
	return out, mean, deviation
}

// crossOutputs are the outputs, standardised and bounded, of heads for samples of folds that they were not trained on; 0
// for a sample without logits.
func crossOutputs(samples []Sample, rows [][]float64, fold []int, all *gram, of []*gram, ridge float64) ([]float64, error) {
	held := make([]float64, len(samples))
	for k := range of {
		rest := newGram(all.n - 1)
		rest.plus(all, 1)
		rest.plus(of[k], -1)
		weights, err := rest.solve(ridge)
		if err != nil {
			return nil, err
		}
		out, mean, deviation := outputs(samples, rows, weights, func(i int) bool { return fold[i] != k })
		for i := range samples {
			if fold[i] == k && rows[i] != nil {
				held[i] = bounded((out[i] - mean) / deviation)
			}
		}
	}
	return held, nil
}

func bounded(v float64) float64 {
	return min(max(v, -orchestrator.MaxHeadOutput), orchestrator.MaxHeadOutput)
}

// headOf makes a head of the weights of standardised logits, so that its output is standardised, too.
func headOf(h orchestrator.Head, weights, mean, deviation []float64, samples []Sample, rows [][]float64, weight float64) orchestrator.Head {
	_, m, d := outputs(samples, rows, weights, func(int) bool { return true })
	h.Weights = make([]float64, len(mean))
	h.Bias = (weights[len(weights)-1] - m) / d
	for i := range mean {
		w := weights[i] / deviation[i] / d
		h.Weights[i] = round(w)
		h.Bias -= w * mean[i]
	}
	h.Bias = round(h.Bias)
	h.Weight = round(min(weight, orchestrator.MaxHeadWeight))
	return h
}

// round keeps six digits: a head is a small file.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 6-math.Ceil(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
