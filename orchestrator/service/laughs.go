package service

import (
	"context"
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
