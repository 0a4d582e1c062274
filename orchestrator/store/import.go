package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrPurged means that the account was purged here: it is not brought back.
var ErrPurged = errors.New("the account was purged")

// Foreign is a recording that another system read, with what it heard. It has no scores: a new
// threshold leaves its laughs as they are.
type Foreign struct {
	// Recording with a SHA256 that tells it from every other one. Its Window is noted as read, unless it is zero.
	Recording orchestrator.Recording
	// Samples is its length.
	Samples int64
	Laughs  []ForeignLaugh
}

// ForeignLaugh is a laugh that another system heard.
type ForeignLaugh struct {
	orchestrator.Laugh
	Note string
}

// Adopt finds the user of another system by the id that the account has there, or makes one: as user says, or,
// where take is true, by giving the id to the user of that name that is there. fresh tells whether it is the first
// time. Errors: ErrPurged; orchestrator.ErrExists where the name is taken and take is false.
func (s *Store) Adopt(ctx context.Context, uid string, user orchestrator.User, take bool) (adopted orchestrator.User, fresh bool, err error) {
	if err := user.Validate(); err != nil {
		return user, false, err
	}
	err = s.transaction(ctx, fmt.Sprintf("adopt user %q", user.Name), func(ctx context.Context, q querier) error {
		var buried int64
		if err := q.one(ctx, "SELECT COUNT(*) FROM tombstones WHERE uid = ?1", []any{uid}, &buried); err != nil {
			return err
		}
		if buried > 0 {
			return ErrPurged
		}
		fresh = false
		err := q.one(ctx, selectUsers+" WHERE uid = ?1", []any{uid}, userFields(&adopted)...)
		if !errors.Is(err, orchestrator.ErrNotFound) {
			return err
		}
		fresh = true
		if take {
			adopted, err = findUser(ctx, q, user.Name)
		}
		if !take || errors.Is(err, orchestrator.ErrNotFound) {
			adopted = user
			err = s.uniqueIsExists(q.one(ctx, insertUser, userValues(user), &adopted.ID))
		}
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE users SET uid = ?1 WHERE id = ?2", uid, adopted.ID)
		return err
	})
	return adopted, fresh, err
}

// UserByUID finds the user that Adopt gave that id; orchestrator.ErrNotFound when there is none, ErrPurged when
// there is none any more.
func (s *Store) UserByUID(ctx context.Context, uid string) (user orchestrator.User, err error) {
	err = s.read(ctx, "find user", func(ctx context.Context, q querier) error {
		err := q.one(ctx, selectUsers+" WHERE uid = ?1", []any{uid}, userFields(&user)...)
		var buried int64
		if errors.Is(err, orchestrator.ErrNotFound) && q.one(ctx, "SELECT COUNT(*) FROM tombstones WHERE uid = ?1", []any{uid}, &buried) == nil && buried > 0 {
			return ErrPurged
		}
		return err
	})
	return user, err
}

// ForeignLaughs are those that ImportRecording stored of a recording; none where it is not known.
func (s *Store) ForeignLaughs(ctx context.Context, userID int64, recordingSHA256 string) (laughs []orchestrator.Laugh, err error) {
	err = s.read(ctx, "find laughs", func(ctx context.Context, q querier) error {
		laughs = nil
		return q.each(ctx, `SELECT l.first_sample, l.end_sample, l.class, l.clip FROM laughs l JOIN recordings r ON r.id = l.recording_id
			WHERE r.user_id = ?1 AND r.sha256 = ?2`, []any{userID, recordingSHA256}, func(scan func(...any) error) error {
			var l orchestrator.Laugh
			err := scan(&l.Onset, &l.Offset, &l.Class, &l.Clip)
			laughs = append(laughs, l)
			return err
		})
	})
	return laughs, err
}

// ImportRecording stores a recording of another system with its laughs, and leaves alone what is stored of it
// already. It returns whether the recording is new, and how many laughs are.
func (s *Store) ImportRecording(ctx context.Context, userID int64, model orchestrator.Model, foreign Foreign) (fresh bool, laughs int64, err error) {
	rec := foreign.Recording
	err = s.transaction(ctx, fmt.Sprintf("import recording %q", rec.Name), func(ctx context.Context, q querier) error {
		owner, err := s.takeUser(ctx, q, userID)
		if err != nil {
			return err
		}
		fresh, laughs = false, 0
		modelID, err := findModel(ctx, q, model)
		if err != nil {
			return err
		}
		n, err := q.exec(ctx, insertRec+"ON CONFLICT (user_id, sha256) DO NOTHING",
			recordingValues(userID, rec, recordingState{samples: foreign.Samples, status: statusDone})...)
		if err != nil {
			return err
		}
		if fresh = n > 0; fresh && rec.Window != (orchestrator.Span{}) {
			span := orchestrator.LedgerSpan{Span: rec.Window, State: orchestrator.SpanRead, Attempts: 1, LastTried: s.now().UTC()}
			if err := noteSpans(ctx, q, "", userID, []orchestrator.LedgerSpan{span}); err != nil {
				return err
			}
		}
		var recordingID int64
		if err := q.one(ctx, "SELECT id FROM recordings WHERE user_id = ?1 AND sha256 = ?2", []any{userID, rec.SHA256}, &recordingID); err != nil {
			return err
		}
		rows := make([]laugh, len(foreign.Laughs))
		for i, l := range foreign.Laughs {
			rows[i] = newLaugh(rec, foreign.Samples, l.Laugh, orchestrator.Policy{}, asJSON(map[string]float64{l.Class: l.Score}))
			rows[i].recording, rows[i].note = recordingID, l.Note
		}
		rows, _, err = unforgotten(ctx, q, userID, recordingID, milli(rec, 0), milli(rec, foreign.Samples), rows)
		if err != nil {
			return err
		}
		known, err := otherLaughs(ctx, q, userID, 0, modelID, milli(rec, 0), milli(rec, foreign.Samples))
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(l laugh) bool {
			return slices.ContainsFunc(known, func(k laugh) bool { return k.start == l.start && k.class == l.class })
		})
		place(rows, owner)
		if err := name(ctx, q, owner, rec, model, rows); err != nil {
			return err
		}
		laughs, err = insertLaughs(ctx, q, userID, modelID, rows, "")
		return err
	})
	return fresh, laughs, err
}

// ImportRun stores a run of another system that has ended, with its days: all of it or nothing. What is there of it
// already is replaced. orchestrator.ErrNotFound when there is no such user.
func (s *Store) ImportRun(ctx context.Context, run orchestrator.Run) error {
	return s.transaction(ctx, "import run "+run.ID, func(ctx context.Context, q querier) error {
		if err := beginRun(ctx, q, run); err != nil {
			return err
		}
		for _, day := range run.Days {
			if err := s.saveDay(ctx, q, run.ID, day); err != nil {
				return err
			}
		}
		return endRun(ctx, q, run)
	})
}
