package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Status tells how the service and every user stand, users in order of priority and name.
func (s *Store) Status(ctx context.Context) (status orchestrator.ServiceStatus, err error) {
	err = s.read(ctx, "read status", func(ctx context.Context, q querier) error {
		status, err = findStatus(ctx, q)
		return err
	})
	return status, err
}

func findStatus(ctx context.Context, q querier) (status orchestrator.ServiceStatus, err error) {
	err = q.one(ctx, "SELECT MAX(finished_at) FROM runs WHERE exit_code = 0", nil, instant{&status.LastGoodRun})
	if err != nil {
		return status, err
	}
	at := make(map[int64]*orchestrator.UserStatus)
	users, err := findUsers(ctx, q, where{})
	if err != nil {
		return status, err
	}
	status.Users = make([]orchestrator.UserStatus, len(users))
	for i, user := range users {
		status.Users[i].User = user
		at[user.ID] = &status.Users[i]
	}
	steps := []struct {
		query string
		scan  func(scan func(...any) error) error
	}{
		{`SELECT d.user_id, MIN(d.date), MAX(d.date), MAX(r.finished_at) FROM run_users d JOIN runs r ON r.id = d.run_id
			WHERE d.status = 'ok' GROUP BY d.user_id`, func(scan func(...any) error) error {
			var id int64
			var first, last string
			var finished time.Time
			if err := scan(&id, &first, &last, instant{&finished}); err != nil || at[id] == nil {
				return err
			}
			user := at[id]
			user.LastGoodRun = finished
			var firstErr, lastErr error
			user.FirstDay, firstErr = orchestrator.ParseDate(first)
			user.LastDay, lastErr = orchestrator.ParseDate(last)
			return errors.Join(firstErr, lastErr)
		}},
		{"SELECT user_id, MAX(start_at) FROM laughs GROUP BY user_id", func(scan func(...any) error) error {
			var id int64
			var start time.Time
			if err := scan(&id, instant{&start}); err != nil || at[id] == nil {
				return err
			}
			at[id].LastLaugh = start
			return nil
		}},
		{`SELECT user_id, started_at, samples FROM recordings r WHERE status = 'done' AND started_at =
			(SELECT MAX(started_at) FROM recordings n WHERE n.user_id = r.user_id AND n.status = 'done')`, func(scan func(...any) error) error {
			var id, samples int64
			var start time.Time
			if err := scan(&id, instant{&start}, &samples); err != nil || at[id] == nil {
				return err
			}
			if end := start.Add(orchestrator.SamplesToDuration(samples)); end.After(at[id].LastAudio) {
				at[id].LastAudio = end
			}
			return nil
		}},
		{`SELECT user_id, start_at, end_at, state, reason, attempts, tried_at FROM ledger WHERE state = 'failed'
			ORDER BY start_at`, func(scan func(...any) error) error {
			var id int64
			var gap orchestrator.LedgerSpan
			err := scan(&id, instant{&gap.Start}, instant{&gap.End}, &gap.State, &gap.Reason, &gap.Attempts, instant{&gap.LastTried})
			if err != nil || at[id] == nil {
				return err
			}
			at[id].Gaps = append(at[id].Gaps, gap)
			return nil
		}},
		{fmt.Sprintf(`SELECT user_id, name, started_at, attempts, error FROM recordings r WHERE status = 'failed' AND attempts >= %d
			AND NOT EXISTS (SELECT 1 FROM recordings n WHERE n.user_id = r.user_id AND n.name = r.name AND n.status = 'done')
			ORDER BY started_at, id`, orchestrator.MaxAttempts), func(scan func(...any) error) error {
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
		if err := q.each(ctx, step.query, nil, step.scan); err != nil {
			return status, err
		}
	}
	latest, err := latestDays(ctx, q)
	for _, day := range latest {
		if at[day.UserID] != nil { // one who was added since is not
			at[day.UserID].Latest = day.UserDay
		}
	}
	return status, err
}

// latestDays returns each user's latest day that was read, or tried to, as the run that was started last left it.
func latestDays(ctx context.Context, q querier) ([]storedDay, error) {
	const counts = "status IN ('ok', 'incomplete', 'failed')" // the others left the day as it was
	rows := make(map[int64]int64)                             // by user: the last row wins
	err := q.each(ctx, `SELECT d.user_id, d.id FROM run_users d JOIN runs r ON r.id = d.run_id
			JOIN (SELECT user_id, MAX(date) AS date FROM run_users WHERE `+counts+` GROUP BY user_id) last
				ON last.user_id = d.user_id AND last.date = d.date
		WHERE d.`+counts+" ORDER BY r.started_at, d.id", nil, func(scan func(...any) error) error {
		var user, row int64
		err := scan(&user, &row)
		rows[user] = row
		return err
	})
	var days []storedDay
	for batch := range slices.Chunk(slices.Sorted(maps.Values(rows)), batchRows) {
		var w where
		in(&w, "d.id", batch)
		found, findErr := findDays(ctx, q, w)
		days, err = append(days, found...), errors.Join(err, findErr)
	}
	return days, err
}
