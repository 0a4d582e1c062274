package letter_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/letter"
)

var update = flag.Bool("update", false, "write the golden letters anew")

func day(d int) orchestrator.Date { return orchestrator.Date{Year: 2026, Month: 11, Day: d} }

func laugh(id string, d, hour int, length time.Duration, class string) orchestrator.StoredLaugh {
	start := time.Date(2026, 11, d, hour, 14, 3, 0, time.UTC)
	return orchestrator.StoredLaugh{ID: id, User: "alice", Timezone: "Europe/Berlin", Day: day(d), Start: start, End: start.Add(length), Score: 0.9, Class: class, Clip: "x"}
}

func week() orchestrator.Digest {
	longest := laugh("0k7c3d9xyz", 19, 23, 8200*time.Millisecond, "Belly laugh")
	return orchestrator.Digest{User: "alice", Timezone: "Europe/Berlin", Period: orchestrator.PeriodWeekly, From: day(15), To: day(21), Laughs: 42, Usual: 30, HasUsual: true,
		Days: []orchestrator.DayLaughs{{Date: day(15), Laughs: 4}, {Date: day(16), Silent: true}, {Date: day(17), Laughs: 12}, {Date: day(18), Laughs: 1},
			{Date: day(19), Laughs: 20}, {Date: day(20), Silent: true}, {Date: day(21), Laughs: 5}},
		Best:    []orchestrator.StoredLaugh{laugh("1b2c3d4e5f", 17, 13, 2300*time.Millisecond, "Laughter"), laugh("2b2c3d4e5f", 21, 20, 1100*time.Millisecond, "Giggle"), longest},
		Longest: &longest, Heard: 61*time.Hour + 20*time.Minute, Unheard: 3*time.Hour + 10*time.Minute, Lost: 1}
}

// TestLetters holds whole letters: what a person reads.
func TestLetters(t *testing.T) {
	t.Parallel()
	quiet := week()
	quiet.Laughs, quiet.Best, quiet.Longest, quiet.HasUsual = 0, nil, nil, false
	quiet.Days = []orchestrator.DayLaughs{{Date: day(21)}}
	quiet.From, quiet.Period, quiet.Lost, quiet.Unheard, quiet.Heard = day(21), orchestrator.PeriodDaily, 2, 40*time.Minute, 0
	one := week()
	one.From, one.To, one.Period, one.Days, one.Laughs, one.Usual = day(21), day(21), orchestrator.PeriodDaily, one.Days[6:], 1, 5
	one.Best, one.Lost, one.Unheard = one.Best[:1], 0, 0
	for name, c := range map[string]struct {
		digest  orchestrator.Digest
		options letter.Options
	}{
		"week":    {week(), letter.Options{Page: "https://example.org/laughs", Unsubscribe: "https://example.org/laughs/unsubscribe/token", StopCommand: "orchestrator digest stop 3", Attached: 3}},
		"one":     {one, letter.Options{StopCommand: "orchestrator digest stop 3", Attached: 1}},
		"unheard": {quiet, letter.Options{Page: "https://example.org/laughs"}},
		"no-laughs": {func() orchestrator.Digest {
			d := week()
			d.Laughs, d.Best, d.Longest, d.HasUsual = 0, nil, nil, false
			for i := range d.Days {
				d.Days[i].Laughs = 0
			}
			return d
		}(), letter.Options{}},
		"test": {week(), letter.Options{Test: true, Attached: 2}},
		"a-border": {func() orchestrator.Digest {
			d := week()
			d.From = orchestrator.Date{Year: 2026, Month: 10, Day: 31}
			return d
		}(), letter.Options{}},
	} {
		l, err := letter.Write(c.digest, c.options)
		if err != nil {
			t.Fatal(err)
		}
		for ending, got := range map[string]string{".txt": l.Subject + "\n\n" + l.Text + "\n----\n" + l.Short + "\n", ".html": l.HTML} {
			path := "testdata/" + name + ending
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(path); err != nil || string(want) != got {
				t.Errorf("%s: %v; run with -update and look at the difference", path, err)
			}
		}
		for _, text := range []string{l.Subject, l.Text, l.HTML, l.Short} {
			if left := regexp.MustCompile(`\{\w+\}|ZgotmplZ|<no value>|!\(`).FindString(text); left != "" {
				t.Errorf("%s: %q is left in %q", name, left, text)
			}
		}
		if len(l.Short) > 1000 || strings.ContainsAny(l.Subject, "\r\n") {
			t.Errorf("%s: too long for a phone: %d, or a broken subject %q", name, len(l.Short), l.Subject)
		}
		if _, err := html.Parse(strings.NewReader(l.HTML)); err != nil {
			t.Error(err)
		}
	}
}

func TestUsual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		laughs, usual int
		want          string
	}{{12, 10, "About as many"}, {13, 10, "More than"}, {8, 10, "About as many"}, {7, 10, "Fewer than"}, {1, 1, "About as many"}, {1, 0, "More than"}, {0, 10, ""}} {
		d := week()
		d.Laughs, d.Usual = c.laughs, c.usual
		l, err := letter.Write(d, letter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(l.Text, "usual week"); has != (c.want != "") || !strings.Contains(l.Text, c.want) {
			t.Errorf("%d of %d: %q", c.laughs, c.usual, l.Text)
		}
	}
}

// TestForeignText: the label of a model and the name of a zone are somebody else's.
func TestForeignText(t *testing.T) {
	t.Parallel()
	d := week()
	d.Best[0].Class = "<script>alert(1)</script>\r\nBcc: x\x00\xff\u2028"
	l, err := letter.Write(d, letter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(l.HTML, "<script") || strings.Contains(l.Text, "\nBcc") || strings.ContainsAny(l.Text, "\x00\u2028") {
		t.Errorf("it breaks out: %q\n%s", l.Text, l.HTML)
	}
}
