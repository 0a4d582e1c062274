package store

import (
	"context"
	"fmt"
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
	users, err := findUsers(ctx, q)
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
		{"SELECT user_id, MAX(date) FROM run_users WHERE status = 'ok' GROUP BY user_id", func(scan func(...any) error) error {
			var id int64
			var date string
			if err := scan(&id, &date); err != nil || at[id] == nil {
				return err
			}
			at[id].LastDay, err = orchestrator.ParseDate(date)
			return err
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
	return status, nil
}
