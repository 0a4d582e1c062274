package web

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

const password = "correct horse battery"

// world is the page over the real program, with a database of its own: alice and mallory, each with a laugh, and accounts of every
// role for alice.
type world struct {
	*Server

	program *service.Service
	started *updates.Updates
	log     *logged
	clock   *testClock
	users   map[string]orchestrator.User
	laughs  map[string]string // id by user
	tokens  map[string]string // of sessions by account
}

type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newWorld opens a world. change may change settings before the page is made.
func newWorld(t *testing.T, change func(*settings.Config)) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{log: &logged{}, clock: &testClock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}, users: map[string]orchestrator.User{},
		laughs: map[string]string{}, tokens: map[string]string{}}
	config := settings.Config{DataDir: dir, DatabaseURL: "sqlite:" + filepath.Join(dir, "chortle.db"), ClipsURL: "folder:" + filepath.Join(dir, "clips"),
		StoreRetry: time.Millisecond, Threshold: 0.2}
	config.Page.UploadQuota = 1 << 20
	if change != nil {
		change(&config)
	}
	log := logrus.New()
	log.SetOutput(w.log)
	w.program = service.New(service.Options{Config: config, Log: log, Now: w.clock.now, Version: "test"})
	t.Cleanup(func() {
		if err := w.program.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"alice", "mallory"} {
		w.person(t, name)
	}
	for name, role := range map[string]orchestrator.Role{"admin": orchestrator.RoleAdmin, "member": orchestrator.RoleMember, "listener": orchestrator.RoleListener} {
		w.account(t, name, role, w.users["alice"].ID)
	}
	w.account(t, "stranger", orchestrator.RoleMember, w.users["mallory"].ID)
	w.started = w.program.Updates()
	t.Cleanup(w.started.Close)
	options, err := OptionsOf(t.Context(), w.program, w.started)
	if err != nil {
		t.Fatal(err)
	}
	if w.Server, err = New(options); err != nil {
		t.Fatal(err)
	}
	return w
}

