package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

var _ orchestrator.Index = (*Store)(nil)

// stateColumns of recordings r, in the order of stateFields.
const stateColumns = "r.sha256, r.status, r.attempts, r.name, r.size, r.modified_at, r.started_at, r.time_source, r.uncertain_ns"

// stateFields takes a row of stateColumns.
func stateFields(k *orchestrator.KnownRecording, status *string) []any {
	rec := &k.Stored
	return []any{&k.SHA256, status, &k.Attempts, &rec.Name, &rec.Size, instant{&rec.ModTime}, instant{&rec.Start}, &rec.TimeSource, &rec.Uncertainty}
}

// fileKey is what a file is known by.
type fileKey struct {
	name     string
	size     int64
	modified int64 // microseconds
}

func keyOf(rec orchestrator.Recording) fileKey {
	name, _ := storable([]any{rec.Name})[0].(string)
	return fileKey{name, rec.Size, stored(rec.ModTime).UnixMicro()}
}

// Known implements orchestrator.Index.
func (s *Store) Known(ctx context.Context, userID int64, recs []orchestrator.Recording) (known []orchestrator.KnownRecording, err error) {
	err = s.read(ctx, "look recordings up", func(ctx context.Context, q querier) error {
		byContent, byFile := map[string]orchestrator.KnownRecording{}, map[fileKey]orchestrator.KnownRecording{}
		note := func(key fileKey, k orchestrator.KnownRecording) {
			byContent[k.SHA256] = k
			if k.Done || !byFile[key].Done { // where one file held several contents in turn, the one that is done counts
				byFile[key] = k
			}
		}
		for batch := range slices.Chunk(recs, batchRows) {
			var names, contents []string
			for _, rec := range batch {
				if rec.SHA256 != "" {
					contents = append(contents, rec.SHA256)
				} else {
					names = append(names, rec.Name)
				}
			}
			for _, look := range []struct {
				file, from, column string
				values             []string
			}{
				{"r", "recordings r", "r.sha256", contents},
				{"r", "recordings r", "r.name", names},
				{"f", "recording_files f JOIN recordings r ON r.id = f.recording_id", "f.name", names},
			} {
				if len(look.values) == 0 {
					continue
				}
				if err := lookUp(ctx, q, userID, look.file, look.from, look.column, look.values, note); err != nil {
					return err
				}
			}
		}
		known = make([]orchestrator.KnownRecording, len(recs))
		for i, rec := range recs {
			if known[i] = byFile[keyOf(rec)]; rec.SHA256 != "" {
				known[i] = byContent[rec.SHA256]
			}
		}
		return nil
	})
	return known, err
}

func lookUp(ctx context.Context, q querier, userID int64, file, from, column string, values []string, note func(fileKey, orchestrator.KnownRecording)) error {
	var w where
	w.add(file+".user_id = ?", userID)
	in(&w, column, values)
	return q.each(ctx, "SELECT "+qualified(file, "name, size, modified_at")+", "+stateColumns+" FROM "+from+w.String()+" ORDER BY r.id", w.args,
		func(scan func(...any) error) error {
			var k orchestrator.KnownRecording
			var key fileKey
			var status string
			var modified time.Time
			if err := scan(append([]any{&key.name, &key.size, instant{&modified}}, stateFields(&k, &status)...)...); err != nil {
				return err
			}
			key.modified, k.Done = modified.UnixMicro(), status == statusDone
			note(key, k)
			return nil
		})
}

// Move implements orchestrator.Index. What was forgotten of a recording moves with it. A recording that is not known is
// left out.
func (s *Store) Move(ctx context.Context, userID int64, recs []orchestrator.Recording) error {
	return s.transaction(ctx, "move recordings", func(ctx context.Context, q querier) error {
		owner, err := s.takeUser(ctx, q, userID)
		if err != nil {
			return err
		}
		location := zone(owner.timezone)
		for _, rec := range recs {
			if err := moveRecording(ctx, q, userID, rec, location); err != nil {
				return err
			}
		}
		return nil
	})
}

