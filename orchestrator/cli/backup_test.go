package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
)

// clipFiles reads all clips of a place, by their path.
func (p *place) clipFiles() map[string]string {
	p.Helper()
	files := map[string]string{}
	root := p.path("data/clips")
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root)] = string(content)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return files
}

// A backup moves everything to another machine, whatever database that has, and back.
func TestBackupMovesToAnotherMachine(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	first := newPlace(t).alice()
	first.recording("alice", "2026-11-22_16-30-01.ogg")
	first.must(day...)
	want := []any{first.json(0, "laughs", "list"), first.json(0, "runs", "list"), first.json(0, "user", "list")}
	clips := first.clipFiles()
	if len(clips) != 2 {
		t.Fatalf("%d clips", len(clips))
	}

	file := first.path("first.tar")
	made := first.json(0, "backup", file)
	if at(made, "clips", "count") != 2.0 || at(made, "tables", "laughs") != 2.0 {
		t.Errorf("%v", made)
	}
	second := newPlace(t, "CHORTLE_DATABASE_URL="+server.Database(t))
	third := newPlace(t)
	for i, p := range []*place{second, third} {
		if dry := p.json(0, "restore", file, "--dry-run"); at(dry, "dry_run") != true || at(dry, "backup", "clips", "count") != 2.0 {
			t.Errorf("%v", dry)
		}
		if done := p.json(0, "restore", file); at(done, "restored", "laughs") != 2.0 || at(done, "clips") != 2.0 {
			t.Errorf("%v", done)
		}
		if diff := cmp.Diff(want, []any{p.json(0, "laughs", "list"), p.json(0, "runs", "list"), p.json(0, "user", "list")}); diff != "" {
			t.Errorf("machine %d: %s", i, diff)
		}
		if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
			t.Errorf("machine %d: %s", i, diff)
		}
		if r := p.run("restore", file); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "--replace") {
			t.Errorf("into a full one: %+v", r)
		}
		file = p.path("next.tar")
		p.must("backup", file)
	}
	// What is known stays known: nothing is read twice.
	second.environ = append(second.environ, "HOME="+first.dir)
	again := second.json(0, day...)
	if at(again, "users", 0, "recordings", "skipped") != 2.0 || at(again, "users", 0, "recordings", "processed") != 0.0 {
		t.Errorf("%v", again)
	}
}

func TestRestoreReplacesWhatIsThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	p.must("backup", p.path("one.tar"))
	clips, laughs := p.clipFiles(), p.json(0, "laughs", "list")
	p.recording("alice", "2026-11-22_18-30-01.ogg")
	p.must(day...)
	if len(p.clipFiles()) != 2 {
		t.Fatal("there is no second clip")
	}
	if out := p.must("restore", "--replace", "--yes", p.path("one.tar")); !strings.Contains(out, "1 user, 1 laugh, 1 clip") {
		t.Errorf("for people:\n%s", out)
	}
	if diff := cmp.Diff(laughs, p.json(0, "laughs", "list")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(clips, p.clipFiles()); diff != "" {
		t.Error(diff)
	}
}

