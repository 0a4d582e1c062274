package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// TestLettersOfAPerson: a member adds, tests and stops letters by e-mail of its own users, and nothing but e-mail.
func TestLettersOfAPerson(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0") // a server of mail that is gone
	if err != nil {
		t.Fatal(err)
	}
	address := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *settings.Config) {
		c.Letters.MailServer, c.Letters.MailFrom = "smtp://user:hunter2@"+address, "chortle@example.org"
	})
	add := func(account, to string) (int, string) {
		return w.as(account, "POST", "/u/alice/settings/letters", url.Values{"to": {to}, "period": {"daily"}}.Encode())
	}
	for _, bad := range []string{"", "alice", "http://192.0.2.1/hook", "generic://192.0.2.1", "ntfy://ntfy.sh/x", "Alice <alice@example.org>", "a@b\r\nBcc: c@d"} {
		if status, _ := add("member", bad); status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", bad, status)
		}
	}
	if status, _ := w.as("member", "POST", "/u/alice/settings/letters/test", ""); status != http.StatusUnprocessableEntity {
		t.Errorf("a test of nothing: %d", status)
	}
	if status, _ := add("member", "alice@example.org"); status != http.StatusSeeOther {
		t.Fatalf("add: %d", status)
	}
	if status, _ := add("listener", "l@example.org"); status != http.StatusForbidden {
		t.Errorf("a listener: %d", status)
	}
	if status, _ := add("stranger", "s@example.org"); status != http.StatusNotFound {
		t.Errorf("a stranger: %d", status)
	}
	if status, text := w.as("member", "GET", "/u/alice/settings", ""); status != http.StatusOK || !strings.Contains(text, "alice@example.org") || !strings.Contains(text, "every day") {
		t.Errorf("the page: %d", status)
	}
	status, text := w.as("member", "POST", "/u/alice/settings/letters/test", "")
	if status != http.StatusUnprocessableEntity || !strings.Contains(text, "could not be sent") || strings.Contains(text+w.log.String(), "hunter2") {
		t.Errorf("a test to a server that is gone: %d", status)
	}
	subs, _, err := w.program.Subscriptions(t.Context(), []string{"alice"})
	if err != nil || len(subs) != 1 {
		t.Fatalf("%v, %v", subs, err)
	}
	if status, _ := w.as("stranger", "POST", "/u/mallory/settings/letters/1/stop", ""); status != http.StatusNotFound {
		t.Errorf("somebody else's letter: %d", status)
	}
	if status, _ := w.as("member", "POST", "/u/alice/settings/letters/1/stop", ""); status != http.StatusSeeOther {
		t.Errorf("stop: %d", status)
	}
	if subs, _, err := w.program.Subscriptions(t.Context(), []string{"alice"}); err != nil || len(subs) != 0 {
		t.Errorf("%v, %v", subs, err)
	}
}

// TestLettersWithoutAServer: who runs the service is asked to set one up.
func TestLettersWithoutAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	status, text := w.as("member", "POST", "/u/alice/settings/letters", "to=alice@example.org")
	if status != http.StatusUnprocessableEntity || !strings.Contains(text, "set up a mail server") {
		t.Errorf("%d", status)
	}
}
