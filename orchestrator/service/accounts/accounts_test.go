package accounts

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

var _ Store = (*store.Store)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T) (*Accounts, *store.Store, *clock) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "chortle.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	return New(s, c.now), s, c
}

func add(t *testing.T, a *Accounts, name string, role orchestrator.Role, password string, users ...int64) orchestrator.Account {
	t.Helper()
	account, err := a.Add(t.Context(), orchestrator.Account{Name: name, Role: role, Users: users}, password)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	a, _, _ := open(t)
	ctx := t.Context()
	mum := add(t, a, "mum", orchestrator.RoleMember, "correct horse")
	add(t, a, "dad", orchestrator.RoleMember, "")
	account, err := a.SignIn(ctx, "mum", "correct horse")
	if err != nil || account.ID != mum.ID {
		t.Fatalf("%+v, %v", account, err)
	}
	for _, wrong := range [][2]string{{"mum", "correct hors"}, {"mum", ""}, {"dad", ""}, {"dad", "correct horse"}, {"nobody", "correct horse"}, {"", ""}, {"mum", strings.Repeat("x", 1<<20)}} {
		if account, err := a.SignIn(ctx, wrong[0], wrong[1]); !errors.Is(err, ErrRefused) || account.ID != 0 {
			t.Errorf("%.20q: %+v, %v", wrong, account, err)
		}
	}
	for _, bad := range []string{"short", "nine char", strings.Repeat("x", MaxPassword+1)} {
		if err := a.SetPassword(ctx, mum.ID, bad, 0); !errors.Is(err, ErrPassword) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if err := a.SetPassword(ctx, mum.ID, "zehn äöü ß", 0); err != nil { // characters count, not bytes
		t.Error(err)
	}
	if err := a.Confirm(ctx, mum.ID, "zehn äöü ß"); err != nil {
		t.Error(err)
	}
	if err := a.Confirm(ctx, mum.ID, "correct horse"); !errors.Is(err, ErrRefused) {
		t.Errorf("the old one: %v", err)
	}
}

func TestHashesThatSomebodyChanged(t *testing.T) {
	t.Parallel()
	h := newHasher()
	good, err := h.hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := h.hash(t.Context(), "correct horse"); err != nil || other == good {
		t.Errorf("two hashes are the same: %v", err)
	}
	for _, hash := range []string{"$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=4000000,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$2a$10$abc", "plain", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$", "$argon2id$v=19$m=x$AAAA$AAAA", strings.Replace(good, "v=19", "v=16", 1), good + "$x"} {
		if ok, err := h.matches(t.Context(), hash, "correct horse"); ok || err == nil {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
	}
}

// TestOneHashAtATime: a hundred who sign in at once take the memory of one, and most of them are told to come back.
func TestOneHashAtATime(t *testing.T) {
	t.Parallel()
	h := newHasher()
	done, err := h.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	for range 100 {
		go func() {
			done, err := h.take(ctx)
			if err == nil {
				done()
			}
			results <- err
		}()
	}
	for range 100 - maxWaiting {
		if err := <-results; !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	cancel() // they give up
	for range maxWaiting {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	done()
	done, err = h.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
}

func TestSessionsSlide(t *testing.T) {
	t.Parallel()
	a, s, clock := open(t)
	ctx := t.Context()
	user, err := s.AddUser(ctx, orchestrator.User{Name: "alice", Timezone: "Europe/London", Source: "folder:/sound"})
	if err != nil {
		t.Fatal(err)
	}
	mum := add(t, a, "mum", orchestrator.RoleMember, "", user.ID)
	secret, begun, err := a.Begin(ctx, mum.ID, Device{Agent: strings.Repeat("ü", 300), Network: "192.0.2.1/32"})
	if err != nil || len(begun.Agent) > maxAgent {
		t.Fatalf("%+v, %v", begun, err)
	}
	clock.add(touchEvery - time.Second)
	session, account, users, err := a.Visit(ctx, secret, "198.51.100.1/32")
	if err != nil || account.ID != mum.ID || len(users) != 1 || users[0].Name != "alice" || session.SeenAt != begun.SeenAt {
		t.Fatalf("%+v, %+v, %v, %v", session, account, users, err)
	}
	clock.add(SessionLife - touchEvery)
	if session, _, _, err = a.Visit(ctx, secret, "198.51.100.1/32"); err != nil || session.Network != "198.51.100.1/32" {
		t.Fatalf("%+v, %v", session, err)
	}
	clock.add(SessionLife - time.Second)
	if _, _, _, err = a.Visit(ctx, secret, ""); err != nil {
		t.Fatalf("it was used within its life: %v", err)
	}
	clock.add(SessionLife)
	if _, _, _, err = a.Visit(ctx, secret, ""); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("it was not: %v", err)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	a, _, clock := open(t)
	ctx := t.Context()
	mum := add(t, a, "mum", orchestrator.RoleMember, "")
	first, _, err := a.Invite(ctx, mum.ID)
	if err != nil {
		t.Fatal(err)
	}
	link, expires, err := a.Invite(ctx, mum.ID)
	if err != nil || !expires.Equal(clock.now().Add(LinkLife)) {
		t.Fatal(expires, err)
	}
	entries, err := a.List(ctx)
	if err != nil || len(entries) != 1 || !entries[0].InvitedUntil.Equal(expires) {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, err := a.Accept(ctx, first, "correct horse"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("the link before: %v", err)
	}
	if _, err := a.Accept(ctx, link, "short"); !errors.Is(err, ErrPassword) {
		t.Errorf("a bad password: %v", err)
	}
	if account, err := a.Accept(ctx, link, "correct horse"); err != nil || account.ID != mum.ID {
		t.Errorf("it is still good: %v", err)
	}
	if _, err := a.Accept(ctx, link, "another horse"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := a.SignIn(ctx, "mum", "correct horse"); err != nil {
		t.Error(err)
	}
	late, _, err := a.Invite(ctx, mum.ID)
	if err != nil {
		t.Fatal(err)
	}
	clock.add(LinkLife)
	if _, err := a.Invitation(ctx, late); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	a, s, clock := open(t)
	ctx := t.Context()
	user, err := s.AddUser(ctx, orchestrator.User{Name: "alice", Timezone: "Europe/London", Source: "folder:/sound"})
	if err != nil {
		t.Fatal(err)
	}
	model := orchestrator.Model{Name: "yamnet", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(60 * orchestrator.SampleRateHz)
	if _, err := s.SaveRecording(ctx, orchestrator.Result{UserID: user.ID, Model: model, Scores: scores,
		Recording: orchestrator.Recording{Name: "a.ogg", Start: clock.now(), SHA256: "sha"},
		Laughs:    []orchestrator.Laugh{{Onset: 16000, Offset: 32000, Score: 0.5, Class: "Laughter", ClassScores: []float64{0.5}}}}); err != nil {
		t.Fatal(err)
	}
	var id string
	for laugh, err := range s.Laughs(ctx, orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		id = laugh.ID
	}
	mum := add(t, a, "mum", orchestrator.RoleMember, "", user.ID)
	share := orchestrator.Share{UserID: user.ID, AccountID: mum.ID, Laughs: []string{id}}
	plain, made, err := a.AddShare(ctx, share, 0, "")
	if err != nil || !made.ExpiresAt.Equal(clock.now().Add(ShareLife)) {
		t.Fatalf("it expires by default: %+v, %v", made, err)
	}
	locked, _, err := a.AddShare(ctx, share, Forever, "pw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.OpenShare(ctx, plain, ""); err != nil {
		t.Error(err)
	}
	for password, want := range map[string]error{"": ErrRefused, "wrong": ErrRefused, "pw": nil} {
		if _, err := a.OpenShare(ctx, locked, password); !errors.Is(err, want) {
			t.Errorf("%q: %v", password, err)
		}
	}
	clock.add(ShareLife)
	if _, err := a.OpenShare(ctx, plain, ""); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := a.Share(ctx, locked); err != nil {
		t.Errorf("for ever: %v", err)
	}
	if _, err := a.Share(ctx, "forged"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("forged: %v", err)
	}
	share.Laughs = make([]string, maxShared+1)
	if _, _, err := a.AddShare(ctx, share, 0, ""); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	a, s, clock := open(t)
	ctx := t.Context()
	user, err := s.AddUser(ctx, orchestrator.User{Name: "alice", Timezone: "Europe/London", Source: "folder:/sound"})
	if err != nil {
		t.Fatal(err)
	}
	mum, guest := add(t, a, "mum", orchestrator.RoleMember, "", user.ID), add(t, a, "guest", orchestrator.RoleListener, "", user.ID)
	users := []orchestrator.User{user}
	secret, token, err := a.AddToken(ctx, mum, users, orchestrator.APIToken{Scopes: []orchestrator.Scope{orchestrator.ScopeUpload}, UserID: user.ID})
	if err != nil || !strings.HasPrefix(secret, tokenPrefix) || token.Name == "" {
		t.Fatalf("%+v, %v", token, err)
	}
	found, account, reached, err := a.Token(ctx, secret)
	if err != nil || account.ID != mum.ID || len(reached) != 1 || !found.May(orchestrator.ScopeUpload) || found.May(orchestrator.ScopeRead) {
		t.Errorf("%+v, %+v, %v, %v", found, account, reached, err)
	}
	if all, err := a.Tokens(ctx, mum.ID); err != nil || len(all) != 1 || !all[0].UsedAt.Equal(clock.now()) {
		t.Errorf("%+v, %v", all, err)
	}
	for name, c := range map[string]struct {
		account orchestrator.Account
		token   orchestrator.APIToken
		want    error
	}{
		"no scope":            {mum, orchestrator.APIToken{}, ErrScope},
		"unknown scope":       {mum, orchestrator.APIToken{Scopes: []orchestrator.Scope{"admin"}}, ErrScope},
		"a listener's upload": {guest, orchestrator.APIToken{Scopes: []orchestrator.Scope{orchestrator.ScopeUpload}}, ErrScope},
		"another's user":      {mum, orchestrator.APIToken{Scopes: []orchestrator.Scope{orchestrator.ScopeRead}, UserID: user.ID + 1}, orchestrator.ErrNotFound},
	} {
		if _, _, err := a.AddToken(ctx, c.account, users, c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, forged := range []string{"", "chortle_", "x", strings.TrimPrefix(secret, tokenPrefix)} {
		if _, _, _, err := a.Token(ctx, forged); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("%q: %v", forged, err)
		}
	}
	if err := a.RemoveToken(ctx, guest.ID, token.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := a.RemoveToken(ctx, mum.ID, token.ID); err != nil {
		t.Error(err)
	}
	if _, _, _, err := a.Token(ctx, secret); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("revoked: %v", err)
	}
}

// TestSecretsAreNotKept: who reads the database cannot sign in.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	a, s, _ := open(t)
	ctx := t.Context()
	mum := add(t, a, "mum", orchestrator.RoleMember, "correct horse")
	cookie, _, err := a.Begin(ctx, mum.ID, Device{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Visit(ctx, cookie, a.now()); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("the store knows the cookie: %v", err)
	}
	if _, hash, err := s.Account(ctx, "mum"); err != nil || strings.Contains(hash, "horse") || !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("password is kept as %q, %v", hash, err)
	}
}
