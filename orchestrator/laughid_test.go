package orchestrator_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestLaughID(t *testing.T) {
	t.Parallel()
	id := orchestrator.LaughID("a", "b")
	if id != "sjhevwhkx1" { // it is in addresses that people keep
		t.Errorf("the id is %q", id)
	}
	if orchestrator.LaughID("ab", "") == orchestrator.LaughID("a", "b") {
		t.Error("parts run together")
	}
	for text, want := range map[string]string{
		id: id, strings.ToUpper(id): id, " " + id + "\n": id, "sjhev-whkxI": id, "sjhevwhkxl": id, "SJHEVWHKXL": id,
		"o000000000": "0000000000",
		"":           "", "sjhevwhkx": "", "sjhevwhkx11": "", "sjhevwhkxu": "", "sjhevwhkxé": "", "sjhevwhkx?": "", "../../etc/": "",
	} {
		got, ok := orchestrator.ParseLaughID(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestLaughCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		start := time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(rt, "start")).UTC()
		l := orchestrator.StoredLaugh{ID: orchestrator.LaughID(rapid.String().Draw(rt, "part")), Start: start,
			End:   start.Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(rt, "length")) * time.Millisecond),
			Score: rapid.Float64Range(0, 1).Draw(rt, "score"), Certainty: rapid.Float64Range(0, 1).Draw(rt, "certainty")}
		got, err := orchestrator.ParseLaughCursor(l.Cursor())
		want := orchestrator.LaughCursor{Start: start, Length: l.End.Sub(l.Start), Score: l.Score, Certainty: l.Certainty, ID: l.ID}
		if err != nil || got != want {
			rt.Fatalf("%q is %+v (%v), want %+v", l.Cursor(), got, err, want)
		}
	})
	for _, text := range []string{"", "-", "1-2-3-4", "1-2-3-4-5", "x-y-z-!-0000000000", "1-2-3-4-0000000000-5", "1-1-36chars36chars36chars-1-0000000000"} {
		if _, err := orchestrator.ParseLaughCursor(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzParseLaughCursor(f *testing.F) {
	f.Add("1-2-3-4-0000000000")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := orchestrator.ParseLaughCursor(text)
		if err != nil {
			return
		}
		l := orchestrator.StoredLaugh{ID: c.ID, Start: c.Start, End: c.Start.Add(c.Length), Score: c.Score, Certainty: c.Certainty}
		if again, err := orchestrator.ParseLaughCursor(l.Cursor()); err != nil || again.ID != c.ID || again.Score != c.Score {
			t.Errorf("%q: %+v, again %+v (%v)", text, c, again, err)
		}
	})
}

// TestDayIn holds that every instant belongs to the day whose span has it, also where clocks change at midnight.
func TestDayIn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/London", "America/Havana", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Asia/Beirut", "America/Toronto"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			at := time.Unix(rapid.Int64Range(0, 2e9).Draw(rt, "at"), 0)
			if rapid.Bool().Draw(rt, "at a change") {
				if _, end := at.In(loc).ZoneBounds(); !end.IsZero() {
					at = end.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(rt, "seconds")) * time.Second)
				}
			}
			if day := orchestrator.DayIn(at, loc); !day.Span(loc).Contains(at) {
				rt.Fatalf("%v is not in %v of %s", at.UTC(), day, name)
			}
		})
	}
}
