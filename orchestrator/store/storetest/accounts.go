package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// account adds an account that sees these users.
func (f *fixture) account(t *testing.T, name string, role orchestrator.Role, users ...orchestrator.User) orchestrator.Account {
	t.Helper()
	account := orchestrator.Account{Name: name, Role: role, Handle: "handle of " + name, CreatedAt: noon}
	for _, user := range users {
		account.Users = append(account.Users, user.ID)
	}
	account, err := f.AddAccount(t.Context(), account, "hash of "+name)
	must(t, err)
	return account
}

func testAccounts(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	mum, dad := f.account(t, "mum", orchestrator.RoleMember, bob, alice), f.account(t, "dad", orchestrator.RoleListener)
	mum.Users = []int64{alice.ID, bob.ID} // in order
	found, password, err := f.Account(ctx, "mum")
	must(t, err)
	expect(t, "found", found, mum)
	expect(t, "password", password, "hash of mum")
	all, err := f.Accounts(ctx)
	must(t, err)
	expect(t, "all", all, []orchestrator.Account{dad, mum})

	if _, _, err := f.Account(ctx, "nobody"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	for name, c := range map[string]struct {
		account orchestrator.Account
		want    error
	}{
		"taken name":   {orchestrator.Account{Name: "mum", Role: orchestrator.RoleMember, Handle: "x"}, orchestrator.ErrExists},
		"unknown user": {orchestrator.Account{Name: "x", Role: orchestrator.RoleMember, Handle: "x", Users: []int64{999}}, orchestrator.ErrNotFound},
	} {
		if _, err := f.AddAccount(ctx, c.account, ""); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []orchestrator.Account{{Name: "A b", Role: orchestrator.RoleMember}, {Name: "x", Role: "king"}, {Name: "", Role: orchestrator.RoleAdmin}} {
		if _, err := f.AddAccount(ctx, bad, ""); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
		if err := f.UpdateAccount(ctx, bad); err == nil {
			t.Errorf("%+v is accepted as a change", bad)
		}
	}

	dad.Role, dad.Users = orchestrator.RoleMember, []int64{bob.ID}
	must(t, f.UpdateAccount(ctx, dad))
	mum.EveryUser, mum.Users, mum.Name = true, nil, "mother"
	must(t, f.UpdateAccount(ctx, mum))
	all, err = f.Accounts(ctx)
	must(t, err)
	expect(t, "changed", all, []orchestrator.Account{dad, mum})
	dad.Name = "mother"
	if err := f.UpdateAccount(ctx, dad); !errors.Is(err, orchestrator.ErrExists) {
		t.Errorf("name of another: %v", err)
	}
	dad.Name, dad.ID = "dad", 999
	if err := f.UpdateAccount(ctx, dad); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("unknown account: %v", err)
	}
	must(t, f.RemoveAccount(ctx, mum.ID))
	if err := f.RemoveAccount(ctx, mum.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

func testSessions(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	mum, admin := f.account(t, "mum", orchestrator.RoleMember, bob), f.account(t, "admin", orchestrator.RoleAdmin)
	admin.EveryUser = true
	must(t, f.UpdateAccount(ctx, admin))
	begin := func(account orchestrator.Account, secret string, at time.Time) orchestrator.Session {
		t.Helper()
		session, err := f.AddSession(ctx, orchestrator.Session{AccountID: account.ID, CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(time.Hour), Agent: "Browser", Network: "192.0.2.1"}, secret)
		must(t, err)
		return session
	}
	one := begin(mum, "one", noon)
	session, account, users, err := f.Visit(ctx, "one", noon.Add(59*time.Minute))
	must(t, err)
	expect(t, "session", session, one)
	expect(t, "account", []any{account.ID, account.Name, account.Role, account.HasPassword}, []any{mum.ID, "mum", orchestrator.RoleMember, true})
	expect(t, "users", users, []orchestrator.User{bob})
	begin(admin, "boss", noon)
	_, _, users, err = f.Visit(ctx, "boss", noon)
	must(t, err)
	expect(t, "every user", users, []orchestrator.User{alice, bob})
	for secret, at := range map[string]time.Time{"one": noon.Add(time.Hour), "forged": noon, "": noon} {
		if _, _, users, err := f.Visit(ctx, secret, at); !errors.Is(err, orchestrator.ErrNotFound) || users != nil {
			t.Errorf("%q at %v: %v", secret, at, err)
		}
	}

	one.SeenAt, one.ExpiresAt, one.Network = noon.Add(30*time.Minute), noon.Add(90*time.Minute), "198.51.100.1"
	must(t, f.TouchSession(ctx, one))
	two := begin(mum, "two", noon.Add(time.Minute))
	sessions, err := f.Sessions(ctx, mum.ID, noon.Add(80*time.Minute))
	must(t, err)
	expect(t, "the first was used, the second has expired", sessions, []orchestrator.Session{one})
	sessions, err = f.Sessions(ctx, mum.ID, noon)
	must(t, err)
	expect(t, "the last used first", sessions, []orchestrator.Session{one, two})

	if err := f.EndSession(ctx, admin.ID, one.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's session: %v", err)
	}
	must(t, f.EndSession(ctx, mum.ID, one.ID))
	if _, _, _, err := f.Visit(ctx, "one", noon); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("an ended session: %v", err)
	}
	three := begin(mum, "three", noon)
	must(t, f.SetPassword(ctx, mum.ID, "new", three.ID))
	sessions, err = f.Sessions(ctx, mum.ID, noon)
	must(t, err)
	expect(t, "a new password ends the others", sessions, []orchestrator.Session{three})
	n, err := f.EndSessions(ctx, mum.ID, 0)
	must(t, err)
	expect(t, "ended", n, int64(1))
	if err := f.SetPassword(ctx, 999, "x", 0); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("password of nobody: %v", err)
	}
	if _, err := f.AddSession(ctx, orchestrator.Session{AccountID: 999, CreatedAt: noon, SeenAt: noon, ExpiresAt: noon}, "x"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("session of nobody: %v", err)
	}

	for i := range 60 { // a browser that forgets its cookie
		begin(mum, fmt.Sprint("many ", i), noon.Add(time.Duration(i)*time.Second))
	}
	sessions, err = f.Sessions(ctx, mum.ID, noon)
	must(t, err)
	if len(sessions) != 50 || !sessions[0].SeenAt.Equal(noon.Add(59*time.Second)) {
		t.Errorf("%d sessions, the last of %v", len(sessions), sessions[0].SeenAt)
	}
	begin(admin, "later", noon.Add(48*time.Hour))
	if sessions, err = f.Sessions(ctx, mum.ID, noon); err != nil || len(sessions) != 0 {
		t.Errorf("%d expired sessions are kept: %v", len(sessions), err)
	}
}

func testInvitations(t *testing.T, f *fixture) {
	ctx := t.Context()
	mum := f.account(t, "mum", orchestrator.RoleMember)
	must(t, f.Invite(ctx, mum.ID, "old", noon, noon.Add(time.Hour)))
	must(t, f.Invite(ctx, mum.ID, "new", noon, noon.Add(time.Hour)))
	if err := f.Invite(ctx, 999, "x", noon, noon.Add(time.Hour)); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("invite nobody: %v", err)
	}
	ends, err := f.Invited(ctx, noon)
	must(t, err)
	expect(t, "invited", ends, map[int64]time.Time{mum.ID: noon.Add(time.Hour)})
	for secret, at := range map[string]time.Time{"old": noon, "new": noon.Add(time.Hour), "": noon} {
		if _, err := f.Invitation(ctx, secret, at); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%q at %v: %v", secret, at, err)
		}
		if _, err := f.Accept(ctx, secret, "hash", at); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("accept %q at %v: %v", secret, at, err)
		}
	}
	found, err := f.Invitation(ctx, "new", noon)
	must(t, err)
	expect(t, "whom", found.Name, "mum")

	var accepting sync.WaitGroup
	results := make(chan error, 5)
	for range 5 {
		accepting.Go(func() {
			_, err := f.Accept(ctx, "new", "chosen", noon)
			results <- err
		})
	}
	accepting.Wait()
	close(results)
	in := 0
	for err := range results {
		if err == nil {
			in++
		} else if !errors.Is(err, orchestrator.ErrNotFound) {
			t.Error(err)
		}
	}
	expect(t, "let in", in, 1)
	_, password, err := f.AccountByID(ctx, mum.ID)
	must(t, err)
	expect(t, "password", password, "chosen")
	must(t, f.Invite(ctx, mum.ID, "third", noon, noon.Add(time.Hour)))
	_, err = f.Accept(ctx, "third", "", noon)
	must(t, err)
	_, password, err = f.AccountByID(ctx, mum.ID)
	must(t, err)
	expect(t, "a passkey was chosen instead: the password stays", password, "chosen")
}

