package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Role says what an account may do.
type Role string

// The roles.
const (
	// RoleAdmin runs the server: users, accounts, runs.
	RoleAdmin Role = "admin"
	// RoleMember hears and changes what belongs to the users of the account.
	RoleMember Role = "member"
	// RoleListener hears, and changes nothing but its own sign-in.
	RoleListener Role = "listener"
)

// Account is a login: somebody who may see users. It is not the person who is recorded; that is a User.
type Account struct {
	// ID is internal to the store; 0 until the account is stored.
	ID int64
	// Name is unique, in the form of a user's name.
	Name string
	Role Role
	// EveryUser accounts see all users, also those that are added later.
	EveryUser bool
	// Users are the IDs of the users that were given to the account, in order; nil where EveryUser is true.
	Users []int64
	// HasPassword is true when the account can sign in by a password.
	HasPassword bool
	// Handle is random text by which passkeys name the account.
	Handle string
	// CreatedAt in UTC.
	CreatedAt time.Time
}

// Validate returns an error that names the first field that cannot be used.
func (a Account) Validate() error {
	if !userName.MatchString(a.Name) {
		return fmt.Errorf("check account name %q: want 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit", a.Name)
	}
	switch a.Role {
	case RoleAdmin, RoleMember, RoleListener:
		return nil
	}
	return fmt.Errorf("check role %q of account %q: want %s, %s or %s", a.Role, a.Name, RoleAdmin, RoleMember, RoleListener)
}

// Session is one signed-in browser of an account.
type Session struct {
	ID        int64
	AccountID int64
	// CreatedAt is the sign-in, SeenAt the last use to within a few minutes, ExpiresAt the end unless it is used again. UTC.
	CreatedAt, SeenAt, ExpiresAt time.Time
	// Agent is what the browser calls itself; Network is where it came from. For a person to recognise, never to decide by.
	Agent, Network string
}

// Passkey is a credential of WebAuthn.
type Passkey struct {
	ID        int64
	AccountID int64
	// Credential is the credential's own id, base64url.
	Credential string
	// Name is what the person calls it.
	Name string
	// Data is JSON: public key, counter and flags.
	Data []byte
	// CreatedAt and UsedAt in UTC; UsedAt is zero until it is used.
	CreatedAt, UsedAt time.Time
}

// Identity is an account's counterpart at an OpenID Connect issuer.
type Identity struct {
	ID        int64
	AccountID int64
	// Issuer and Subject name it together; an address of e-mail does not.
	Issuer, Subject string
	CreatedAt       time.Time // UTC
}

// Share is a link that lets anybody who has it hear some laughs of one user.
type Share struct {
	ID     int64
	UserID int64
	// AccountID is who shared it; 0 once that account is gone.
	AccountID int64
	// Title is the person's own; may be empty.
	Title string
	// Laughs are their public IDs, in the order in which they play.
	Laughs []string
	// HasPassword is true when the link alone does not open it.
	HasPassword bool
	// CreatedAt, ExpiresAt and VisitedAt in UTC; a zero ExpiresAt is never, a zero VisitedAt not yet.
	CreatedAt, ExpiresAt, VisitedAt time.Time
	Visits                          int
}

// Open reports whether the share can be visited at a time.
func (s Share) Open(now time.Time) bool { return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) }

// Scope is what a token of the API may do.
type Scope string

// The scopes.
const (
	ScopeRead   Scope = "read"
	ScopeWrite  Scope = "write"
	ScopeUpload Scope = "upload"
	// ScopeHook lets a device that sends no headers in, by a secret in the address of its webhook, and nowhere else.
	ScopeHook Scope = "hook"
	// ScopeFeed opens a person's feed, by a secret in its address, and nothing else.
	ScopeFeed Scope = "feed"
)

// APIToken lets an app or a device in, on behalf of an account.
type APIToken struct {
	ID        int64
	AccountID int64
	// UserID limits it to one user; 0 means all that the account sees.
	UserID int64
	// Name is what the person calls the app or device.
	Name   string
	Scopes []Scope
	// CreatedAt, ExpiresAt and UsedAt in UTC; a zero ExpiresAt is never, a zero UsedAt not yet.
	CreatedAt, ExpiresAt, UsedAt time.Time
}

// May reports whether the token has a scope.
func (t APIToken) May(scope Scope) bool { return slices.Contains(t.Scopes, scope) }

// usersKey is the key of a context's users.
type usersKey struct{}

// WithUsers limits everything that is done under the context to what belongs to these users; none means nobody's.
// A store that can enforces it a second time, below its own queries.
func WithUsers(ctx context.Context, userIDs []int64) context.Context {
	return context.WithValue(ctx, usersKey{}, slices.Clone(userIDs))
}

// UsersOf returns the users that the context is limited to; limited is false where it is not.
func UsersOf(ctx context.Context) (userIDs []int64, limited bool) {
	userIDs, limited = ctx.Value(usersKey{}).([]int64)
	return userIDs, limited
}

// Unlimited takes the limit of WithUsers away, for what is done on nobody's behalf, such as finding what a link opens.
func Unlimited(ctx context.Context) context.Context { return context.WithValue(ctx, usersKey{}, nil) }
