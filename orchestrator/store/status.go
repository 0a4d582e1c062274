package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// never is later than everything that is stored.
var never = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// Status is StatusAt with a clock that believes every time.
func (s *Store) Status(ctx context.Context) (orchestrator.ServiceStatus, error) {
	return s.StatusAt(ctx, never)
}

// StatusAt tells how the service and every user stand, users in order of priority and name. What has a time behind now
// does not count: a clock was wrong, and would say for as long that all is well.
func (s *Store) StatusAt(ctx context.Context, now time.Time) (status orchestrator.ServiceStatus, err error) {
	err = s.read(ctx, "read status", func(ctx context.Context, q querier) error {
		status = orchestrator.ServiceStatus{}
		err := q.one(ctx, `SELECT (SELECT finished_at FROM runs WHERE exit_code = 0 AND finished_at <= ?1 ORDER BY finished_at DESC LIMIT 1),
			(SELECT started_at FROM runs WHERE started_at > ?1 ORDER BY started_at DESC LIMIT 1)`, []any{now}, instant{&status.LastGoodRun}, instant{&status.Ahead})
		if err != nil {
			return err
		}
		users, err := findUsers(ctx, q, where{})
		if err != nil {
			return err
		}
		status.Users, err = statusOf(ctx, q, users, where{}, now)
		return err
	})
	return status, err
}

// UserStatus tells how one user stands. orchestrator.ErrNotFound when there is no such user.
func (s *Store) UserStatus(ctx context.Context, userID int64) (status orchestrator.UserStatus, err error) {
	err = s.read(ctx, fmt.Sprintf("read status of user %d", userID), func(ctx context.Context, q querier) error {
		var w, alone where
		w.add("id = ?", userID)
		users, err := findUsers(ctx, q, w)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return orchestrator.ErrNotFound
		}
		alone.add("u.id = ?", userID)
		all, err := statusOf(ctx, q, users, alone, never)
		if err == nil {
			status = all[0]
		}
		return err
	})
	return status, err
}

// statusOf tells how users stand; w chooses them from users, u. Every step finds what it needs of a user by an
// index, however much is stored of them.
func statusOf(ctx context.Context, q querier, users []orchestrator.User, w where, now time.Time) ([]orchestrator.UserStatus, error) {
	all := make([]orchestrator.UserStatus, len(users))
	at := make(map[int64]*orchestrator.UserStatus)
	for i, user := range users {
		all[i].User = user
		at[user.ID] = &all[i]
	}
	of := func(conditions ...string) string {
		both := where{conditions: slices.Concat(w.conditions, conditions)}
		return both.String()
	}
	until, bounded := fmt.Sprintf("?%d", len(w.args)+1), append(slices.Clone(w.args), now)
	var newest time.Time // when the last run ended that read one of them
	steps := []struct {
		query string
		args  []any
		scan  func(scan func(...any) error) error
	}{
		{`SELECT u.id,
				(SELECT r.finished_at FROM runs r WHERE r.finished_at <= ` + until + ` AND EXISTS
					(SELECT 1 FROM run_users d WHERE d.run_id = r.id AND d.user_id = u.id) ORDER BY r.finished_at DESC LIMIT 1),
				(SELECT r.finished_at FROM runs r WHERE r.finished_at <= ` + until + ` AND EXISTS
					(SELECT 1 FROM run_users d WHERE d.run_id = r.id AND d.user_id = u.id AND d.status = 'ok') ORDER BY r.finished_at DESC LIMIT 1),
				(SELECT l.start_at FROM laughs l WHERE l.user_id = u.id AND l.tier = 'sure' AND l.start_at <= ` + until + ` ORDER BY l.start_at DESC LIMIT 1)
			FROM users u` + of(), bounded, func(scan func(...any) error) error {
			var id int64
			var ended, finished, laugh time.Time
			if err := scan(&id, instant{&ended}, instant{&finished}, instant{&laugh}); err != nil || at[id] == nil {
				return err
			}
			if ended.After(newest) {
				newest = ended
			}
			at[id].LastGoodRun, at[id].LastLaugh = finished, laugh
			return nil
		}},
		{`SELECT u.id, r.started_at, r.samples FROM users u JOIN recordings r ON r.id =
			(SELECT n.id FROM recordings n WHERE n.user_id = u.id AND n.status = 'done' AND n.started_at <= ` + until + ` ORDER BY n.started_at DESC, n.samples DESC LIMIT 1)` + of(), bounded,
			func(scan func(...any) error) error {
				var id, samples int64
				var start time.Time
				if err := scan(&id, instant{&start}, &samples); err != nil || at[id] == nil {
					return err
				}
				at[id].LastAudio = start.Add(orchestrator.SamplesToDuration(samples))
				return nil
			}},
		{`SELECT g.user_id, g.start_at, g.end_at, g.state, g.reason, g.attempts, g.tried_at FROM users u JOIN ledger g ON g.user_id = u.id` +
			of("g.state = 'failed'") + ` ORDER BY g.start_at`, w.args, func(scan func(...any) error) error {
			var id int64
			var gap orchestrator.LedgerSpan
			err := scan(&id, instant{&gap.Start}, instant{&gap.End}, &gap.State, &gap.Reason, &gap.Attempts, instant{&gap.LastTried})
			if err != nil || at[id] == nil {
				return err
			}
			at[id].Gaps = append(at[id].Gaps, gap)
			return nil
		}},
		{fmt.Sprintf(`SELECT r.user_id, r.name, r.started_at, r.attempts, r.error FROM users u JOIN recordings r ON r.user_id = u.id`+
			of("r.status = 'failed'", "r.attempts >= %d")+` AND NOT EXISTS
				(SELECT 1 FROM recordings n WHERE n.user_id = r.user_id AND n.name = r.name AND n.status = 'done') AND NOT EXISTS
				(SELECT 1 FROM recording_files f WHERE f.user_id = r.user_id AND f.name = r.name)
			ORDER BY r.started_at, r.id`, orchestrator.MaxAttempts), w.args, func(scan func(...any) error) error {
			var id int64
			var lost orchestrator.GivenUp
			if err := scan(&id, &lost.Recording, instant{&lost.Start}, &lost.Attempts, &lost.Reason); err != nil || at[id] == nil {
				return err
			}
			at[id].GivenUp = append(at[id].GivenUp, lost)
			return nil
		}},
	}
	for _, step := range steps {
		if err := q.each(ctx, step.query, slices.Clone(step.args), step.scan); err != nil {
			return nil, err
		}
	}
	come := "9999-12-31"
	if !newest.IsZero() {
		come = orchestrator.DateOf(newest.UTC()).Add(1).String() // it may be tomorrow in a user's zone
	}
	return all, readDays(ctx, q, come, of(), until, bounded, at)
}