func TestBackupOfAFolderOfMany(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	for _, old := range []string{"chortle-20010101T000000Z.tar", "chortle-20010102T000000Z.tar", "chortle-notes.tar", "other.tar"} {
		p.file("backups", old, nil)
	}
	p.must("backup", p.path("backups"), "--keep", "2")
	left, err := filepath.Glob(p.path("backups/*"))
	if err != nil || len(left) != 4 || filepath.Base(left[0]) != "chortle-20010102T000000Z.tar" || !strings.HasPrefix(filepath.Base(left[1]), "chortle-20") {
		t.Errorf("%v, %v", left, err)
	}
	p.must("restore", left[1], "--dry-run")
	if r := p.run("restore", left[0], "--dry-run"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "damaged") {
		t.Errorf("%+v", r)
	}
	clip := fmt.Sprint(at(p.json(0, "laughs", "list"), "laughs", 0, "clip"))
	if err := os.Remove(filepath.Join(p.path("data/clips"), clip)); err != nil {
		t.Fatal(err)
	}
	if made := p.json(orchestrator.ExitIncomplete, "backup", p.path("without.tar")); at(made, "clips", "missing", 0) != clip {
		t.Errorf("%v", made)
	}
	for _, args := range [][]string{{"backup"}, {"backup", p.path("x.tar"), "--keep", "2"}, {"restore", "a", "b"}, {"backup", p.path("backups"), "--keep", "-1"}} {
		if r := p.run(args...); r.code != orchestrator.ExitUsage {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// Who was purged does not come back with an old backup; who did not, does.
func TestAPurgedUserStaysPurged(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("bob", "2026-11-22_20-00-00.ogg")
	p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "folder:"+p.path("bob"))
	p.must(day...)
	p.must("backup", p.path("before.tar"))
	p.must("user", "purge", "alice", "--yes")
	p.must("user", "add", "alice", "--timezone", "Europe/London", "--source", "folder:"+p.path("alice")) // somebody new
	if out := p.must("restore", "--replace", "--yes", p.path("before.tar")); !strings.Contains(out, "1 user was purged since") {
		t.Errorf("for people:\n%s", out)
	}
	users := p.json(0, "user", "list")
	if at(users, "users", 0, "user") != "bob" || at(users, "users", 1) != nil {
		t.Errorf("users: %v", users)
	}
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0, "user") != "bob" || at(laughs, "laughs", 1) != nil {
		t.Errorf("laughs: %v", laughs)
	}
	for name := range p.clipFiles() {
		if !strings.HasPrefix(name, "/bob/") {
			t.Errorf("clip %s is back", name)
		}
	}
	if runs := fmt.Sprint(p.json(0, "runs", "list")); strings.Contains(runs, "alice") {
		t.Errorf("the log tells of her: %s", runs)
	}
}

// A run backs up by itself, once a night, and somebody is told when no good backup was made for too long, whatever the clock
// did meanwhile.
func TestRunsBackUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	folder := p.path("auto")
	p.environ = append(p.environ, "CHORTLE_BACKUP_TO=folder:"+folder, "CHORTLE_ALERT_LAST_RUN=0", "CHORTLE_ALERT_QUIET_DAYS=0")
	start := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	night := func(at time.Time) result {
		return p.runAt(t.Context(), func() time.Time { return at }, "", "run", "--user", "alice")
	}
	files := func() (names []string) {
		entries, _ := os.ReadDir(folder) // it is made by the first
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	if r := night(start); r.code != 0 || len(files()) != 1 || !strings.Contains(r.stderr, "backed up") {
		t.Fatalf("%+v: %v", r, files())
	}
	if r := night(start.Add(time.Hour)); len(files()) != 1 {
		t.Errorf("an hour later: %+v: %v", r, files())
	}
	if r := night(start.AddDate(0, 0, 1)); len(files()) != 2 {
		t.Errorf("the next night: %+v: %v", r, files())
	}
	for _, file := range files() {
		p.must("restore", "--dry-run", filepath.Join(folder, file))
	}
	status := func(at time.Time) string {
		return p.runAt(t.Context(), func() time.Time { return at }, "", "status").stdout
	}
	if out := status(start.AddDate(0, 0, 3)); strings.Contains(out, "backup") {
		t.Errorf("two days after: %s", out)
	}
	if out := status(start.AddDate(0, 0, 9)); !strings.Contains(out, "the last good backup was") {
		t.Errorf("a week after: %s", out)
	}
	night(start.AddDate(5, 0, 0)) // the clock was ahead
	if out := status(start.AddDate(0, 0, 9)); !strings.Contains(out, "the last good backup was") {
		t.Errorf("a backup of the future silences it: %s", out)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	p.file("", "auto", []byte("no folder"))
	if r := night(start.AddDate(0, 0, 10)); !strings.Contains(r.stderr, `"alert":"no_backup"`) || !strings.Contains(r.stderr, "there is no good backup: make backup folder") {
		t.Errorf("they are gone, and none can be made: %+v", r)
	}
	if r := p.run("backup", "--keep", "3"); r.code != orchestrator.ExitUsage {
		t.Errorf("%+v", r)
	}
}
