package web

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestWhatAMemberMayChange: name, zone and whether nights are read; where files lie is the business of who runs the server.
func TestWhatAMemberMayChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	folder := w.users["alice"].Source
	elsewhere := "folder:" + t.TempDir()
	form := func(name, source, enabled string) string {
		return url.Values{"name": {name}, "zone": {"Asia/Tokyo"}, "source": {source}, "enabled": {enabled}}.Encode()
	}
	for _, c := range []struct {
		account, name, form string
		want                int
	}{
		{"member", "alice", form("Alice!", "", "1"), 422},
		{"member", "alice", form("mallory", "", "1"), 409},
		{"member", "alice", form("<script>", "", "1"), 422},
		{"admin", "alice", form("alice", "folder:relative", "1"), 422},
		{"admin", "alice", form("alice", "carrier pigeon", "1"), 422},
		{"member", "alice", form("ann", elsewhere, ""), 303},
	} {
		status, text := w.as(c.account, "POST", "/u/"+c.name+"/settings", c.form)
		if c.want == 409 {
			c.want = 422 // the form again, with what is wrong
		}
		if status != c.want || strings.Contains(text, `"<script>`) {
			t.Errorf("%s as %s: %d, want %d", c.form, c.account, status, c.want)
		}
	}
	user, err := w.program.User(t.Context(), "ann")
	if err != nil || user.Timezone != "Asia/Tokyo" || user.Enabled || user.Source != folder {
		t.Errorf("%+v, %v", user, err)
	}
	if status, text := w.as("member", "GET", "/u/ann/settings", ""); status != http.StatusOK || strings.Contains(text, folder) || !strings.Contains(text, "It can be read now") {
		t.Errorf("a member's page: %d", status)
	}
	if status, _ := w.as("admin", "POST", "/u/ann/settings", form("ann", elsewhere, "1")); status != http.StatusSeeOther {
		t.Errorf("another source: %d", status)
	}
	if user, err := w.program.User(t.Context(), "ann"); err != nil || user.Source != elsewhere || !user.Enabled {
		t.Errorf("%+v, %v", user, err)
	}
	if err := os.Remove(strings.TrimPrefix(elsewhere, "folder:")); err != nil {
		t.Fatal(err)
	}
	status, text := w.as("member", "GET", "/u/ann/settings", "")
	if status != http.StatusOK || !strings.Contains(text, "It cannot be read now") || !strings.Contains(text, "is its disk mounted") || strings.Contains(text, elsewhere) {
		t.Errorf("a folder that is gone: %d %s", status, text)
	}
}

func TestForHowLongSoundIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if _, text := w.as("member", "GET", "/u/alice/settings", ""); !strings.Contains(text, "For ever") {
		t.Error("nothing is said where nothing is set")
	}
	for form, want := range map[string]int{"days=x": 422, "days=-1": 422, "days=1&maybe-days=1000000": 422, "days=365&maybe-days=30&a-day=9": 303} {
		if status, _ := w.as("member", "POST", "/u/alice/settings/keep", form); status != want {
			t.Errorf("%s: %d, want %d", form, status, want)
		}
	}
	_, text := w.as("member", "GET", "/u/alice/settings", "")
	for _, want := range []string{"goes after 365 days", "goes after 30 days", "the best 9 of each kind", "never deleted by itself", `name="days" type="number" min="0" max="100000" inputmode="numeric" value="365"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPolicyInWords(t *testing.T) {
	t.Parallel()
	policy := orchestrator.Policy{Classes: map[string]orchestrator.Thresholds{orchestrator.AnyClass: {Sure: 0.3, Maybe: 0.05}, "Giggle": {Sure: 0.2, Maybe: 0.2}},
		Neighbours: 0.5, Against: []orchestrator.Contrast{{Classes: []string{"Crying, sobbing"}, Weight: 1}}, LongestPause: 1.5}
	text := strings.Join(policyWords(policy), "\n")
	for _, want := range []string{"From 0.30 on it is sure; from 0.050 on it may be one", "For a giggle it takes 0.20.", "against it: crying, sobbing", "Pauses of up to 1.5 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// TestRemovalOfAPerson: only what was confirmed by name goes, and nothing of anybody else, also where they had a name before.
func TestRemovalOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	sees := map[string]string{"alice": "member", "mallory": "stranger"}
	left := func(name string) int {
		t.Helper()
		response := w.ask(sees[name], "GET", "/l/"+w.laughs[name]+"/clip", "")
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode
	}
	for _, path := range []string{"wipe", "delete"} {
		for _, typed := range []string{"", "mallory", "Alice"} {
			if status, _ := w.as("member", "POST", "/u/alice/settings/"+path, "confirm="+typed); status != http.StatusUnprocessableEntity {
				t.Errorf("%s by %q: %d", path, typed, status)
			}
		}
	}
	if left("alice") != http.StatusOK {
		t.Fatal("something was deleted")
	}
	release, err := w.program.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if status, text := w.as("member", "POST", "/u/alice/settings/wipe", "confirm=alice"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "A run is under way") {
		t.Errorf("while a run is under way: %d", status)
	}
	release()
	if status, text := w.as("member", "POST", "/u/alice/settings/wipe", "confirm=alice"); status != http.StatusOK || !strings.Contains(text, "1 laugh and its sound") {
		t.Errorf("wipe: %d", status)
	}
	if left("alice") != http.StatusNotFound || left("mallory") != http.StatusOK {
		t.Errorf("after the wipe: %d, %d", left("alice"), left("mallory"))
	}
	if status, _ := w.as("member", "POST", "/u/alice/settings/delete", "confirm=alice"); status != http.StatusSeeOther {
		t.Errorf("delete: %d", status)
	}
	if _, err := w.program.User(t.Context(), "alice"); err == nil || left("mallory") != http.StatusOK {
		t.Errorf("after the deletion: %v, %d", err, left("mallory"))
	}
	if got := w.ask("member", "GET", "/", ""); got.Header.Get("Location") != "/login" {
		t.Errorf("whoever saw her alone: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if status, text := w.as("admin", "GET", "/", ""); status != http.StatusOK || !strings.Contains(text, "sees nobody") {
		t.Errorf("who runs the server: %d", status)
	}
}

// TestANightThatFailed: the first page says why, and leads who may change something to where it helps.
func TestANightThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.BeginRun(t.Context(), orchestrator.Run{ID: "r", Trigger: orchestrator.TriggerCron, StartedAt: w.clock.now()}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code orchestrator.Code
		want []string
	}{
		{orchestrator.CodeAPIKeyRefused, []string{"Nothing of yesterday could be fetched: the recorder’s service does not accept the key.", `href="/u/alice/settings">Enter another key.`}},
		{orchestrator.CodeFolderMissing, []string{"Nothing of yesterday could be read.", "is its disk mounted?", `href="/u/alice/update">Try it now.`}},
	} {
		if err := opened.SaveDay(t.Context(), "r", orchestrator.UserDay{UserID: w.users["alice"].ID, User: "alice", Date: orchestrator.Date{Year: 2026, Month: 11, Day: 22}, Timezone: "Europe/London",
			Status: orchestrator.StatusFailed, Errors: []orchestrator.RunError{{Stage: orchestrator.StageSource, Message: "open /srv/alice", Code: c.code}}}); err != nil {
			t.Fatal(err)
		}
		_, text := w.as("member", "GET", "/u/alice", "")
		for _, want := range c.want {
			if !strings.Contains(text, want) || strings.Contains(text, "/srv") {
				t.Errorf("%s: the page lacks %q", c.code, want)
			}
		}
		if _, text := w.as("listener", "GET", "/u/alice", ""); !strings.Contains(text, c.want[0]) || strings.Contains(text, c.want[len(c.want)-1]) {
			t.Errorf("%s: a listener's page", c.code)
		}
	}
}
