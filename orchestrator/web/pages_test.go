package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// answer sends a request as the one who is signed in.
func answer(t *testing.T, h *house, method, path string, form url.Values, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host = "localhost"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.AddCookie(&http.Cookie{Name: "chortle", Value: "test"})
	w := httptest.NewRecorder()
	h.handler("").ServeHTTP(w, r)
	return w.Result()
}

// TestBadInput: what makes no sense is named, nothing is changed, and nothing of the inside is in the answer.
func TestBadInput(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	l := h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0]
	page := "/l/" + l.ID
	for _, c := range []struct {
		method, path string
		form         url.Values
		want         int
	}{
		{"GET", "/l/0000000000", nil, 404},
		{"GET", "/l/..", nil, 400},
		{"GET", "/l/%3Cscript%3E", nil, 404},
		{"GET", "/l/0000000000/clip", nil, 404},
		{"GET", "/u/nobody", nil, 404},
		{"GET", "/u/gil/yesterday", nil, 404},
		{"GET", "/u/gil/2026-13-45", nil, 404},
		{"GET", "/u/gil/2031-01-01", nil, 200},
		{"GET", "/u/gil/1969-01-01", nil, 200},
		{"GET", "/u/gil/2026-11-27?from=18:00&to=17:00", nil, 400},
		{"GET", "/u/gil/2026-11-27?from=25:00&to=26:00", nil, 400},
		{"GET", "/u/gil/2026-11-27?maybe=-1", nil, 400},
		{"GET", "/u/gil/2026-11-27?maybe=x", nil, 400},
		{"GET", "/u/gil/2026-11-27?after=" + strings.Repeat("9", 5000), nil, 200},
		{"GET", "/u/gil/review?after=nonsense", nil, 400},
		{"GET", "/u/gil/year?y=99999", nil, 400},
		{"GET", "/u/gil/year?from=2026-11-30&to=2026-11-01", nil, 400},
		{"GET", "/u/gil/year?from=1990-01-01&to=2026-11-01", nil, 400},
		{"POST", page + "/mark", url.Values{"mark": {"funny"}}, 400},
		{"POST", page + "/note", url.Values{"note": {strings.Repeat("ж", 10_000)}}, 400},
		{"POST", page + "/note", url.Values{"note": {strings.Repeat("x", 70_000)}}, 413},
		{"POST", page + "/forget", url.Values{}, 400},
		{"POST", "/l/0000000000/mark", url.Values{"mark": {"right"}}, 404},
		{"POST", "/u/gil/review", url.Values{"mark": {"right"}, "id": {"0000000000"}}, 404},
		{"POST", "/u/gil/undo", url.Values{"was": {"0000000000.funny"}}, 400},
		{"POST", "/u/gil/undo", url.Values{"was": {strings.Repeat("0000000000.,", 200)}}, 400},
	} {
		got := answer(t, h, c.method, c.path, c.form)
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != c.want {
			t.Errorf("%s %.60s: %d, want %d", c.method, c.path, got.StatusCode, c.want)
		}
		if text := string(body); strings.Contains(text, "SELECT") || strings.Contains(text, "chortle.db") || strings.Contains(text, "<script>") {
			t.Errorf("%s %.60s tells too much: %.300s", c.method, c.path, text)
		}
	}
	if got := h.laugh(t, "gil", l.ID); got.Mark != l.Mark || got.Note != l.Note || got.Star != l.Star {
		t.Errorf("something was changed: %+v", got)
	}
}

// TestWhereAFormMayLead: a form's way back never leaves us.
func TestWhereAFormMayLead(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	page := "/l/" + h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0].ID
	for back, want := range map[string]string{"": page, "/u/gil/review": "/u/gil/review", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "javascript:alert(1)": "/"} {
		got := answer(t, h, "POST", page+"/mark", url.Values{"mark": {"right"}, "back": {back}})
		location, err := url.Parse(got.Header.Get("Location"))
		if err != nil || got.StatusCode != http.StatusSeeOther || location.Host != "" || location.Path != want {
			t.Errorf("back %q leads to %v (%d)", back, location, got.StatusCode)
		}
	}
}

// TestTwoTabs: a star and a note and a mark, each sent by a page that does not know of the others, all stay.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	l := h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0]
	page := "/l/" + l.ID
	answer(t, h, "POST", page+"/star", url.Values{"star": {"1"}})
	answer(t, h, "POST", page+"/note", url.Values{"note": {"from the other tab"}})
	answer(t, h, "POST", page+"/mark", url.Values{"mark": {"right"}})
	if got := h.laugh(t, "gil", l.ID); !got.Star || got.Note != "from the other tab" || got.Mark != orchestrator.MarkRight {
		t.Errorf("one tab undid the other: %+v", got)
	}
}