// person adds a user with a recording of an hour, one laugh in it, and its clip.
func (w *world) person(t *testing.T, name string) {
	t.Helper()
	ctx := t.Context()
	store, err := w.program.Store(ctx)
	if err != nil {
		t.Fatal(err)
	}
	user, err := store.AddUser(ctx, orchestrator.User{Name: name, Timezone: "Europe/London", Source: "folder:" + t.TempDir(), Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	model := orchestrator.Model{Name: "yamnet", Version: "1", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(3600 * orchestrator.SampleRateHz)
	clips, err := w.program.Clips(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := name + "/2026/11/22/120001.000-00000000.wav"
	if err := clips.Put(ctx, key, []byte("RIFF no sound")); err != nil {
		t.Fatal(err)
	}
	laugh := orchestrator.Laugh{Onset: 16000, Offset: 48000, Score: 0.5, Class: "Laughter", Tier: orchestrator.TierSure, ClassScores: []float64{0.5}, Clip: key}
	if _, err := store.SaveRecording(ctx, orchestrator.Result{UserID: user.ID, Model: model, Scores: scores, Laughs: []orchestrator.Laugh{laugh},
		Recording: orchestrator.Recording{Name: name + ".wav", Start: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), SHA256: "sha of " + name}}); err != nil {
		t.Fatal(err)
	}
	for laugh, err := range store.Laughs(ctx, orchestrator.LaughFilter{UserIDs: []int64{user.ID}}) {
		if err != nil {
			t.Fatal(err)
		}
		w.laughs[name] = laugh.ID
	}
	w.users[name] = user
}

// signIns are the use cases of accounts.
func (w *world) signIns(t *testing.T) *accounts.Accounts {
	t.Helper()
	signIns, err := w.program.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return signIns
}

// account adds an account with a session. Passwords take time: only who signs in by one gets one.
func (w *world) account(t *testing.T, name string, role orchestrator.Role, users ...int64) orchestrator.Account {
	t.Helper()
	account, err := w.signIns(t).Add(t.Context(), orchestrator.Account{Name: name, Role: role, Users: users}, "")
	if err != nil {
		t.Fatal(err)
	}
	if w.tokens[name], _, err = w.signIns(t).Begin(t.Context(), account.ID, accounts.Device{Agent: "test", Network: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	return account
}

// ask makes a request as an account of the world; an empty name is nobody.
func (w *world) ask(account, method, target, body string, headers ...string) *http.Response {
	return ask(w.Server, w.tokens[account], method, target, body, headers...)
}

// as makes a request and returns the status and the body.
func (w *world) as(account, method, target, body string, headers ...string) (int, string) {
	response := w.ask(account, method, target, body, headers...)
	content, _ := io.ReadAll(response.Body) // it lies in memory
	return response.StatusCode, string(content)
}

// target fills a route's pattern with things of alice's that exist.
func (w *world) target(pattern string) string {
	return strings.NewReplacer("{$}", "", "{user}", "alice", "{day}", "2026-11-22", "{id}", w.laughs["alice"], "{name}", "x", "{token}", "x",
		"{number}", "1").Replace(pattern)
}

// public are the routes that nobody needs to be signed in for. Whoever adds one writes it down here too, with the reason.
var public = map[string]string{
	"GET /healthz":                     "a probe has no account",
	"GET /metrics":                     "a program, with the token of the settings",
	"GET /assets/{name}":               "the sign-in is styled",
	"GET /login":                       "the sign-in",
	"POST /login":                      "the sign-in",
	"GET /join/{token}":                "whoever has the link",
	"POST /join/{token}":               "whoever has the link",
	"POST /login/passkey/begin":        "the sign-in",
	"POST /login/passkey":              "the sign-in",
	"GET /oidc":                        "the sign-in",
	"GET /oidc/callback":               "the sign-in, on the way back",
	"GET /join/{token}/oidc":           "whoever has the link",
	"POST /join/{token}/passkey/begin": "whoever has the link",
	"POST /join/{token}/passkey":       "whoever has the link",
	"GET /s/{token}":                   "whoever has the link",
	"POST /s/{token}":                  "whoever has the link",
	"GET /s/{token}/{id}/clip":         "whoever has the link",
	"GET /s/{token}/{id}/clip.wav":     "whoever has the link",
	"GET /feed/{token}/laughs.xml":     "whoever has the link",
	"GET /feed/{token}/{id}/clip":      "whoever has the link",
	"GET /unsubscribe/{token}":         "whoever has the letter",
	"POST /unsubscribe/{token}":        "whoever has the letter, and the button of a mail program",
}

// TestWalkAllRoutes asks every route of the table as everybody: a route without a rule, or one that forgets whose laughs it shows,
// fails here.
func TestWalkAllRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, rule := range w.routes() {
		name, target := rule.method+" "+rule.pattern, w.target(rule.pattern)
		if _, listed := public[name]; (rule.need == everybody) != listed {
			t.Errorf("%s: public is %v", name, rule.need == everybody)
		}
		if rule.need == everybody {
			continue
		}
		for _, token := range []string{"", "forged", strings.Repeat("x", 5000), w.tokens["member"] + "x"} {
			got := ask(w.Server, token, rule.method, target, "")
			switch location := got.Header.Get("Location"); {
			case rule.kind == page:
				if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/login") {
					t.Errorf("%s as nobody: %d to %q", name, got.StatusCode, location)
				}
			case got.StatusCode != http.StatusUnauthorized:
				t.Errorf("%s as nobody: %d", name, got.StatusCode)
			}
		}
		may := map[string]bool{"listener": rule.need == listener, "member": rule.need == listener || rule.need == member}
		for account, allowed := range may {
			if rule.pattern == "/logout" || rule.pattern == "/account/sessions/{number}/end" {
				continue // it works, and that is the end of the session
			}
			status, _ := w.as(account, rule.method, target, "", "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
			if (status == http.StatusForbidden) == allowed {
				t.Errorf("%s as %s: %d", name, account, status)
			}
		}
		if owned := strings.Contains(rule.pattern, "{user}") || strings.HasPrefix(rule.pattern, "/l/{id}"); owned && rule.need != admin {
			before, err := w.program.Laugh(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"])
			if err != nil {
				t.Fatalf("before %s: %v", name, err)
			}
			for _, body := range []string{"", "mark=wrong&star=1&note=mine&sure=1&id=" + w.laughs["alice"] + "&was=" + w.laughs["alice"] + ".wrong"} {
				if rule.method == "GET" {
					body = ""
				}
				status, text := w.as("stranger", rule.method, target, body)
				if status != http.StatusNotFound && status != http.StatusBadRequest || strings.Contains(text, "alice.wav") {
					t.Errorf("%s as a stranger: %d", name, status)
				}
			}
			after, err := w.program.Laugh(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"])
			if err != nil || after.Mark != before.Mark || after.Star != before.Star || after.Note != before.Note {
				t.Errorf("%s as a stranger changed alice's laugh: %+v, %v", name, after, err)
			}
		}
	}
}
