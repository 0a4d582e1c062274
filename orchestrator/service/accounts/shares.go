package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

type shareStore interface {
	AddShare(ctx context.Context, share orchestrator.Share, secret, password string) (orchestrator.Share, error)
	Share(ctx context.Context, secret string) (orchestrator.Share, string, error)
	Shares(ctx context.Context, userIDs []int64) ([]orchestrator.Share, error)
	RevokeShare(ctx context.Context, userIDs []int64, id int64) error
	CountVisit(ctx context.Context, id int64, now time.Time) error
}

const (
	// ShareLife is for how long a share is open unless a person says otherwise.
	ShareLife = 14 * 24 * time.Hour
	// maxShared bounds the laughs of one share.
	maxShared = 200
)

// Conditions of a share.
var (
	// ErrTooMany means that a share would have more laughs than one may.
	ErrTooMany = fmt.Errorf("a share has %d laughs at most", maxShared)
	// ErrExpired means that a share was open once.
	ErrExpired = errors.New("share has expired")
)

// Forever is a life that never ends.
const Forever = time.Duration(-1)

// AddShare makes a link to laughs of one user, open for life: 0 means ShareLife. An empty password is none. It returns the secret of
// the link. orchestrator.ErrNotFound when one of the laughs is not the user's.
func (a *Accounts) AddShare(ctx context.Context, share orchestrator.Share, life time.Duration, password string) (secret string, _ orchestrator.Share, err error) {
	if len(share.Laughs) > maxShared {
		return "", share, ErrTooMany
	}
	hash := ""
	if password != "" {
		if hash, err = a.hasher.hashAny(ctx, password[:min(len(password), MaxPassword)]); err != nil {
			return "", share, err
		}
	}
	share.CreatedAt, share.Title = a.now(), named(share.Title, "")
	switch {
	case life == 0:
		share.ExpiresAt = share.CreatedAt.Add(ShareLife)
	case life > 0:
		share.ExpiresAt = share.CreatedAt.Add(life)
	}
	secret, stored := newSecret()
	share, err = a.store.AddShare(ctx, share, stored, hash)
	return secret, share, err
}

// Share returns the share of a secret. orchestrator.ErrNotFound where it is unknown or revoked, ErrExpired where it has expired.
func (a *Accounts) Share(ctx context.Context, secret string) (orchestrator.Share, error) {
	share, _, err := a.store.Share(ctx, hashOf(secret))
	if err == nil && !share.Open(a.now()) {
		err = ErrExpired
	}
	return share, err
}

// OpenShare is Share with its password. ErrRefused when that is wrong, ErrBusy when too many try at once.
func (a *Accounts) OpenShare(ctx context.Context, secret, password string) (orchestrator.Share, error) {
	share, hash, err := a.store.Share(ctx, hashOf(secret))
	switch {
	case err != nil:
		return share, err
	case !share.Open(a.now()):
		return share, ErrExpired
	case hash == "":
		return share, nil
	}
	return share, a.check(ctx, hash, password)
}

// CountVisit counts a visit of a share.
func (a *Accounts) CountVisit(ctx context.Context, shareID int64) error {
	return a.store.CountVisit(ctx, shareID, a.now())
}

// Shares returns the shares of users, the newest first, also those that have expired.
func (a *Accounts) Shares(ctx context.Context, userIDs []int64) ([]orchestrator.Share, error) {
	return a.store.Shares(ctx, userIDs)
}

// RevokeShare deletes a share of one of the users.
func (a *Accounts) RevokeShare(ctx context.Context, userIDs []int64, id int64) error {
	return a.store.RevokeShare(ctx, userIDs, id)
}
