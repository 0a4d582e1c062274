package service

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// enoughRight and enoughWrong are how many marks of each kind a proposal stands on, at least.
	enoughRight, enoughWrong = 20, 10
	// mostMarks is how many of the latest marks are looked at.
	mostMarks = 2000
	// leastKept is the share of right laughs that a proposal must keep.
	leastKept = 0.9
	// better is by how much the shares kept and dropped, together, must grow for a change to be worth it.
	better = 0.03
	// tableRows is how many thresholds are shown side by side, about.
	tableRows = 12
)

// Proposal compares sure thresholds by a person's marks.
type Proposal struct {
	// Right and Wrong are the marks that it stands on; Enough says whether they are.
	Right, Wrong int
	Enough       bool
	// Now is the threshold that holds, Default that of everybody; they are equal unless the person has one of their own.
	Now, Default Judged
	// Best is what the marks speak for; nil where nothing is clearly better than Now, or the marks are not enough.
	Best *Judged
	// Table has thresholds side by side, the lowest first.
	Table []Judged
}

// Judged says what a sure threshold does to what a person marked.
type Judged struct {
	// Threshold in 0..1; Kept is the share of right laughs from it on, Dropped that of wrong ones below it.
	Threshold, Kept, Dropped float64
}

// Proposal judges thresholds by the user's marks. Nothing is changed. Only what was found under the policy that holds counts, for what
// another one weighed is not comparable.
func (s *Service) Proposal(ctx context.Context, user orchestrator.User) (p Proposal, err error) {
	policy, err := s.PolicyOf(user)
	if err != nil {
		return p, err
	}
	everybodys, err := s.PolicyOf(orchestrator.User{Name: user.Name, Threshold: user.Threshold})
	if err != nil {
		return p, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return p, err
	}
	var right, wrong []float64
	filter := orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkRight, orchestrator.MarkWrong}, Order: orchestrator.OrderNewest, Limit: mostMarks}
	for l, err := range opened.LaughsOf(ctx, []int64{user.ID}, filter) {
		if err != nil {
			return p, err
		}
		if _, own := policy.Classes[l.Class]; own || l.Policy != policy.ID() {
			continue
		}
		evidence := l.Evidence
		if evidence == 0 {
			evidence = l.Score
		}
		if l.Mark == orchestrator.MarkRight {
			right = append(right, evidence)
		} else {
			wrong = append(wrong, evidence)
		}
	}
	judge := func(threshold float64) Judged {
		return Judged{threshold, share(right, func(v float64) bool { return v >= threshold }), share(wrong, func(v float64) bool { return v < threshold })}
	}
	now := policy.Classes[orchestrator.AnyClass]
	p.Right, p.Wrong, p.Now, p.Default = len(right), len(wrong), judge(now.Sure), judge(everybodys.Classes[orchestrator.AnyClass].Sure)
	p.Enough = now.Sure > 0 && p.Right >= enoughRight && p.Wrong >= enoughWrong
	if !p.Enough {
		return p, nil
	}
	lowest := everybodys.Classes[orchestrator.AnyClass].Maybe // nothing was heard below, so nothing is known there
	candidates := []float64{lowest}
	consider := func(threshold float64) {
		if threshold > lowest && threshold < 1 {
			candidates = append(candidates, threshold)
		}
	}
	for _, evidence := range right {
		consider(twoDigits(evidence, 0))
	}
	for _, evidence := range wrong {
		consider(twoDigits(evidence, 1))
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	var best Judged
	for i, threshold := range candidates {
		candidate := judge(threshold)
		if i*tableRows/len(candidates) != (i-1)*tableRows/len(candidates) || i == 0 {
			p.Table = append(p.Table, candidate)
		}
		gain := candidate.Kept + candidate.Dropped - best.Kept - best.Dropped
		if candidate.Kept >= leastKept && (gain > 0 || gain == 0 && math.Abs(candidate.Threshold-now.Sure) < math.Abs(best.Threshold-now.Sure)) {
			best = candidate
		}
	}
	if best.Kept+best.Dropped-p.Now.Kept-p.Now.Dropped >= better {
		p.Best = &best
	}
	return p, nil
}

// twoDigits is a threshold of two digits that count, as it is shown: the next that is not above a value, or one above that.
func twoDigits(value, above float64) float64 {
	if !(value > 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(value))-1)
	return math.Round((math.Floor(value/unit+1e-9)+above)*unit*1e6) / 1e6
}

func share(values []float64, is func(float64) bool) float64 {
	n := 0
	for _, v := range values {
		if is(v) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(values)))
}

// OwnThreshold is the sure threshold that a user's own policy sets for every class; 0 where it sets none.
func OwnThreshold(user orchestrator.User) float64 {
	var own struct {
		Classes map[string]*struct {
			Sure float64 `json:"sure"`
		} `json:"classes"`
	}
	if json.Unmarshal([]byte(user.Policy), &own) != nil || own.Classes[orchestrator.AnyClass] == nil {
		return 0
	}
	return own.Classes[orchestrator.AnyClass].Sure
}

// UseThreshold sets a user's own sure threshold, and 0 takes it away; the rest of their policy stays. It holds for what is read from
// then on. An *InvalidError where the policy would not be valid.
func (s *Service) UseThreshold(ctx context.Context, user orchestrator.User, threshold float64) error {
	own := map[string]any{}
	if user.Policy != "" {
		if err := json.Unmarshal([]byte(user.Policy), &own); err != nil {
			return fmt.Errorf("read policy of user %s: %w", user.Name, err)
		}
	}
	classes, _ := own["classes"].(map[string]any)
	if classes == nil {
		classes = map[string]any{}
	}
	every, _ := classes[orchestrator.AnyClass].(map[string]any)
	if every == nil {
		every = map[string]any{}
	}
	own["classes"], classes[orchestrator.AnyClass], every["sure"] = classes, every, threshold
	if threshold == 0 {
		delete(every, "sure")
	}
	if len(every) == 0 { // what is empty says nothing
		delete(classes, orchestrator.AnyClass)
	}
	if len(classes) == 0 {
		delete(own, "classes")
	}
	user.Policy = ""
	if len(own) > 0 {
		text, err := json.Marshal(own)
		if err != nil {
			return fmt.Errorf("write policy of user %s: %w", user.Name, err)
		}
		user.Policy = string(text)
	}
	if _, err := s.PolicyOf(user); err != nil {
		return &InvalidError{err}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.ChangePolicy(ctx, user.ID, user.Threshold, user.Policy, fmt.Sprintf("sure from %v, chosen by marks", threshold))
}
