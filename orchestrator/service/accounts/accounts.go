package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Store is what the accounts are kept in.
type Store interface { //nolint:interfacebloat // a sum of small ones
	accountStore
	seeing
	sessionStore
	linkStore
	keyStore
	identityStore
	shareStore
	tokenStore
}

type accountStore interface {
	AddAccount(ctx context.Context, account orchestrator.Account, password string) (orchestrator.Account, error)
	UpdateAccount(ctx context.Context, account orchestrator.Account) error
	SetPassword(ctx context.Context, accountID int64, password string, keepSession int64) error
	Account(ctx context.Context, name string) (account orchestrator.Account, password string, err error)
	AccountByID(ctx context.Context, id int64) (account orchestrator.Account, password string, err error)
	Accounts(ctx context.Context) ([]orchestrator.Account, error)
	RemoveAccount(ctx context.Context, id int64) error
}

type seeing interface {
	SeenBy(ctx context.Context, account orchestrator.Account) ([]orchestrator.User, error)
}

// Accounts is the use cases. Safe for concurrent use.
//
// Errors are the store's unless a method says otherwise: orchestrator.ErrNotFound, orchestrator.ErrExists,
// orchestrator.ErrStoreUnavailable.
type Accounts struct {
	store  Store
	now    func() time.Time
	hasher hasher
}

// New makes the use cases over a store.
func New(store Store, now func() time.Time) *Accounts {
	return &Accounts{store: store, now: now, hasher: newHasher()}
}

// newSecret makes a secret of 256 bits, and what the store keeps of it.
func newSecret() (secret, hash string) {
	random := make([]byte, 32)
	rand.Read(random) // never fails: crypto/rand ends the process instead
	secret = base64.RawURLEncoding.EncodeToString(random)
	return secret, hashOf(secret)
}

// hashOf is what the store keeps of a secret. It is random and long, so that a quick hash is enough.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Add stores a new account; an empty password is none. ErrPassword when it may not be one.
func (a *Accounts) Add(ctx context.Context, account orchestrator.Account, password string) (orchestrator.Account, error) {
	hash := ""
	if password != "" {
		var err error
		if hash, err = a.hasher.hash(ctx, password); err != nil {
			return account, fmt.Errorf("add account %q: %w", account.Name, err)
		}
	}
	account.CreatedAt = a.now()
	account.Handle, _ = newSecret()
	return a.store.AddAccount(ctx, account, hash)
}

// Update replaces name, role and users of an account.
func (a *Accounts) Update(ctx context.Context, account orchestrator.Account) error {
	return a.store.UpdateAccount(ctx, account)
}

// Account returns an account by name.
func (a *Accounts) Account(ctx context.Context, name string) (orchestrator.Account, error) {
	account, _, err := a.store.Account(ctx, name)
	return account, err
}

// Entry is an account with what a list of accounts shows of it.
type Entry struct {
	orchestrator.Account
	// InvitedUntil is the end of its open link, and SeenAt its last use to within a few minutes; zero where there is none. UTC.
	InvitedUntil, SeenAt time.Time
}

// List returns all accounts, by name.
func (a *Accounts) List(ctx context.Context) ([]Entry, error) {
	all, err := a.store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	invited, err := a.store.Invited(ctx, a.now())
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(all))
	for i, account := range all {
		entries[i] = Entry{Account: account, InvitedUntil: invited[account.ID]}
		sessions, err := a.store.Sessions(ctx, account.ID, a.now())
		if err != nil {
			return nil, err
		}
		if len(sessions) > 0 {
			entries[i].SeenAt = sessions[0].SeenAt
		}
	}
	return entries, nil
}

// Remove deletes an account with everything that lets it in.
func (a *Accounts) Remove(ctx context.Context, accountID int64) error {
	return a.store.RemoveAccount(ctx, accountID)
}

// SetPassword sets a password and ends all sessions but one; 0 keeps none. ErrPassword when it may not be one.
func (a *Accounts) SetPassword(ctx context.Context, accountID int64, password string, keepSession int64) error {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return a.store.SetPassword(ctx, accountID, hash, keepSession)
}

// Confirm checks the password of somebody who is signed in already. ErrRefused when it is not the account's, or there is none.
func (a *Accounts) Confirm(ctx context.Context, accountID int64, password string) error {
	_, hash, err := a.store.AccountByID(ctx, accountID)
	if err != nil {
		return err
	}
	return a.check(ctx, hash, password)
}

// SignIn finds the account of a name and a password. ErrRefused when there is none such, ErrBusy when too many try at once.
func (a *Accounts) SignIn(ctx context.Context, name, password string) (orchestrator.Account, error) {
	account, hash, err := a.store.Account(ctx, name)
	if err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
		return orchestrator.Account{}, err
	}
	if err := a.check(ctx, hash, password); err != nil {
		return orchestrator.Account{}, err
	}
	return account, nil
}

func (a *Accounts) check(ctx context.Context, hash, password string) error {
	ok, err := a.hasher.matches(ctx, hash, password)
	if err == nil && !ok {
		err = ErrRefused
	}
	return err
}

// ProxyIssuer is the issuer of the names that a trusted proxy sends.
const ProxyIssuer = "proxy"

// Trusted finds the account that a proxy we trust has signed in, and its users: the one that is linked with the name that it sends,
// else the one of that name. ErrRefused when there is none: accounts are made by whoever runs the server.
func (a *Accounts) Trusted(ctx context.Context, name string) (orchestrator.Account, []orchestrator.User, error) {
	account, err := a.store.AccountByIdentity(ctx, ProxyIssuer, name)
	if errors.Is(err, orchestrator.ErrNotFound) {
		account, _, err = a.store.Account(ctx, name)
	}
	if errors.Is(err, orchestrator.ErrNotFound) {
		return account, nil, ErrRefused
	}
	if err != nil {
		return account, nil, err
	}
	users, err := a.store.SeenBy(ctx, account)
	return account, users, err
}
