package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// signedIn are sessions by token.
type signedIn map[string]viewer

func (s signedIn) Visit(_ context.Context, token, _ string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error) {
	v, ok := s[token]
	if !ok {
		return v.session, v.account, nil, orchestrator.ErrNotFound
	}
	return v.session, v.account, v.users, nil
}

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// somebody is a viewer of a role who sees the users of these names.
func somebody(role orchestrator.Role, users ...string) viewer {
	v := viewer{account: orchestrator.Account{ID: 1, Name: "somebody", Role: role}}
	for i, name := range users {
		v.users = append(v.users, orchestrator.User{ID: int64(i + 1), Name: name, Timezone: "Europe/London"})
	}
	return v
}

func newServer(t *testing.T, change func(*Options)) *Server {
	t.Helper()
	options := Options{Log: quiet(), Sessions: signedIn{
		"listener": somebody(orchestrator.RoleListener, "alice"), "member": somebody(orchestrator.RoleMember, "alice"),
		"admin": somebody(orchestrator.RoleAdmin, "alice"), "stranger": somebody(orchestrator.RoleMember, "mallory"),
	}}
	if change != nil {
		change(&options)
	}
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask makes a request as the holder of a session; an empty token is nobody.
func ask(s *Server, token, method, target, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "chortle", Value: token})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestWhoIsAskedUnderAnotherName(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	based := newServer(t, func(o *Options) { o.BaseURL = "https://example.org/laughs" })
	for host, want := range map[string][2]int{ // without and with a base address
		"localhost": {200, 200}, "localhost:8080": {200, 200}, "127.0.0.1:8080": {200, 200}, "[::1]:8080": {200, 200}, "192.168.1.7": {200, 200},
		"example.org": {421, 200}, "EXAMPLE.org.": {421, 200}, "evil.example": {421, 421}, "localhost.evil.example": {421, 421}, "": {421, 421},
	} {
		for i, server := range []*Server{s, based} {
			if got := ask(server, "", "GET", "/healthz", "", "Host", host); got.StatusCode != want[i] {
				t.Errorf("host %q, base %v: %d, want %d", host, i == 1, got.StatusCode, want[i])
			}
		}
	}
}

func TestPathsThatMeanAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, path := range []string{"/u/../admin", "/u/%2e%2e/admin", "/assets/..%2f..%2fetc%2fpasswd", "//evil.example", "/u//alice", "/./", "/u/alice%5c..", "/a%00b"} {
		if got := ask(s, "admin", "GET", path, ""); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}

func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, c := range []struct {
		token, accept string
		want          int
	}{{"", "text/html", 303}, {"", "*/*", 401}, {"member", "text/html", 404}, {"member", "*/*", 404}, {"forged", "*/*", 401}} {
		if got := ask(s, c.token, "GET", "/nowhere", "", "Accept", c.accept); got.StatusCode != c.want {
			t.Errorf("%+v: %d", c, got.StatusCode)
		}
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(o *Options) { o.BaseURL = "https://example.org" })
	for _, c := range []struct {
		headers []string
		refused bool
	}{
		{[]string{"Sec-Fetch-Site", "cross-site"}, true},
		{[]string{"Sec-Fetch-Site", "same-site"}, true},
		{[]string{"Origin", "https://evil.example"}, true},
		{[]string{"Origin", "null"}, true},
		{[]string{"Sec-Fetch-Site", "same-origin"}, false},
		{[]string{"Origin", "http://localhost"}, false},                           // plain HTTP: no Sec-Fetch-Site
		{[]string{"Origin", "https://example.org", "Host", "127.0.0.1:9"}, false}, // a proxy that rewrites Host
	} {
		got := ask(s, "member", "POST", "/nowhere", "a=b", c.headers...)
		if (got.StatusCode == http.StatusForbidden) != c.refused {
			t.Errorf("%v: %d", c.headers, got.StatusCode)
		}
	}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, path := range []string{"/", "/login", "/healthz", "/nowhere", "/u/../x"} {
		header := ask(s, "", "GET", path, "").Header
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if got := header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if csp := header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "require-trusted-types-for 'script'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

func TestSubPath(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(o *Options) { o.BaseURL = "http://localhost/laughs/" })
	for path, want := range map[string]int{"/laughs/healthz": 200, "/healthz": 200, "/laughs": 303, "/laughs/": 303, "/laughsx/healthz": 401} {
		if got := ask(s, "", "GET", path, ""); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
	if got := ask(s, "", "GET", "/laughs/", "").Header.Get("Location"); got != "/laughs/login" {
		t.Errorf("sent to %q", got)
	}
}

func TestWhereToGoOnAfterTheSignIn(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/u/alice/2026-11-22?maybe=1": "/u/alice/2026-11-22?maybe=1", "": "/", "/": "/", "//evil.example": "/", "/\\evil.example": "/",
		"https://evil.example/": "/", "/%2F%2Fevil.example": "/", "javascript:alert(1)": "/", "/a\tb": "/", "\t//evil.example": "/", "/..//evil.example": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

func mustPrefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }
