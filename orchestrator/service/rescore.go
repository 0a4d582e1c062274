package service

import (
	"context"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// RescoreRequest says which laughs are found again, and how.
type RescoreRequest struct {
	// Users by name; none means all. From and To are days in each user's zone; a zero one leaves that side open.
	Users    []string
	From, To orchestrator.Date
	// Threshold from which a score is a laugh, in (0, 1]; 0: the policy of each user.
	Threshold float64
	// DryRun only counts.
	DryRun bool
}

// Rescore finds laughs again in the stored scores, without the sound. A *LockedError while a run is under way.
func (s *Service) Rescore(ctx context.Context, request RescoreRequest) (document.Rescore, error) {
	rescored := document.Rescore{Threshold: request.Threshold, DryRun: request.DryRun, Users: []document.RescoreUser{}}
	release, err := s.lockShared(ctx)
	if err != nil {
		return rescored, err
	}
	defer release()
	users, err := s.usersOr(ctx, request.Users)
	if err != nil {
		return rescored, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return rescored, err
	}
	for _, user := range users {
		one, err := s.rescoreUser(ctx, kept, user, request)
		if err != nil {
			return rescored, fmt.Errorf("rescore user %s: %w", user.Name, err)
		}
		rescored.Users = append(rescored.Users, one)
	}
	return rescored, nil
}

// rescoreUser does one user, while no run may.
func (s *Service) rescoreUser(ctx context.Context, kept orchestrator.Clips, user orchestrator.User, request RescoreRequest) (document.RescoreUser, error) {
	rescored := document.RescoreUser{User: user.Name}
	opened, err := s.Store(ctx)
	if err != nil {
		return rescored, err
	}
	policy, err := s.Config.Policy().Resolve(user)
	if request.Threshold > 0 { // it goes before the user's
		policy, err = orchestrator.PolicySettings{Threshold: request.Threshold}.Base()
	}
	if err != nil {
		return rescored, err
	}
	span, err := spanOf(user, request.From, request.To)
	if err != nil {
		return rescored, err
	}
	release, err := s.lockUser(ctx, user)
	if err != nil {
		return rescored, err
	}
	defer release()
	for result, err := range opened.Scores(ctx, orchestrator.LaughFilter{Users: []string{user.Name}, Span: span}) {
		if err != nil {
			return rescored, err
		}
		before, err := laughsOf(ctx, opened, user.Name, result)
		if err != nil {
			return rescored, err
		}
		result.Laughs, result.Policy = detect.Laughs(result.Scores, policy), policy
		keepClips(result.Laughs, before)
		rescored.Recordings++
		if len(result.Scores.Lacks(policy)) > 0 {
			rescored.Partial++
		}
		for _, laugh := range before {
			if laugh.Tier != orchestrator.TierMaybe {
				rescored.Before++
			}
		}
		rescored.After += len(detect.Sure(result.Laughs))
		for _, laugh := range result.Laughs {
			if laugh.Clip == "" && laugh.Tier == orchestrator.TierSure {
				rescored.Silent++
			}
		}
		if request.DryRun {
			continue
		}
		saved, err := opened.SaveRecording(ctx, result)
		if err != nil {
			return rescored, err
		}
		for _, key := range saved.Orphans {
			if err := kept.Delete(ctx, key); err != nil {
				return rescored, err
			}
		}
	}
	return rescored, nil
}

// laughsOf finds what is stored of a recording.
func laughsOf(ctx context.Context, opened *store.Store, user string, result orchestrator.Result) (laughs []orchestrator.StoredLaugh, err error) {
	start := result.Recording.Start
	span := orchestrator.Span{Start: start, End: start.Add(orchestrator.SamplesToDuration(result.Scores.Length) + time.Millisecond)}
	filter := orchestrator.LaughFilter{Users: []string{user}, Span: span, Model: result.Model.Name}
	for laugh, err := range opened.Laughs(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if laugh.Recording == result.Recording.Name && laugh.ModelVersion == result.Model.Version && laugh.ModelSHA256 == result.Model.SHA256 {
			laughs = append(laughs, laugh)
		}
	}
	return laughs, nil
}

// keepClips gives each laugh the clip of the stored one that it overlaps most.
func keepClips(laughs []orchestrator.Laugh, before []orchestrator.StoredLaugh) {
	for i := range laughs {
		var most time.Duration
		onset, offset := orchestrator.SamplesToDuration(laughs[i].Onset), orchestrator.SamplesToDuration(laughs[i].Offset)
		for _, old := range before {
			common := min(offset, old.Offset+old.End.Sub(old.Start)) - max(onset, old.Offset)
			if common > most && old.Clip != "" {
				most, laughs[i].Clip = common, old.Clip
			}
		}
	}
}
