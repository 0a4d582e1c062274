package store

import (
	"context"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

// BeginRun implements orchestrator.Store. The run counts as under way until EndRun, Close, or the end of this
// process; see Unfinished.
func (s *Store) BeginRun(ctx context.Context, run orchestrator.Run) error {
	err := s.transaction(ctx, "begin run "+run.ID, func(ctx context.Context, q querier) error {
		if err := s.lockRun(ctx, run.ID); err != nil { // before anybody sees the row
			return err
		}
		return beginRun(ctx, q, run)
	})
	if err != nil {
		s.unlockRun(run.ID)
	}
	return err
}

func beginRun(ctx context.Context, q querier, run orchestrator.Run) error {
	// The id is the caller's and unique: a row that is there already is this one, stored by an
	// attempt whose answer was lost.
	_, err := q.exec(ctx, `INSERT INTO runs (id, trigger_by, started_at, finished_at, status, exit_code, error)
		VALUES (?1, ?2, ?3, NULL, ?4, 0, '') ON CONFLICT (id) DO NOTHING`,
		run.ID, string(run.Trigger), run.StartedAt, string(orchestrator.StatusRunning))
	return err
}

// EndRun implements orchestrator.Store. orchestrator.ErrNotFound when the run was not begun.
func (s *Store) EndRun(ctx context.Context, run orchestrator.Run) error {
	defer s.unlockRun(run.ID)
	return s.saveEnd(ctx, run)
}

func (s *Store) saveEnd(ctx context.Context, run orchestrator.Run) error {
	return s.transaction(ctx, "end run "+run.ID, func(ctx context.Context, q querier) error {
		return endRun(ctx, q, run)
	})
}

func endRun(ctx context.Context, q querier, run orchestrator.Run) error {
	n, err := q.exec(ctx, "UPDATE runs SET finished_at = ?1, status = ?2, exit_code = ?3, error = ?4 WHERE id = ?5",
		run.FinishedAt, string(run.Status), run.ExitCode, run.Error, run.ID)
	if err == nil && n == 0 {
		return orchestrator.ErrNotFound
	}
	return err
}

// SaveDay implements orchestrator.Store. A day that the run has stored already is replaced, and its
// spans count one attempt however often the run stores them. orchestrator.ErrNotFound when there is
// no such user.
func (s *Store) SaveDay(ctx context.Context, runID string, day orchestrator.UserDay) error {
	verb := fmt.Sprintf("save day %s of user %q", day.Date, day.User)
	return s.transaction(ctx, verb, func(ctx context.Context, q querier) error {
		if err := s.confirmRun(ctx, runID); err != nil {
			return err
		}
		return s.saveDay(ctx, q, runID, day)
	})
}

func (s *Store) saveDay(ctx context.Context, q querier, runID string, day orchestrator.UserDay) error {
	if _, err := s.takeUser(ctx, q, day.UserID); err != nil {
		return err
	}
	if err := noteSpans(ctx, q, runID, day.UserID, day.Spans); err != nil {
		return err
	}
	var modelID any
	if day.Model.Name != "" {
		id, err := findModel(ctx, q, day.Model)
		if err != nil {
			return err
		}
		modelID = id
	}
	if _, err := q.exec(ctx, "DELETE FROM run_users WHERE run_id = ?1 AND user_id = ?2 AND date = ?3",
		runID, day.UserID, day.Date.String()); err != nil {
		return err
	}
	var n placeholders
	var id int64
	err := q.one(ctx, `INSERT INTO run_users (run_id, user_id, date, timezone, status,
			found, processed, skipped, given_up, failed, left_behind, audio_samples, took_ns, laughs, duplicates,
			calls, calls_failed, calls_retried, calls_bytes, calls_by_status,
			model_id, model_version, model_plugin, model_window, model_hop, model_pid, model_gone, out_of_memory,
			memory_before, memory_peak, memory_after, memory_model, spans_served, stages)
		VALUES `+n.group(34)+` RETURNING id`,
		[]any{runID, day.UserID, day.Date.String(), day.Timezone, string(day.Status),
			day.Found, day.Processed, day.Skipped, day.GivenUp, day.Failed, day.Left, day.AudioSamples, int64(day.Took), day.Laughs, day.Duplicates,
			day.Calls.Total, day.Calls.Failed, day.Calls.Retries, day.Calls.Bytes, asJSON(day.Calls.ByStatus),
			modelID, day.Model.Version, day.Model.Plugin, day.Model.Window, day.Model.Hop, day.ModelPID, day.ModelGone, day.OutOfMemory,
			day.Memory.Before, day.Memory.Peak, day.Memory.After, day.Memory.Model,
			day.SpansServed, asJSON(day.Stages)}, &id)
	if err != nil {
		return err
	}
	var failures, spans [][]any
	for _, e := range day.Errors {
		failures = append(failures, []any{id, e.Stage, e.Recording, e.Message, e.Remedy, string(e.Code), asJSON(e.Facts)})
	}
	for _, span := range day.Spans {
		spans = append(spans, []any{id, span.Start, span.End, string(span.State), span.Reason, span.Attempts, span.LastTried})
	}
	if err := q.insert(ctx, "INSERT INTO run_errors (run_user_id, stage, recording, message, remedy, code, facts)", failures); err != nil {
		return err
	}
	return q.insert(ctx, "INSERT INTO run_spans (run_user_id, start_at, end_at, state, reason, attempts, tried_at)", spans)
}
