package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// LastRun is what Run takes instead of an id to find the run that was started last.
const LastRun = "last"

// Runs returns the runs that were started last, at most limit, with their days, the newest first.
func (s *Store) Runs(ctx context.Context, limit int) (runs []orchestrator.Run, err error) {
	err = s.read(ctx, "list runs", func(ctx context.Context, q querier) error {
		runs, err = findRuns(ctx, q, " ORDER BY started_at DESC, id DESC LIMIT ?1", max(0, limit))
		return err
	})
	return runs, err
}

// Run returns the run of that id, or the one that was started last where id is LastRun.
// orchestrator.ErrNotFound when there is none.
func (s *Store) Run(ctx context.Context, id string) (run orchestrator.Run, err error) {
	err = s.read(ctx, fmt.Sprintf("find run %q", id), func(ctx context.Context, q querier) error {
		tail, args := " WHERE id = ?1", []any{id}
		if id == LastRun {
			tail, args = " ORDER BY started_at DESC, id DESC LIMIT 1", nil
		}
		runs, err := findRuns(ctx, q, tail, args...)
		switch {
		case err != nil:
			return err
		case len(runs) == 0:
			return orchestrator.ErrNotFound
		}
		run = runs[0]
		return addNotes(ctx, q, &run)
	})
	return run, err
}

func findRuns(ctx context.Context, q querier, tail string, args ...any) (runs []orchestrator.Run, err error) {
	at := make(map[string]int)
	var ids []string
	err = q.each(ctx, "SELECT id, trigger_by, started_at, finished_at, status, exit_code, error FROM runs"+tail, args,
		func(scan func(...any) error) error {
			var run orchestrator.Run
			err := scan(&run.ID, &run.Trigger, instant{&run.StartedAt}, instant{&run.FinishedAt}, &run.Status, &run.ExitCode, &run.Error)
			at[run.ID] = len(runs)
			ids = append(ids, run.ID)
			runs = append(runs, run)
			return err
		})
	if err != nil || len(runs) == 0 {
		return runs, err
	}
	// The number of runs bounds the parameters; a list longer than a statement takes is not read by people.
	for batch := range slices.Chunk(ids, batchRows) {
		var w where
		in(&w, "d.run_id", batch)
		days, err := findDays(ctx, q, w)
		if err != nil {
			return nil, err
		}
		for _, day := range days {
			run := &runs[at[day.runID]]
			run.Days = append(run.Days, day.UserDay)
		}
	}
	return runs, nil
}

type storedDay struct {
	orchestrator.UserDay
	id    int64
	runID string
}

// findDays reads days of runs, in the order in which they were done, in three statements. w chooses rows of
// run_users, d.
func findDays(ctx context.Context, q querier, w where) (days []storedDay, err error) {
	at := make(map[int64]int)
	err = q.each(ctx, `SELECT d.id, d.run_id, d.user_id, u.name, d.date, d.timezone, d.status,
			d.found, d.processed, d.skipped, d.given_up, d.failed, d.left_behind, d.audio_samples, d.took_ns, d.laughs, d.duplicates,
			d.calls, d.calls_failed, d.calls_retried, d.calls_bytes, d.calls_by_status,
			COALESCE(m.name, ''), COALESCE(m.sha256, ''), m.laughter,
			d.model_version, d.model_plugin, d.model_window, d.model_hop, d.model_pid, d.model_gone, d.out_of_memory,
			d.memory_before, d.memory_peak, d.memory_after, d.memory_model, d.spans_served, d.stages
		FROM run_users d JOIN users u ON u.id = d.user_id LEFT JOIN models m ON m.id = d.model_id`+w.String()+`
		ORDER BY d.id`, w.args, func(scan func(...any) error) error {
		var d storedDay
		var date string
		var took int64
		err := scan(&d.id, &d.runID, &d.UserID, &d.User, &date, &d.Timezone, &d.Status,
			&d.Found, &d.Processed, &d.Skipped, &d.GivenUp, &d.Failed, &d.Left, &d.AudioSamples, &took, &d.Laughs, &d.Duplicates,
			&d.Calls.Total, &d.Calls.Failed, &d.Calls.Retries, &d.Calls.Bytes, fromJSON{&d.Calls.ByStatus},
			&d.Model.Name, &d.Model.SHA256, fromJSON{&d.Model.Laughter},
			&d.Model.Version, &d.Model.Plugin, &d.Model.Window, &d.Model.Hop, &d.ModelPID, &d.ModelGone, &d.OutOfMemory,
			&d.Memory.Before, &d.Memory.Peak, &d.Memory.After, &d.Memory.Model,
			&d.SpansServed, fromJSON{&d.Stages})
		if err != nil {
			return err
		}
		d.Took = time.Duration(took)
		if d.Date, err = orchestrator.ParseDate(date); err != nil {
			return err
		}
		at[d.id] = len(days)
		days = append(days, d)
		return nil
	})
	if err != nil || len(days) == 0 {
		return days, err
	}
	ofDays := ` WHERE run_user_id IN (SELECT d.id FROM run_users d` + w.String() + `) ORDER BY id`
	err = q.each(ctx, "SELECT run_user_id, stage, recording, message, remedy, code, facts FROM run_errors"+ofDays, w.args, func(scan func(...any) error) error {
		var id int64
		var e orchestrator.RunError
		err := scan(&id, &e.Stage, &e.Recording, &e.Message, &e.Remedy, &e.Code, fromJSON{&e.Facts})
		if i, known := at[id]; known { // one that was stored since is not
			days[i].Errors = append(days[i].Errors, e)
		}
		return err
	})
	if err != nil {
		return days, err
	}
	err = q.each(ctx, "SELECT run_user_id, start_at, end_at, state, reason, attempts, tried_at FROM run_spans"+ofDays, w.args,
		func(scan func(...any) error) error {
			var id int64
			var span orchestrator.LedgerSpan
			err := scan(&id, instant{&span.Start}, instant{&span.End}, &span.State, &span.Reason, &span.Attempts, instant{&span.LastTried})
			if i, known := at[id]; known {
				days[i].Spans = append(days[i].Spans, span)
			}
			return err
		})
	return days, err
}
