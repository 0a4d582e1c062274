package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (w *world) password(t *testing.T, name string) {
	t.Helper()
	account, err := w.signIns(t).Account(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.signIns(t).SetPassword(t.Context(), account.ID, password, 0); err != nil {
		t.Fatal(err)
	}
}

// signInAs sends the form of the sign-in.
func (w *world) signInAs(name, password string, headers ...string) *http.Response {
	form := url.Values{"name": {name}, "password": {password}, "next": {"/u/alice/2026-11-22"}}
	return ask(w.Server, "", "POST", "/login", form.Encode(), headers...)
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.password(t, "member")
	for _, wrong := range [][2]string{{"member", "wrong"}, {"nobody", password}, {"", ""}, {"listener", ""}, {"<script>", "x"}} {
		got := w.signInAs(wrong[0], wrong[1])
		text, _ := io.ReadAll(got.Body)
		if got.StatusCode != http.StatusUnauthorized || got.Header.Get("Set-Cookie") != "" || strings.Contains(string(text), "<script>x") || strings.Contains(string(text), `value="<script>`) {
			t.Errorf("%q: %d", wrong, got.StatusCode)
		}
	}
	got := w.signInAs(" Member ", password)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/u/alice/2026-11-22" {
		t.Fatalf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	cookie := got.Cookies()[0]
	if cookie.Name != "chortle" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" {
		t.Errorf("cookie %+v", cookie)
	}
	if status := ask(w.Server, cookie.Value, "GET", "/", "").StatusCode; status >= 400 {
		t.Errorf("signed in: %d", status)
	}
	out := ask(w.Server, cookie.Value, "POST", "/logout", "x=1")
	if out.StatusCode != http.StatusSeeOther || out.Cookies()[0].MaxAge >= 0 {
		t.Errorf("sign-out: %d, %+v", out.StatusCode, out.Cookies())
	}
	if got := ask(w.Server, cookie.Value, "GET", "/", ""); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/login" {
		t.Errorf("signed out: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if log := w.log.String(); strings.Contains(log, password) || strings.Contains(log, cookie.Value) {
		t.Error("a secret is in the log")
	}
}

// TestSignInRotates: a secret that was planted in the browser before is worth nothing afterwards.
func TestSignInRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.password(t, "member")
	w.password(t, "listener")
	first := w.signInAs("listener", password).Cookies()[0].Value
	form := url.Values{"name": {"member"}, "password": {password}}
	second := ask(w.Server, first, "POST", "/login", form.Encode()).Cookies()[0].Value
	if second == first {
		t.Error("the token stayed")
	}
	if got := ask(w.Server, first, "GET", "/l/x/clip", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session before: %d", got.StatusCode)
	}
}

func TestCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*settings.Config)
		headers []string
		secure  bool
	}{
		"plain":                      {nil, nil, false},
		"a stranger's word":          {nil, []string{"X-Forwarded-Proto", "https"}, false},
		"a trusted proxy's word":     {func(c *settings.Config) { trust(c, "192.0.2.0/24") }, []string{"X-Forwarded-Proto", "https"}, true},
		"the base address":           {func(c *settings.Config) { c.Page.BaseURL = "https://example.org/laughs" }, []string{"Host", "example.org"}, true},
		"a proxy that rewrites Host": {func(c *settings.Config) { c.Page.BaseURL = "https://example.org/laughs" }, []string{"Origin", "https://example.org"}, true},
		"by its number, without TLS": {func(c *settings.Config) { c.Page.BaseURL = "https://example.org/laughs" }, []string{"Host", "192.168.1.7:8467", "Origin", "http://192.168.1.7:8467"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			w.password(t, "member")
			got := w.signInAs("member", password, c.headers...)
			if got.StatusCode != http.StatusSeeOther {
				t.Fatalf("%d", got.StatusCode)
			}
			cookie := got.Cookies()[0]
			want := "chortle"
			if c.secure {
				want = "__Host-chortle"
			}
			if cookie.Name != want || cookie.Secure != c.secure || c.secure && cookie.Path != "/" {
				t.Errorf("%+v", cookie)
			}
		})
	}
}

// trust names proxies; httptest's requests come from 192.0.2.1.
func trust(c *settings.Config, network string) {
	c.Page.TrustedNetworks = append(c.Page.TrustedNetworks, mustPrefix(network))
}

