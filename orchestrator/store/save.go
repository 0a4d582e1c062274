package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// SaveRecording implements orchestrator.Store. New counts the laughs that overlap no row which the
// recording had before, so that storing the same result again counts none. orchestrator.ErrNotFound
// when there is no such user.
func (s *Store) SaveRecording(ctx context.Context, result orchestrator.Result) (orchestrator.Saved, error) { //nolint:gocognit // one step after another
	verb := fmt.Sprintf("save recording %q", result.Recording.Name)
	found, err := rows(result)
	if err != nil {
		return orchestrator.Saved{}, fmt.Errorf("%s: %w", verb, err)
	}
	packed, prints := packScores(result.Scores), packPrints(result.Prints)

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
		owner, err := s.takeUser(ctx, q, result.UserID)
		if err != nil {
			return err
		}
		modelID, err := findModel(ctx, q, result.Model)
		if err != nil {
			return err
		}
		policyID, err := findPolicy(ctx, q, result.Policy)
		if err != nil {
			return err
		}
		recordingID, err := markDone(ctx, q, result)
		if err != nil {
			return err
		}
		if err := saveScores(ctx, q, recordingID, modelID, policyID, result.Scores, packed, prints); err != nil {
			return err
		}
		if err := s.noteRead(ctx, q, result); err != nil {
			return err
		}
		for i := range found {
			found[i].recording, found[i].policy = recordingID, policyID
		}
		begin, end := milli(result.Recording, 0), milli(result.Recording, result.Scores.Length)
		found, buried, err := unforgotten(ctx, q, result.UserID, recordingID, begin, end, found)
		if err != nil {
			return err
		}
		place(found, owner)
		if err := name(ctx, q, owner, result.Recording, result.Model, found); err != nil {
			return err
		}
		old, err := recordedLaughs(ctx, q, recordingID, modelID)
		if err != nil {
			return err
		}
		others, err := otherLaughs(ctx, q, result.UserID, recordingID, modelID, begin-farthest, end+farthest)
		if err != nil {
			return err
		}
		sounds, err := soundsOf(ctx, q, modelID, recordingID, others)
		if err != nil {
			return err
		}
		c := reconcile(begin, old, found, others, sounds.twins(recordingID, found, others))
		if err := apply(ctx, q, c, result.UserID, modelID); err != nil {
			return err
		}
		if err := saveCopies(ctx, q, result.UserID, recordingID, modelID, c.copies); err != nil {
			return err
		}
		if err := s.noteLost(ctx, q, result, recordingID, modelID, len(old) > 0); err != nil {
			return err
		}
		loose = append(append(loose, c.loose...), buried...)
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
		found[i] = newLaugh(result.Recording, result.Scores.Length, l, result.Policy, asJSON(best))
	}
	return found, nil
}

// newLaugh places a laugh in time.
func newLaugh(rec orchestrator.Recording, length int64, l orchestrator.Laugh, policy orchestrator.Policy, classScores string) laugh {
	start := milli(rec, l.Onset)
	return laugh{length: length, start: start, end: max(milli(rec, l.Offset), start+1), first: l.Onset, last: l.Offset,
		score: l.Score, class: l.Class, tier: cmp.Or(l.Tier, orchestrator.TierSure), certainty: policy.Certainty(l), classScores: classScores, context: asJSON(contextOf(l)), clip: l.Clip}
}

// laughContext is the column of that name.
type laughContext struct {
	orchestrator.Around
	With     []string `json:"with,omitempty"` // for filters
	Evidence float64  `json:"evidence,omitempty"`
}

func contextOf(l orchestrator.Laugh) laughContext {
	return laughContext{l.Around, l.Around.With(), l.Evidence}
}

// milli is when a sample was recorded, in milliseconds since 1970.
func milli(rec orchestrator.Recording, sample int64) int64 {
	return rec.Start.Add(orchestrator.SamplesToDuration(sample)).Round(time.Millisecond).UnixMilli()
}

