package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const insertForgotten = "INSERT INTO forgotten (user_id, recording_id, public_id, start_at, end_at, first_sample, end_sample, forgotten_at)"

// Forget deletes a laugh, and what other models heard there, and remembers that nothing is to be found there again:
// neither a new policy, nor another model, nor the recording processed again, nor a backup brings it back. The
// caller deletes the clips that it returns. Errors are those of Mark.
func (s *Store) Forget(ctx context.Context, userIDs []int64, id string) (forgotten orchestrator.Forgotten, err error) {
	err = s.transaction(ctx, fmt.Sprintf("forget laugh %q", id), func(ctx context.Context, q querier) error {
		forgotten = orchestrator.Forgotten{}
		var w where
		ofUsers(&w, userIDs, id)
		var userID int64
		if err := q.one(ctx, "SELECT user_id FROM laughs"+w.String(), w.args, &userID); err != nil {
			return err
		}
		if _, err := s.takeUser(ctx, q, userID); err != nil { // no run saves the recording meanwhile
			return err
		}
		rows, err := findLaughs(ctx, q, "l.user_id = ?1 AND l.public_id = ?2", userID, id)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return orchestrator.ErrNotFound
		}
		grave, now := graveOf(rows[0]), s.now()
		err = q.insert(ctx, insertForgotten,
			[][]any{{userID, grave.recording, id, fromMillis(grave.start), fromMillis(grave.end), grave.first, grave.last, now}})
		if err != nil {
			return err
		}
		if err := forgetCopies(ctx, q, userID, id, grave, now); err != nil {
			return err
		}
		there, err := findLaughs(ctx, q, "l.user_id = ?1 AND l.end_at > ?2 AND l.start_at < ?3 AND l.start_at > ?4",
			userID, fromMillis(grave.start), fromMillis(grave.end), fromMillis(grave.start).Add(-longestRecording))
		if err != nil {
			return err
		}
		var ids []int64
		var clips []string
		for _, l := range there {
			ids, clips = append(ids, l.id), append(clips, l.clip)
		}
		if err := q.remove(ctx, "laughs", ids); err != nil {
			return err
		}
		forgotten.Laughs = len(ids)
		forgotten.Orphans, err = unreferenced(ctx, q, clips)
		return err
	})
	if err != nil {
		return orchestrator.Forgotten{}, err
	}
	return forgotten, s.scrub(ctx, nil)
}

// forgetCopies forgets a laugh where else it was heard, too: in other recordings, at the times of their clocks.
func forgetCopies(ctx context.Context, q querier, userID int64, id string, g grave, now time.Time) error {
	var rows [][]any
	var bases [][]string
	err := q.each(ctx, "SELECT recording_id, first_sample, end_sample, later_ms FROM laugh_copies WHERE user_id = ?1 AND public_id = ?2 ORDER BY id", []any{userID, id},
		func(scan func(...any) error) error {
			var recording, first, end, later int64
			err := scan(&recording, &first, &end, &later)
			bases = append(bases, []string{id, strconv.Itoa(len(bases))})
			rows = append(rows, []any{userID, recording, nil, fromMillis(g.start + later), fromMillis(g.end + later), first, end, now})
			return err
		})
	if err != nil {
		return err
	}
	ids, err := freeIDs(ctx, q, bases)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i][2] = ids[i]
	}
	if err := q.insert(ctx, insertForgotten, rows); err != nil {
		return err
	}
	_, err = q.exec(ctx, "DELETE FROM laugh_copies WHERE user_id = ?1 AND public_id = ?2", userID, id)
	return err
}

// grave is where a person forgot a laugh.
type grave struct {
	recording   int64 // id; 0 where it is not known any more
	start, end  int64 // milliseconds since 1970
	first, last int64 // samples of the recording
}

func graveOf(l laugh) grave { return grave{l.recording, l.start, l.end, l.first, l.last} }

