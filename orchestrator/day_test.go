package orchestrator_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// zones lists every zone of the Go installation's own database.
func zones(t *testing.T) []*time.Location {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var all []*time.Location
	for _, file := range archive.File {
		if loc, err := time.LoadLocation(file.Name); err == nil && !file.FileInfo().IsDir() {
			all = append(all, loc)
		}
	}
	if len(all) < 300 {
		t.Fatalf("only %d zones", len(all))
	}
	return all
}

// Old system, defect 14: on days of a clock change an hour was lost or read twice.
func TestDefect14DaysMeetExactlyInEveryZone(t *testing.T) {
	t.Parallel()
	// Only days whose UTC offsets around them differ are worth the search, and a sample of the others.
	for _, loc := range zones(t) {
		date := orchestrator.Date{Year: 2010, Month: 1, Day: 1}
		end := orchestrator.Date{Year: 2027, Month: 1, Day: 1}
		for i := 0; date.Before(end); i, date = i+1, date.Add(1) {
			noon := time.Date(date.Year, date.Month, date.Day, 12, 0, 0, 0, time.UTC)
			_, before := noon.Add(-48 * time.Hour).In(loc).Zone()
			_, after := noon.Add(48 * time.Hour).In(loc).Zone()
			if before == after && i%97 != 0 {
				continue
			}
			span, next := date.Span(loc), date.Add(1).Span(loc)
			if !span.End.Equal(next.Start) {
				t.Fatalf("%s %s: ends %s, the next begins %s", loc, date, span.End, next.Start)
			}
			shift := time.Duration(after-before) * time.Second
			switch hours := span.Duration(); {
			case hours == 24*time.Hour, hours == 24*time.Hour-shift:
			case shift.Abs() >= 23*time.Hour && hours == 0: // a zone that moved across the date line
			case shift == 0: // there and back within four days, as Morocco around Ramadan
			default:
				t.Fatalf("%s %s: %s long, offsets %d and %d", loc, date, hours, before, after)
			}
			if span.Duration() == 0 {
				continue
			}
			first, last := span.Start.In(loc), span.End.Add(-time.Nanosecond).In(loc)
			if orchestrator.DateOf(first) != date || orchestrator.DateOf(last) != date {
				t.Fatalf("%s %s: from %s to %s", loc, date, first, last)
			}
		}
	}
}

func TestDaySpans(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone, date, start string
		hours             float64
	}{
		{"Europe/London", "2026-11-22", "2026-11-22T00:00:00Z", 24},
		{"America/Los_Angeles", "2025-11-02", "2025-11-02T07:00:00Z", 25},
		{"America/Los_Angeles", "2026-03-08", "2026-03-08T08:00:00Z", 23},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24.5},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23}, // midnight itself was skipped
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0},       // the whole day was skipped
		{"Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15:00Z", 24},
	} {
		loc, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		date, err := orchestrator.ParseDate(test.date)
		if err != nil {
			t.Fatal(err)
		}
		span := date.Span(loc)
		if span.Start.Format(time.RFC3339) != test.start || span.Duration().Hours() != test.hours {
			t.Errorf("%s %s: from %s, %v hours", test.zone, test.date, span.Start.Format(time.RFC3339), span.Duration().Hours())
		}
	}
}

func TestParseDateRefusesWhatIsNoDate(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "yesterday", "2026-02-30", "2026-1-1", "22.11.2026", "2026-11-22T00:00:00Z"} {
		if date, err := orchestrator.ParseDate(bad); err == nil {
			t.Errorf("%q was read as %s", bad, date)
		}
	}
}
