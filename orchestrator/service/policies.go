package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/learn"
	"github.com/chortle-audio/chortle/orchestrator/service/quality"
)

// ShowPolicy returns a user's policy of today, and what of it is the user's own. An empty name means everybody's.
func (s *Service) ShowPolicy(ctx context.Context, name string) (document.Policy, error) {
	if name == "" {
		policy, err := s.Config.Policy().Base()
		return document.Policy{ID: policy.ID(), Policy: policy}, err
	}
	user, err := s.User(ctx, name)
	if err != nil {
		return document.Policy{}, err
	}
	policy, err := s.Config.Policy().Resolve(user)
	return document.Policy{User: user.Name, ID: policy.ID(), Own: user.Policy, Threshold: user.Threshold, Policy: policy}, err
}

// SetPolicy replaces what a user's policy says other than everybody's, a JSON object for orchestrator.Policy.Override;
// empty text takes everything of their own away, their threshold included. Laughs that are stored stay as they are until
// they are rescored. An *InvalidError where the object makes no valid policy.
func (s *Service) SetPolicy(ctx context.Context, name, object, note string) error {
	user, err := s.User(ctx, name)
	if err != nil {
		return err
	}
	user.Policy = object
	if object == "" {
		user.Threshold = 0
	}
	if _, err := s.Config.Policy().Resolve(user); err != nil {
		return &InvalidError{err}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.ChangePolicy(ctx, user.ID, user.Threshold, object, note)
}

// PolicyHistory returns the changes of a user's policy, the oldest first.
func (s *Service) PolicyHistory(ctx context.Context, name string) ([]orchestrator.PolicyChange, error) {
	user, err := s.User(ctx, name)
	if err != nil {
		return nil, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	return opened.PolicyChanges(ctx, user.ID)
}

// UndoPolicy takes back the last change of a user's policy. An *InvalidError where there is none.
func (s *Service) UndoPolicy(ctx context.Context, name string) (orchestrator.PolicyChange, error) {
	user, err := s.User(ctx, name)
	if err != nil {
		return orchestrator.PolicyChange{}, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.PolicyChange{}, err
	}
	change, err := opened.UndoPolicy(ctx, user.ID)
	if errors.Is(err, orchestrator.ErrNotFound) {
		return change, invalid("the policy of user %s was never changed, or every change is undone", name)
	}
	return change, err
}

// LearnPolicy proposes a policy from the marks of a user: a head and thresholds. It changes nothing; AcceptPolicy does.
// Where the marks are too few or all of one kind, the proposal has a Reason and no Policy.
func (s *Service) LearnPolicy(ctx context.Context, name string) (learn.Proposal, error) {
	user, err := s.User(ctx, name)
	if err != nil {
		return learn.Proposal{}, err
	}
	policy, err := s.Config.Policy().Resolve(user)
	if err != nil {
		return learn.Proposal{}, err
	}
	samples, contradictions, model, err := s.markedSamples(ctx, user, policy)
	if err != nil {
		return learn.Proposal{}, err
	}
	head := headFor(policy, user.Name, model)
	head.TrainedOn = fmt.Sprintf("%d marks of %s until %s", len(samples), user.Name, s.Now().UTC().Format(time.DateOnly))
	proposal, err := propose(samples, learn.Options{Head: head, Policy: policy, Thresholds: true})
	proposal.User = user.Name
	proposal.Contradictions = append([]string{}, contradictions...)
	if err != nil || proposal.Policy == nil {
		return proposal, err
	}
	version := 1
	if policy.Name == user.Name {
		version = policy.Version + 1
	}
	proposal.Policy.Name, proposal.Policy.Version = user.Name, version
	proposal.Override, err = overrideOf(user.Policy, *proposal.Policy)
	return proposal, err
}

// AcceptPolicy makes a proposal of LearnPolicy the user's policy.
func (s *Service) AcceptPolicy(ctx context.Context, proposal learn.Proposal) (learn.Proposal, error) {
	if proposal.Policy == nil {
		return proposal, invalid("nothing is proposed for user %s: %s", proposal.User, proposal.Reason)
	}
	b, a := proposal.Before, proposal.After
	note := fmt.Sprintf("learned from %d marks: expected %d of %d right ones sure instead of %d, %d of %d wrong ones instead of %d", proposal.Samples,
		a.RightSure, a.Right, b.RightSure, a.WrongSure, a.Wrong, b.WrongSure)
	err := s.SetPolicy(ctx, proposal.User, proposal.Override, note)
	proposal.Accepted = err == nil
	return proposal, err
}

// TrainPolicy learns a head from labelled sound, as LearnPolicy does from marks: of everything that may be a laugh in it,
// by what the labels say. The proposed policy is that of the settings with the head. request's curve and second model and
// policy do not count. Sources keep their samples together in cross-validation.
func (s *Service) TrainPolicy(ctx context.Context, name string, request QualityRequest) (proposal learn.Proposal, problems []quality.Problem, err error) {
	problem := func(found ...quality.Problem) {
		for _, p := range found {
			problems = append(problems, p)
			if request.Problem != nil {
				request.Problem(p)
			}
		}
	}
	files, folder, err := labelled(request.Labels, request.Folder, problem)
	if err != nil {
		return proposal, problems, fmt.Errorf("read labels %s: %w", request.Labels, err)
	}
	policy, err := s.NamedPolicy(ctx, request.Policy)
	if err != nil {
		return proposal, problems, err
	}
	sounds, model, err := s.listenTo(ctx, request.Model, folder, files, request.Observe, problem)
	if err != nil {
		return proposal, problems, err
	}
	head := headFor(policy, name, model)
	samples := labelledSamples(sounds, policy, &head)
	head.TrainedOn = fmt.Sprintf("%d candidates in %d labelled files of %d sources, %s", len(samples), len(sounds), len(groupsOf(samples)), s.Now().UTC().Format(time.DateOnly))
	proposal, err = propose(samples, learn.Options{Head: head, Policy: policy})
	if proposal.Policy != nil {
		proposal.Policy.Name, proposal.Policy.Version = name, head.Version
	}
	return proposal, problems, err
}

// propose learns; what keeps anything from being learned is the proposal's Reason.
func propose(samples []learn.Sample, o learn.Options) (learn.Proposal, error) {
	proposal, err := learn.Train(samples, o)
	switch {
	case errors.Is(err, learn.ErrFew):
		proposal.Reason = fmt.Sprintf("%d are judged, and %d are needed: %d more", proposal.Samples, learn.Least, learn.Least-proposal.Samples)
	case errors.Is(err, learn.ErrAllRight):
		proposal.Reason = fmt.Sprintf("%d are wrong, and %d are needed: %d more", proposal.Wrong, learn.LeastEach, learn.LeastEach-proposal.Wrong)
	case errors.Is(err, learn.ErrAllWrong):
		proposal.Reason = fmt.Sprintf("%d are right, and %d are needed: %d more", proposal.Right, learn.LeastEach, learn.LeastEach-proposal.Right)
	case errors.Is(err, learn.ErrNoLogits):
		proposal.Reason = "they were heard by a model, or a version of this program, that stored no logits; run with --reprocess where the recordings are still there"
	default:
		return proposal, err
	}
	return proposal, nil
}

// headFor is a head without weights, over the laughter and human sounds of a model, in three frames.
func headFor(policy orchestrator.Policy, name string, model orchestrator.Model) orchestrator.Head {
	head := orchestrator.Head{Name: name, Version: 1, Model: model.Name, Around: 1, Weight: 1}
	if policy.Head != nil && policy.Head.Name == name {
		head.Version = policy.Head.Version + 1
	}
	head.Classes = slices.Clone(model.Laughter)
	for _, class := range orchestrator.HumanClasses() {
		if slices.Contains(model.Heard, class) {
			head.Classes = append(head.Classes, class)
		}
	}
	return head
}

// withoutHead is a policy as it is without what was learned before: heads are not stacked.
func withoutHead(policy orchestrator.Policy) orchestrator.Policy {
	policy = policy.Clone()
	policy.Head = nil
	return policy
}

// sampleOf is what can be learned of a laugh.
func sampleOf(scores *orchestrator.Scores, policy orchestrator.Policy, head *orchestrator.Head, laugh orchestrator.Laugh) learn.Sample {
	frame, evidence := detect.Best(scores, withoutHead(policy), laugh)
	sample := learn.Sample{Evidence: orchestrator.Logit(evidence), Class: laugh.Class}
	if logits, ok := detect.Features(scores, head, frame); ok {
		sample.Logits = logits
	}
	return sample
}

// labelledSamples are the candidates in labelled sound: everything that would be a laugh at very low thresholds.
func labelledSamples(sounds []quality.Sound, policy orchestrator.Policy, head *orchestrator.Head) (samples []learn.Sample) {
	const low = 0.0005
	wide := withoutHead(policy)
	for class := range wide.Classes {
		wide.Classes[class] = orchestrator.Thresholds{Sure: low, Maybe: low}
	}
	wide.Release = low
	looked, wrong := quality.Outcomes(sounds, wide, detect.Laughs)
	scores := map[string]*orchestrator.Scores{}
	for i := range sounds {
		scores[sounds[i].File] = &sounds[i].Scores
	}
	add := func(o quality.Outcome, laugh bool) {
		if o.Class == "" { // not even a candidate
			return
		}
		sample := sampleOf(scores[o.File], policy, head, orchestrator.Laugh{Class: o.Class,
			Onset: int64(o.Onset * orchestrator.SampleRateHz), Offset: int64(o.Offset * orchestrator.SampleRateHz)})
		sample.Laugh, sample.Group = laugh, o.Source
		samples = append(samples, sample)
	}
	for _, o := range looked {
		add(o, true)
	}
	for _, o := range wrong {
		add(o, false)
	}
	return samples
}

func groupsOf(samples []learn.Sample) map[string]bool {
	groups := map[string]bool{}
	for _, s := range samples {
		groups[s.Group] = true
	}
	return groups
}

// markedSamples are the marked laughs of a user, with the model that heard most of them; marks of the same moment that
// contradict each other are left out and named.
func (s *Service) markedSamples(ctx context.Context, user orchestrator.User, policy orchestrator.Policy) (samples []learn.Sample, contradictions []string, model orchestrator.Model, err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, nil, model, err
	}
	type place struct{ recording, model, version, sha256 string }
	marked := map[place][]orchestrator.StoredLaugh{}
	byTime := []orchestrator.StoredLaugh{}
	models := map[string]int{}
	filter := orchestrator.LaughFilter{UserIDs: []int64{user.ID}, Marks: []orchestrator.Mark{orchestrator.MarkRight, orchestrator.MarkWrong}}
	for laugh, err := range opened.Laughs(ctx, filter) {
		if err != nil {
			return nil, nil, model, err
		}
		byTime = append(byTime, laugh)
		models[laugh.Model]++
	}
	contrary := contradicting(byTime)
	for _, laugh := range byTime {
		if contrary[laugh.ID] {
			contradictions = append(contradictions, laugh.ID)
			continue
		}
		at := place{laugh.Recording, laugh.Model, laugh.ModelVersion, laugh.ModelSHA256}
		marked[at] = append(marked[at], laugh)
	}
	usual := ""
	for name, n := range models {
		if n > models[usual] || n == models[usual] && name < usual {
			usual = name
		}
	}
	var head orchestrator.Head
	for result, err := range opened.Scores(ctx, orchestrator.LaughFilter{Users: []string{user.Name}, Model: usual}) {
		if err != nil {
			return nil, nil, model, err
		}
		laughs := marked[place{result.Recording.Name, result.Model.Name, result.Model.Version, result.Model.SHA256}]
		if len(laughs) == 0 {
			continue
		}
		if len(head.Classes) < len(result.Model.Laughter)+len(orchestrator.HumanClasses()) {
			if one := headFor(policy, user.Name, result.Model); len(one.Classes) > len(head.Classes) {
				head, model = one, result.Model
			}
		}
		for _, laugh := range laughs {
			onset := orchestrator.DurationToSamples(laugh.Offset)
			sample := sampleOf(&result.Scores, policy, &head, orchestrator.Laugh{Class: laugh.Class, Onset: onset,
				Offset: onset + max(1, orchestrator.DurationToSamples(laugh.End.Sub(laugh.Start)))})
			sample.Laugh, sample.Group = laugh.Mark == orchestrator.MarkRight, result.Recording.Name
			samples = append(samples, sample)
		}
	}
	return samples, contradictions, model, nil
}

// contradicting finds laughs that overlap, as two models or recorders heard them, and are marked differently. They come
// by start.
func contradicting(laughs []orchestrator.StoredLaugh) map[string]bool {
	contrary := map[string]bool{}
	for i, a := range laughs {
		for _, b := range laughs[i+1:] {
			if !b.Start.Before(a.End) {
				break
			}
			if a.Mark != b.Mark {
				contrary[a.ID], contrary[b.ID] = true, true
			}
		}
	}
	return contrary
}

// overrideOf is what a user's policy says in place of own, so that it resolves to policy: its name, classes, release and
// head; everything else of own stays.
func overrideOf(own string, policy orchestrator.Policy) (string, error) {
	object := map[string]any{}
	if own != "" {
		if err := json.Unmarshal([]byte(own), &object); err != nil {
			return "", fmt.Errorf("read own policy: %w", err)
		}
	}
	object["name"], object["version"] = policy.Name, policy.Version
	object["classes"], object["release"] = policy.Classes, policy.Release
	delete(object, "head")
	if policy.Head != nil {
		object["head"] = policy.Head
	}
	text, err := json.Marshal(object)
	return string(text), err
}

// SetHead gives a user's policy a head, such as one that was trained elsewhere, or takes it away where it is nil.
func (s *Service) SetHead(ctx context.Context, name string, head *orchestrator.Head) error {
	user, err := s.User(ctx, name)
	if err != nil {
		return err
	}
	policy, err := s.Config.Policy().Resolve(user)
	if err != nil {
		return err
	}
	policy = policy.Clone()
	policy.Head = head
	note := "head taken away"
	if head != nil {
		note = cmp.Or("head "+head.ID()+", trained on "+head.TrainedOn, "head")
	}
	own, err := overrideOf(user.Policy, policy)
	if err != nil {
		return err
	}
	return s.SetPolicy(ctx, name, own, note)
}
