package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestPlaylist: a link to several laughs plays these, in their order, and nothing else; it can be revoked.
func TestPlaylist(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	model := orchestrator.Model{Name: "yamnet", Version: "1", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(3600 * orchestrator.SampleRateHz)
	var laughs []orchestrator.Laugh
	for second := range int64(4) {
		key := "alice/2026/11/21/" + string('a'+rune(second)) + ".wav"
		clips, err := w.program.Clips(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := clips.Put(t.Context(), key, []byte("RIFF no sound")); err != nil {
			t.Fatal(err)
		}
		laughs = append(laughs, orchestrator.Laugh{Onset: (100*second + 1) * 16000, Offset: (100*second + 3) * 16000, Score: 0.5, Class: "Laughter", Tier: orchestrator.TierSure,
			ClassScores: []float64{0.5}, Clip: key})
	}
	if _, err := opened.SaveRecording(t.Context(), orchestrator.Result{UserID: w.users["alice"].ID, Model: model, Scores: scores, Laughs: laughs,
		Recording: orchestrator.Recording{Name: "party.wav", Start: time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC), SHA256: "party"}}); err != nil {
		t.Fatal(err)
	}
	// Four laughs, 100 s apart: two lie within two minutes.
	if status, page := w.as("member", "GET", "/u/alice/year?from=2026-11-01&to=2026-11-30&infectious=1", ""); status != http.StatusOK || !strings.Contains(page, ">2 laughs</a><small>within two minutes, Saturday, 18:00") {
		t.Errorf("the most infectious moment: %d", status)
	}
	status, page := w.as("member", "GET", "/u/alice/share?day=2026-11-21", "")
	var ids []string
	for _, found := range regexp.MustCompile(`name="id" value="(\w+)"`).FindAllStringSubmatch(page, -1) {
		ids = append(ids, found[1])
	}
	if status != http.StatusOK || len(ids) != 4 {
		t.Fatalf("to choose from: %d, %v", status, ids)
	}
	for query, want := range map[string]int{"day=x": 400, "": 200, "from=2026-01-01&to=2026-12-31": 200, "from=1&to=2": 400, "day=2026-11-20": 200} {
		if status, _ := w.as("member", "GET", "/u/alice/share?"+query, ""); status != want {
			t.Errorf("%s: %d, want %d", query, status, want)
		}
	}
	form := func(ids ...string) string {
		return url.Values{"id": ids, "title": {"<b>Friday"}, "days": {"1"}}.Encode()
	}
	for name, c := range map[string]struct {
		account, path, form string
		want                int
	}{
		"none":               {"member", "/u/alice/shares", form(), 400},
		"one twice":          {"member", "/u/alice/shares", form(ids[0], ids[0]), 400},
		"no laugh":           {"member", "/u/alice/shares", form("no such"), 400},
		"somebody else's":    {"member", "/u/alice/shares", form(ids[0], w.laughs["mallory"]), 404},
		"another's name":     {"stranger", "/u/alice/shares", form(ids[0]), 404},
		"from another's":     {"stranger", "/u/mallory/shares", form(ids[0]), 404},
		"by a listener":      {"listener", "/u/alice/shares", form(ids[0]), 403},
		"more than can play": {"member", "/u/alice/shares", form(make([]string, 51)...), 400},
	} {
		if status, text := w.as(c.account, "POST", c.path, c.form); status != c.want || strings.Contains(text, "/s/") {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
	}
	status, page = w.as("member", "POST", "/u/alice/shares", form(ids[2], ids[0]))
	link := regexp.MustCompile(`value="http://localhost(/s/[^"]+)"`).FindStringSubmatch(page)
	if status != http.StatusOK || link == nil || strings.Contains(page, "<b>Friday") {
		t.Fatalf("make a link: %d", status)
	}
	status, page = w.as("", "GET", link[1], "")
	first, second := strings.Index(page, ids[2]), strings.Index(page, ids[0])
	if status != http.StatusOK || first < 0 || second < first || strings.Contains(page, ids[1]) || strings.Contains(page, "party.wav") || strings.Contains(page, "<b>Friday") {
		t.Errorf("the list: %d, %d, %d", status, first, second)
	}
	for id, want := range map[string]int{ids[0]: 200, ids[2]: 200, ids[1]: 404, w.laughs["alice"]: 404, w.laughs["mallory"]: 404} {
		if status, _ := w.as("", "GET", link[1]+"/"+id+"/clip", ""); status != want {
			t.Errorf("clip %s by the link: %d, want %d", id, status, want)
		}
	}
	_, page = w.as("member", "GET", "/u/alice/shares", "")
	revoke := regexp.MustCompile(`/u/alice/shares/\d+/revoke`).FindString(page)
	if status, _ := w.as("member", "POST", revoke, ""); status != http.StatusSeeOther {
		t.Errorf("revoke: %d", status)
	}
	for _, path := range []string{link[1], link[1] + "/" + ids[0] + "/clip"} {
		if status, _ := w.as("", "GET", path, ""); status != http.StatusNotFound {
			t.Errorf("%s after that: %d", path, status)
		}
	}
}
