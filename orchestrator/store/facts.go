package store

import (
	"context"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// RecordingOf returns what is stored of the recording in which a laugh of one of the users was heard.
// orchestrator.ErrNotFound where there is no such laugh.
func (s *Store) RecordingOf(ctx context.Context, userIDs []int64, laughID string) (facts orchestrator.RecordingFacts, err error) {
	if len(userIDs) == 0 {
		return facts, orchestrator.ErrNotFound
	}
	var w where
	w.add("l.public_id = ?", laughID)
	in(&w, "l.user_id", userIDs)
	err = s.read(ctx, "find recording of laugh", func(ctx context.Context, q querier) error {
		return q.one(ctx, `SELECT r.name, r.started_at, r.time_source, r.uncertain_ns, r.samples, r.notes
			FROM laughs l JOIN recordings r ON r.id = l.recording_id`+w.String()+" LIMIT 1", w.args,
			&facts.Name, instant{&facts.Start}, &facts.TimeSource, &facts.Uncertainty, &facts.Length, notes{&facts.Notes})
	})
	return facts, err
}

// addNotes adds the notes of the recordings that a run stored last to its days, by when they start.
func addNotes(ctx context.Context, q querier, run *orchestrator.Run) error {
	return q.each(ctx, "SELECT user_id, name, started_at, notes FROM recordings WHERE run_id = ?1 AND notes <> '' ORDER BY started_at, id", []any{run.ID},
		func(scan func(...any) error) error {
			var name string
			var userID int64
			var start time.Time
			var found []orchestrator.Note
			if err := scan(&userID, &name, instant{&start}, notes{&found}); err != nil {
				return err
			}
			at := -1
			for i, day := range run.Days {
				if day.UserID == userID && (at < 0 || orchestrator.DayIn(start, zone(day.Timezone)) == day.Date) {
					at = i
				}
			}
			if at < 0 {
				return nil // of a day that was never stored
			}
			for _, note := range found {
				run.Days[at].Notes = append(run.Days[at].Notes, orchestrator.RecordingNote{Recording: name, Note: note})
			}
			return nil
		})
}
