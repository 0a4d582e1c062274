package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

// The system that Chortle replaces had defects, which its report counts; those with a counterpart here are
// tests of that number, in the packages where they would come back. These are the ones that a whole run shows.

// laughs returns what is stored of laughs, without what a reprocessing may change.
func (p *place) laughs() any {
	p.Helper()
	return at(p.json(0, "laughs", "list"), "laughs")
}

// Reprocessing always failed, and would have counted everything anew.
func TestDefect3ReprocessingWorksAndCountsNothingTwice(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	laughs, clips := p.laughs(), p.clipFiles()
	again := p.json(0, append(day, "--reprocess")...)
	if at(again, "users", 0, "recordings", "processed") != 1.0 || at(again, "users", 0, "laughs", "new") != 0.0 {
		t.Errorf("reprocessed: %v", at(again, "users", 0))
	}
	if diff := cmp.Diff(laughs, p.laughs()); diff != "" {
		t.Errorf("laughs changed:\n%s", diff)
	}
	if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
		t.Errorf("clips changed:\n%s", diff)
	}
}

// Reprocessing deleted a day's results before it knew that it could make them again.
func TestDefectAFailedReprocessingKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	laughs, clips := p.laughs(), p.clipFiles()
	if r := p.run(append(day, "--reprocess", "--model", p.path("nowhere"))...); r.code != orchestrator.ExitIncomplete {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	if diff := cmp.Diff(laughs, p.laughs()); diff != "" {
		t.Errorf("laughs changed:\n%s", diff)
	}
	if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
		t.Errorf("clips changed:\n%s", diff)
	}
}

// A second try after a crash took its own first clips for duplicates, and deleted them with the rows' sound.
func TestDefect6ATryAfterACrashLosesNoClip(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	laughs, clips := p.laughs(), p.clipFiles()
	for _, file := range []string{"chortle.db", "chortle.db-wal", "chortle.db-shm"} { // as if it had died between clip and row
		if err := os.Remove(p.path("data/" + file)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	p.alice().must(day...)
	if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
		t.Errorf("clips changed:\n%s", diff)
	}
	if clip := at(p.laughs(), 0, "clip"); clip != at(laughs, 0, "clip") || clips["/"+fmt.Sprint(clip)] == "" {
		t.Errorf("the laugh's clip is %v", clip)
	}
}

// A recording that could not be decoded counted as read, and was deleted.
func TestDefect8ARecordingThatCannotBeReadIsToldAndReadLater(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	good := p.content(p.path("alice/2026-11-22T14-30-00Z.ogg"), 99)
	late := p.file("alice", "2026-11-22T16-00-00Z.ogg", good[:100])
	first := p.json(orchestrator.ExitIncomplete, day...)
	if at(first, "users", 0, "recordings", "failed") != 1.0 || at(first, "users", 0, "errors", 0, "recording") != filepath.Base(late) {
		t.Errorf("the first run: %v", at(first, "users", 0))
	}
	if _, err := os.Stat(late); err != nil {
		t.Error(err)
	}
	p.file("alice", filepath.Base(late), good) // the copy is whole now
	next := p.json(0, day...)
	if at(next, "users", 0, "recordings", "processed") != 1.0 || at(next, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("the next run: %v", at(next, "users", 0))
	}
}

// A later run of the same day wrote over what the first had logged.
func TestDefectALaterRunLeavesTheLogOfTheFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	first := p.json(0, append(day, "--trigger", "cron")...)
	p.must(day...)
	shown := p.json(0, "runs", "show", fmt.Sprint(at(first, "run_id")))
	if at(shown, "trigger") != "cron" || at(shown, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("the first run is shown as %v", shown)
	}
	if runs := at(p.json(0, "runs", "list"), "runs"); at(runs, 1) == nil {
		t.Errorf("runs: %v", runs)
	}
}

