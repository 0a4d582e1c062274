package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

type linkStore interface {
	Invite(ctx context.Context, accountID int64, secret string, now, expires time.Time) error
	Invitation(ctx context.Context, secret string, now time.Time) (orchestrator.Account, error)
	Accept(ctx context.Context, secret, password string, now time.Time) (orchestrator.Account, error)
	Invited(ctx context.Context, now time.Time) (map[int64]time.Time, error)
}

// LinkLife is for how long a link lets in.
const LinkLife = 7 * 24 * time.Hour

// Invite makes a link that lets an account in once, to choose how to sign in from then on; an earlier one is void. It returns the
// secret of the link and its end.
func (a *Accounts) Invite(ctx context.Context, accountID int64) (secret string, expires time.Time, err error) {
	secret, hash := newSecret()
	now := a.now()
	expires = now.Add(LinkLife)
	return secret, expires, a.store.Invite(ctx, accountID, hash, now, expires)
}

// Invitation returns whom a link lets in. orchestrator.ErrNotFound where it is unknown, used, void or expired.
func (a *Accounts) Invitation(ctx context.Context, secret string) (orchestrator.Account, error) {
	return a.store.Invitation(ctx, hashOf(secret), a.now())
}

// Accept uses a link up: it sets the password where there is one, and ends all sessions then; without one, the person signs in by
// something else from now on. Errors as Invitation; ErrPassword when the password may not be one, and the link is still good then.
func (a *Accounts) Accept(ctx context.Context, secret, password string) (orchestrator.Account, error) {
	if _, err := a.Invitation(ctx, secret); err != nil {
		return orchestrator.Account{}, err
	}
	hash := ""
	if password != "" {
		var err error
		if hash, err = a.hasher.hash(ctx, password); err != nil {
			return orchestrator.Account{}, fmt.Errorf("accept invitation: %w", err)
		}
	}
	return a.store.Accept(ctx, hashOf(secret), hash, a.now())
}
