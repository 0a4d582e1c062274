package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

var update = flag.Bool("update", false, "write the golden files anew")

func draw(t *testing.T, name string, data any) string {
	t.Helper()
	var out bytes.Buffer
	if err := template.Must(template.ParseFS(Templates, "*.tmpl")).ExecuteTemplate(&out, name, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// golden compares a picture with the one that was looked at, and checks that it is well-formed.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s is no XML: %v", name, err)
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; look at it, then run go test -update:\n%s", name, got)
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// dayOf is a day with sound from its third to its twelfth hour, a gap of an hour, and two laughs.
func dayOf(date orchestrator.Date, loc *time.Location) Day {
	span := date.Span(loc)
	at := func(h float64) time.Time { return span.Start.Add(time.Duration(h * float64(time.Hour))) }
	return Day{Head: Head{ID: "d", Title: "The day <b>", Desc: "2 laughs"}, Span: span, Location: loc, Height: 96,
		Sound:   []orchestrator.Span{{Start: at(3), End: at(8)}, {Start: at(7), End: at(12)}},
		Missing: []orchestrator.Span{{Start: at(-2), End: at(1)}},
		Laughs: []Laugh{{ID: "0000000001", Start: at(4.5), Length: 2 * time.Second, Score: 0.9},
			{ID: "0000000002", Start: at(11), Length: time.Minute, Score: 0.2, Maybe: true}},
		Seam:  func(by time.Duration) string { return "clocks " + by.String() },
		Link:  func(s orchestrator.Span) string { return "/u/alice/2026-11-20?from=" + s.Start.In(loc).Format("15:04") },
		Count: func(n int) string { return strconv.Itoa(n) + " laughs" },
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	london := zone(t, "Europe/London")
	golden(t, "day.svg", draw(t, "chart-day", dayOf(orchestrator.Date{Year: 2026, Month: 11, Day: 20}, london).Draw()))
	golden(t, "day25.svg", draw(t, "chart-day", dayOf(orchestrator.Date{Year: 2026, Month: 10, Day: 25}, london).Draw()))
	golden(t, "wave.svg", draw(t, "chart-wave", Wave{Head: Head{ID: "w", Title: "A laugh"}, Peaks: []byte{1, 40, 255, 130, 9}, Length: 5 * time.Second,
		Onset: time.Second, Until: 4 * time.Second, Height: 64}.Draw()))
	golden(t, "bars.svg", draw(t, "chart-bars", Bars{Head: Head{ID: "b", Title: "By weekday", Desc: "most on Monday"},
		Bars: []Value{{Label: "Mon", Text: "12", Name: "Monday: 12 laughs", Value: 12}, {Label: "Tue", Text: "3", Value: 3}, {Label: "Wed", Text: "0"}}}.Draw()))
	year := Year{Head: Head{ID: "y", Title: "2026"}, From: orchestrator.Date{Year: 2026, Month: 1, Day: 1}, To: orchestrator.Date{Year: 2026, Month: 12, Day: 31},
		Today: orchestrator.Date{Year: 2026, Month: 2, Day: 10}, Link: func(d orchestrator.Date) string { return "/u/alice/" + d.String() },
		Name: func(d orchestrator.Date, c DayCount) string { return d.String() + ": " + strconv.Itoa(c.Laughs) }, Month: time.Month.String,
		Days: map[orchestrator.Date]DayCount{{Year: 2026, Month: 2, Day: 1}: {Laughs: 7, Heard: true}, {Year: 2026, Month: 2, Day: 2}: {Heard: true}}}
	golden(t, "year.svg", draw(t, "chart-year", year.Draw()))
}

func parsePercent(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !strings.HasSuffix(s, "%") {
		t.Fatalf("%q is no percentage", s)
	}
	return v
}

// TestHoursOfLongAndShortDays holds the axis to the clock on the days on which it jumps.
func TestHoursOfLongAndShortDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone  string
		date  orchestrator.Date
		hours int
		seams string
	}{
		{"Europe/London", orchestrator.Date{Year: 2026, Month: 11, Day: 20}, 24, ""},
		{"Europe/London", orchestrator.Date{Year: 2026, Month: 10, Day: 25}, 25, "clocks -1h0m0s"},
		{"Europe/London", orchestrator.Date{Year: 2026, Month: 3, Day: 29}, 23, "clocks 1h0m0s"},
		{"America/Santiago", orchestrator.Date{Year: 2026, Month: 9, Day: 6}, 23, ""},                 // midnight itself is skipped
		{"Australia/Lord_Howe", orchestrator.Date{Year: 2026, Month: 10, Day: 4}, 24, "clocks 30m0s"}, // half an hour
		{"Asia/Kathmandu", orchestrator.Date{Year: 2026, Month: 11, Day: 20}, 24, ""},
		{"Pacific/Kiritimati", orchestrator.Date{Year: 2026, Month: 11, Day: 20}, 24, ""},
	} {
		s := dayOf(c.date, zone(t, c.zone)).Draw()
		if len(s.Hours) != c.hours {
			t.Errorf("%s %v: %d hours, want %d", c.zone, c.date, len(s.Hours), c.hours)
		}
		var seams []string
		for _, seam := range s.Seams {
			seams = append(seams, seam.Label)
		}
		if got := strings.Join(seams, ", "); got != c.seams {
			t.Errorf("%s %v: seams %q, want %q", c.zone, c.date, got, c.seams)
		}
		repeated := 0
		for _, hour := range s.Hours {
			if hour.Repeated {
				repeated++
			}
		}
		if (repeated > 0) != (c.hours == 25) {
			t.Errorf("%s %v: %d hours are marked as repeated", c.zone, c.date, repeated)
		}
	}
}

// TestAxes: whatever the day, zone and data, everything lies on the strip, ticks ascend, sectors tile it, and no time is lost.
func TestAxes(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Santiago", "Africa/Cairo", "UTC"}
	rapid.Check(t, func(rt *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		date := orchestrator.Date{Year: 2026, Month: 1, Day: 1}.Add(rapid.IntRange(0, 730).Draw(rt, "day"))
		d := dayOf(date, loc)
		if rapid.Bool().Draw(rt, "stretch") {
			from := rapid.IntRange(0, 22*60).Draw(rt, "from")
			d.Span.Start = d.Span.Start.Add(time.Duration(from) * time.Minute)
			d.Span.End = d.Span.Start.Add(time.Duration(rapid.IntRange(10, 180).Draw(rt, "length")) * time.Minute)
		}
		offset := func(label string) time.Duration {
			return time.Duration(rapid.IntRange(-200, 1700).Draw(rt, label)) * time.Minute
		}
		for range rapid.IntRange(0, 5).Draw(rt, "spans") {
			start := d.Span.Start.Add(offset("start"))
			d.Sound = append(d.Sound, orchestrator.Span{Start: start, End: start.Add(offset("length"))})
			d.Laughs = append(d.Laughs, Laugh{Start: d.Span.Start.Add(offset("laugh")), Length: 3 * time.Second, Score: rapid.Float64Range(0, 1).Draw(rt, "score")})
		}
		s := d.Draw()
		sum := func(bars []Bar) (total float64) {
			for _, bar := range bars {
				x, w := parsePercent(t, bar.X), parsePercent(t, bar.W)
				if x < 0 || w < 0 || x+w > 100.001 {
					rt.Fatalf("%v lies beside the strip", bar)
				}
				total += w
			}
			return total
		}
		var bars []Bar
		for _, l := range s.Laughs {
			bars = append(bars, l.Bar)
		}
		_ = sum(bars)
		sound, inHours := sum(s.Sound), 0.0
		laughs := 0
		for _, hour := range s.Hours {
			inHours += float64(hour.Sound) / float64(d.Span.Duration()) * 100
			laughs += hour.Laughs
			if hour.Sound < 0 || hour.Sound > time.Hour+30*time.Minute {
				rt.Fatalf("hour %v has %v of sound", hour.Label, hour.Sound)
			}
		}
		if diff := sound - inHours; diff < -0.01 || diff > 0.01 {
			rt.Fatalf("strip shows %f %% of sound, its table %f %%", sound, inHours)
		}
		if laughs > len(s.Laughs) {
			rt.Fatalf("table has %d laughs, the strip %d", laughs, len(s.Laughs))
		}
		for i := 1; i < len(s.Ticks); i++ {
			if parsePercent(t, s.Ticks[i].X) <= parsePercent(t, s.Ticks[i-1].X) {
				rt.Fatalf("ticks do not ascend: %v", s.Ticks)
			}
		}
		var sectors []Bar
		for _, sector := range s.Sectors {
			sectors = append(sectors, sector.Bar)
		}
		if tiled := sum(sectors); len(sectors) > 0 && (tiled < 99.99 || tiled > 100.01) {
			rt.Fatalf("sectors cover %f %%", tiled)
		}
		if len(sectors) > 9 {
			rt.Fatalf("%d sectors are too narrow for a thumb", len(sectors))
		}
	})
}

// TestSteps: dots grow with the number of laughs, equal numbers look alike, and the legend says what occurs.
func TestSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		from := orchestrator.Date{Year: 2026, Month: 1, Day: 1}
		y := Year{From: from, To: from.Add(364), Today: from.Add(rapid.IntRange(0, 400).Draw(rt, "today")), Days: map[orchestrator.Date]DayCount{},
			Link: orchestrator.Date.String, Name: func(d orchestrator.Date, c DayCount) string { return strconv.Itoa(c.Laughs) }, Month: time.Month.String}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 60), 0, 365).Draw(rt, "counts") {
			y.Days[from.Add(len(y.Days))] = DayCount{Laughs: n, Heard: true}
		}
		c := y.Draw()
		for i, step := range c.Legend {
			if step.From > step.To || i > 0 && c.Legend[i-1].To >= step.From {
				rt.Fatalf("legend %v", c.Legend)
			}
		}
		dots, biggest := 0, map[int]int{}
		for _, half := range c.Halves {
			dots += len(half.Dots)
			for _, dot := range half.Dots {
				n, _ := strconv.Atoi(dot.Label)
				if (n > 0) != (dot.Size > 0) {
					rt.Fatalf("%d laughs have size %d", n, dot.Size)
				}
				if n > 0 && (c.Legend[0].From > n || c.Legend[len(c.Legend)-1].To < n) && !y.Today.Before(y.To) {
					rt.Fatalf("%d laughs are not in the legend %v", n, c.Legend)
				}
				if dot.Size < 0 { // no sound
					continue
				}
				if size, seen := biggest[n]; seen && size != dot.Size {
					rt.Fatalf("%d laughs have sizes %d and %d", n, size, dot.Size)
				}
				biggest[n] = dot.Size
			}
		}
		if want := min(365, int(noon(y.Today).Sub(noon(from)).Hours()/24)+1); dots != want {
			rt.Fatalf("%d dots, want %d", dots, want)
		}
		for n, size := range biggest {
			for m, other := range biggest {
				if n < m && size > other {
					rt.Fatalf("%d laughs are larger than %d", n, m)
				}
			}
		}
	})
}

