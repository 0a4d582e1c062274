package accounts

import (
	"context"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

type sessionStore interface {
	AddSession(ctx context.Context, session orchestrator.Session, secret string) (orchestrator.Session, error)
	Visit(ctx context.Context, secret string, now time.Time) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error)
	TouchSession(ctx context.Context, session orchestrator.Session) error
	Sessions(ctx context.Context, accountID int64, now time.Time) ([]orchestrator.Session, error)
	EndSession(ctx context.Context, accountID, id int64) error
	EndSessions(ctx context.Context, accountID, keep int64) (int64, error)
}

const (
	// SessionLife is for how long a session lasts without being used.
	SessionLife = 30 * 24 * time.Hour
	// touchEvery is how exact its last use is known: not every request is worth a write.
	touchEvery = 5 * time.Minute
	// maxAgent bounds what a browser calls itself.
	maxAgent = 200
)

// Device is what a session remembers of a browser, for a person to recognise it.
type Device struct{ Agent, Network string }

// Begin begins a session and returns the secret for its cookie. Every sign-in begins a new one: a secret that somebody planted
// before is worth nothing.
func (a *Accounts) Begin(ctx context.Context, accountID int64, device Device) (secret string, session orchestrator.Session, err error) {
	now := a.now()
	secret, hash := newSecret()
	agent := strings.ToValidUTF8(device.Agent[:min(len(device.Agent), maxAgent)], "")
	session, err = a.store.AddSession(ctx, orchestrator.Session{AccountID: accountID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(SessionLife),
		Agent: agent, Network: device.Network}, hash)
	return secret, session, err
}

// Visit returns the session of a secret, its account, and the users that the account sees, and extends it now and then.
// orchestrator.ErrNotFound where it is unknown, expired or revoked.
func (a *Accounts) Visit(ctx context.Context, secret, network string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error) {
	now := a.now()
	session, account, users, err := a.store.Visit(ctx, hashOf(secret), now)
	if err != nil {
		return session, account, users, err
	}
	if now.Sub(session.SeenAt) >= touchEvery {
		session.SeenAt, session.ExpiresAt, session.Network = now, now.Add(SessionLife), network
		err = a.store.TouchSession(ctx, session)
	}
	return session, account, users, err
}

// Sessions returns the sessions of an account, the last used first.
func (a *Accounts) Sessions(ctx context.Context, accountID int64) ([]orchestrator.Session, error) {
	return a.store.Sessions(ctx, accountID, a.now())
}

// End ends one session of an account.
func (a *Accounts) End(ctx context.Context, accountID, sessionID int64) error {
	return a.store.EndSession(ctx, accountID, sessionID)
}

// EndAll ends the sessions of an account but one; 0 keeps none. It returns how many there were.
func (a *Accounts) EndAll(ctx context.Context, accountID, keep int64) (int64, error) {
	return a.store.EndSessions(ctx, accountID, keep)
}