func moveRecording(ctx context.Context, q querier, userID int64, rec orchestrator.Recording, location *time.Location) error {
	var id int64
	var before time.Time
	err := q.one(ctx, "SELECT id, started_at FROM recordings WHERE user_id = ?1 AND sha256 = ?2", []any{userID, rec.SHA256}, &id, instant{&before})
	if errors.Is(err, orchestrator.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `UPDATE recordings SET name = ?2, size = ?3, modified_at = ?4, started_at = ?5, time_source = ?6, uncertain_ns = ?7 WHERE id = ?1`,
		id, rec.Name, rec.Size, rec.ModTime, rec.Start, string(rec.TimeSource), int64(rec.Uncertainty))
	if err != nil {
		return err
	}
	by := rec.Start.Sub(before).Round(time.Millisecond)
	if by == 0 {
		return nil
	}
	for _, table := range []string{"laughs", "forgotten"} {
		type row struct {
			id         int64
			start, end time.Time
		}
		var rows []row
		err := q.each(ctx, "SELECT id, start_at, end_at FROM "+table+" WHERE recording_id = ?1", []any{id}, func(scan func(...any) error) error {
			var r row
			err := scan(&r.id, instant{&r.start}, instant{&r.end})
			rows = append(rows, r)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range rows {
			start, end := r.start.Add(by), r.end.Add(by)
			if table == "forgotten" {
				_, err = q.exec(ctx, "UPDATE forgotten SET start_at = ?2, end_at = ?3 WHERE id = ?1", r.id, start, end)
			} else {
				day, hour := local(start.UnixMilli(), location)
				_, err = q.exec(ctx, "UPDATE laughs SET start_at = ?2, end_at = ?3, day = ?4, hour = ?5 WHERE id = ?1", r.id, start, end, day, hour)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Alias implements orchestrator.Index.
func (s *Store) Alias(ctx context.Context, userID int64, rec orchestrator.Recording) error {
	return s.transaction(ctx, "note another file of a recording", func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO recording_files (user_id, recording_id, name, size, modified_at)
			SELECT user_id, id, ?3, ?4, ?5 FROM recordings WHERE user_id = ?1 AND sha256 = ?2
			ON CONFLICT (user_id, name) DO UPDATE SET recording_id = excluded.recording_id, size = excluded.size, modified_at = excluded.modified_at`,
			userID, rec.SHA256, rec.Name, rec.Size, rec.ModTime)
		return err
	})
}

// ForgetFailed implements orchestrator.Index.
func (s *Store) ForgetFailed(ctx context.Context, userID int64, there func(name string) bool) (forgotten int64, err error) {
	gone := func(ctx context.Context, q querier) (ids []int64, err error) {
		err = q.each(ctx, "SELECT id, name FROM recordings WHERE user_id = ?1 AND status = 'failed'", []any{userID}, func(scan func(...any) error) error {
			var id int64
			var name string
			err := scan(&id, &name)
			if !there(name) {
				ids = append(ids, id)
			}
			return err
		})
		return ids, err
	}
	var ids []int64
	if err = s.read(ctx, "look for failed recordings", func(ctx context.Context, q querier) (err error) {
		ids, err = gone(ctx, q)
		return err
	}); err != nil || len(ids) == 0 {
		return 0, err
	}
	err = s.transaction(ctx, "forget failed recordings", func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		forgotten = 0
		ids, err := gone(ctx, q) // as they are now
		for batch := range slices.Chunk(ids, batchRows) {
			var w where
			in(&w, "id", batch)
			n, execErr := q.exec(ctx, "DELETE FROM recordings"+w.String(), w.args...)
			forgotten, err = forgotten+n, errors.Join(err, execErr)
		}
		return err
	})
	return forgotten, err
}

// SaveSurvey implements orchestrator.Index.
func (s *Store) SaveSurvey(ctx context.Context, userID int64, survey orchestrator.Survey) error {
	return s.transaction(ctx, "save survey", func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO surveys (user_id, survey) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET survey = excluded.survey`,
			userID, asJSON(survey))
		return err
	})
}

// Survey returns what the last run saw of a user's source; nil where none has looked.
func (s *Store) Survey(ctx context.Context, userID int64) (survey *orchestrator.Survey, err error) {
	err = s.read(ctx, "read survey", func(ctx context.Context, q querier) error {
		survey = nil
		var text string
		err := q.one(ctx, "SELECT survey FROM surveys WHERE user_id = ?1", []any{userID}, &text)
		if errors.Is(err, orchestrator.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		survey = new(orchestrator.Survey)
		if err := json.Unmarshal([]byte(text), survey); err != nil {
			return fmt.Errorf("survey of user %d: %w", userID, err)
		}
		return nil
	})
	return survey, err
}