func TestWave(t *testing.T) {
	t.Parallel()
	p := Wave{Peaks: nil, Length: 0, Height: 40}.Draw()
	if p.Width < 1 || p.Laugh != "" {
		t.Errorf("no sound: %+v", p)
	}
	p = Wave{Peaks: make([]byte, 50), Length: 5 * time.Second, Onset: 2 * time.Second, Until: 3 * time.Second, Height: 40}.Draw()
	if n := strings.Count(p.Laugh, "M"); n != 10 {
		t.Errorf("%d of 50 bars are the laugh's, want 10", n)
	}
	if n := strings.Count(p.Around, "M"); n != 40 {
		t.Errorf("%d bars around it, want 40", n)
	}
	if ticks := Seconds(5 * time.Second); len(ticks) != 6 || ticks[5].Anchor != "end" || ticks[5].X != "100%" {
		t.Errorf("axis %v", ticks)
	}
}

// TestNoScript: what comes from outside is text in every picture.
func TestNoScript(t *testing.T) {
	t.Parallel()
	d := dayOf(orchestrator.Date{Year: 2026, Month: 11, Day: 20}, time.UTC)
	d.Title, d.Desc = `"><script>alert(1)</script>`, `</desc><script>`
	d.Laughs[0].ID = `"><script>`
	d.Link = func(orchestrator.Span) string { return "javascript:alert(1)" }
	got := draw(t, "chart-day", d.Draw())
	if strings.Contains(got, "<script") || strings.Contains(got, `"javascript:`) {
		t.Errorf("got %s", got)
	}
}
