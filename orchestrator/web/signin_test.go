package web_test

import (
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/issuer/issuertest"
)

// TestSignInInABrowser walks through every way in, as somebody who got a link, in Chromium with a key of its own.
func TestSignInInABrowser(t *testing.T) {
	chromium := browser(t)
	h := build(t, "gil")
	issuer := issuertest.New(t, h.service.Now)
	signIns, err := h.service.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := h.service.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	base := "http://localhost:" + port // passkeys want a name
	server.Config.Handler, err = web.New(web.Options{BaseURL: base, OIDC: &web.OIDC{Issuer: issuer.URL, ClientID: issuertest.Client},
		Sessions: signIns, SignIns: signIns, Links: signIns, Own: signIns, Passkeys: signIns, Identities: signIns, Shares: signIns, Tokens: signIns,
		Laughs: opened, Heard: opened, Judging: h.service, Standing: h.service, Log: log, Now: h.service.Now})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	account, err := signIns.Add(t.Context(), orchestrator.Account{Name: "gil", Role: orchestrator.RoleMember, Users: []int64{h.users["gil"].ID}}, "")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := signIns.Invite(t.Context(), account.ID)
	if err != nil {
		t.Fatal(err)
	}

	b := open(t, chromium, base)
	call(b, network.ClearBrowserCookies, struct{}{})
	call(b, webauthn.Enable, webauthn.EnableParams{})
	call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, AutomaticPresenceSimulation: true}})
	axe, err := os.ReadFile(testkit.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	look := func(path string) {
		t.Helper()
		b.goTo(path)
		ask[bool](b, string(axe)+";true")
		if found := ask[string](b, `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations.map((v) => v.id + ": " + v.help).join("\n"))`); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
	in := func(how string) {
		t.Helper()
		b.until("location.pathname === '/u/gil' || location.pathname === '/'")
		b.goTo("/account")
		if got := ask[string](b, "document.body.innerText"); !strings.Contains(got, "signed in as gil") {
			t.Fatalf("%s: %s", how, got)
		}
	}
	out := func() {
		t.Helper()
		b.click("form[action$='/logout'] button")
		b.until("location.pathname === '/login'")
	}

	look("/join/" + secret)
	b.click("form[data-passkey=create] button")
	in("a passkey instead of a password")
	out()

	look("/login")
	b.click("form[data-passkey=get] button")
	in("by passkey")
	look("/account")

	ask[bool](b, "document.querySelector('#password').value = 'a long enough password', true")
	b.click("form[action$='/account/password'] button")
	b.until("location.pathname === '/account' && document.querySelector('#old')")
	issuer.SignIn("gil at home", nil)
	b.click("a[href$='/account/oidc']")
	b.until("location.pathname === '/account' && document.querySelector('form[action*=identities]')")
	out()

	ask[bool](b, "document.querySelector('#name').value = 'gil', document.querySelector('#password').value = 'a long enough password', true")
	b.click("button.main")
	in("by password")
	out()

	b.click("a[href*='/oidc']")
	in("by issuer")
	b.click("form[action*='/passkeys/'] button")
	b.until("location.pathname === '/account' && !document.querySelector('form[action*=\"/passkeys/\"]')")
	out()

	b.click("form[data-passkey=get] button")
	b.until("document.querySelector('#said').innerText !== ''")
	if got := ask[string](b, "location.pathname + ' ' + document.querySelector('#said').innerText"); !strings.HasPrefix(got, "/login ") {
		t.Errorf("by a passkey that was removed: %s", got)
	}
}
