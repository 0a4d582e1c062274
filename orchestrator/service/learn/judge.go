package learn

import (
	"cmp"
	"math"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

// judge counts what policies make of the samples, by their evidence; policy gives that of each.
func judge(samples []Sample, evidence []float64, policy func(int) orchestrator.Policy) (j Judgement) {
	for i, s := range samples {
		of := policy(i)
		t, _ := of.Of(s.Class)
		e := orchestrator.Sigmoid(evidence[i])
		sure, either := e >= t.Sure, e >= t.Maybe
		for _, count := range []struct {
			right, wrong *int
			here         bool
		}{{&j.Right, &j.Wrong, true}, {&j.RightSure, &j.WrongSure, sure}, {&j.RightEither, &j.WrongEither, either}} {
			switch {
			case count.here && s.Laugh:
				*count.right++
			case count.here:
				*count.wrong++
			}
		}
	}
	j.Precision = averagePrecision(samples, evidence)
	return j
}

// averagePrecision is that of the order by evidence; of equal ones, the wrong come first.
func averagePrecision(samples []Sample, evidence []float64) float64 {
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		wrongFirst := 0
		if samples[a].Laugh != samples[b].Laugh {
			wrongFirst = 1
			if samples[b].Laugh {
				wrongFirst = -1
			}
		}
		return cmp.Or(cmp.Compare(evidence[b], evidence[a]), wrongFirst)
	})
	right, sum := 0, 0.0
	for n, i := range order {
		if samples[i].Laugh {
			right++
			sum += float64(right) / float64(n+1)
		}
	}
	if right == 0 {
		return 0
	}
	return sum / float64(right)
}

// most is by how many logits a threshold is moved at most: what is not among the samples is unlike them.
const most = 2

// leastOfClass are how many samples a class needs, of which LeastEach are right and as many wrong, to have a threshold
// of its own.
const leastOfClass = 20

// thresholds moves the sure thresholds of a policy to where the fewest samples are on the wrong side, that of a class
// where enough are of it, else that of all others. A maybe threshold keeps its distance, and the release is at most the
// lowest of them.
func thresholds(policy orchestrator.Policy, samples []Sample, evidence []float64, cost float64) orchestrator.Policy {
	policy = policy.Clone()
	cost = cmp.Or(cost, 1)
	byClass := map[string][]int{}
	for i, s := range samples {
		byClass[s.Class] = append(byClass[s.Class], i)
	}
	var rest []int
	var own []string
	for class, of := range byClass {
		right := 0
		for _, i := range of {
			if samples[i].Laugh {
				right++
			}
		}
		if len(of) >= leastOfClass && right >= LeastEach && len(of)-right >= LeastEach {
			own = append(own, class)
		} else {
			rest = append(rest, of...)
		}
	}
	slices.Sort(own)
	slices.Sort(rest)
	move := func(class string, t orchestrator.Thresholds, of []int) {
		shift := shiftOf(orchestrator.Logit(t.Sure), samples, evidence, of, cost)
		policy.Classes[class] = orchestrator.Thresholds{Sure: moved(t.Sure, shift), Maybe: moved(t.Maybe, shift)}
	}
	of := policy.Clone() // its thresholds are those before
	for _, class := range own {
		if t, ok := of.Of(class); ok {
			move(class, t, byClass[class])
		}
	}
	if t, ok := of.Classes[orchestrator.AnyClass]; ok && len(rest) > 0 {
		move(orchestrator.AnyClass, t, rest)
	}
	for _, t := range policy.Classes {
		policy.Release = min(policy.Release, t.Maybe)
	}
	return policy
}

// moved is a threshold by that many logits further up, with three digits.
func moved(threshold, shift float64) float64 {
	v := orchestrator.Sigmoid(orchestrator.Logit(threshold) + shift)
	scale := math.Pow(10, 3-math.Ceil(math.Log10(v)))
	return min(math.Round(v*scale)/scale, 1)
}

// shiftOf is by how much a threshold, as a logit, is moved so that the fewest of these samples are on the wrong side; the
// smallest of the best.
func shiftOf(threshold float64, samples []Sample, evidence []float64, of []int, cost float64) float64 {
	at := func(shift float64) (sum float64) {
		for _, i := range of {
			switch above := evidence[i] >= threshold+shift; {
			case above && !samples[i].Laugh:
				sum += cost
			case !above && samples[i].Laugh:
				sum++
			}
		}
		return sum
	}
	best, least := 0.0, at(0)
	const steps = 20
	for k := 1; k <= steps; k++ {
		for _, shift := range []float64{-most * float64(k) / steps, most * float64(k) / steps} {
			if sum := at(shift); sum < least-1e-9 {
				best, least = shift, sum
			}
		}
	}
	return best
}