// covers tells whether a laugh lies there, wholly or in part: by its position in the same recording, whose start may
// have been corrected since, and by its time in any other.
func (g grave) covers(l laugh) bool {
	if g.recording == l.recording {
		return g.first < l.last && l.first < g.last
	}
	return g.start < l.end && l.start < g.end
}

// graves are those of a recording, and those of the user between two times in milliseconds.
func graves(ctx context.Context, q querier, userID, recordingID, from, to int64) (found []grave, err error) {
	err = q.each(ctx, `SELECT COALESCE(recording_id, 0), start_at, end_at, first_sample, end_sample FROM forgotten
		WHERE user_id = ?1 AND (end_at > ?2 AND start_at < ?3 OR recording_id = ?4)`,
		[]any{userID, fromMillis(from), fromMillis(to), recordingID}, func(scan func(...any) error) error {
			var g grave
			err := scan(&g.recording, millis{&g.start}, millis{&g.end}, &g.first, &g.last)
			found = append(found, g)
			return err
		})
	return found, err
}

// unforgotten leaves out what a person forgot in a recording, which lies between two times in milliseconds. buried
// are the clips of what is left out.
func unforgotten(ctx context.Context, q querier, userID, recordingID, begin, end int64, found []laugh) (left []laugh, buried []string, err error) {
	there, err := graves(ctx, q, userID, recordingID, begin, end+1)
	if err != nil || len(there) == 0 {
		return found, nil, err
	}
	for _, l := range found {
		if slices.ContainsFunc(there, func(g grave) bool { return g.covers(l) }) {
			buried = append(buried, l.clip)
		} else {
			left = append(left, l)
		}
	}
	return left, buried, nil
}

// forgottenLaugh is a row of the table, by names that every database has.
type forgottenLaugh struct {
	uid, recording, publicID string
	start, end, at           time.Time
	first, last              int64
}

func findForgotten(ctx context.Context, q querier) (all []forgottenLaugh, err error) {
	err = q.each(ctx, `SELECT u.uid, COALESCE(r.sha256, ''), f.public_id, f.start_at, f.end_at, f.forgotten_at, f.first_sample, f.end_sample
		FROM forgotten f JOIN users u ON u.id = f.user_id LEFT JOIN recordings r ON r.id = f.recording_id ORDER BY f.id`, nil,
		func(scan func(...any) error) error {
			var f forgottenLaugh
			err := scan(&f.uid, &f.recording, &f.publicID, instant{&f.start}, instant{&f.end}, instant{&f.at}, &f.first, &f.last)
			all = append(all, f)
			return err
		})
	return all, err
}

// forgetAgain forgets in what was loaded what had been forgotten in the database that it replaces.
func (l *loader) forgetAgain(ctx context.Context) error {
	for _, f := range l.forgotten {
		_, err := l.exec(ctx, insertForgotten+`
			SELECT id, (SELECT r.id FROM recordings r WHERE r.user_id = u.id AND r.sha256 = ?2), ?3, ?4, ?5, ?6, ?7, ?8 FROM users u WHERE uid = ?1
			ON CONFLICT (public_id) DO NOTHING`, f.uid, f.recording, f.publicID, f.start, f.end, f.first, f.last, f.at)
		if err != nil {
			return err
		}
	}
	if len(l.forgotten) == 0 {
		return nil
	}
	var ids []int64
	var clips []string
	err := l.each(ctx, `SELECT DISTINCT l.id, l.clip FROM laughs l JOIN forgotten f
		ON f.user_id = l.user_id AND f.start_at < l.end_at AND f.end_at > l.start_at`, nil, func(scan func(...any) error) error {
		var id int64
		var clip string
		err := scan(&id, &clip)
		ids, clips = append(ids, id), append(clips, clip)
		return err
	})
	if err != nil {
		return err
	}
	if err := l.remove(ctx, "laughs", ids); err != nil {
		return err
	}
	gone, err := unreferenced(ctx, l.querier, clips)
	for _, key := range gone {
		delete(l.clips, key)
	}
	l.loaded.Rows["laughs"] -= int64(len(ids))
	return err
}
