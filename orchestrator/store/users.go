package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

// AddUser stores a new user and returns it with its ID; the ID of the argument does not count.
// orchestrator.ErrExists when the name is taken; the error of Validate when the user is not valid.
func (s *Store) AddUser(ctx context.Context, user orchestrator.User) (orchestrator.User, error) {
	if err := user.Validate(); err != nil {
		return user, err
	}
	again := false // an attempt before may have been stored, and only its answer lost
	err := s.transaction(ctx, fmt.Sprintf("add user %q", user.Name), func(ctx context.Context, q querier) error {
		stored, err := findUser(ctx, q, user.Name)
		switch user.ID = stored.ID; {
		case err == nil && again && stored == user:
			return nil
		case err == nil:
			return orchestrator.ErrExists
		case !errors.Is(err, orchestrator.ErrNotFound):
			return err
		}
		again = true
		err = q.one(ctx, insertUser, userValues(user), &user.ID)
		return s.uniqueIsExists(err)
	})
	return user, err
}

// UpdateUser replaces everything but the ID of the user with that ID; a name that goes is remembered, see FormerNames.
// A new time zone moves the user's laughs to the local days and hours of that zone.
//
// Errors: orchestrator.ErrNotFound when there is no such user, orchestrator.ErrExists when the new name is taken; the
// error of Validate when the user is not valid.
func (s *Store) UpdateUser(ctx context.Context, user orchestrator.User) error {
	if err := user.Validate(); err != nil {
		return err
	}
	return s.transaction(ctx, fmt.Sprintf("update user %q", user.Name), func(ctx context.Context, q querier) error {
		if _, err := q.exec(ctx, `INSERT INTO former_names (user_id, name) SELECT id, name FROM users WHERE id = ?1 AND name <> ?2
			ON CONFLICT DO NOTHING`, user.ID, user.Name); err != nil {
			return err
		}
		before, err := s.takeUser(ctx, q, user.ID)
		if err != nil {
			return err
		}
		if err := s.notePolicy(ctx, q, user.ID, user.Threshold, user.Policy, ""); err != nil {
			return err
		}
		if _, err := q.exec(ctx, updateUser, append(userValues(user), user.ID)...); err != nil {
			return s.uniqueIsExists(err)
		}
		if before.timezone == user.Timezone {
			return nil
		}
		return moveDays(ctx, q, user.ID, zone(user.Timezone))
	})
}

// FormerNames returns the names that a user had before and that nobody has now, in order.
func (s *Store) FormerNames(ctx context.Context, userID int64) (names []string, err error) {
	err = s.read(ctx, "list former names", func(ctx context.Context, q querier) error {
		names, err = formerNames(ctx, q, userID)
		return err
	})
	return names, err
}

func formerNames(ctx context.Context, q querier, userID int64) (names []string, err error) {
	err = q.each(ctx, `SELECT name FROM former_names f WHERE user_id = ?1
		AND NOT EXISTS (SELECT 1 FROM users u WHERE u.name = f.name) ORDER BY name`, []any{userID}, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// User returns the user of that name; orchestrator.ErrNotFound when there is none.
func (s *Store) User(ctx context.Context, name string) (user orchestrator.User, err error) {
	err = s.read(ctx, fmt.Sprintf("find user %q", name), func(ctx context.Context, q querier) error {
		user, err = findUser(ctx, q, name)
		return err
	})
	return user, err
}

// Users returns all users, in order of priority and name.
func (s *Store) Users(ctx context.Context) (users []orchestrator.User, err error) {
	err = s.read(ctx, "list users", func(ctx context.Context, q querier) error {
		users, err = findUsers(ctx, q, where{})
		return err
	})
	return users, err
}

// findUsers reads those that w chooses, in order of priority and name.
func findUsers(ctx context.Context, q querier, w where) (users []orchestrator.User, err error) {
	users = nil
	err = q.each(ctx, selectUsers+w.String()+" ORDER BY priority, name", w.args, func(scan func(...any) error) error {
		var user orchestrator.User
		err := scan(userFields(&user)...)
		users = append(users, user)
		return err
	})
	return users, err
}

func findUser(ctx context.Context, q querier, name string) (user orchestrator.User, err error) {
	err = q.one(ctx, selectUsers+" WHERE name = ?1", []any{name}, userFields(&user)...)
	return user, err
}

// uniqueIsExists names the one condition behind a violated unique constraint.
func (s *Store) uniqueIsExists(err error) error {
	if verdict, _ := s.dialect.Judge(err); err != nil && verdict == VerdictUnique {
		return orchestrator.ErrExists
	}
	return err
}
