package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

const userColumns = "id, name, timezone, source, priority, threshold, inferd, enabled, keep_originals"

func columnsOf(u *orchestrator.User) []any {
	return []any{&u.ID, &u.Name, &u.Timezone, &u.Source, &u.Priority, &u.Threshold, &u.Inferd, &u.Enabled, &u.KeepOriginals}
}

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
		err = q.one(ctx, `INSERT INTO users (name, timezone, source, priority, threshold, inferd, enabled, keep_originals)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id`, []any{user.Name, user.Timezone, user.Source,
			user.Priority, user.Threshold, user.Inferd, user.Enabled, user.KeepOriginals}, &user.ID)
		return s.uniqueIsExists(err)
	})
	return user, err
}

// UpdateUser replaces everything but the ID of the user with that ID; a name that goes is remembered, see FormerNames. orchestrator.ErrNotFound when
// there is none, orchestrator.ErrExists when the new name is taken; the error of Validate when the
// user is not valid.
func (s *Store) UpdateUser(ctx context.Context, user orchestrator.User) error {
	if err := user.Validate(); err != nil {
		return err
	}
	return s.transaction(ctx, fmt.Sprintf("update user %q", user.Name), func(ctx context.Context, q querier) error {
		if _, err := q.exec(ctx, `INSERT INTO former_names (user_id, name) SELECT id, name FROM users WHERE id = ?1 AND name <> ?2
			ON CONFLICT DO NOTHING`, user.ID, user.Name); err != nil {
			return err
		}
		n, err := q.exec(ctx, `UPDATE users SET name = ?1, timezone = ?2, source = ?3, priority = ?4, threshold = ?5,
			inferd = ?6, enabled = ?7, keep_originals = ?8 WHERE id = ?9`, user.Name, user.Timezone, user.Source, user.Priority,
			user.Threshold, user.Inferd, user.Enabled, user.KeepOriginals, user.ID)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return s.uniqueIsExists(err)
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
		users, err = findUsers(ctx, q)
		return err
	})
	return users, err
}

func findUsers(ctx context.Context, q querier) (users []orchestrator.User, err error) {
	err = q.each(ctx, "SELECT "+userColumns+" FROM users ORDER BY priority, name", nil, func(scan func(...any) error) error {
		var user orchestrator.User
		err := scan(columnsOf(&user)...)
		users = append(users, user)
		return err
	})
	return users, err
}

func findUser(ctx context.Context, q querier, name string) (user orchestrator.User, err error) {
	err = q.one(ctx, "SELECT "+userColumns+" FROM users WHERE name = ?1", []any{name}, columnsOf(&user)...)
	return user, err
}

// uniqueIsExists names the one condition behind a violated unique constraint.
func (s *Store) uniqueIsExists(err error) error {
	if verdict, _ := s.dialect.Judge(err); err != nil && verdict == VerdictUnique {
		return orchestrator.ErrExists
	}
	return err
}