// What one user's day counted was mixed with another's.
func TestDefectUsersSideBySideCountApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "folder:"+p.path("nowhere"))
	p.recording("carol", "2026-11-22_09-00-00.ogg")
	p.recording("carol", "2026-11-22_10-00-01.ogg")
	p.must("user", "add", "carol", "--timezone", "Asia/Tokyo", "--source", "folder:"+p.path("carol"))
	run := p.json(orchestrator.ExitIncomplete, append(day, "--users-at-once", "3")...)
	got := map[any]any{}
	for i := range 3 {
		got[at(run, "users", i, "user")] = at(run, "users", i, "laughs", "new")
	}
	if diff := cmp.Diff(map[any]any{"alice": 1.0, "bob": 0.0, "carol": 2.0}, got); diff != "" {
		t.Errorf("laughs by user:\n%s", diff)
	}
}

// Reprocessing logged by the date in UTC, and deleted the log of the day after.
func TestDefectReprocessingADayLeavesTheNextAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.recording("alice", "2026-11-05_16-30-00.ogg") // in UTC, it is the 6th
	p.file("alice", "2026-11-06_16-30-00.ogg", p.content(p.path("alice/2026-11-05_16-30-00.ogg"), 2))
	p.must("user", "add", "alice", "--timezone", "America/Los_Angeles", "--source", "folder:"+p.path("alice"))
	both := p.json(0, "run", "--from", "2026-11-05", "--to", "2026-11-06")
	laughs, clips := p.laughs(), p.clipFiles()
	again := p.json(0, "run", "--date", "2026-11-05", "--reprocess")
	if at(again, "users", 0, "date") != "2026-11-05" || at(again, "users", 0, "recordings", "processed") != 1.0 || at(again, "users", 1) != nil {
		t.Errorf("reprocessed: %v", again)
	}
	if diff := cmp.Diff(both, p.json(0, "runs", "show", fmt.Sprint(at(both, "run_id")))); diff != "" {
		t.Errorf("the log changed:\n%s", diff)
	}
	if diff := cmp.Diff(laughs, p.laughs()); diff != "" || at(laughs, 1) == nil {
		t.Errorf("laughs changed:\n%s", diff)
	}
	if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
		t.Errorf("clips changed:\n%s", diff)
	}
}

// A zone that is none was accepted, and failed its user every night from then on.
func TestAnUnknownZoneIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	for _, zone := range []string{"Europe/Londn", "PST8", "+01:00", "Local", "../zone", ""} {
		for _, args := range [][]string{{"user", "add", "bob", "--source", "folder:" + p.path("alice")}, {"user", "set", "alice"}} {
			if r := p.run(append(args, "--timezone", zone)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "IANA name") {
				t.Errorf("%v %q: %+v", args, zone, r)
			}
		}
	}
	if users := at(p.json(0, "user", "list"), "users"); at(users, 0, "timezone") != "Europe/London" || at(users, 1) != nil {
		t.Errorf("users: %v", users)
	}
	if run := p.json(0, day...); at(run, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("the night: %v", run)
	}
}

// A laugh at the edge of a chunk was cut, and what lay there lost. One that lies across two windows is one laugh, heard
// on both sides.
func TestDefectALaughAcrossTwoWindowsIsOneAndWhole(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": {{9*time.Hour - 6*time.Second, time.Minute}}}) // it lasts from a second before nine to a second after
	a.must(day...)
	nine := apiDay.Add(9 * time.Hour)
	var across int
	for i := 0; at(a.laughs(), i) != nil; i++ {
		start, err := time.Parse(time.RFC3339, fmt.Sprint(at(a.laughs(), i, "start")))
		end, endErr := time.Parse(time.RFC3339, fmt.Sprint(at(a.laughs(), i, "end")))
		if err != nil || endErr != nil || at(a.laughs(), i, "clip") == "" {
			t.Fatalf("%v, %v: %v", err, endErr, at(a.laughs(), i))
		}
		if start.Before(nine.Add(-500*time.Millisecond)) && end.After(nine.Add(500*time.Millisecond)) {
			across++
		} else if start.Before(nine.Add(5 * time.Second)) {
			t.Errorf("beside it: %v", at(a.laughs(), i))
		}
	}
	if across != 1 {
		t.Errorf("%d laughs lie across: %v", across, a.laughs())
	}
}
