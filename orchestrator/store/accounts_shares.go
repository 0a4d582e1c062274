package store

import (
	"context"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const shareColumns = "s.id, s.user_id, COALESCE(s.account_id, 0), s.title, s.password, s.created_at, s.expires_at, s.visits, s.visited_at"

// AddShare stores a share under the SHA-256 of its secret, with the hash of its password (empty: none), and returns it with its ID.
// orchestrator.ErrNotFound when one of its laughs is not its user's.
func (s *Store) AddShare(ctx context.Context, share orchestrator.Share, secret, password string) (orchestrator.Share, error) {
	share.CreatedAt, share.ExpiresAt, share.HasPassword = stored(share.CreatedAt), stored(share.ExpiresAt), password != ""
	err := s.transaction(ctx, "add share", func(ctx context.Context, q querier) error {
		var w where
		w.add("user_id = ?", share.UserID)
		in(&w, "public_id", share.Laughs)
		var known int
		if err := q.one(ctx, "SELECT COUNT(DISTINCT public_id) FROM laughs"+w.String(), w.args, &known); err != nil {
			return err
		}
		if known != len(share.Laughs) || known == 0 {
			return orchestrator.ErrNotFound
		}
		err := q.one(ctx, `INSERT INTO shares (user_id, account_id, secret, title, password, created_at, expires_at, visits)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) RETURNING id`, []any{share.UserID, orNone(share.AccountID), secret, share.Title, password,
			share.CreatedAt, orNull(share.ExpiresAt)}, &share.ID)
		if err != nil {
			return err
		}
		rows := make([][]any, len(share.Laughs))
		for i, laugh := range share.Laughs {
			rows[i] = []any{share.ID, i, laugh}
		}
		return q.insert(ctx, "INSERT INTO share_laughs (share_id, position, laugh)", rows)
	})
	return share, err
}

// Share returns the share with that secret and the hash of its password, whether it is still open or not.
// orchestrator.ErrNotFound where it is unknown or revoked.
func (s *Store) Share(ctx context.Context, secret string) (share orchestrator.Share, password string, err error) {
	err = s.read(ctx, "find share", func(ctx context.Context, q querier) error {
		var w where
		w.add("s.secret = ?", secret)
		shares, passwords, err := findShares(ctx, q, w)
		if err == nil && len(shares) == 0 {
			err = orchestrator.ErrNotFound
		}
		if err != nil {
			return err
		}
		share, password = shares[0], passwords[0]
		return nil
	})
	return share, password, err
}

// Shares returns the shares of users, the newest first. No user has none.
func (s *Store) Shares(ctx context.Context, userIDs []int64) (shares []orchestrator.Share, err error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	err = s.read(ctx, "list shares", func(ctx context.Context, q querier) error {
		var w where
		in(&w, "s.user_id", userIDs)
		shares, _, err = findShares(ctx, q, w)
		return err
	})
	return shares, err
}

// findShares reads shares with their laughs, in one statement.
func findShares(ctx context.Context, q querier, w where) (shares []orchestrator.Share, passwords []string, err error) {
	err = q.each(ctx, "SELECT "+shareColumns+", COALESCE(l.laugh, '') FROM shares s LEFT JOIN share_laughs l ON l.share_id = s.id"+w.String()+
		" ORDER BY s.id DESC, l.position", w.args, func(scan func(...any) error) error {
		var o orchestrator.Share
		var password, laugh string
		if err := scan(&o.ID, &o.UserID, &o.AccountID, &o.Title, &password, instant{&o.CreatedAt}, instant{&o.ExpiresAt}, &o.Visits, instant{&o.VisitedAt}, &laugh); err != nil {
			return err
		}
		if last := len(shares) - 1; last < 0 || shares[last].ID != o.ID {
			o.HasPassword = password != ""
			shares, passwords = append(shares, o), append(passwords, password)
		}
		if laugh != "" {
			last := &shares[len(shares)-1]
			last.Laughs = append(last.Laughs, laugh)
		}
		return nil
	})
	return shares, passwords, err
}

// RevokeShare deletes a share of one of the users. orchestrator.ErrNotFound when they have no such one.
func (s *Store) RevokeShare(ctx context.Context, userIDs []int64, id int64) error {
	if len(userIDs) == 0 {
		return orchestrator.ErrNotFound
	}
	return s.transaction(ctx, "revoke share", func(ctx context.Context, q querier) error {
		var w where
		w.add("id = ?", id)
		in(&w, "user_id", userIDs)
		n, err := q.exec(ctx, "DELETE FROM shares"+w.String(), w.args...)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return err
	})
}

// CountVisit counts a visit of a share. One that is gone is no error.
func (s *Store) CountVisit(ctx context.Context, id int64, now time.Time) error {
	return s.transaction(ctx, "count visit", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, "UPDATE shares SET visits = visits + 1, visited_at = ?1 WHERE id = ?2", now, id)
		return err
	})
}