func testSignIns(t *testing.T, f *fixture) {
	ctx := t.Context()
	mum, dad := f.account(t, "mum", orchestrator.RoleMember), f.account(t, "dad", orchestrator.RoleMember)
	key, err := f.AddPasskey(ctx, orchestrator.Passkey{AccountID: mum.ID, Credential: "c1", Name: "phone", Data: []byte(`{"a":1}`), CreatedAt: noon})
	must(t, err)
	if _, err := f.AddPasskey(ctx, orchestrator.Passkey{AccountID: dad.ID, Credential: "c1", CreatedAt: noon}); !errors.Is(err, orchestrator.ErrExists) {
		t.Errorf("the same passkey: %v", err)
	}
	if _, err := f.AddPasskey(ctx, orchestrator.Passkey{AccountID: 999, Credential: "c2", CreatedAt: noon}); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("passkey of nobody: %v", err)
	}
	must(t, f.UsePasskey(ctx, key.ID, []byte(`{"a":2}`), noon.Add(time.Hour)))
	key.Data, key.UsedAt = []byte(`{"a":2}`), noon.Add(time.Hour)
	keys, err := f.Passkeys(ctx, mum.ID)
	must(t, err)
	expect(t, "passkeys", keys, []orchestrator.Passkey{key})
	found, err := f.AccountByHandle(ctx, "handle of mum")
	must(t, err)
	expect(t, "by handle", found.ID, mum.ID)
	if err := f.RemovePasskey(ctx, dad.ID, key.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's passkey: %v", err)
	}
	must(t, f.RemovePasskey(ctx, mum.ID, key.ID))
	if err := f.UsePasskey(ctx, key.ID, nil, noon); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a passkey that is gone: %v", err)
	}

	identity, err := f.AddIdentity(ctx, orchestrator.Identity{AccountID: mum.ID, Issuer: "https://id.example", Subject: "7", CreatedAt: noon})
	must(t, err)
	if _, err := f.AddIdentity(ctx, orchestrator.Identity{AccountID: dad.ID, Issuer: "https://id.example", Subject: "7", CreatedAt: noon}); !errors.Is(err, orchestrator.ErrExists) {
		t.Errorf("the same identity: %v", err)
	}
	found, err = f.AccountByIdentity(ctx, "https://id.example", "7")
	must(t, err)
	expect(t, "by identity", found.ID, mum.ID)
	for _, other := range [][2]string{{"https://id.example", "8"}, {"https://other.example", "7"}} {
		if _, err := f.AccountByIdentity(ctx, other[0], other[1]); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%v: %v", other, err)
		}
	}
	identities, err := f.Identities(ctx, mum.ID)
	must(t, err)
	expect(t, "identities", identities, []orchestrator.Identity{identity})
	if err := f.RemoveIdentity(ctx, dad.ID, identity.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's identity: %v", err)
	}
	must(t, f.RemoveIdentity(ctx, mum.ID, identity.ID))
}

