package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	statusDone   = "done"
	statusFailed = "failed"
)

// FindRecording implements orchestrator.Store.
func (s *Store) FindRecording(ctx context.Context, userID int64, rec orchestrator.Recording) (orchestrator.RecordingState, error) {
	known, err := s.Known(ctx, userID, []orchestrator.Recording{rec})
	if err != nil {
		return orchestrator.RecordingState{}, err
	}
	return known[0].RecordingState, nil
}

// FailRecording implements orchestrator.Store. A run counts once for each recording, however often it
// is called. What was stored of the recording before stays. orchestrator.ErrNotFound when there is no
// such user.
func (s *Store) FailRecording(ctx context.Context, runID string, userID int64, rec orchestrator.Recording, cause string) error {
	verb := fmt.Sprintf("count failure of recording %q", rec.Name)
	if rec.SHA256 == "" {
		return fmt.Errorf("%s: its SHA-256 is not known", verb)
	}
	return s.transaction(ctx, verb, func(ctx context.Context, q querier) error {
		if err := s.confirmRun(ctx, runID); err != nil {
			return err
		}
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		return countFailure(ctx, q, runID, userID, rec, cause)
	})
}

// owner is what the transaction that has a user needs to know of them.
type owner struct{ uid, timezone string }

// takeUser makes the transaction the only one that changes the user's results, and confirms the
// user's lock where this store has it. The update that changes nothing locks the row in every
// dialect.
func (s *Store) takeUser(ctx context.Context, q querier, userID int64) (o owner, err error) {
	if err := s.locker.Confirm(ctx, userID); errors.Is(err, orchestrator.ErrLocked) {
		return o, fmt.Errorf("%w: the lock of user %d was lost with the connection: %w", errTryAgain, userID, err)
	} else if err != nil {
		return o, err
	}
	err = q.one(ctx, "UPDATE users SET name = name WHERE id = ?1 RETURNING uid, timezone", []any{userID}, &o.uid, &o.timezone)
	if errors.Is(err, orchestrator.ErrNotFound) {
		err = fmt.Errorf("user %d: %w", userID, err)
	}
	return o, err
}

// optional is NULL for an empty text.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
