package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// SaveRecording implements orchestrator.Store. New counts the laughs that overlap no row which the
// recording had before, so that storing the same result again counts none. orchestrator.ErrNotFound
// when there is no such user.
func (s *Store) SaveRecording(ctx context.Context, result orchestrator.Result) (orchestrator.Saved, error) {
	verb := fmt.Sprintf("save recording %q", result.Recording.Name)
	found, err := rows(result)
	if err != nil {
		return orchestrator.Saved{}, fmt.Errorf("%s: %w", verb, err)
	}
	packed := pack(result.Scores.Data)

	// An attempt whose commit was not answered may have been stored. The next one then finds nothing
	// left to count, so the first that came to its end is the one that counts. Loose clips are looked
	// at again by every attempt.
	var counted *change
	var loose []string
	var saved orchestrator.Saved
	err = s.transaction(ctx, verb, func(ctx context.Context, q querier) error {
		if err := s.confirmRun(ctx, result.RunID); err != nil {
			return err
		}
		if err := s.takeUser(ctx, q, result.UserID); err != nil {
			return err
		}
		modelID, err := findModel(ctx, q, result.Model)
		if err != nil {
			return err
		}
		recordingID, err := markDone(ctx, q, result)
		if err != nil {
			return err
		}
		if err := saveScores(ctx, q, recordingID, modelID, result.Scores, packed); err != nil {
			return err
		}
		if err := s.noteRead(ctx, q, result); err != nil {
			return err
		}
		for i := range found {
			found[i].recording = recordingID
		}
		old, err := recordedLaughs(ctx, q, recordingID, modelID)
		if err != nil {
			return err
		}
		begin := milli(result, 0)
		others, err := otherLaughs(ctx, q, result.UserID, recordingID, modelID, begin-joint, milli(result, result.Scores.Length)+joint)
		if err != nil {
			return err
		}
		c := reconcile(begin, old, found, others)
		if err := apply(ctx, q, c, result.UserID, modelID); err != nil {
			return err
		}
		loose = append(loose, c.loose...)
		orphans, err := unreferenced(ctx, q, loose)
		if err != nil {
			return err
		}
		if counted == nil {
			counted = &c
		}
		saved = orchestrator.Saved{New: counted.created, Duplicates: counted.duplicates, Orphans: orphans}
		return nil
	})
	if err != nil {
		return orchestrator.Saved{}, err
	}
	return saved, nil
}

// rows places the laughs of a result in time.
func rows(result orchestrator.Result) ([]laugh, error) {
	if result.Recording.SHA256 == "" {
		return nil, errors.New("its SHA-256 is not known")
	}
	found := make([]laugh, len(result.Laughs))
	for i, l := range result.Laughs {
		if l.Onset < 0 || l.Offset <= l.Onset || len(l.ClassScores) != len(result.Scores.Classes) {
			return nil, fmt.Errorf("laugh %d: want an offset behind its onset and a score for each of %d classes", i, len(result.Scores.Classes))
		}
		best := make(map[string]float64, len(l.ClassScores))
		for k, class := range result.Scores.Classes {
			best[class] = l.ClassScores[k]
		}
		start := milli(result, l.Onset)
		found[i] = laugh{length: result.Scores.Length, start: start, end: max(milli(result, l.Offset), start+1), first: l.Onset, last: l.Offset,
			score: l.Score, class: l.Class, classScores: asJSON(best), clip: l.Clip}
	}
	return found, nil
}

// milli is when a sample was recorded, in milliseconds since 1970.
func milli(result orchestrator.Result, sample int64) int64 {
	return result.Recording.Start.Add(orchestrator.SamplesToDuration(sample)).Round(time.Millisecond).UnixMilli()
}

// findModel returns the id of the model, and adds it where it is new.
func findModel(ctx context.Context, q querier, model orchestrator.Model) (id int64, err error) {
	find := func() error {
		return q.one(ctx, "SELECT id FROM models WHERE name = ?1 AND version = ?2 AND sha256 = ?3", []any{model.Name, model.Version, model.SHA256}, &id)
	}
	if err := find(); !errors.Is(err, orchestrator.ErrNotFound) {
		return id, err
	}
	_, err = q.exec(ctx, `INSERT INTO models (name, version, sha256, laughter) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (name, version, sha256) DO NOTHING`, model.Name, model.Version, model.SHA256, asJSON(model.Laughter))
	if err != nil {
		return 0, err
	}
	return id, find()
}

func markDone(ctx context.Context, q querier, result orchestrator.Result) (id int64, err error) {
	rec := result.Recording
	if err := takeOverWindow(ctx, q, result.UserID, rec); err != nil {
		return 0, err
	}
	err = q.one(ctx, `INSERT INTO recordings
			(user_id, sha256, name, size, modified_at, started_at, time_source, uncertain_ns, samples,
			 status, attempts, error, run_id)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, '', ?11)
		ON CONFLICT (user_id, sha256) DO UPDATE SET
			name = excluded.name, size = excluded.size, modified_at = excluded.modified_at,
			started_at = excluded.started_at, time_source = excluded.time_source,
			uncertain_ns = excluded.uncertain_ns, samples = excluded.samples,
			status = excluded.status, attempts = 0, error = '', run_id = excluded.run_id
		RETURNING id`,
		[]any{result.UserID, rec.SHA256, rec.Name, rec.Size, rec.ModTime, rec.Start, string(rec.TimeSource),
			int64(rec.Uncertainty), result.Scores.Length, statusDone, optional(result.RunID)}, &id)
	return id, err
}