func TestManySignIns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.password(t, "member")
	statuses := map[int]int{}
	for range 10_000 {
		got := w.signInAs("member", "wrong")
		if statuses[got.StatusCode]++; got.StatusCode == http.StatusTooManyRequests && got.Header.Get("Retry-After") == "" {
			t.Fatal("no Retry-After")
		}
	}
	if statuses[http.StatusUnauthorized] != 10 || statuses[http.StatusTooManyRequests] != 9_990 {
		t.Errorf("%v", statuses)
	}
	if got := w.signInAs("member", password); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right one at once: %d", got.StatusCode)
	}
	w.clock.add(31 * time.Second)
	for range 20 { // what succeeds does not count
		if got := w.signInAs("member", password); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("later: %d", got.StatusCode)
		}
	}
}

// TestManyNamesFromOneNetwork: the network counts too, behind a proxy that of the client.
func TestManyNamesFromOneNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *settings.Config) { trust(c, "192.0.2.1/32") })
	from := func(client string) (refused int) {
		for range 30 {
			name := strings.ToLower(client[:1]) + "x" + time.Duration(refused).String()
			if got := w.signInAs(name, "wrong", "X-Forwarded-For", client); got.StatusCode == http.StatusTooManyRequests {
				return refused
			}
			refused++
		}
		return refused
	}
	if n := from("198.51.100.7"); n != 20 {
		t.Errorf("the first client had %d tries", n)
	}
	if n := from("198.51.100.8"); n != 20 {
		t.Errorf("the second client, behind the same proxy, had %d", n)
	}
	if n := from("9.9.9.9, 198.51.100.7"); n != 0 {
		t.Errorf("who forges what stands before the proxy's word had %d", n)
	}
	from("2001:db8:1:2::1")
	if n := from("2001:db8:1:2:ffff::9"); n != 0 {
		t.Errorf("another address of the same household had %d", n)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	account, err := w.signIns(t).Account(t.Context(), "member")
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := w.signIns(t).Invite(t.Context(), account.ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // to look at it does not use it up: programs that preview links do
		if status, text := w.as("", "GET", "/join/"+link, ""); status != http.StatusOK || !strings.Contains(text, "Welcome, member") {
			t.Fatalf("%d: %s", status, text)
		}
	}
	if status, text := w.as("", "POST", "/join/"+link, "password=short"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "at least 10 characters") {
		t.Errorf("a short password: %d", status)
	}
	got := w.ask("", "POST", "/join/"+link, url.Values{"password": {password}}.Encode())
	if got.StatusCode != http.StatusSeeOther || len(got.Cookies()) != 1 {
		t.Fatalf("%d", got.StatusCode)
	}
	for _, used := range []string{link, "forged"} {
		if status, text := w.as("", "POST", "/join/"+used, url.Values{"password": {password}}.Encode()); status != http.StatusNotFound || !strings.Contains(text, "does not work any more") {
			t.Errorf("again: %d", status)
		}
		if status, _ := w.as("", "GET", "/join/"+used, ""); status != http.StatusNotFound {
			t.Errorf("opened again: %d", status)
		}
	}
	if got := w.signInAs("member", password); got.StatusCode != http.StatusSeeOther {
		t.Errorf("sign-in: %d", got.StatusCode)
	}
	if strings.Contains(w.log.String(), link) {
		t.Error("the link is in the log")
	}
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	server := httptest.NewServer(w.Server)
	t.Cleanup(server.Close)
	for _, path := range []string{"/login", "/l/" + w.laughs["alice"] + "/note"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, io.LimitReader(endless{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.AddCookie(&http.Cookie{Name: "chortle", Value: w.tokens["member"]})
		response, err := server.Client().Do(request)
		if err != nil {
			continue // the server hung up while we were sending, as it may
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	if status, _ := w.as("", "GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestDatabaseGoesAway: an answer that says so, without a path or SQL, and everything as before once it is back.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	w := newWorld(t, func(c *settings.Config) { c.DatabaseURL = server.Database(t) })
	if status, _ := w.as("member", "GET", "/u/alice", ""); status != http.StatusOK {
		t.Fatalf("before: %d", status)
	}
	server.Stop(t)
	response := w.ask("member", "GET", "/u/alice", "")
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("%d, %v", response.StatusCode, err)
	}
	for _, secret := range []string{"SELECT", "chortle_test", "postgres", w.program.Config.DataDir} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in the answer", secret)
		}
	}
	for _, secret := range []string{"SELECT", w.program.Config.DataDir} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, w.log)
		}
	}
	if status, _ := w.as("", "GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	server.Restart(t)
	if status, _ := w.as("member", "GET", "/u/alice", ""); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.password(t, "member")
	first, second := w.signInAs("member", password, "User-Agent", "<script>alert(1)</script>").Cookies()[0].Value, w.signInAs("member", password).Cookies()[0].Value
	got := ask(w.Server, second, "GET", "/account", "")
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK || strings.Contains(string(text), "<script>alert") || !strings.Contains(string(text), "this browser") {
		t.Errorf("%d", got.StatusCode)
	}
	form := url.Values{"old": {"wrong"}, "password": {"another horse battery"}}
	if got := ask(w.Server, second, "POST", "/account/password", form.Encode()); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong old password: %d", got.StatusCode)
	}
	form.Set("old", password)
	if got := ask(w.Server, second, "POST", "/account/password", form.Encode()); got.StatusCode != http.StatusSeeOther {
		t.Errorf("change: %d", got.StatusCode)
	}
	if got := ask(w.Server, first, "GET", "/l/x/clip", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the other session after a new password: %d", got.StatusCode)
	}
	if got := ask(w.Server, second, "GET", "/account", ""); got.StatusCode != http.StatusOK {
		t.Errorf("this session after a new password: %d", got.StatusCode)
	}
	if got := w.signInAs("member", password); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old password: %d", got.StatusCode)
	}
	// Somebody else's session is not found.
	stranger, err := w.signIns(t).Account(t.Context(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := w.signIns(t).Sessions(t.Context(), stranger.ID)
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	path := "/account/sessions/" + strconv.FormatInt(sessions[0].ID, 10) + "/end"
	if got := ask(w.Server, second, "POST", path, "x=1"); got.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's session: %d", got.StatusCode)
	}
	if got := w.ask("stranger", "POST", path, "x=1"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("one's own: %d", got.StatusCode)
	}
	if got := w.ask("stranger", "GET", "/l/x/clip", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("ended: %d", got.StatusCode)
	}
}

