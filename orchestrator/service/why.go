package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// WhyLaugh says why a laugh was found: what was heard, what argued against it, and the thresholds of the policy that it
// was found under. Errors are those of Laugh; orchestrator.ErrNotFound also where its scores are not stored.
func (s *Service) WhyLaugh(ctx context.Context, userIDs []int64, id string) (document.Why, error) {
	laugh, err := s.Laugh(ctx, userIDs, id)
	if err != nil {
		return document.Why{}, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return document.Why{}, err
	}
	policy, err := opened.LaughPolicy(ctx, userIDs, id)
	if errors.Is(err, orchestrator.ErrNotFound) { // it is from before policies were stored
		policy, err = s.policyOfUser(ctx, laugh.User)
	}
	if err != nil {
		return document.Why{}, err
	}
	start := laugh.Start.Add(-laugh.Offset)
	for result, err := range opened.Scores(ctx, orchestrator.LaughFilter{Users: []string{laugh.User}, Model: laugh.Model,
		Span: orchestrator.Span{Start: start.Add(-time.Second), End: start.Add(time.Second)}}) {
		if err != nil {
			return document.Why{}, err
		}
		if result.Recording.Name != laugh.Recording || result.Model.Version != laugh.ModelVersion || result.Model.SHA256 != laugh.ModelSHA256 {
			continue
		}
		from := orchestrator.DurationToSamples(laugh.Offset)
		why := why(laugh.User, laugh.Timezone, result, policy, from, from+orchestrator.DurationToSamples(laugh.End.Sub(laugh.Start)))
		why.Laugh = laugh.ID
		return why, nil
	}
	return document.Why{}, fmt.Errorf("find scores of laugh %q: %w", id, orchestrator.ErrNotFound)
}

// explainAround is how far before and after a moment ExplainMoment looks: people do not name moments exactly.
const explainAround = time.Second

// ExplainMoment says, for every model that read a recording which covers the moment, what was heard there and why the
// user's policy of today takes it for a laugh or not. An *InvalidError where no recording covers it.
func (s *Service) ExplainMoment(ctx context.Context, user string, at time.Time) ([]document.Why, error) {
	users, err := s.usersOr(ctx, []string{user})
	if err != nil {
		return nil, err
	}
	policy, err := s.Config.Policy().Resolve(users[0])
	if err != nil {
		return nil, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	const longest = 48 * time.Hour // of a recording
	var all []document.Why
	for result, err := range opened.Scores(ctx, orchestrator.LaughFilter{Users: []string{user}, Span: orchestrator.Span{Start: at.Add(-longest), End: at.Add(explainAround)}}) {
		if err != nil {
			return nil, err
		}
		into := at.Sub(result.Recording.Start)
		if into > orchestrator.SamplesToDuration(result.Scores.Length)+explainAround {
			continue
		}
		one := why(user, users[0].Timezone, result, policy, max(0, orchestrator.DurationToSamples(into-explainAround)), orchestrator.DurationToSamples(into+explainAround))
		if one.Laugh, err = laughAt(ctx, opened, user, result, at); err != nil {
			return nil, err
		}
		if one.Laugh != "" {
			one.Words = append(one.Words, "stored as laugh "+one.Laugh)
		} else if one.Tier != "" {
			one.Words = append(one.Words, "no laugh is stored there: it is too short, was forgotten, or was read under another policy; rescore finds it again under this one")
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, invalid("no recording of user %s that was read covers %s", user, at.UTC().Format(time.RFC3339))
	}
	return all, nil
}

// laughAt finds the laugh that is stored at a moment of a recording.
func laughAt(ctx context.Context, opened *store.Store, user string, result orchestrator.Result, at time.Time) (string, error) {
	laughs, err := laughsOf(ctx, opened, user, result)
	for _, laugh := range laughs {
		if !at.Before(laugh.Start.Add(-explainAround)) && !at.After(laugh.End.Add(explainAround)) {
			return laugh.ID, err
		}
	}
	return "", err
}

func (s *Service) policyOfUser(ctx context.Context, name string) (orchestrator.Policy, error) {
	users, err := s.usersOr(ctx, []string{name})
	if err != nil {
		return orchestrator.Policy{}, err
	}
	return s.Config.Policy().Resolve(users[0])
}

// why explains a stretch of a recording, in figures and in words.
func why(user, timezone string, result orchestrator.Result, policy orchestrator.Policy, from, to int64) document.Why {
	reason, heard := detect.Explain(result.Scores, policy, from, to)
	if !heard {
		reason.At = (from + to) / 2
	}
	at := result.Recording.Start.Add(orchestrator.SamplesToDuration(reason.At))
	w := document.Why{User: user, At: document.Stamp(at), Recording: result.Recording.Name, Policy: policy.ID(),
		Model: strings.TrimSpace(result.Model.Name + " " + result.Model.Version), Class: reason.Class, Score: reason.Score, Before: reason.Before, After: reason.After,
		Against: []document.Argument{}, Head: reason.Head, Evidence: reason.Evidence, Sure: reason.Thresholds.Sure, Maybe: reason.Thresholds.Maybe,
		Tier: string(reason.Tier), Lacks: append([]string{}, reason.Lacks...)}
	local := at
	if location, err := (orchestrator.User{Timezone: timezone}).Location(); err == nil {
		local = at.In(location)
	}
	say := func(format string, args ...any) { w.Words = append(w.Words, fmt.Sprintf(format, args...)) }
	if !heard {
		say("no laughter was heard at %s: every laughter class is below %s", local.Format("15:04:05"), figure(orchestrator.FloorScore))
	} else {
		say("heard as %s %s at %s", reason.Class, figure(reason.Score), local.Format("15:04:05"))
		if policy.Neighbours > 0 {
			say("before and after it laughter %s and %s", figure(reason.Before), figure(reason.After))
		}
		for _, a := range reason.Against {
			w.Against = append(w.Against, document.Argument{Class: a.Class, Score: a.Score, Cost: a.Cost})
			where := ""
			if a.Around > 0 {
				where = fmt.Sprintf(" within %g s", a.Around)
			}
			if a.Cost > 0 {
				say("%s %s%s argues against it, by %.1f", a.Class, figure(a.Score), where, a.Cost)
			} else {
				say("%s %s%s argues nothing", a.Class, figure(a.Score), where)
			}
		}
		if policy.Head != nil {
			say("what was learned (%s) argues %s, by %.1f", policy.Head.ID(), forOrAgainst(reason.Head), max(reason.Head, -reason.Head))
		}
		t := reason.Thresholds
		switch reason.Tier {
		case orchestrator.TierSure:
			say("evidence %s: sure from %s on", figure(reason.Evidence), figure(t.Sure))
		case orchestrator.TierMaybe:
			say("evidence %s: maybe from %s on, sure from %s on", figure(reason.Evidence), figure(t.Maybe), figure(t.Sure))
		default:
			say("evidence %s: no laugh, that needs %s", figure(reason.Evidence), figure(t.Maybe))
		}
	}
	if len(reason.Lacks) > 0 {
		say("not known, for the model did not give them or they were not stored: %s", strings.Join(reason.Lacks, ", "))
	}
	say("policy %s", policy.ID())
	return w
}

func forOrAgainst(logits float64) string {
	if logits < 0 {
		return "against it"
	}
	return "for it"
}

// figure writes a score with what tells it from others.
func figure(score float64) string {
	if score < 0.1 {
		return fmt.Sprintf("%.4f", score)
	}
	return fmt.Sprintf("%.2f", score)
}
