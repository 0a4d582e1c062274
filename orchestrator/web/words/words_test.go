package words

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestText(t *testing.T) {
	t.Parallel()
	c := English()
	for n, want := range map[int]string{0: "0 laughs", 1: "1 laugh", 2: "2 laughs", 12345: "12,345 laughs"} {
		if got := c.Text("laughs", "n", n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := c.Text("no such key"); got != "no such key" {
		t.Errorf("missing key: got %q", got)
	}
}

func TestAKeyStandsInOneFile(t *testing.T) {
	t.Parallel()
	_, err := load("en", fstest.MapFS{"en/a.json": {Data: []byte(`{"x":"1"}`)}, "en/b.json": {Data: []byte(`{"x":"2"}`)}})
	if err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("got %v", err)
	}
}

// TestTone holds the catalogue to its tone: nothing shouts, and every plural has both forms.
func TestTone(t *testing.T) {
	t.Parallel()
	c := English()
	for _, key := range c.Keys() {
		e := c.entries[key]
		if text := e.One + e.Other; strings.Contains(text, "!") || strings.Contains(text, "  ") || strings.TrimSpace(e.Other) == "" {
			t.Errorf("%s: %q", key, text)
		}
		if strings.Contains(e.Other, "{n}") && e.One == "" && slices.ContainsFunc([]string{"{n} laughs", "{n} days", "{n} people"}, func(s string) bool { return strings.Contains(e.Other, s) }) {
			t.Errorf("%s has no form for one: %q", key, e.Other)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	c := English()
	for d, want := range map[time.Duration]string{0: "0.0 s", 2349 * time.Millisecond: "2.3 s", 59960 * time.Millisecond: "1:00 min", 64 * time.Second: "1:04 min"} {
		if got := c.Seconds(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 min", time.Second: "less than a minute", 40 * time.Minute: "40 min", 2 * time.Hour: "2 h", 580 * time.Minute: "9 h 40", 545 * time.Minute: "9 h 05"} {
		if got := c.Length(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	today := orchestrator.Date{Year: 2026, Month: 11, Day: 28}
	for _, want := range []string{"today", "yesterday", "Thursday", "Wednesday", "Tuesday", "Monday", "Sunday", "Saturday 21 November"} {
		if got := c.Near(today, orchestrator.Date{Year: 2026, Month: 11, Day: 28}); got != want {
			t.Errorf("%v: got %q, want %q", today, got, want)
		}
		today = today.Add(-1)
	}
	if got := c.Day(orchestrator.Date{Year: 2025, Month: 1, Day: 1}, orchestrator.Date{Year: 2026}); got != "Wednesday 1 January 2025" {
		t.Errorf("got %q", got)
	}
	if got := Zone("America/Argentina/Buenos_Aires"); got != "Buenos Aires" {
		t.Errorf("got %q", got)
	}
}
