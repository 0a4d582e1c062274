package service

import (
	"context"
	"errors"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// chooseUsers picks the named users, each once, or all that are enabled where nobody is named.
func chooseUsers(all []orchestrator.User, names []string) ([]orchestrator.User, error) {
	var chosen []orchestrator.User
	if len(names) == 0 {
		for _, user := range all {
			if user.Enabled {
				chosen = append(chosen, user)
			}
		}
		return chosen, nil
	}
	byName := map[string]orchestrator.User{}
	for _, user := range all {
		byName[user.Name] = user
	}
	for _, name := range names {
		user, ok := byName[name]
		if !ok {
			return nil, unknownUser(name, all)
		}
		if user.Name != "" {
			chosen = append(chosen, user)
		}
		byName[name] = orchestrator.User{} // named twice, read once
	}
	return chosen, nil
}

func unknownUser(name string, all []orchestrator.User) error {
	unknown := &UnknownUserError{Name: name}
	for _, user := range all {
		unknown.Known = append(unknown.Known, user.Name)
	}
	return unknown
}

// Users returns all users, in the order in which they are read.
func (s *Service) Users(ctx context.Context) ([]orchestrator.User, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	return opened.Users(ctx)
}

// User finds a user by name; an *UnknownUserError where there is none.
func (s *Service) User(ctx context.Context, name string) (orchestrator.User, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.User{}, err
	}
	user, err := opened.User(ctx, name)
	if !errors.Is(err, orchestrator.ErrNotFound) {
		return user, err
	}
	all, err := opened.Users(ctx)
	if err != nil {
		return user, err
	}
	return user, unknownUser(name, all)
}

// CheckUser returns an *InvalidError that names the first field of a user that cannot be used. It does not look whether
// the source exists.
func CheckUser(user orchestrator.User) error {
	if _, err := user.Location(); err != nil && user.Timezone != "" {
		if hint := advice.OffsetZone(user.Timezone); hint != "" {
			return invalid("unknown time zone %q: %s", user.Timezone, hint)
		}
		return invalid("unknown time zone %q%s; want an IANA name such as Europe/London", user.Timezone,
			advice.DidYouMean(settings.Nearest(user.Timezone, settings.Zones())))
	}
	if err := user.Validate(); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// AddUser stores a new user, and returns it with its id. orchestrator.ErrExists where the name is taken, an *InvalidError
// where the user's policy is none.
func (s *Service) AddUser(ctx context.Context, user orchestrator.User) (orchestrator.User, error) {
	if _, err := s.Config.Policy().Resolve(user); err != nil {
		return user, &InvalidError{err}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return user, err
	}
	return opened.AddUser(ctx, user)
}

// UpdateUser changes the user of an id. Errors are those of AddUser.
func (s *Service) UpdateUser(ctx context.Context, user orchestrator.User) error {
	if _, err := s.Config.Policy().Resolve(user); err != nil {
		return &InvalidError{err}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.UpdateUser(ctx, user)
}