func testTokens(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	mum, dad := f.account(t, "mum", orchestrator.RoleMember, alice), f.account(t, "dad", orchestrator.RoleMember, bob)
	all := []orchestrator.Scope{orchestrator.ScopeRead, orchestrator.ScopeWrite}
	whole, err := f.AddToken(ctx, orchestrator.APIToken{AccountID: mum.ID, Name: "script", Scopes: all, CreatedAt: noon}, "whole")
	must(t, err)
	device, err := f.AddToken(ctx, orchestrator.APIToken{AccountID: mum.ID, UserID: bob.ID, Name: "pendant", Scopes: []orchestrator.Scope{orchestrator.ScopeUpload},
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}, "device")
	must(t, err)
	token, account, users, err := f.Token(ctx, "whole", noon)
	must(t, err)
	expect(t, "token", token, whole)
	expect(t, "account", account, mum)
	expect(t, "users", users, []orchestrator.User{alice})
	_, _, users, err = f.Token(ctx, "device", noon)
	must(t, err)
	expect(t, "of a user whom the account does not see", len(users), 0)
	mum.Users = []int64{alice.ID, bob.ID}
	must(t, f.UpdateAccount(ctx, mum))
	_, _, users, err = f.Token(ctx, "device", noon)
	must(t, err)
	expect(t, "of one user only", users, []orchestrator.User{bob})
	for secret, at := range map[string]time.Time{"device": noon.Add(time.Hour), "forged": noon} {
		if _, _, _, err := f.Token(ctx, secret, at); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	must(t, f.TouchToken(ctx, whole.ID, noon.Add(time.Minute)))
	whole.UsedAt = noon.Add(time.Minute)
	tokens, err := f.Tokens(ctx, mum.ID)
	must(t, err)
	expect(t, "tokens", tokens, []orchestrator.APIToken{whole, device})
	if err := f.RemoveToken(ctx, dad.ID, whole.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's token: %v", err)
	}
	must(t, f.RemoveToken(ctx, mum.ID, whole.ID))
	if _, _, _, err := f.Token(ctx, "whole", noon); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a revoked token: %v", err)
	}
	for _, bad := range []orchestrator.APIToken{{AccountID: 999, CreatedAt: noon}, {AccountID: mum.ID, UserID: 999, CreatedAt: noon}} {
		if _, err := f.AddToken(ctx, bad, "x"); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// testAccountsOfPurged: with a user go the accounts that saw nobody else, also out of a backup.
func testAccountsOfPurged(t *testing.T, f, other *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	f.account(t, "alice", orchestrator.RoleMember, alice)
	both := f.account(t, "both", orchestrator.RoleMember, alice, bob)
	admin := f.account(t, "admin", orchestrator.RoleAdmin, alice)
	_, err := f.AddSession(ctx, orchestrator.Session{AccountID: both.ID, CreatedAt: noon, SeenAt: noon, ExpiresAt: noon.Add(time.Hour)}, "cookie")
	must(t, err)
	must(t, f.Invite(ctx, both.ID, "link", noon, noon.Add(time.Hour)))
	token, err := f.AddToken(ctx, orchestrator.APIToken{AccountID: both.ID, UserID: bob.ID, Name: "pendant", CreatedAt: noon}, "token")
	must(t, err)
	_, err = f.AddToken(ctx, orchestrator.APIToken{AccountID: both.ID, UserID: alice.ID, Name: "of the purged", CreatedAt: noon}, "token 2")
	must(t, err)
	key, err := f.AddPasskey(ctx, orchestrator.Passkey{AccountID: both.ID, Credential: "c", Name: "phone", Data: []byte("{}"), CreatedAt: noon})
	must(t, err)
	taken := dump(t, f.Store)

	removed, err := f.PurgeUser(ctx, alice)
	must(t, err)
	expect(t, "removed accounts", removed.Accounts, int64(1))
	both.Users, admin.Users = []int64{bob.ID}, nil
	left, err := f.Accounts(ctx)
	must(t, err)
	expect(t, "left", left, []orchestrator.Account{admin, both})
	if where, err := f.Holds("alice"); err != nil || where != "" {
		t.Errorf("alice is in %q, %v", where, err)
	}

	if _, err := other.Load(ctx, taken); err != nil {
		t.Fatal(err)
	}
	all, err := other.Accounts(ctx)
	must(t, err)
	expect(t, "accounts of the backup", len(all), 3)
	for _, secret := range []string{"cookie", "link"} {
		if where, err := other.Holds(secret); err != nil || where != "" {
			t.Errorf("%s came with the backup: %q, %v", secret, where, err)
		}
	}
	if _, err := other.Load(ctx, taken); !errors.Is(err, orchestrator.ErrExists) {
		t.Errorf("loaded over accounts: %v", err)
	}
	taken.Replace = true
	_, err = f.Load(ctx, taken)
	must(t, err)
	left, err = f.Accounts(ctx)
	must(t, err)
	expect(t, "the purged one does not come back", left, []orchestrator.Account{admin, both})
	tokens, err := f.Tokens(ctx, both.ID)
	must(t, err)
	expect(t, "tokens", tokens, []orchestrator.APIToken{token})
	keys, err := f.Passkeys(ctx, both.ID)
	must(t, err)
	expect(t, "passkeys", keys, []orchestrator.Passkey{key})
}

func testShares(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	mum := f.account(t, "mum", orchestrator.RoleMember, alice)
	ids := map[string][]string{}
	for _, user := range []orchestrator.User{alice, bob} {
		f.save(t, Result(user, Recording(user.Name+".ogg", noon), At(1, 2), At(5, 6), At(9, 10)))
		for _, laugh := range f.laughs(t, orchestrator.LaughFilter{Users: []string{user.Name}}) {
			ids[user.Name] = append(ids[user.Name], laugh.ID)
		}
	}
	of := ids["alice"]
	share, err := f.AddShare(ctx, orchestrator.Share{UserID: alice.ID, AccountID: mum.ID, Title: "the best", Laughs: []string{of[2], of[0]},
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}, "secret", "hash")
	must(t, err)
	for name, laughs := range map[string][]string{"another's": {of[0], ids["bob"][0]}, "unknown": {"nosuchlaugh"}, "none": nil} {
		if _, err := f.AddShare(ctx, orchestrator.Share{UserID: alice.ID, AccountID: mum.ID, Laughs: laughs, CreatedAt: noon}, name, ""); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	found, password, err := f.Share(ctx, "secret")
	must(t, err)
	expect(t, "found", found, share)
	expect(t, "password", password, "hash")
	if !found.Open(noon) || found.Open(noon.Add(time.Hour)) {
		t.Error("it does not expire")
	}
	if _, _, err := f.Share(ctx, "forged"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("forged: %v", err)
	}
	must(t, f.CountVisit(ctx, share.ID, noon.Add(time.Minute)))
	must(t, f.CountVisit(ctx, share.ID, noon.Add(2*time.Minute)))
	share.Visits, share.VisitedAt = 2, noon.Add(2*time.Minute)
	second, err := f.AddShare(ctx, orchestrator.Share{UserID: alice.ID, AccountID: mum.ID, Laughs: of[:1], CreatedAt: noon}, "other", "")
	must(t, err)
	for name, c := range map[string]struct {
		ids  []int64
		want []orchestrator.Share
	}{"alice": {[]int64{alice.ID}, []orchestrator.Share{second, share}}, "bob": {[]int64{bob.ID}, nil}, "nobody": {nil, nil}} {
		shares, err := f.Shares(ctx, c.ids)
		must(t, err)
		expect(t, name, shares, c.want)
	}
	for _, users := range [][]int64{nil, {bob.ID}} {
		if err := f.RevokeShare(ctx, users, share.ID); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("revoked by %v: %v", users, err)
		}
	}
	must(t, f.RevokeShare(ctx, []int64{bob.ID, alice.ID}, share.ID))
	if _, _, err := f.Share(ctx, "secret"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("revoked: %v", err)
	}
	must(t, f.RemoveAccount(ctx, mum.ID))
	found, _, err = f.Share(ctx, "other")
	must(t, err)
	expect(t, "who shared it is gone", []any{found.AccountID, found.Laughs}, []any{int64(0), of[:1]})
	removed, err := f.WipeUser(ctx, alice.ID)
	must(t, err)
	expect(t, "wiped", removed.Shares, int64(1))
}
