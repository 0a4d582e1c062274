package service

import (
	"context"
	"errors"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Laughs yields the laughs that the filter wants, in its order. An *UnknownUserError where a name is no user's.
func (s *Service) Laughs(ctx context.Context, filter orchestrator.LaughFilter) (iter.Seq2[orchestrator.StoredLaugh, error], error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.usersOr(ctx, filter.Users); err != nil {
		return nil, err
	}
	return opened.Laughs(ctx, filter), nil
}

// LaughsOf yields the laughs of these users, by id, that the filter wants; what the filter says of users is ignored,
// and no ids mean nobody.
func (s *Service) LaughsOf(ctx context.Context, userIDs []int64, filter orchestrator.LaughFilter) (iter.Seq2[orchestrator.StoredLaugh, error], error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	return opened.LaughsOf(ctx, userIDs, filter), nil
}

// CountLaughs counts what is stored of a user, sure or not.
func (s *Service) CountLaughs(ctx context.Context, user orchestrator.User) (count int, err error) {
	laughs, err := s.LaughsOf(ctx, []int64{user.ID}, orchestrator.LaughFilter{})
	if err != nil {
		return 0, err
	}
	for _, err := range laughs {
		if err != nil {
			return 0, err
		}
		count++
	}
	return count, nil
}

// Laugh returns the laugh of a public id. orchestrator.ErrNotFound where there is none, or it is none of these users'.
func (s *Service) Laugh(ctx context.Context, userIDs []int64, id string) (orchestrator.StoredLaugh, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.StoredLaugh{}, err
	}
	return opened.Laugh(ctx, userIDs, id)
}

// LaughOrigin returns what is stored of the recording of a laugh, and where else the laugh was heard. Errors are those of
// Laugh.
func (s *Service) LaughOrigin(ctx context.Context, userIDs []int64, id string) (orchestrator.RecordingFacts, []orchestrator.LaughCopy, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.RecordingFacts{}, nil, err
	}
	facts, err := opened.RecordingOf(ctx, userIDs, id)
	if err != nil {
		return facts, nil, err
	}
	copies, err := opened.Copies(ctx, userIDs, id)
	return facts, copies, err
}

// MarkLaugh stores a person's judgement of a laugh, and returns the one before. It changes nothing else. Errors are
// those of Laugh.
func (s *Service) MarkLaugh(ctx context.Context, userIDs []int64, id string, mark orchestrator.Mark) (before orchestrator.Mark, err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	return opened.Mark(ctx, userIDs, id, mark)
}

// StarLaugh stars a laugh or takes its star away. It changes nothing else. Errors are those of Laugh.
func (s *Service) StarLaugh(ctx context.Context, userIDs []int64, id string, star bool) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.Star(ctx, userIDs, id, star)
}

// NoteLaugh replaces a laugh's note, of at most orchestrator.MaxNote bytes. It changes nothing else. Errors are those
// of Laugh.
func (s *Service) NoteLaugh(ctx context.Context, userIDs []int64, id, note string) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.Note(ctx, userIDs, id, note)
}

// ForgetLaugh deletes a laugh with its sound, and what other models heard there, and remembers that nothing is to be
// found there again. It returns how many laughs went. Errors are those of Laugh; where clips could not be deleted,
// the laughs are gone all the same.
func (s *Service) ForgetLaugh(ctx context.Context, userIDs []int64, id string) (int, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return 0, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return 0, err
	}
	forgotten, err := opened.Forget(ctx, userIDs, id)
	if err != nil {
		return 0, err
	}
	for _, key := range forgotten.Orphans {
		err = errors.Join(err, kept.Delete(context.WithoutCancel(ctx), key))
	}
	return forgotten.Laughs, err
}

// usersOr finds the named users, or all where nobody is named, enabled or not.
func (s *Service) usersOr(ctx context.Context, names []string) ([]orchestrator.User, error) {
	all, err := s.Users(ctx)
	if err != nil || len(names) == 0 {
		return all, err
	}
	return chooseUsers(all, names)
}

// spanOf is where some local days of a user lie; a zero day leaves that side open.
func spanOf(user orchestrator.User, from, to orchestrator.Date) (span orchestrator.Span, err error) {
	location, err := user.Location()
	if err != nil {
		return span, err
	}
	if from != (orchestrator.Date{}) {
		span.Start = from.Span(location).Start
	}
	if to != (orchestrator.Date{}) {
		span.End = to.Span(location).End
	}
	return span, nil
}
