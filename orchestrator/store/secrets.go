package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrNotCleared marks a deletion that is done, except that the database's files may still hold what the deleted rows were.
var ErrNotCleared = errors.New("the rows are deleted, but the files of the database still hold what they were")

// Secret is something that a user's source needs and nobody may read. The store keeps it as it gets
// it: sealed.
type Secret struct {
	UserID int64
	// Field says what it is for, such as "api_key".
	Field string
	// Sealed is the encrypted text.
	Sealed string
}

// SetSecret stores a secret, and replaces the one that the user had in the field. orchestrator.ErrNotFound
// when there is no such user.
func (s *Store) SetSecret(ctx context.Context, secret Secret) error {
	return s.transaction(ctx, "store "+secret.Field, func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, secret.UserID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO secrets (user_id, field, sealed) VALUES (?1, ?2, ?3)
			ON CONFLICT (user_id, field) DO UPDATE SET sealed = excluded.sealed`, secret.UserID, secret.Field, secret.Sealed)
		return err
	})
}

// Secret returns a user's secret; orchestrator.ErrNotFound when there is none in that field.
func (s *Store) Secret(ctx context.Context, userID int64, field string) (secret Secret, err error) {
	secret.UserID, secret.Field = userID, field
	err = s.read(ctx, "find "+field, func(ctx context.Context, q querier) error {
		return q.one(ctx, "SELECT sealed FROM secrets WHERE user_id = ?1 AND field = ?2", []any{userID, field}, &secret.Sealed)
	})
	return secret, err
}

// Secrets returns all secrets, by user and field.
func (s *Store) Secrets(ctx context.Context) (secrets []Secret, err error) {
	err = s.read(ctx, "list secrets", func(ctx context.Context, q querier) error {
		secrets, err = findSecrets(ctx, q)
		return err
	})
	return secrets, err
}

// Reseal replaces every secret by what seal makes of it, all of them or none, and returns how many became
// different. An error of seal is returned and leaves everything as it was.
func (s *Store) Reseal(ctx context.Context, seal func(Secret) (string, error)) (changed int, err error) {
	err = s.transaction(ctx, "encrypt secrets", func(ctx context.Context, q querier) error {
		changed = 0
		secrets, err := findSecrets(ctx, q)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			sealed, err := seal(secret)
			if err != nil {
				return err
			}
			if sealed == secret.Sealed {
				continue
			}
			n, err := q.exec(ctx, "UPDATE secrets SET sealed = ?1 WHERE user_id = ?2 AND field = ?3 AND sealed = ?4",
				sealed, secret.UserID, secret.Field, secret.Sealed)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("%w: somebody changed %s of user %d meanwhile", errTryAgain, secret.Field, secret.UserID)
			}
			changed++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}

func findSecrets(ctx context.Context, q querier) (secrets []Secret, err error) {
	err = q.each(ctx, "SELECT user_id, field, sealed FROM secrets ORDER BY user_id, field", nil, func(scan func(...any) error) error {
		var secret Secret
		err := scan(&secret.UserID, &secret.Field, &secret.Sealed)
		secrets = append(secrets, secret)
		return err
	})
	return secrets, err
}

// Removed counts the rows that WipeUser or PurgeUser took away.
type Removed struct{ Recordings, Laughs, Scores, Runs, Shares, Accounts int64 }

// UserClips returns every key that a laugh of the user refers to, and no laugh of anybody else.
func (s *Store) UserClips(ctx context.Context, userID int64) (keys []string, err error) {
	err = s.read(ctx, "list clips", func(ctx context.Context, q querier) error {
		keys = nil
		return q.each(ctx, `SELECT DISTINCT clip FROM laughs l WHERE user_id = ?1 AND clip <> ''
			AND NOT EXISTS (SELECT 1 FROM laughs o WHERE o.clip = l.clip AND o.user_id <> ?1) ORDER BY clip`, []any{userID},
			func(scan func(...any) error) error {
				var key string
				err := scan(&key)
				keys = append(keys, key)
				return err
			})
	})
	return keys, err
}

// WipeUser deletes what was heard of a user: laughs, their shares, and scores. The recordings stay known, so that the next
// run does not hear it all again. orchestrator.ErrNotFound when there is no such user.
func (s *Store) WipeUser(ctx context.Context, userID int64) (removed Removed, err error) {
	err = s.transaction(ctx, fmt.Sprintf("wipe user %d", userID), func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		removed = Removed{}
		if removed.Laughs, err = q.exec(ctx, "DELETE FROM laughs WHERE user_id = ?1", userID); err != nil {
			return err
		}
		if _, err = q.exec(ctx, "DELETE FROM laugh_copies WHERE user_id = ?1", userID); err != nil {
			return err
		}
		if _, err = q.exec(ctx, "DELETE FROM lost_clips WHERE user_id = ?1", userID); err != nil {
			return err
		}
		if removed.Shares, err = q.exec(ctx, "DELETE FROM shares WHERE user_id = ?1", userID); err != nil {
			return err
		}
		removed.Scores, err = q.exec(ctx, "DELETE FROM scores WHERE recording_id IN (SELECT id FROM recordings WHERE user_id = ?1)", userID)
		return err
	})
	return removed, errors.Join(err, s.scrub(ctx, err))
}

// PurgeUser deletes a user and every row that tells of them, with the accounts that saw nobody else; those that run the server stay. orchestrator.ErrNotFound when there is no such
// user.
func (s *Store) PurgeUser(ctx context.Context, user orchestrator.User) (removed Removed, err error) {
	err = s.transaction(ctx, fmt.Sprintf("purge user %d", user.ID), func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, user.ID); err != nil {
			return err
		}
		removed = Removed{}
		for _, part := range []struct {
			count *int64
			table string
		}{{&removed.Laughs, "laughs"}, {&removed.Recordings, "recordings"}, {&removed.Runs, "run_users"}, {&removed.Shares, "shares"}} {
			if err := q.one(ctx, "SELECT COUNT(*) FROM "+part.table+" WHERE user_id = ?1", []any{user.ID}, part.count); err != nil {
				return err
			}
		}
		names, err := formerNames(ctx, q, user.ID)
		if err != nil {
			return err
		}
		for _, name := range append(names, user.Name) { // what ended a run may tell it
			if _, err := q.exec(ctx, `UPDATE runs SET error = '' WHERE error LIKE '%' || ?1 || '%' ESCAPE '!' AND
				id IN (SELECT run_id FROM run_users WHERE user_id = ?2)`, likely(name), user.ID); err != nil {
				return err
			}
		}
		bereft, err := q.ids(ctx, "SELECT account_id FROM account_users WHERE user_id = ?1", user.ID)
		if err != nil {
			return err
		}
		var uid string
		if err := q.one(ctx, "DELETE FROM users WHERE id = ?1 RETURNING uid", []any{user.ID}, &uid); err != nil { // and, by it, all that hangs on it
			return err
		}
		if _, err := q.exec(ctx, "UPDATE tombstones SET to_clear = TRUE WHERE uid = ?1", uid); err != nil {
			return err
		}
		removed.Accounts, err = dropBereft(ctx, q, bereft)
		return err
	})
	if err != nil {
		return removed, err
	}
	_, err = s.FinishPurges(ctx)
	return removed, err
}

// FinishPurges clears what the rows of purged users leave in the database's files, where a purge could not, and tells
// whether there was anything to do. Its error is an ErrNotCleared: the rows themselves are gone.
func (s *Store) FinishPurges(ctx context.Context) (cleared bool, err error) {
	var left int
	err = s.read(ctx, "look for purges", func(ctx context.Context, q querier) error {
		return q.one(ctx, "SELECT COUNT(*) FROM tombstones WHERE to_clear", nil, &left)
	})
	if err == nil && left > 0 {
		err = s.scrub(ctx, nil)
	}
	if err == nil && left > 0 {
		err = s.transaction(ctx, "note that purges are finished", func(ctx context.Context, q querier) error {
			_, err := q.exec(ctx, "UPDATE tombstones SET to_clear = FALSE WHERE to_clear")
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNotCleared, err)
	}
	return left > 0, nil
}

// likely is a text as a pattern of LIKE, with ! in front of what has a meaning there.
func likely(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// scrub clears what deleted rows leave in the database's files, unless the deletion failed.
func (s *Store) scrub(ctx context.Context, deletion error) error {
	if deletion != nil {
		return nil
	}
	return s.retry(ctx, "clear deleted rows", func(ctx context.Context) error { return s.dialect.Scrub(ctx, s.db, tableNames()) })
}