// takeOverWindow gives the row of a window's recording its new content: a source may answer the same window with
// other bytes each time, and that is the same recording all the same.
func takeOverWindow(ctx context.Context, q querier, userID int64, rec orchestrator.Recording) error {
	if rec.Window == (orchestrator.Span{}) {
		return nil
	}
	_, err := q.exec(ctx, `UPDATE recordings SET sha256 = ?1
		WHERE id = (SELECT MAX(id) FROM recordings WHERE user_id = ?2 AND name = ?3)
			AND NOT EXISTS (SELECT 1 FROM recordings known WHERE known.user_id = ?2 AND known.sha256 = ?1)`, rec.SHA256, userID, rec.Name)
	return err
}

// noteRead marks the span that the recording answers as read.
func (s *Store) noteRead(ctx context.Context, q querier, result orchestrator.Result) error {
	if result.Recording.Window == (orchestrator.Span{}) {
		return nil
	}
	span := orchestrator.LedgerSpan{Span: result.Recording.Window, State: orchestrator.SpanRead, Attempts: 1, LastTried: s.now().UTC()}
	return noteSpans(ctx, q, result.RunID, result.UserID, []orchestrator.LedgerSpan{span})
}

// recordedLaughs are the rows that the model has of the recording, in order.
func recordedLaughs(ctx context.Context, q querier, recordingID, modelID int64) ([]laugh, error) {
	return findLaughs(ctx, q, "l.recording_id = ?1 AND l.model_id = ?2", recordingID, modelID)
}

// otherLaughs are the rows that the model has of the user's other recordings and of a stretch of time, in order.
func otherLaughs(ctx context.Context, q querier, userID, recordingID, modelID, from, to int64) ([]laugh, error) {
	return findLaughs(ctx, q, "l.user_id = ?1 AND l.model_id = ?2 AND l.recording_id <> ?3 AND l.end_at >= ?4 AND l.start_at <= ?5",
		userID, modelID, recordingID, time.UnixMilli(from), time.UnixMilli(to))
}

func findLaughs(ctx context.Context, q querier, where string, args ...any) (rows []laugh, err error) {
	err = q.each(ctx, `SELECT l.id, l.recording_id, r.samples, l.start_at, l.end_at, l.first_sample, l.end_sample,
			l.score, l.class, l.class_scores, l.clip, l.mark, l.star, l.note
		FROM laughs l JOIN recordings r ON r.id = l.recording_id WHERE `+where+` ORDER BY l.start_at, l.id`, args,
		func(scan func(...any) error) error {
			var l laugh
			var start, end time.Time
			err := scan(&l.id, &l.recording, &l.length, &start, &end, &l.first, &l.last,
				&l.score, &l.class, &l.classScores, &l.clip, &l.mark, &l.star, &l.note)
			l.start, l.end = start.UnixMilli(), end.UnixMilli()
			rows = append(rows, l)
			return err
		})
	return rows, err
}

// apply changes the rows: away with what goes, then in with what comes.
func apply(ctx context.Context, q querier, c change, userID, modelID int64) error {
	if err := q.remove(ctx, "laughs", c.remove); err != nil {
		return err
	}
	const columns = `user_id, recording_id, model_id, start_at, end_at, first_sample, end_sample,
		score, class, class_scores, clip, mark, star, note`
	var fresh, kept [][]any
	for _, l := range c.insert {
		row := []any{userID, l.recording, modelID, time.UnixMilli(l.start), time.UnixMilli(l.end), l.first, l.last,
			l.score, l.class, l.classScores, l.clip, string(l.mark), l.star, l.note}
		if l.id == 0 {
			fresh = append(fresh, row)
		} else {
			kept = append(kept, append(row, l.id))
		}
	}
	if err := q.insert(ctx, "INSERT INTO laughs ("+columns+")", fresh); err != nil {
		return err
	}
	return q.insert(ctx, "INSERT INTO laughs ("+columns+", id)", kept)
}

// unreferenced leaves out the keys that a row still has.
func unreferenced(ctx context.Context, q querier, keys []string) ([]string, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	used := map[string]bool{"": true} // no clip at all
	for batch := range slices.Chunk(keys, batchRows) {
		var w where
		in(&w, "clip", batch)
		err := q.each(ctx, "SELECT clip FROM laughs"+w.String(), w.args, func(scan func(...any) error) error {
			var key string
			err := scan(&key)
			used[key] = true
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var free []string
	for _, key := range keys {
		if !used[key] {
			free = append(free, key)
		}
	}
	return free, nil
}