func TestProxyHeader(t *testing.T) {
	t.Parallel()
	on := func(network string) func(*settings.Config) {
		return func(c *settings.Config) {
			c.Page.ProxyHeader = "Remote-User"
			trust(c, network)
		}
	}
	for name, c := range map[string]struct {
		change func(*settings.Config)
		values []string
		want   int
	}{
		"a trusted proxy":        {on("192.0.2.0/24"), []string{"Remote-User", "member"}, 200},
		"a linked name":          {on("192.0.2.0/24"), []string{"Remote-User", "Member@Example.org"}, 200},
		"a name without account": {on("192.0.2.0/24"), []string{"Remote-User", "nobody"}, 401},
		"an empty name":          {on("192.0.2.0/24"), []string{"Remote-User", ""}, 401},
		"another header":         {on("192.0.2.0/24"), []string{"X-Forwarded-User", "member"}, 401},
		"a stranger":             {on("10.0.0.0/8"), []string{"Remote-User", "admin"}, 401},
		"a stranger who says that he comes from the proxy": {on("10.0.0.0/8"), []string{"Remote-User", "admin", "X-Forwarded-For", "10.0.0.1"}, 401},
		"not set up": {nil, []string{"Remote-User", "admin"}, 401},
	} {
		w := newWorld(t, c.change)
		member, err := w.signIns(t).Account(t.Context(), "member")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.signIns(t).Link(t.Context(), member.ID, accounts.ProxyIssuer, "member@example.org"); err != nil {
			t.Fatal(err)
		}
		status, _ := w.as("", "GET", "/l/"+w.laughs["alice"]+"/clip", "", c.values...)
		if status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
		if c.want == 200 {
			if status, _ := w.as("", "GET", "/l/"+w.laughs["mallory"]+"/clip", "", c.values...); status != http.StatusNotFound {
				t.Errorf("%s: another's laugh: %d", name, status)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *settings.Config) { c.Page.MetricsToken = "a token of the settings" })
	for header, want := range map[string]int{"": 401, "Bearer wrong": 401, "Basic a token of the settings": 401, "Bearer a token of the settings": 200} {
		status, text := w.as("admin", "GET", "/metrics", "", "Authorization", header)
		if status != want || want == 200 && !strings.Contains(text, "# TYPE chortle_run_exit_code gauge") {
			t.Errorf("%q: %d %s", header, status, text)
		}
	}
	if status, _ := newWorld(t, nil).as("admin", "GET", "/metrics", "", "Authorization", "Bearer "); status != 401 {
		t.Errorf("without a token in the settings: %d", status)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	link := regexp.MustCompile(`value="http://localhost(/s/[^"]+)"`)
	share := func(form string) string {
		t.Helper()
		status, text := w.as("member", "POST", "/l/"+w.laughs["alice"]+"/share", form)
		found := link.FindStringSubmatch(text)
		if status != http.StatusOK || found == nil {
			t.Fatalf("%d: %s", status, text)
		}
		return found[1]
	}
	open := share("days=1")
	got := w.ask("", "GET", open, "")
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || !strings.Contains(got.Header.Get("X-Robots-Tag"), "noindex") {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	for _, secret := range []string{"alice.wav", "mallory", "/l/", "/u/"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is on the shared page", secret)
		}
	}
	clip := open + "/" + w.laughs["alice"] + "/clip"
	got = w.ask("", "GET", clip, "")
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") != "" {
		t.Errorf("clip: %d %v", got.StatusCode, got.Header)
	}
	if got := w.ask("", "GET", clip, "", "Range", "bytes=999999-"); got.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range beyond the end: %d", got.StatusCode)
	}
	// Nothing else is reachable from it.
	for _, path := range []string{open + "/" + w.laughs["mallory"] + "/clip", open + "/0000000000/clip", "/s/forged", "/s/forged/" + w.laughs["alice"] + "/clip"} {
		if status, _ := w.as("", "GET", path, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := w.as("stranger", "POST", "/l/"+w.laughs["alice"]+"/share", "days=1"); status != http.StatusNotFound {
		t.Errorf("a stranger shares: %d", status)
	}
	if status, _ := w.as("member", "POST", "/l/"+w.laughs["alice"]+"/share", "days=36500"); status != http.StatusBadRequest {
		t.Errorf("a hundred years: %d", status)
	}

	locked := share("password=pw")
	lockedClip := locked + "/" + w.laughs["alice"] + "/clip"
	if status, _ := w.as("", "GET", lockedClip, ""); status != http.StatusUnauthorized {
		t.Errorf("without its password: %d", status)
	}
	if status, text := w.as("", "GET", locked, ""); status != http.StatusOK || strings.Contains(text, "<audio") {
		t.Errorf("the page without its password: %d", status)
	}
	if status, _ := w.as("", "POST", locked, "password=wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong one: %d", status)
	}
	got = w.ask("", "POST", locked, "password=pw")
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("the right one: %d", got.StatusCode)
	}
	proof := got.Cookies()[0]
	if status, _ := w.as("", "GET", lockedClip, "", "Cookie", proof.Name+"="+proof.Value); status != http.StatusOK {
		t.Errorf("with it: %d", status)
	}
	if status, _ := w.as("", "GET", share("password=other")+"/"+w.laughs["alice"]+"/clip", "", "Cookie", proof.Name+"="+proof.Value); status != http.StatusUnauthorized {
		t.Errorf("another share with it: %d", status)
	}

	w.clock.add(25 * time.Hour)
	for _, path := range []string{open, clip} {
		if status, _ := w.as("", "GET", path, ""); status != http.StatusGone {
			t.Errorf("%s after its day: %d", path, status)
		}
	}
	_, text2 := w.as("member", "GET", "/u/alice/shares", "")
	numbers := regexp.MustCompile(`/u/alice/shares/(\d+)/revoke`).FindAllStringSubmatch(text2, -1)
	if len(numbers) != 3 || !strings.Contains(text2, "expired") {
		t.Fatalf("%d shares", len(numbers))
	}
	for _, number := range numbers {
		path := "/u/alice/shares/" + number[1] + "/revoke"
		if status, _ := w.as("listener", "POST", path, "x=1"); status != http.StatusForbidden {
			t.Errorf("a listener revokes: %d", status)
		}
		if status, _ := w.as("stranger", "POST", strings.Replace(path, "alice", "mallory", 1), "x=1"); status != http.StatusNotFound {
			t.Errorf("a stranger revokes: %d", status)
		}
		if status, _ := w.as("member", "POST", path, "x=1"); status != http.StatusSeeOther {
			t.Errorf("revoke: %d", status)
		}
	}
	if status, _ := w.as("", "GET", lockedClip, "", "Cookie", proof.Name+"="+proof.Value); status != http.StatusNotFound {
		t.Errorf("revoked: %d", status)
	}
	if log := w.log.String(); strings.Contains(log, strings.TrimPrefix(open, "/s/")) {
		t.Error("a link is in the log")
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if status, text := w.as("admin", "GET", "/admin", ""); status != http.StatusOK || !strings.Contains(text, "mallory") || strings.Contains(text, w.laughs["mallory"]) {
		t.Errorf("%d", status)
	}
	for form, want := range map[string]int{"name=new&role=member&user=alice": 200, "name=member&role=member": 409, "name=A+b&role=member": 422, "name=x&role=king": 422,
		"name=%3Cscript%3E&role=member": 422} {
		status, text := w.as("admin", "POST", "/admin/accounts", form)
		if status != want || strings.Contains(text, "<script>") != strings.Contains(text, "<script src") && strings.Contains(text, "<script>") {
			t.Errorf("%s: %d, want %d", form, status, want)
		}
		if want == 200 && !strings.Contains(text, "http://localhost/join/") {
			t.Errorf("%s: no link", form)
		}
	}
	made, err := w.signIns(t).Account(t.Context(), "new")
	if err != nil || len(made.Users) != 1 || made.Users[0] != w.users["alice"].ID || made.HasPassword {
		t.Errorf("%+v, %v", made, err)
	}
	if status, _ := w.as("admin", "POST", "/admin/accounts/admin/remove", "x=1"); status != http.StatusBadRequest {
		t.Errorf("one's own: %d", status)
	}
	if status, _ := w.as("admin", "POST", "/admin/accounts/nobody/invite", "x=1"); status != http.StatusNotFound {
		t.Errorf("an unknown account: %d", status)
	}
	if status, _ := w.as("admin", "POST", "/admin/accounts/new/remove", "x=1"); status != http.StatusSeeOther {
		t.Errorf("remove: %d", status)
	}
}

func TestSettingsOfAPerson(t *testing.T) {
	t.Parallel()
	const key = "sk-that-nobody-sees"
	w := newWorld(t, func(c *settings.Config) { c.SecretKey = strings.Repeat("ab", 32) })
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alice := w.users["alice"]
	alice.Source = "limitless:"
	if err := opened.UpdateUser(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for form, want := range map[string]int{"zone=Asia%2FTokyo": 303, "zone=Mars%2FOlympus": 422, "zone=Local": 422, "zone=": 422, "zone=%3Cscript%3E": 422} {
		if status, text := w.as("member", "POST", "/u/alice/settings", form); status != want || strings.Contains(text, `"<script>`) {
			t.Errorf("%s: %d, want %d", form, status, want)
		}
	}
	if user, err := w.program.User(t.Context(), "alice"); err != nil || user.Timezone != "Asia/Tokyo" || user.Source != "limitless:" {
		t.Errorf("%+v, %v", user, err)
	}
	for form, want := range map[string]int{"key=": 422, "key=two+words": 422, "key=" + strings.Repeat("x", 5000): 422, "key=" + key: 200} {
		if status, text := w.as("member", "POST", "/u/alice/settings/key", form); status != want || strings.Contains(text, key) {
			t.Errorf("%.20s: %d, want %d", form, status, want)
		}
	}
	if status, text := w.as("member", "GET", "/u/alice/settings", ""); status != http.StatusOK || !strings.Contains(text, "A key is stored") || strings.Contains(text, key) {
		t.Errorf("%d", status)
	}
	if strings.Contains(w.log.String(), key) {
		t.Error("the key is in the log")
	}
}
