package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

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
	if r := p.run(append(day, "--reprocess", "--inferd", p.path("nowhere"))...); r.code != orchestrator.ExitIncomplete {
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
