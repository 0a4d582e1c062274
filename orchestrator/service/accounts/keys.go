package accounts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

type keyStore interface {
	AddPasskey(ctx context.Context, key orchestrator.Passkey) (orchestrator.Passkey, error)
	Passkeys(ctx context.Context, accountID int64) ([]orchestrator.Passkey, error)
	UsePasskey(ctx context.Context, id int64, data []byte, now time.Time) error
	RemovePasskey(ctx context.Context, accountID, id int64) error
	AccountByHandle(ctx context.Context, handle string) (orchestrator.Account, error)
}

type identityStore interface {
	AddIdentity(ctx context.Context, identity orchestrator.Identity) (orchestrator.Identity, error)
	AccountByIdentity(ctx context.Context, issuer, subject string) (orchestrator.Account, error)
	Identities(ctx context.Context, accountID int64) ([]orchestrator.Identity, error)
	RemoveIdentity(ctx context.Context, accountID, id int64) error
}

// maxName bounds what a person calls a passkey, a token or a share, in characters.
const maxName = 100

// named makes a name fit to be kept and shown.
func named(name, otherwise string) string {
	name = strings.TrimSpace(strings.ToValidUTF8(name, ""))
	if name == "" {
		return otherwise
	}
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	return name
}

// Passkeys returns those of an account, the oldest first.
func (a *Accounts) Passkeys(ctx context.Context, accountID int64) ([]orchestrator.Passkey, error) {
	return a.store.Passkeys(ctx, accountID)
}

// AddPasskey stores a passkey that was checked.
func (a *Accounts) AddPasskey(ctx context.Context, key orchestrator.Passkey) (orchestrator.Passkey, error) {
	key.CreatedAt, key.Name = a.now(), named(key.Name, "passkey")
	return a.store.AddPasskey(ctx, key)
}

// UsePasskey notes a sign-in, with what the passkey says of itself now.
func (a *Accounts) UsePasskey(ctx context.Context, id int64, data []byte) error {
	return a.store.UsePasskey(ctx, id, data, a.now())
}

// RemovePasskey deletes a passkey of an account.
func (a *Accounts) RemovePasskey(ctx context.Context, accountID, id int64) error {
	return a.store.RemovePasskey(ctx, accountID, id)
}

// ByHandle finds the account that a passkey names. ErrRefused when there is none.
func (a *Accounts) ByHandle(ctx context.Context, handle string) (orchestrator.Account, error) {
	account, err := a.store.AccountByHandle(ctx, handle)
	if errors.Is(err, orchestrator.ErrNotFound) {
		err = ErrRefused
	}
	return account, err
}

// Link links an account with its counterpart at an issuer.
func (a *Accounts) Link(ctx context.Context, accountID int64, issuer, subject string) error {
	_, err := a.store.AddIdentity(ctx, orchestrator.Identity{AccountID: accountID, Issuer: issuer, Subject: subject, CreatedAt: a.now()})
	return err
}

// ByIdentity finds the account that an issuer knows as subject. ErrRefused when there is none.
func (a *Accounts) ByIdentity(ctx context.Context, issuer, subject string) (orchestrator.Account, error) {
	account, err := a.store.AccountByIdentity(ctx, issuer, subject)
	if errors.Is(err, orchestrator.ErrNotFound) {
		err = ErrRefused
	}
	return account, err
}

// Identities returns those of an account, the oldest first.
func (a *Accounts) Identities(ctx context.Context, accountID int64) ([]orchestrator.Identity, error) {
	return a.store.Identities(ctx, accountID)
}

// Unlink removes an identity of an account.
func (a *Accounts) Unlink(ctx context.Context, accountID, id int64) error {
	return a.store.RemoveIdentity(ctx, accountID, id)
}