// TestClips: right types, ranges, and nothing that a shared cache would keep.
func TestClips(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	page := "/l/" + h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0].ID
	whole := answer(t, h, "GET", page+"/clip", nil)
	for name, want := range map[string]string{"Content-Type": "audio/ogg; codecs=opus", "Cache-Control": "private, max-age=31536000, immutable", "Accept-Ranges": "bytes",
		"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"} {
		if got := whole.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := whole.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "inline; filename=gil-2026-11-2") || !strings.HasSuffix(got, "-laugh.opus") {
		t.Errorf("the file is called %q", got)
	}
	for path, want := range map[string]string{"/clip.wav": "audio/wav", "/wave.svg": "image/svg+xml", "/spectrogram.png": "image/png", "/spectrogram.png?theme=dark": "image/png"} {
		got := answer(t, h, "GET", page+path, nil)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != want || !strings.HasPrefix(got.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %d, %v", path, got.StatusCode, got.Header)
		}
	}
	for asked, want := range map[string]int{"bytes=0-99": 206, "bytes=-10": 206, "bytes=99999999-": 416, "bytes=5-2": 416, "nonsense": 416} {
		got := answer(t, h, "GET", page+"/clip", nil, "Range", asked)
		body, err := io.ReadAll(got.Body)
		if err != nil || got.StatusCode != want {
			t.Errorf("range %q: %d, %v", asked, got.StatusCode, err)
		}
		if asked == "bytes=0-99" && len(body) != 100 {
			t.Errorf("range %q brings %d bytes", asked, len(body))
		}
	}
	if got := answer(t, h, "GET", page+"/clip", nil, "If-None-Match", whole.Header.Get("ETag")); got.StatusCode != http.StatusNotModified {
		t.Errorf("a clip that the browser has: %d", got.StatusCode)
	}
}

// TestAClipThatIsGone is said, and the rest stays.
func TestAClipThatIsGone(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	l := h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0]
	kept, err := h.service.Clips(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Delete(t.Context(), l.Clip); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/clip": 404, "/clip.wav": 404, "/wave.svg": 404, "/spectrogram.png": 404, "": 200} {
		if got := answer(t, h, "GET", "/l/"+l.ID+path, nil); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
	page, err := io.ReadAll(answer(t, h, "GET", "/l/"+l.ID, nil).Body)
	if err != nil || !strings.Contains(string(page), "The sound of this laugh is gone.") {
		t.Errorf("the page does not say that the sound is gone (%v)", err)
	}
}

// TestCountsAgree: home, day and year count by one rule, also what a person said of laughs.
func TestCountsAgree(t *testing.T) {
	t.Parallel()
	h := build(t, "alice")
	yesterday := orchestrator.Date{Year: 2026, Month: 11, Day: 27}
	var sure, maybe []orchestrator.StoredLaugh
	for _, l := range h.laughs(t, "alice", orchestrator.LaughFilter{From: yesterday, To: yesterday}) {
		if l.Tier == orchestrator.TierMaybe {
			maybe = append(maybe, l)
		} else {
			sure = append(sure, l)
		}
	}
	if len(sure) < 2 || len(maybe) < 2 {
		t.Fatalf("%d sure and %d maybe are too few for this test", len(sure), len(maybe))
	}
	answer(t, h, "POST", "/l/"+sure[0].ID+"/mark", url.Values{"mark": {"wrong"}})
	answer(t, h, "POST", "/l/"+maybe[0].ID+"/mark", url.Values{"mark": {"right"}})
	answer(t, h, "POST", "/l/"+maybe[1].ID+"/mark", url.Values{"mark": {"right"}})
	want := len(sure) - 1 + 2
	for path, text := range map[string]string{
		"/u/alice":            `<span class="big">` + strconv.Itoa(want) + `</span>`,
		"/u/alice/2026-11-27": `<b>` + strconv.Itoa(want) + ` laughs</b>`,
		"/u/alice/year":       `aria-label="Friday 27 November: ` + strconv.Itoa(want) + ` laughs"`,
	} {
		page, err := io.ReadAll(answer(t, h, "GET", path, nil).Body)
		if err != nil || !strings.Contains(string(page), text) {
			t.Errorf("%s lacks %s (%v)", path, text, err)
		}
	}
	page, err := io.ReadAll(answer(t, h, "GET", "/u/alice/year", nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	number := func(text string) int { n, _ := strconv.Atoi(strings.ReplaceAll(text, ",", "")); return n }
	whole := regexp.MustCompile(`<b>([\d,]+) laughs</b>`).FindSubmatch(page)
	for _, caption := range []string{"By hour of the day", "By weekday", "By month"} {
		_, table, _ := strings.Cut(string(page), "<caption>"+caption)
		table, _, _ = strings.Cut(table, "</table>")
		sum := 0
		for _, cell := range regexp.MustCompile(`<td class="n">([\d,]+)</td>`).FindAllStringSubmatch(table, -1) {
			sum += number(cell[1])
		}
		if whole == nil || sum == 0 || sum != number(string(whole[1])) {
			t.Errorf("%s: %d laughs, of the year %s", caption, sum, whole)
		}
	}
}

// TestForeignText: a file's name from outside is text, wherever it is shown.
func TestForeignText(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	l := h.laughs(t, "gil", orchestrator.LaughFilter{Limit: 1})[0]
	answer(t, h, "POST", "/l/"+l.ID+"/note", url.Values{"note": {`"><script>alert(1)</script>`}})
	for _, path := range []string{"/l/" + l.ID, "/u/gil/" + l.Day.String() + "?maybe=10"} {
		page, err := io.ReadAll(answer(t, h, "GET", path, nil).Body)
		if err != nil || strings.Contains(string(page), "<script>") || !strings.Contains(string(page), "&lt;script&gt;") {
			t.Errorf("%s: the note is not text (%v)", path, err)
		}
	}
}

// TestADatabaseThatGoesAway: the answer says that something is wrong, and nothing of the inside.
func TestADatabaseThatGoesAway(t *testing.T) {
	t.Parallel()
	h := build(t, "gil")
	if err := h.service.Close(); err != nil {
		t.Fatal(err)
	}
	got := answer(t, h, "GET", "/u/gil", nil)
	page, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode < 500 || strings.Contains(string(page), "sql") || strings.Contains(string(page), filepath.Base(testkit.Root())+"/") {
		t.Errorf("%d %s (%v)", got.StatusCode, page, err)
	}
}
