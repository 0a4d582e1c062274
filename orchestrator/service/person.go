package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/chortle-audio/chortle/orchestrator"
)

// SourceState says where a person's recordings come from, and how that stands.
type SourceState struct {
	// Kind is the scheme of the source's address, such as "folder".
	Kind string
	// NeedsKey says that it is read with an API key.
	NeedsKey bool
	// Problem is why the source cannot be read now, with a code where that is known; nil where it can.
	Problem error
	// Status is what the runs so far left.
	Status orchestrator.UserStatus
}

// SourceState looks whether a user's source can be read now, without reading any of it.
func (s *Service) SourceState(ctx context.Context, user orchestrator.User) (state SourceState, err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return state, err
	}
	if state.Status, err = opened.UserStatus(ctx, user.ID); err != nil {
		return state, err
	}
	kind, rest, err := kindOf(user)
	if err != nil {
		state.Problem = orchestrator.WithCode(err, orchestrator.CodeSource)
		return state, nil
	}
	state.Kind, state.NeedsKey = kind.scheme, kind.needsKey
	err = kind.ready(ctx, s, user, rest)
	var known interface {
		Problem() (orchestrator.Code, orchestrator.Facts)
	}
	switch {
	case errors.Is(err, orchestrator.ErrStoreUnavailable):
		return state, err
	case err == nil, errors.As(err, &known):
		state.Problem = err
	case errors.Is(err, fs.ErrNotExist):
		state.Problem = orchestrator.WithCode(err, orchestrator.CodeFolderMissing)
	case errors.Is(err, fs.ErrPermission):
		state.Problem = orchestrator.WithCode(err, orchestrator.CodeFolderForbidden)
	default:
		state.Problem = orchestrator.WithCode(err, orchestrator.CodeSource)
	}
	return state, nil
}

// PolicyOf returns the policy under which a user's laughs are found.
func (s *Service) PolicyOf(user orchestrator.User) (orchestrator.Policy, error) {
	return s.Config.Policy().Resolve(user)
}

// ChangePerson checks a changed user and stores it. source, unless empty, is the address of a new source as a person wrote it; its
// path must be absolute, for this process may run anywhere. An *InvalidError where a field cannot be used, orchestrator.ErrExists
// where the new name is taken.
func (s *Service) ChangePerson(ctx context.Context, user orchestrator.User, source string) error {
	if source != "" {
		stored, err := ParseSource(source, func(path string) (string, error) {
			if !filepath.IsAbs(path) {
				return "", fmt.Errorf("path %q is not absolute", path)
			}
			return filepath.Clean(path), nil
		})
		if err != nil {
			return &InvalidError{err}
		}
		user.Source = stored
	}
	if err := CheckUser(user); err != nil {
		return err
	}
	return s.UpdateUser(ctx, user)
}

// ChangeKeep sets for how long a user's sound is kept: days for sure laughs and for maybes, and how many clips of a class a day has; 0
// sets no limit. What else the user's own rules say stays. An *InvalidError where a number is out of range.
func (s *Service) ChangeKeep(ctx context.Context, user orchestrator.User, days, maybeDays, aDay int) error {
	own := map[string]any{}
	if user.Retention != "" {
		if err := json.Unmarshal([]byte(user.Retention), &own); err != nil {
			return fmt.Errorf("read retention of user %s: %w", user.Name, err)
		}
	}
	own["days"], own["maybe_days"], own["a_day"] = days, maybeDays, aDay
	text, err := json.Marshal(own)
	if err != nil {
		return fmt.Errorf("write retention of user %s: %w", user.Name, err)
	}
	user.Retention = string(text)
	if _, err := s.Retention(user); err != nil {
		return &InvalidError{err}
	}
	return s.UpdateUser(ctx, user)
}
