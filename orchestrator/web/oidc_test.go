package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/issuer/issuertest"
)

const issuerBase = "http://localhost:8467/laughs"

// issuerWorld is a world with an issuer of its own.
func issuerWorld(t *testing.T) (*world, *issuertest.Issuer) {
	t.Helper()
	var w *world
	i := issuertest.New(t, func() time.Time { return w.clock.now() })
	w = newWorld(t, func(c *settings.Config) {
		c.Page.BaseURL = issuerBase
		c.Page.OIDC = settings.OIDC{Issuer: i.URL, ClientID: issuertest.Client}
	})
	return w, i
}

// follow goes to the issuer by a link of ours and back, as a browser does; meddle may change the address that leads back.
func (w *world) follow(t *testing.T, account, target string, meddle func(url.Values), headers ...string) *http.Response {
	t.Helper()
	out := w.ask(account, "GET", target, "", headers...)
	if out.StatusCode != http.StatusSeeOther {
		return out
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	there, err := client.Get(out.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Body.Close(); err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(there.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), issuerBase+"/oidc/callback?") {
		t.Fatalf("the issuer leads to %q, %v", back, err)
	}
	query := back.Query()
	if meddle != nil {
		meddle(query)
	}
	cookies := ""
	for _, cookie := range out.Cookies() {
		cookies += cookie.Name + "=" + cookie.Value + "; "
	}
	return w.ask("", "GET", "/laughs/oidc/callback?"+query.Encode(), "", append([]string{"Cookie", cookies + "chortle=" + w.tokens[account]}, headers...)...)
}

// linked links an account with a subject as its page does.
func (w *world) linked(t *testing.T, account, subject string, i *issuertest.Issuer) {
	t.Helper()
	i.SignIn(subject, nil)
	if got := w.follow(t, account, "/laughs/account/oidc", nil, "Sec-Fetch-Site", "same-origin"); got.Header.Get("Location") != "/laughs/account" {
		t.Fatalf("link: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestSignInWithAnIssuer(t *testing.T) {
	t.Parallel()
	w, i := issuerWorld(t)
	w.linked(t, "member", "subject-1", i)
	got := w.follow(t, "", "/laughs/oidc?next=/u/alice/2026-11-22", nil)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/laughs/u/alice/2026-11-22" {
		t.Fatalf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	for _, cookie := range got.Cookies() {
		if cookie.Name == signedInCookie {
			w.tokens["by issuer"] = cookie.Value
		}
	}
	if status, text := w.as("by issuer", "GET", "/laughs/account", ""); status != http.StatusOK || !strings.Contains(text, "signed in as member") {
		t.Errorf("the account's page: %d", status)
	}

	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		subject string
		change  func(map[string]any)
		meddle  func(url.Values)
		key     *ecdsa.PrivateKey
	}{
		"a subject that nobody has":    {subject: "subject-2"},
		"an address of mail is no one": {subject: "subject-2", change: func(c map[string]any) { c["email"], c["preferred_username"] = "subject-1", "member" }},
		"another state":                {subject: "subject-1", meddle: func(q url.Values) { q.Set("state", "x") }},
		"no state":                     {subject: "subject-1", meddle: func(q url.Values) { q.Del("state") }},
		"another code":                 {subject: "subject-1", meddle: func(q url.Values) { q.Set("code", "x") }},
		"the person said no":           {subject: "subject-1", meddle: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }},
		"another nonce":                {subject: "subject-1", change: func(c map[string]any) { c["nonce"] = "x" }},
		"another client's token":       {subject: "subject-1", change: func(c map[string]any) { c["aud"] = "other" }},
		"another issuer's token":       {subject: "subject-1", change: func(c map[string]any) { c["iss"] = "https://example.org" }},
		"a token that has expired":     {subject: "subject-1", change: func(c map[string]any) { c["exp"] = c["iat"].(int64) - 600 }},
		"no subject":                   {subject: ""},
		"a stranger's signature":       {subject: "subject-1", key: stranger},
	} {
		i.SignIn(c.subject, c.change)
		i.SignWith(i.Key())
		if c.key != nil {
			i.SignWith(c.key)
		}
		got := w.follow(t, "", "/laughs/oidc", c.meddle)
		if got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		for _, cookie := range got.Cookies() {
			if cookie.Name == signedInCookie {
				t.Errorf("%s: a session", name)
			}
		}
		w.clock.add(time.Minute)
	}
	if log := w.log.String(); strings.Contains(log, "code=") || strings.Contains(log, "subject-") {
		t.Error("what the issuer says of a person is in the log")
	}
}

// TestAFlowIsUsedOnce: what leads back is worth nothing without the browser that set out, or a second time.
func TestAFlowIsUsedOnce(t *testing.T) {
	t.Parallel()
	w, i := issuerWorld(t)
	w.linked(t, "member", "subject-1", i)
	var seen url.Values
	if got := w.follow(t, "", "/laughs/oidc", func(q url.Values) { seen = q }); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", got.StatusCode)
	}
	if got := w.ask("", "GET", "/laughs/oidc/callback?"+seen.Encode(), ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("in another browser: %d", got.StatusCode)
	}
	if got := w.follow(t, "", "/laughs/oidc", func(q url.Values) { q.Set("code", seen.Get("code")) }); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the code again: %d", got.StatusCode)
	}
}