// readDays finds each user's first and last good day, and the latest day that was read, or tried to, as the run that was
// started last left it. Where nothing was found on that day, an earlier one that stands failed goes before it, unless a
// day with recordings lies between or all that failed is given up: an empty day says nothing of it. Days after come do
// not count: old versions stored days that had not come. of chooses users, u; until is the place of the time behind which
// a run's start does not count.
func readDays(ctx context.Context, q querier, come, of, until string, args []any, at map[int64]*orchestrator.UserStatus) error {
	const read = "('ok', 'incomplete', 'failed')" // the other statuses left the day as it was
	const order = " ORDER BY d.date DESC, r.started_at DESC, d.id DESC LIMIT 1"
	which := " d.user_id = u.id AND d.date <= '" + come + "' AND d.status "
	from := "FROM run_users d JOIN runs r ON r.id = d.run_id WHERE" + which + "IN " + read + " AND r.started_at <= " + until
	good := "SELECT d.date FROM run_users d WHERE" + which + "= 'ok' ORDER BY d.date"
	standing := fmt.Sprintf("SELECT CASE WHEN d.status <> 'ok' AND EXISTS"+
		" (SELECT 1 FROM run_errors e WHERE e.run_user_id = d.id AND NOT EXISTS (SELECT 1 FROM recordings g"+
		" WHERE g.user_id = d.user_id AND g.name = e.recording AND g.status = 'failed' AND g.attempts >= %d)) THEN d.id END "+
		from+" AND (d.status <> 'ok' OR d.found > 0) AND NOT EXISTS"+
		" (SELECT 1 FROM run_users n JOIN runs m ON m.id = n.run_id WHERE n.user_id = d.user_id AND n.date = d.date AND n.status IN "+read+
		" AND m.started_at <= "+until+" AND (m.started_at > r.started_at OR m.started_at = r.started_at AND n.id > d.id))"+order, orchestrator.MaxAttempts)
	query := "SELECT u.id, COALESCE((" + good + " LIMIT 1), ''), COALESCE((" + good + " DESC LIMIT 1), '')," +
		" COALESCE((" + standing + "), (SELECT d.id " + from + order + "), 0) FROM users u" + of
	var rows []int64
	err := q.each(ctx, query, slices.Clone(args), func(scan func(...any) error) error {
		var id, row int64
		var first, last string
		if err := scan(&id, &first, &last, &row); err != nil || at[id] == nil { // one who was added since is not there
			return err
		}
		rows = append(rows, row)
		if first == "" {
			return nil
		}
		var firstErr, lastErr error
		at[id].FirstDay, firstErr = orchestrator.ParseDate(first)
		at[id].LastDay, lastErr = orchestrator.ParseDate(last)
		return errors.Join(firstErr, lastErr)
	})
	for batch := range slices.Chunk(rows, batchRows) {
		var w where
		in(&w, "d.id", batch)
		found, findErr := findDays(ctx, q, w)
		for _, day := range found {
			at[day.UserID].Latest = day.UserDay
		}
		err = errors.Join(err, findErr)
	}
	return err
}
