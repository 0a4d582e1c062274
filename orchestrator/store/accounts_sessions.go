package store

import (
	"context"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// maxSessions of an account: a browser that forgets its cookie signs in again and again.
const maxSessions = 50

// AddSession stores a session under the SHA-256 of its secret and returns it with its ID. Sessions that have expired go, and the
// oldest of the account where it has too many. orchestrator.ErrNotFound when there is no such account.
func (s *Store) AddSession(ctx context.Context, session orchestrator.Session, secret string) (orchestrator.Session, error) {
	session.CreatedAt, session.SeenAt, session.ExpiresAt = stored(session.CreatedAt), stored(session.SeenAt), stored(session.ExpiresAt)
	err := s.transaction(ctx, "begin session", func(ctx context.Context, q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM sessions WHERE expires_at <= ?1 OR secret = ?2", session.CreatedAt, secret); err != nil {
			return err
		}
		if _, _, err := findAccount(ctx, q, "a.id = ?", session.AccountID); err != nil {
			return err
		}
		err := q.one(ctx, `INSERT INTO sessions (account_id, secret, created_at, seen_at, expires_at, agent, network)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id`, []any{session.AccountID, secret, session.CreatedAt, session.SeenAt,
			session.ExpiresAt, session.Agent, session.Network}, &session.ID)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, fmt.Sprintf(`DELETE FROM sessions WHERE account_id = ?1 AND id NOT IN
			(SELECT id FROM sessions WHERE account_id = ?1 ORDER BY seen_at DESC, id DESC LIMIT %d)`, maxSessions), session.AccountID)
		return err
	})
	return session, err
}

// Visit returns the session with that secret, its account, and the users that the account sees. orchestrator.ErrNotFound where it
// is unknown, expired at now, or revoked.
func (s *Store) Visit(ctx context.Context, secret string, now time.Time) (session orchestrator.Session, account orchestrator.Account, users []orchestrator.User, err error) {
	err = s.read(ctx, "find session", func(ctx context.Context, q querier) error {
		account = orchestrator.Account{}
		err := q.one(ctx, "SELECT s.id, s.account_id, s.created_at, s.seen_at, s.expires_at, s.agent, s.network, "+accountColumns+
			" FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.secret = ?1 AND s.expires_at > ?2", []any{secret, now},
			&session.ID, &session.AccountID, instant{&session.CreatedAt}, instant{&session.SeenAt}, instant{&session.ExpiresAt}, &session.Agent, &session.Network,
			&account.ID, &account.Name, &account.Role, &account.EveryUser, passwordSet{&account.HasPassword}, &account.Handle, instant{&account.CreatedAt})
		if err != nil {
			return err
		}
		users, err = usersOf(ctx, q, account)
		return err
	})
	if err != nil {
		return orchestrator.Session{}, orchestrator.Account{}, nil, err
	}
	return session, account, users, nil
}

// passwordSet scans a hash into whether there is one.
type passwordSet struct{ to *bool }

// Scan implements sql.Scanner.
func (p passwordSet) Scan(src any) error {
	switch src := src.(type) {
	case string:
		*p.to = src != ""
	case []byte:
		*p.to = len(src) > 0
	}
	return nil
}

// TouchSession notes that a session was used, from where, and until when it lasts now. One that is gone is no error.
func (s *Store) TouchSession(ctx context.Context, session orchestrator.Session) error {
	return s.transaction(ctx, "note session", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, "UPDATE sessions SET seen_at = ?1, expires_at = ?2, network = ?3 WHERE id = ?4",
			session.SeenAt, session.ExpiresAt, session.Network, session.ID)
		return err
	})
}

// Sessions returns the sessions of an account that have not expired at now, the last used first.
func (s *Store) Sessions(ctx context.Context, accountID int64, now time.Time) (sessions []orchestrator.Session, err error) {
	err = s.read(ctx, "list sessions", func(ctx context.Context, q querier) error {
		sessions = nil
		return q.each(ctx, `SELECT id, account_id, created_at, seen_at, expires_at, agent, network FROM sessions
			WHERE account_id = ?1 AND expires_at > ?2 ORDER BY seen_at DESC, id DESC`, []any{accountID, now}, func(scan func(...any) error) error {
			var o orchestrator.Session
			err := scan(&o.ID, &o.AccountID, instant{&o.CreatedAt}, instant{&o.SeenAt}, instant{&o.ExpiresAt}, &o.Agent, &o.Network)
			sessions = append(sessions, o)
			return err
		})
	})
	return sessions, err
}

// EndSession ends one session of an account. orchestrator.ErrNotFound when it has no such one.
func (s *Store) EndSession(ctx context.Context, accountID, id int64) error {
	return s.removeOwned(ctx, "end session", "sessions", accountID, id)
}

// EndSessions ends the sessions of an account but one; 0 keeps none. It returns how many there were.
func (s *Store) EndSessions(ctx context.Context, accountID, keep int64) (n int64, err error) {
	err = s.transaction(ctx, "end sessions", func(ctx context.Context, q querier) error {
		n, err = q.exec(ctx, "DELETE FROM sessions WHERE account_id = ?1 AND id <> ?2", accountID, keep)
		return err
	})
	return n, err
}

// removeOwned deletes a row of an account's.
func (s *Store) removeOwned(ctx context.Context, verb, table string, accountID, id int64) error {
	return s.transaction(ctx, verb, func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "DELETE FROM "+table+" WHERE id = ?1 AND account_id = ?2", id, accountID)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return err
	})
}
