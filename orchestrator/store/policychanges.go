package store

import (
	"context"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

const insertPolicyChange = "INSERT INTO policy_changes (user_id, changed_at, threshold, policy, before_threshold, before_policy, note, undone)"

// ChangePolicy replaces a user's own threshold and policy, as of orchestrator.User, and remembers the change with a note
// on what it was made of. Nothing is changed, and remembered, where they are so already.
//
// Errors: orchestrator.ErrNotFound when there is no such user; that of orchestrator.CheckOverride.
func (s *Store) ChangePolicy(ctx context.Context, userID int64, threshold float64, policy, note string) error {
	if err := orchestrator.ValidateThreshold(threshold); err != nil {
		return err
	}
	if err := orchestrator.CheckOverride(policy); err != nil {
		return err
	}
	return s.transaction(ctx, "change policy", func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		if err := s.notePolicy(ctx, q, userID, threshold, policy, note); err != nil {
			return err
		}
		_, err := q.exec(ctx, "UPDATE users SET threshold = ?2, policy = ?3 WHERE id = ?1", userID, threshold, policy)
		return err
	})
}

// notePolicy remembers that a user's policy is about to change, unless it is to stay as it is.
func (s *Store) notePolicy(ctx context.Context, q querier, userID int64, threshold float64, policy, note string) error {
	var before orchestrator.PolicyChange
	err := q.one(ctx, "SELECT threshold, policy FROM users WHERE id = ?1", []any{userID}, &before.Threshold, &before.Policy)
	if err != nil || before.Threshold == threshold && before.Policy == policy {
		return err
	}
	return q.insert(ctx, insertPolicyChange, [][]any{{userID, s.now(), threshold, policy, before.Threshold, before.Policy, note, false}})
}

// PolicyChanges returns the changes of a user's policy, the oldest first.
func (s *Store) PolicyChanges(ctx context.Context, userID int64) (changes []orchestrator.PolicyChange, err error) {
	err = s.read(ctx, "list changes of policy", func(ctx context.Context, q querier) error {
		changes = nil
		return q.each(ctx, `SELECT id, changed_at, threshold, policy, before_threshold, before_policy, note, undone
			FROM policy_changes WHERE user_id = ?1 ORDER BY id`, []any{userID}, func(scan func(...any) error) error {
			var c orchestrator.PolicyChange
			err := scan(&c.ID, instant{&c.At}, &c.Threshold, &c.Policy, &c.BeforeThreshold, &c.BeforePolicy, &c.Note, &c.Undone)
			changes = append(changes, c)
			return err
		})
	})
	return changes, err
}

// UndoPolicy takes back the last change of a user's policy that is not undone, and returns it. orchestrator.ErrNotFound
// where there is none.
func (s *Store) UndoPolicy(ctx context.Context, userID int64) (change orchestrator.PolicyChange, err error) {
	err = s.transaction(ctx, "undo policy", func(ctx context.Context, q querier) error {
		change = orchestrator.PolicyChange{}
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		err := q.one(ctx, `SELECT id, changed_at, threshold, policy, before_threshold, before_policy, note FROM policy_changes
			WHERE user_id = ?1 AND NOT undone ORDER BY id DESC LIMIT 1`, []any{userID},
			&change.ID, instant{&change.At}, &change.Threshold, &change.Policy, &change.BeforeThreshold, &change.BeforePolicy, &change.Note)
		if err != nil {
			return fmt.Errorf("find change to undo: %w", err)
		}
		if _, err := q.exec(ctx, "UPDATE policy_changes SET undone = ?2 WHERE id = ?1", change.ID, true); err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE users SET threshold = ?2, policy = ?3 WHERE id = ?1", userID, change.BeforeThreshold, change.BeforePolicy)
		return err
	})
	change.Undone = err == nil
	return change, err
}
