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
	// Users are the IDs of the users that were given to the account, in order; empty where EveryUser is true.
	Users []int64
	// HasPassword is true when the account can sign in by a password.
	HasPassword bool
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

// Sees reports whether a user was given to the account.
func (a Account) Sees(userID int64) bool { return a.EveryUser || slices.Contains(a.Users, userID) }

// Session is one signed-in browser of an account.
type Session struct {
	ID        int64
	AccountID int64
	// CreatedAt is the sign-in, SeenAt the last use to within a few minutes, ExpiresAt the end unless it is used again. UTC.
	CreatedAt, SeenAt, ExpiresAt time.Time
	// Agent is what the browser calls itself; Network is where it came from. For a person to recognise, never to decide by.
	Agent, Network string
}

// scopeKey is the key of a context's scope.
type scopeKey struct{}

// WithUsers limits everything that is done under the context to what belongs to these users; none means nobody's.
// A store that can enforces it a second time, below its own queries.
func WithUsers(ctx context.Context, userIDs []int64) context.Context {
	return context.WithValue(ctx, scopeKey{}, slices.Clone(userIDs))
}

// UsersOf returns the users that the context is limited to; limited is false where it is not.
func UsersOf(ctx context.Context) (userIDs []int64, limited bool) {
	userIDs, limited = ctx.Value(scopeKey{}).([]int64)
	return userIDs, limited
}
