package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

type tokenStore interface {
	AddToken(ctx context.Context, token orchestrator.APIToken, secret string) (orchestrator.APIToken, error)
	Token(ctx context.Context, secret string, now time.Time) (orchestrator.APIToken, orchestrator.Account, []orchestrator.User, error)
	Tokens(ctx context.Context, accountID int64) ([]orchestrator.APIToken, error)
	TouchToken(ctx context.Context, id int64, now time.Time) error
	RemoveToken(ctx context.Context, accountID, id int64) error
}

// tokenPrefix tells our tokens from others, for people and for programs that look for leaked ones.
const tokenPrefix = "chortle_"

// ErrScope means that a token would have no scope, or one that its account may not give.
var ErrScope = errors.New("token needs a scope that the account has")

// ErrOneUser means that a token whose secret is a part of an address would be for several users.
var ErrOneUser = errors.New("token of a webhook or a feed needs one user")

// AddToken makes a token of the API for an app or a device. It returns the secret, which nobody sees again. ErrScope and ErrOneUser as they say;
// orchestrator.ErrNotFound when the token's user is not one of the account's.
func (a *Accounts) AddToken(ctx context.Context, account orchestrator.Account, users []orchestrator.User, token orchestrator.APIToken) (secret string, _ orchestrator.APIToken, err error) {
	if len(token.Scopes) == 0 {
		return "", token, ErrScope
	}
	for _, scope := range token.Scopes {
		switch scope {
		case orchestrator.ScopeRead, orchestrator.ScopeFeed:
		case orchestrator.ScopeWrite, orchestrator.ScopeUpload, orchestrator.ScopeHook:
			if account.Role == orchestrator.RoleListener {
				return "", token, ErrScope
			}
		default:
			return "", token, fmt.Errorf("%w: %q is none", ErrScope, scope)
		}
	}
	if token.UserID == 0 && (token.May(orchestrator.ScopeHook) || token.May(orchestrator.ScopeFeed)) {
		return "", token, ErrOneUser
	}
	if token.UserID != 0 && !slices.ContainsFunc(users, func(u orchestrator.User) bool { return u.ID == token.UserID }) {
		return "", token, orchestrator.ErrNotFound
	}
	token.AccountID, token.CreatedAt, token.Name = account.ID, a.now(), named(token.Name, "token")
	random, _ := newSecret()
	secret = tokenPrefix + random
	token, err = a.store.AddToken(ctx, token, hashOf(secret))
	return secret, token, err
}

// Token returns the token of a secret, its account, and the users that it reaches. orchestrator.ErrNotFound where it is unknown,
// expired or revoked.
func (a *Accounts) Token(ctx context.Context, secret string) (orchestrator.APIToken, orchestrator.Account, []orchestrator.User, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return orchestrator.APIToken{}, orchestrator.Account{}, nil, orchestrator.ErrNotFound
	}
	now := a.now()
	token, account, users, err := a.store.Token(ctx, hashOf(secret), now)
	if err == nil && now.Sub(token.UsedAt) >= touchEvery {
		err = a.store.TouchToken(ctx, token.ID, now)
	}
	return token, account, users, err
}

// Seen returns the users that an account sees, by priority and name.
func (a *Accounts) Seen(ctx context.Context, account orchestrator.Account) ([]orchestrator.User, error) {
	return a.store.SeenBy(ctx, account)
}

// Tokens returns those of an account, the oldest first.
func (a *Accounts) Tokens(ctx context.Context, accountID int64) ([]orchestrator.APIToken, error) {
	return a.store.Tokens(ctx, accountID)
}

// RemoveToken revokes a token of an account.
func (a *Accounts) RemoveToken(ctx context.Context, accountID, id int64) error {
	return a.store.RemoveToken(ctx, accountID, id)
}