// place puts laughs on the local days of their user.
func place(laughs []laugh, o owner) {
	location := zone(o.timezone)
	for i := range laughs {
		laughs[i].day, laughs[i].hour = local(laughs[i].start, location)
	}
}

// local is the day and the hour of a time in milliseconds.
func local(ms int64, location *time.Location) (day string, hour int) {
	t := time.UnixMilli(ms).In(location)
	return orchestrator.DayIn(t, location).String(), t.Hour()
}

// name gives laughs that may be new their public ids. One that takes over a row gets that row's.
func name(ctx context.Context, q querier, o owner, rec orchestrator.Recording, model orchestrator.Model, laughs []laugh) error {
	bases := make([][]string, len(laughs))
	for i, l := range laughs {
		bases[i] = []string{o.uid, rec.SHA256, model.Name, model.Version, model.SHA256, strconv.FormatInt(l.first, 10)}
	}
	ids, err := freeIDs(ctx, q, bases)
	for i := range ids {
		laughs[i].publicID = ids[i]
	}
	return err
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
	if err := endAttempt(ctx, q, result.UserID, rec); err != nil {
		return 0, err
	}
	if err := takeOverWindow(ctx, q, result.UserID, rec); err != nil {
		return 0, err
	}
	err = q.one(ctx, insertRec+`ON CONFLICT (user_id, sha256) DO UPDATE SET
			name = excluded.name, size = excluded.size, modified_at = excluded.modified_at,
			started_at = excluded.started_at, time_source = excluded.time_source,
			uncertain_ns = excluded.uncertain_ns, samples = excluded.samples,
			status = excluded.status, attempts = 0, error = '', run_id = excluded.run_id, notes = excluded.notes
		RETURNING id`,
		recordingValues(result.UserID, rec, recordingState{samples: result.Scores.Length, status: statusDone, runID: result.RunID, notes: result.Notes}), &id)
	return id, err
}

// takeOverWindow gives the row of a window's recording its new content: a source may answer the same window with
// other bytes each time, and that is the same recording all the same. So is the better copy of a recording.
func takeOverWindow(ctx context.Context, q querier, userID int64, rec orchestrator.Recording) error {
	name := rec.Replaces
	if rec.Window != (orchestrator.Span{}) {
		name = rec.Name
	}
	if name == "" {
		return nil
	}
	_, err := q.exec(ctx, `UPDATE recordings SET sha256 = ?1
		WHERE id = (SELECT MAX(id) FROM recordings WHERE user_id = ?2 AND name = ?3)
			AND NOT EXISTS (SELECT 1 FROM recordings known WHERE known.user_id = ?2 AND known.sha256 = ?1)`, rec.SHA256, userID, name)
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
	return findLaughs(ctx, q, "l.user_id = ?1 AND l.model_id = ?2 AND l.recording_id <> ?3 AND l.end_at >= ?4 AND l.start_at <= ?5 AND l.start_at >= ?6",
		userID, modelID, recordingID, fromMillis(from), fromMillis(to), fromMillis(from).Add(-longestRecording))
}

func findLaughs(ctx context.Context, q querier, where string, args ...any) (rows []laugh, err error) {
	err = q.each(ctx, "SELECT l.id, r.samples, "+qualified("l", laughColumns)+`
		FROM laughs l JOIN recordings r ON r.id = l.recording_id WHERE `+where+` ORDER BY l.start_at, l.id`, args,
		func(scan func(...any) error) error {
			var l laugh
			err := scan(append([]any{&l.id, &l.length}, laughFields(&l)...)...)
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
	_, err := insertLaughs(ctx, q, userID, modelID, c.insert, "")
	return err
}

// unreferenced leaves out the keys that a row still has.
func unreferenced(ctx context.Context, q querier, keys []string) ([]string, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(keys) > 0 && keys[0] == "" { // no clip at all, as many rows have
		keys = keys[1:]
	}
	if len(keys) == 0 {
		return nil, nil
	}
	used := map[string]bool{}
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
