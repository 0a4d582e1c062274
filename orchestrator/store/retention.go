package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Dropped tells what DropClips took away.
type Dropped struct {
	// IDs of the laughs that lost their clip, or their row; in order.
	IDs []string
	// Orphans are the keys of clips that no row refers to any more: the caller deletes them.
	Orphans []string
}

// DropClips takes the clips of a user's laughs away, by their public ids, and notes why; with rows also the laughs. What
// was starred, marked right or noted meanwhile keeps its clip. The rows are changed first: where the caller dies before it
// has deleted the files, no row refers to them, and a sweep finds them.
func (s *Store) DropClips(ctx context.Context, userID int64, ids []string, rows bool, at time.Time) (dropped Dropped, err error) {
	err = s.transaction(ctx, "drop clips", func(ctx context.Context, q querier) error {
		dropped = Dropped{}
		if _, err := s.takeUser(ctx, q, userID); err != nil {
			return err
		}
		var rowIDs []int64
		var clips []string
		for batch := range slices.Chunk(ids, batchRows) {
			var w where
			w.add("COALESCE(user_id, user_id) = ?", userID) // not by an index that has all of the user's
			in(&w, "public_id", batch)
			w.conditions = append(w.conditions, "NOT star", "mark <> 'right'", "note = ''")
			err := q.each(ctx, "SELECT id, public_id, clip FROM laughs"+w.String()+" ORDER BY id", w.args, func(scan func(...any) error) error {
				var id int64
				var publicID, clip string
				err := scan(&id, &publicID, &clip)
				rowIDs, clips, dropped.IDs = append(rowIDs, id), append(clips, clip), append(dropped.IDs, publicID)
				return err
			})
			if err != nil {
				return err
			}
		}
		if rows {
			err = dropRows(ctx, q, userID, rowIDs, dropped.IDs)
		} else {
			err = silence(ctx, q, userID, rowIDs, dropped.IDs, at)
		}
		if err != nil {
			return err
		}
		slices.Sort(dropped.IDs)
		dropped.Orphans, err = unreferenced(ctx, q, clips)
		return err
	})
	if err != nil {
		return Dropped{}, err
	}
	return dropped, nil
}

// dropRows deletes laughs, with where else they were heard.
func dropRows(ctx context.Context, q querier, userID int64, rowIDs []int64, publicIDs []string) error {
	if err := q.remove(ctx, "laughs", rowIDs); err != nil {
		return err
	}
	for _, table := range []string{"laugh_copies", "lost_clips"} {
		for batch := range slices.Chunk(publicIDs, batchRows) {
			var w where
			w.add("user_id = ?", userID)
			in(&w, "public_id", batch)
			if _, err := q.exec(ctx, "DELETE FROM "+table+w.String(), w.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// silence takes the clips of laughs away, and notes it.
func silence(ctx context.Context, q querier, userID int64, rowIDs []int64, publicIDs []string, at time.Time) error {
	for batch := range slices.Chunk(rowIDs, batchRows) {
		var w where
		in(&w, "id", batch)
		if _, err := q.exec(ctx, "UPDATE laughs SET clip = ''"+w.String(), w.args...); err != nil {
			return err
		}
	}
	var notes [][]any
	for _, id := range publicIDs {
		notes = append(notes, []any{userID, id, string(orchestrator.ClipPruned), at})
	}
	_, err := q.insertOr(ctx, "INSERT INTO lost_clips (user_id, public_id, why, lost_at)", notes,
		"ON CONFLICT (user_id, public_id) DO UPDATE SET why = excluded.why, lost_at = excluded.lost_at")
	return err
}

// noteLost notes why laughs of a recording have no clip, and, where it had laughs before, forgets it of those that have one
// again.
func (s *Store) noteLost(ctx context.Context, q querier, result orchestrator.Result, recordingID, modelID int64, again bool) (err error) {
	if again {
		_, err = q.exec(ctx, `DELETE FROM lost_clips WHERE user_id = ?1
		AND public_id IN (SELECT public_id FROM laughs WHERE recording_id = ?2 AND model_id = ?3 AND clip <> '')`, result.UserID, recordingID, modelID)
	}
	if err != nil || result.Lost == "" {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO lost_clips (user_id, public_id, why, lost_at)
		SELECT user_id, public_id, ?4, ?5 FROM laughs WHERE user_id = ?1 AND recording_id = ?2 AND model_id = ?3 AND clip = ''
		ON CONFLICT (user_id, public_id) DO NOTHING`, result.UserID, recordingID, modelID, string(result.Lost), s.now())
	return err
}

// LostClip says why the laugh of that public id has no sound. orchestrator.ErrNotFound where nothing is known of it, or it
// is none of these users'.
func (s *Store) LostClip(ctx context.Context, userIDs []int64, id string) (lost orchestrator.LostClip, err error) {
	var w where
	ofUsers(&w, userIDs, id)
	err = s.read(ctx, fmt.Sprintf("find the clip of laugh %q", id), func(ctx context.Context, q querier) error {
		return q.one(ctx, "SELECT why, lost_at FROM lost_clips"+w.String(), w.args, &lost.Why, instant{&lost.At})
	})
	return lost, err
}

// HeardRecording is what hangs on the file of a recording.
type HeardRecording struct {
	// Done is true when its results are stored.
	Done bool
	// Clips are the keys of its laughs' clips.
	Clips []string
	// Silent counts its laughs without sound, but for those whose sound was pruned: it can be cut from the file only.
	Silent int
}

// HeardRecording tells what hangs on the file of a recording, by its content; the zero value where it is not known.
func (s *Store) HeardRecording(ctx context.Context, userID int64, sha256 string) (heard HeardRecording, err error) {
	err = s.read(ctx, "look at recording", func(ctx context.Context, q querier) error {
		heard = HeardRecording{}
		var id int64
		var status string
		err := q.one(ctx, "SELECT id, status FROM recordings WHERE user_id = ?1 AND sha256 = ?2", []any{userID, sha256}, &id, &status)
		if errors.Is(err, orchestrator.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		heard.Done = status == statusDone
		return q.each(ctx, `SELECT l.clip, COALESCE(c.why, '') FROM laughs l LEFT JOIN lost_clips c ON c.user_id = l.user_id AND c.public_id = l.public_id
			WHERE l.recording_id = ?1 ORDER BY l.id`, []any{id}, func(scan func(...any) error) error {
			var clip, why string
			err := scan(&clip, &why)
			switch {
			case clip != "":
				heard.Clips = append(heard.Clips, clip)
			case orchestrator.ClipLoss(why) != orchestrator.ClipPruned:
				heard.Silent++
			}
			return err
		})
	})
	return heard, err
}

// Scrub clears what deleted rows leave in the files of the database, as far as that is possible from here.
func (s *Store) Scrub(ctx context.Context) error { return s.scrub(ctx, nil) }
