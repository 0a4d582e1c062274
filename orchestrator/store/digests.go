package store

import (
	"context"
	"errors"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const selectSubscriptions = `SELECT s.id, s.user_id, s.kind, s.address, s.period, s.weekday, s.quiet_from, s.quiet_to, s.token, s.created_at,
	COALESCE(d.period_end, ''), COALESCE(d.state, ''), COALESCE(d.attempts, 0), COALESCE(d.cause, ''), d.sent_at
	FROM subscriptions s LEFT JOIN digests d ON d.subscription_id = s.id
		AND d.period_end = (SELECT MAX(l.period_end) FROM digests l WHERE l.subscription_id = s.id)`

// AddSubscription stores a subscription with its sealed address, unless that is empty, and returns it with its ID.
// orchestrator.ErrNotFound when there is no such user; the error of Validate when it is not valid.
func (s *Store) AddSubscription(ctx context.Context, sub orchestrator.Subscription, sealed string) (orchestrator.Subscription, error) {
	if err := sub.Validate(); err != nil {
		return sub, err
	}
	sub.CreatedAt, sub.Last = stored(sub.CreatedAt), orchestrator.Sent{}
	err := s.transaction(ctx, "add subscription", func(ctx context.Context, q querier) error {
		if _, err := s.takeUser(ctx, q, sub.UserID); err != nil {
			return err
		}
		switch err := q.one(ctx, "SELECT id FROM subscriptions WHERE token = ?1", []any{sub.Token}, &sub.ID); {
		case err == nil:
			return nil // an attempt before was stored, and only its answer lost
		case !errors.Is(err, orchestrator.ErrNotFound):
			return err
		}
		if err := q.one(ctx, `INSERT INTO subscriptions (user_id, kind, address, period, weekday, quiet_from, quiet_to, token, created_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id`, []any{sub.UserID, sub.Kind, sub.Address, string(sub.Period), int(sub.Weekday),
			sub.Quiet.From, sub.Quiet.To, sub.Token, sub.CreatedAt}, &sub.ID); err != nil || sealed == "" {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO secrets (user_id, field, sealed) VALUES (?1, ?2, ?3)", sub.UserID, sub.SecretField(), sealed)
		return err
	})
	return sub, err
}

// Subscriptions returns those of users, in order of their IDs, each with the latest digest; nil wants those of all
// users, an empty list nobody's.
func (s *Store) Subscriptions(ctx context.Context, userIDs []int64) (subs []orchestrator.Subscription, err error) {
	if userIDs != nil && len(userIDs) == 0 {
		return nil, nil
	}
	var w where
	in(&w, "s.user_id", userIDs)
	return s.subscriptions(ctx, w)
}

// SubscriptionByToken returns the subscription of a token; orchestrator.ErrNotFound where there is none.
func (s *Store) SubscriptionByToken(ctx context.Context, token string) (orchestrator.Subscription, error) {
	var w where
	w.add("s.token = ?", token)
	subs, err := s.subscriptions(ctx, w)
	if err == nil && len(subs) == 0 {
		err = orchestrator.ErrNotFound
	}
	if err != nil {
		return orchestrator.Subscription{}, err
	}
	return subs[0], nil
}

func (s *Store) subscriptions(ctx context.Context, w where) (subs []orchestrator.Subscription, err error) {
	err = s.read(ctx, "list subscriptions", func(ctx context.Context, q querier) error {
		subs = nil
		return q.each(ctx, selectSubscriptions+w.String()+" ORDER BY s.id", w.args, func(scan func(...any) error) error {
			var o orchestrator.Subscription
			var end string
			if err := scan(&o.ID, &o.UserID, &o.Kind, &o.Address, &o.Period, &o.Weekday, &o.Quiet.From, &o.Quiet.To, &o.Token, instant{&o.CreatedAt},
				&end, &o.Last.State, &o.Last.Attempts, &o.Last.Cause, instant{&o.Last.At}); err != nil {
				return err
			}
			if end != "" {
				var err error
				if o.Last.To, err = orchestrator.ParseDate(end); err != nil {
					return err
				}
			}
			subs = append(subs, o)
			return nil
		})
	})
	return subs, err
}

// RemoveSubscription ends a subscription of one of the users; nil means any user. orchestrator.ErrNotFound when they have
// no such one.
func (s *Store) RemoveSubscription(ctx context.Context, userIDs []int64, id int64) error {
	if userIDs != nil && len(userIDs) == 0 {
		return orchestrator.ErrNotFound
	}
	again := false
	return s.transaction(ctx, "remove subscription", func(ctx context.Context, q querier) error {
		var w where
		w.add("id = ?", id)
		in(&w, "user_id", userIDs)
		sub := orchestrator.Subscription{ID: id}
		err := q.one(ctx, "SELECT user_id, token FROM subscriptions"+w.String(), w.args, &sub.UserID, &sub.Token)
		if again && errors.Is(err, orchestrator.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		again = true
		if _, err := q.exec(ctx, "DELETE FROM secrets WHERE user_id = ?1 AND field = ?2", sub.UserID, sub.SecretField()); err != nil {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM subscriptions WHERE id = ?1", id)
		return err
	})
}

// BeginDigest takes the digest of a period for the caller, who then sends it: false where it was sent, somebody else
// sends it or was killed while they did, there was nothing to say, or it failed too often. Of any number of callers at
// once one gets it. orchestrator.ErrNotFound when there is no such subscription any more.
func (s *Store) BeginDigest(ctx context.Context, subscriptionID int64, to orchestrator.Date, now time.Time) (mine bool, err error) {
	err = s.transaction(ctx, "begin digest", func(ctx context.Context, q querier) error {
		var known int64
		if err := q.one(ctx, "SELECT id FROM subscriptions WHERE id = ?1", []any{subscriptionID}, &known); err != nil {
			return err
		}
		n, err := q.exec(ctx, `INSERT INTO digests (subscription_id, period_end, state, attempts, cause, sent_at) VALUES (?1, ?2, 'begun', 1, '', ?3)
			ON CONFLICT (subscription_id, period_end) DO UPDATE SET state = 'begun', attempts = digests.attempts + 1, cause = '', sent_at = excluded.sent_at
			WHERE digests.state = 'failed' AND digests.attempts < ?4`, subscriptionID, to.String(), now, orchestrator.MaxSendAttempts)
		mine = n == 1
		return err
	})
	return mine, err
}

// EndDigest writes what became of a digest that BeginDigest gave the caller. One whose subscription is gone is no error.
func (s *Store) EndDigest(ctx context.Context, subscriptionID int64, sent orchestrator.Sent) error {
	return s.transaction(ctx, "end digest", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, "UPDATE digests SET state = ?1, cause = ?2, sent_at = ?3 WHERE subscription_id = ?4 AND period_end = ?5",
			string(sent.State), sent.Cause, sent.At, subscriptionID, sent.To.String())
		return err
	})
}

// Devices returns the users, by ID, that were published to a home's broker, also those that are gone meanwhile.
func (s *Store) Devices(ctx context.Context) (userIDs []int64, err error) {
	err = s.read(ctx, "list devices", func(ctx context.Context, q querier) error {
		userIDs, err = q.ids(ctx, "SELECT device FROM devices ORDER BY device")
		return err
	})
	return userIDs, err
}

// SetDevices writes which users are published.
func (s *Store) SetDevices(ctx context.Context, userIDs []int64) error {
	return s.transaction(ctx, "store devices", func(ctx context.Context, q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM devices"); err != nil {
			return err
		}
		rows := make([][]any, len(userIDs))
		for i, id := range userIDs {
			rows[i] = []any{id}
		}
		return q.insert(ctx, "INSERT INTO devices (device)", rows)
	})
}
