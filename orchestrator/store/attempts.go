package store

import (
	"context"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

var _ orchestrator.Attempts = (*Store)(nil)

// causeKilled is why a recording failed whose run ended with it.
const causeKilled = "the run ended while it was read: it was killed, out of memory or out of time"

// BeginAttempt implements orchestrator.Attempts. orchestrator.ErrNotFound when there is no such user.
func (s *Store) BeginAttempt(ctx context.Context, runID string, userID int64, rec orchestrator.Recording) error {
	return s.transaction(ctx, fmt.Sprintf("begin recording %q", rec.Name), func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO attempts (user_id, sha256, name, size, modified_at, started_at, time_source, uncertain_ns, run_id)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (user_id, sha256) DO UPDATE SET run_id = excluded.run_id`,
			userID, rec.SHA256, rec.Name, rec.Size, rec.ModTime, rec.Start, string(rec.TimeSource), int64(rec.Uncertainty), runID)
		return err
	})
}

// EndAttempt implements orchestrator.Attempts.
func (s *Store) EndAttempt(ctx context.Context, userID int64, rec orchestrator.Recording) error {
	return s.transaction(ctx, fmt.Sprintf("end recording %q", rec.Name), func(ctx context.Context, q querier) error {
		return endAttempt(ctx, q, userID, rec)
	})
}

func endAttempt(ctx context.Context, q querier, userID int64, rec orchestrator.Recording) error {
	_, err := q.exec(ctx, "DELETE FROM attempts WHERE user_id = ?1 AND sha256 = ?2", userID, rec.SHA256)
	return err
}

// CountAttempts implements orchestrator.Attempts.
func (s *Store) CountAttempts(ctx context.Context, userID int64) (n int, err error) {
	type attempt struct {
		orchestrator.Recording
		runID string
	}
	err = s.transaction(ctx, fmt.Sprintf("count attempts of user %d", userID), func(ctx context.Context, q querier) error {
		var left []attempt
		err := q.each(ctx, `SELECT a.sha256, a.name, a.size, a.modified_at, a.started_at, a.time_source, a.uncertain_ns, COALESCE(r.id, '')
			FROM attempts a LEFT JOIN runs r ON r.id = a.run_id WHERE a.user_id = ?1 ORDER BY a.sha256`, []any{userID}, func(scan func(...any) error) error {
			var a attempt
			err := scan(&a.SHA256, &a.Name, &a.Size, instant{&a.ModTime}, instant{&a.Start}, &a.TimeSource, &a.Uncertainty, &a.runID)
			left = append(left, a)
			return err
		})
		if n = len(left); err != nil || n == 0 {
			return err
		}
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		for _, a := range left {
			if err := countFailure(ctx, q, a.runID, userID, a.Recording, causeKilled); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// countFailure counts an attempt that failed, and ends it.
func countFailure(ctx context.Context, q querier, runID string, userID int64, rec orchestrator.Recording, cause string) error {
	state := recordingState{status: statusFailed, attempts: 1, cause: cause, runID: runID}
	_, err := q.exec(ctx, insertRec+`ON CONFLICT (user_id, sha256) DO UPDATE SET
			name = excluded.name, size = excluded.size, modified_at = excluded.modified_at,
			attempts = old.attempts + CASE WHEN old.run_id = excluded.run_id AND old.attempts > 0 THEN 0 ELSE 1 END,
			error = excluded.error, run_id = excluded.run_id`, recordingValues(userID, rec, state)...)
	if err != nil {
		return err
	}
	return endAttempt(ctx, q, userID, rec)
}