// TestLinkingAnIdentity is what only a page of ours may lead to, shortly after the sign-in, and not twice.
func TestLinkingAnIdentity(t *testing.T) {
	t.Parallel()
	w, i := issuerWorld(t)
	i.SignIn("subject-1", nil)
	for _, from := range []string{"cross-site", "same-site", "none"} {
		if got := w.ask("member", "GET", "/laughs/account/oidc", "", "Sec-Fetch-Site", from); got.StatusCode != http.StatusForbidden {
			t.Errorf("from %s: %d", from, got.StatusCode)
		}
	}
	w.linked(t, "member", "subject-1", i)
	if got := w.follow(t, "listener", "/laughs/account/oidc", nil, "Sec-Fetch-Site", "same-origin"); got.StatusCode != http.StatusConflict {
		t.Errorf("an identity of somebody else's: %d", got.StatusCode)
	}
	account, err := w.signIns(t).Account(t.Context(), "member")
	if err != nil {
		t.Fatal(err)
	}
	if identities, err := w.signIns(t).Identities(t.Context(), account.ID); err != nil || len(identities) != 1 {
		t.Fatalf("%v, %v", identities, err)
	}
	if status, text := w.as("member", "POST", "/laughs/account/identities/1/remove", ""); status != http.StatusUnprocessableEntity || !strings.Contains(text, "only way") {
		t.Errorf("remove the last way: %d", status)
	}
	w.clock.add(2 * time.Hour)
	if got := w.ask("member", "GET", "/laughs/account/oidc", "", "Sec-Fetch-Site", "same-origin"); got.StatusCode != http.StatusForbidden {
		t.Errorf("hours after the sign-in: %d", got.StatusCode)
	}
}

// TestJoinWithAnIssuer: a link that lets in once may be used for an identity instead of a password.
func TestJoinWithAnIssuer(t *testing.T) {
	t.Parallel()
	w, i := issuerWorld(t)
	account, err := w.signIns(t).Add(t.Context(), orchestrator.Account{Name: "new", Role: orchestrator.RoleMember, Users: []int64{w.users["alice"].ID}}, "")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := w.signIns(t).Invite(t.Context(), account.ID)
	if err != nil {
		t.Fatal(err)
	}
	i.SignIn("subject-9", nil)
	if got := w.follow(t, "", "/laughs/join/"+secret+"/oidc", nil); got.Header.Get("Location") != "/laughs/" {
		t.Fatalf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if got := w.ask("", "GET", "/laughs/join/"+secret, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("the link again: %d", got.StatusCode)
	}
	if got := w.follow(t, "", "/laughs/oidc", nil); got.Header.Get("Location") != "/laughs/" {
		t.Errorf("sign in by it: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// TestIssuerThatIsDown: the page is served all the same, and says so where it matters.
func TestIssuerThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *settings.Config) {
		c.Page.BaseURL = issuerBase
		c.Page.OIDC = settings.OIDC{Issuer: "http://127.0.0.1:1", ClientID: issuertest.Client}
	})
	if status, text := w.as("", "GET", "/laughs/login", ""); status != http.StatusOK || !strings.Contains(text, "127.0.0.1:1") {
		t.Errorf("the sign-in: %d", status)
	}
	if status, text := w.as("", "GET", "/laughs/oidc", ""); status != http.StatusBadGateway || !strings.Contains(text, "does not answer") {
		t.Errorf("%d", status)
	}
}
