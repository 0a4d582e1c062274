package document

import (
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Account is a login of the page.
type Account struct {
	Account string `json:"account"`
	Role    string `json:"role"`
	// EveryUser accounts see all users, also those that are added later; Users is empty then.
	EveryUser bool     `json:"every_user"`
	Users     []string `json:"users"`
	Password  bool     `json:"password"`
	// CreatedAt is RFC 3339; InvitedUntil and SeenAt too, and null where there is no open link or no sign-in.
	CreatedAt    Stamp `json:"created_at"`
	InvitedUntil Stamp `json:"invited_until"`
	SeenAt       Stamp `json:"seen_at"`
}

// OfAccount describes an account; names are those of all users by id.
func OfAccount(a orchestrator.Account, invitedUntil, seenAt time.Time, names map[int64]string) Account {
	document := Account{Account: a.Name, Role: string(a.Role), EveryUser: a.EveryUser, Users: []string{}, Password: a.HasPassword,
		CreatedAt: Stamp(a.CreatedAt), InvitedUntil: Stamp(invitedUntil), SeenAt: Stamp(seenAt)}
	for _, id := range a.Users {
		document.Users = append(document.Users, names[id])
	}
	return document
}

// Accounts is the list of accounts.
type Accounts struct {
	Accounts []Account `json:"accounts"`
}

// Invitation is a new account, or one with a new link.
type Invitation struct {
	Account
	// Link lets in once until InvitedUntil; empty where a password was given.
	Link string `json:"link"`
}
