package folder_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

var (
	now       = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	yesterday = orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	noon      = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// write makes a file with a modification time.
func write(t testing.TB, dir, name string, modified time.Time) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o700),
		os.WriteFile(path, []byte(name), 0o600),
		os.Chtimes(path, modified, modified),
	); err != nil {
		t.Fatal(err)
	}
	return path
}

func source(root string, change func(*folder.Options)) *folder.Source {
	options := folder.Options{Root: root, Location: time.UTC, Now: func() time.Time { return now }}
	if change != nil {
		change(&options)
	}
	return folder.New(options)
}

// list makes a line of each recording and each error of a day.
func list(ctx context.Context, s orchestrator.Source, day orchestrator.Date) []string {
	return lines(s.Recordings(ctx, day.Span(time.UTC)))
}

// strays does so for what belongs to no day.
func strays(ctx context.Context, s *folder.Source) []string { return lines(s.Strays(ctx)) }

func lines(of iter.Seq2[orchestrator.Recording, error]) (lines []string) {
	for rec, err := range of {
		switch {
		case err != nil:
			line := fmt.Sprintf("%s: %v", rec.Name, err)
			if problem := (*orchestrator.Problem)(nil); errors.As(err, &problem) {
				line += fmt.Sprintf(" [%s]", problem.Code)
			}
			lines = append(lines, line)
		default:
			lines = append(lines, fmt.Sprintf("%s %s %s", rec.Start.Format("15:04:05"), rec.TimeSource, rec.Name))
		}
	}
	return lines
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recordings (-want +got):\n%s", diff)
	}
}

func TestRecordingsOfADayInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"2026-11-22_14-30-00.ogg", "b/2026-11-22_14-30-00.OPUS", "a/2026-11-22/07-00-00.m4a",
		"2026-11-22_00-00-00.mp3", "2026-11-22_23-59-59.flac",
		"2026-11-21_23-59-59.ogg", "2026-11-23_00-00-00.ogg", // other days
		"2026-11-22_10-00-00.txt", "2026-11-22_10-00-00", "notes/2026-11-22_10-00-00.json", // no sound
		".2026-11-22_10-00-00.ogg", ".stversions/2026-11-22_10-00-00.ogg", "@eaDir/2026-11-22_10-00-00.ogg", // hidden
		".syncthing.2026-11-22_10-00-00.ogg.tmp", "~syncthing~2026-11-22_10-00-00.ogg.tmp", "~syncthing~2026-11-22_10-00-00.ogg",
		"2026-11-22_10-00-00.ogg.partial", "2026-11-22_10-00-00.ogg.part", "2026-11-22_10-00-00.ogg.tmp", ".#2026-11-22_10-00-00.ogg",
	} {
		write(t, dir, name, noon)
	}
	expect(t, list(t.Context(), source(dir, nil), yesterday),
		"00:00:00 name 2026-11-22_00-00-00.mp3",
		"07:00:00 name a/2026-11-22/07-00-00.m4a",
		"14:30:00 name 2026-11-22_14-30-00.ogg", // two recorders, the same minute
		"14:30:00 name b/2026-11-22_14-30-00.OPUS",
		"23:59:59 name 2026-11-22_23-59-59.flac")
}

func TestRecordingIsDescribed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	london := folder.New(folder.Options{Root: dir, Location: time.FixedZone("", -3600), Now: func() time.Time { return now }})
	for rec, err := range london.Recordings(t.Context(), yesterday.Span(time.UTC)) {
		resolved, _ := filepath.EvalSymlinks(path)
		want := orchestrator.Recording{Path: resolved, Name: "2026-11-22_14-30-00.ogg", Start: time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC),
			TimeSource: orchestrator.TimeFromName, Size: int64(len("2026-11-22_14-30-00.ogg")), ModTime: noon}
		if diff := cmp.Diff(want, rec); diff != "" || err != nil {
			t.Errorf("error %v, recording (-want +got):\n%s", err, diff)
		}
		return
	}
	t.Error("no recording")
}

func TestStartWithoutATimeInTheName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hour := func(h int) time.Time { return noon.Truncate(24 * time.Hour).Add(time.Duration(h) * time.Hour) }
	write(t, dir, "container.m4a", hour(11))
	write(t, dir, "mtime.ogg", hour(10))
	write(t, dir, "overnight.ogg", hour(25)) // began yesterday, ended today
	write(t, dir, "copied.mp4", hour(26))    // modified later, and recorded the day before yesterday
	write(t, dir, "unset.mp4", hour(12))     // 1904
	write(t, dir, "wrong.mp4", hour(13))     // created after it was modified
	write(t, dir, "broken.ogg", hour(14))
	write(t, dir, "old.ogg", hour(-1)) // cannot have begun yesterday
	probes := map[string]int{}
	s := source(dir, func(o *folder.Options) {
		o.Probe = func(_ context.Context, path string) (time.Time, time.Duration, error) {
			probes[filepath.Base(path)]++
			switch filepath.Base(path) {
			case "container.m4a":
				return hour(9), time.Hour, nil
			case "mtime.ogg", "overnight.ogg":
				return time.Time{}, 2 * time.Hour, nil
			case "copied.mp4":
				return hour(-5), time.Hour, nil
			case "unset.mp4":
				return time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC), time.Hour, nil
			case "wrong.mp4":
				return hour(15), time.Hour, nil
			case "broken.ogg":
				return hour(1), time.Hour, errors.New("no such page")
			}
			return hour(1), 0, nil
		}
	})
	want := []string{
		"08:00:00 mtime mtime.ogg",
		"09:00:00 container container.m4a",
		"11:00:00 mtime unset.mp4",
		"12:00:00 mtime wrong.mp4",
		"14:00:00 mtime broken.ogg",
		"23:00:00 mtime overnight.ogg"}
	expect(t, list(t.Context(), s, yesterday), want...)
	expect(t, list(t.Context(), s, yesterday), want...)
	if probes["old.ogg"] != 0 || probes["mtime.ogg"] != 1 {
		t.Errorf("probes: %v", probes)
	}
	expect(t, list(t.Context(), s, yesterday.Add(-1)), "19:00:00 container copied.mp4", "23:00:00 mtime old.ogg")
}

func TestNamesThatTellTheTimeAreNotProbed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	s := source(dir, func(o *folder.Options) {
		o.Probe = func(context.Context, string) (time.Time, time.Duration, error) { panic("probed") }
	})
	expect(t, list(t.Context(), s, yesterday), "14:30:00 name 2026-11-22_14-30-00.ogg")
}

func TestWhatIsBeingWrittenIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", now.Add(-time.Second))
	write(t, dir, "2026-11-22_15-30-00.ogg", now.Add(time.Second)) // the other machine's clock is fast
	write(t, dir, "2026-11-22_16-30-00.ogg", now.Add(-time.Minute))
	write(t, dir, "2026-11-21_16-30-00.ogg", now)
	write(t, dir, "recording.ogg", now)
	s := source(dir, nil)
	got := list(t.Context(), s, yesterday)
	expect(t, got,
		"2026-11-22_14-30-00.ogg: still being written: it was modified less than 10s ago",
		"2026-11-22_15-30-00.ogg: still being written: it was modified less than 10s ago",
		"16:30:00 name 2026-11-22_16-30-00.ogg")
	for rec, err := range s.Recordings(t.Context(), yesterday.Add(1).Span(time.UTC)) {
		if rec.Name != "recording.ogg" || !errors.Is(err, orchestrator.ErrNotSettled) {
			t.Errorf("today: %s: %v", rec.Name, err)
		}
	}
	always := source(dir, func(o *folder.Options) { o.Settle = -1 })
	if got := list(t.Context(), always, yesterday); len(got) != 3 || strings.Contains(strings.Join(got, ""), "still") {
		t.Errorf("without settle time: %v", got)
	}
}

func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	dir, _ = filepath.EvalSymlinks(dir)
	secret := write(t, outside, "2026-11-22_01-00-00.ogg", noon)
	write(t, dir, "2026-11-22_02-00-00.ogg", noon)
	write(t, dir, ".store/object", noon)
	write(t, dir, "sub/2026-11-22_06-00-00.ogg", noon)
	for link, target := range map[string]string{
		"2026-11-22_03-00-00.ogg": "2026-11-22_02-00-00.ogg", // listed under its own name
		"2026-11-22_04-00-00.ogg": ".store/object",           // as git-annex keeps files
		"2026-11-22_05-00-00.ogg": filepath.Join(dir, ".store", "object"),
		"again":                   "sub",
		"circle":                  ".",
		"notes.txt":               "/etc/hostname",
		"escape.ogg":              secret,
		"2026-11-22_07-00-00.ogg": "../" + filepath.Base(outside) + "/nothing.ogg",
		"2026-11-22_08-00-00.ogg": secret,
		"elsewhere":               outside,
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	var names, paths []string
	errs := map[string]error{}
	s := source(dir, nil)
	expect(t, list(t.Context(), s, yesterday.Add(-1)))
	for rec, err := range s.Recordings(t.Context(), yesterday.Span(time.UTC)) {
		if err != nil {
			errs[rec.Name] = err
			continue
		}
		names = append(names, rec.Name)
		paths = append(paths, strings.TrimPrefix(rec.Path, dir))
	}
	expect(t, names, "2026-11-22_02-00-00.ogg", "2026-11-22_04-00-00.ogg", "sub/2026-11-22_06-00-00.ogg")
	expect(t, paths, "/2026-11-22_02-00-00.ogg", "/.store/object", "/sub/2026-11-22_06-00-00.ogg")
	if len(errs) != 2 {
		t.Errorf("errors of the day: %v", errs)
	}
	for rec, err := range s.Strays(t.Context()) {
		errs[rec.Name] = err
	}
	for name, want := range map[string]string{
		"escape.ogg":              "leads out of the folder, to " + secret,
		"elsewhere":               "leads out of the folder",
		"2026-11-22_07-00-00.ogg": "leads nowhere",
		"2026-11-22_08-00-00.ogg": "leads out of the folder",
	} {
		err, problem := errs[name], (*orchestrator.Problem)(nil)
		if !errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), want) || !errors.As(err, &problem) || problem.Code == "" {
			t.Errorf("%s: %v", name, err)
		}
		delete(errs, name)
	}
	if len(errs) > 0 {
		t.Errorf("more errors: %v", errs)
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := "2026-11-22_05-00-00 " + strings.Repeat("x", 255-20-4) + ".ogg"
	for _, name := range []string{"2026-11-22_01-00-00\nnew line.ogg", "2026-11-22_02-00-00\xff.ogg", "2026-11-22_02-00-00\xfe.ogg",
		"\xff\n/2026-11-22_03-00-00.ogg", "2026-11-22_04-00-00 ha’ha 笑.ogg", long} {
		write(t, dir, name, noon)
	}
	var names []string
	for rec, err := range source(dir, nil).Recordings(t.Context(), yesterday.Span(time.UTC)) {
		if err != nil {
			t.Errorf("%q: %v", rec.Name, err)
		}
		if _, err := os.Stat(rec.Path); err != nil {
			t.Errorf("path: %v", err)
		}
		names = append(names, rec.Name)
	}
	expect(t, names, `2026-11-22_01-00-00\nnew line.ogg`, `2026-11-22_02-00-00\xfe.ogg`, `2026-11-22_02-00-00\xff.ogg`,
		`\xff\n/2026-11-22_03-00-00.ogg`, "2026-11-22_04-00-00 ha’ha 笑.ogg", long)
}

// What clocks that were never set leave behind is told, and is on no day.
func TestTimesOfClocksThatWereNeverSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", time.Unix(0, 0))
	write(t, dir, "epoch.ogg", time.Unix(0, 0))
	write(t, dir, "mac.ogg", time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC))
	write(t, dir, "dos.ogg", time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC))
	s := source(dir, nil)
	expect(t, list(t.Context(), s, yesterday), "14:30:00 name 2026-11-22_14-30-00.ogg")
	var explained []string
	for file, err := range s.Explain(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if file.Err != nil {
			explained = append(explained, file.Name)
		}
	}
	expect(t, explained, "dos.ogg", "epoch.ogg", "mac.ogg")
	const message = ".ogg: bad recording: its name tells no time, and it was modified on "
	expect(t, strays(t.Context(), s),
		"dos"+message+"1980-01-01, as by a clock that was never set [recording_time_unset]",
		"epoch"+message+"1970-01-01, as by a clock that was never set [recording_time_unset]",
		"mac"+message+"1904-01-01, as by a clock that was never set [recording_time_unset]")
}

func TestRecordingsFromTheFutureBelongToNoDay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	write(t, dir, "2031-01-01_00-00-00.ogg", noon)
	write(t, dir, "2026-11-23_03-00-01.ogg", now) // a clock that is a second fast
	write(t, dir, "untimed.ogg", now.AddDate(1, 0, 0))
	s := source(dir, nil)
	expect(t, list(t.Context(), s, yesterday), "14:30:00 name 2026-11-22_14-30-00.ogg")
	expect(t, strays(t.Context(), s),
		"2031-01-01_00-00-00.ogg: bad recording: it starts at 2031-01-01T00:00:00Z, which is in the future [recording_in_future]",
		"untimed.ogg: bad recording: it starts at 2027-11-23T03:00:00Z, which is in the future [recording_in_future]")
	expect(t, list(t.Context(), s, yesterday), "14:30:00 name 2026-11-22_14-30-00.ogg")
	expect(t, list(t.Context(), s, orchestrator.Date{Year: 2031, Month: 1, Day: 1}))
}

func TestFolderThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "file", noon)
	for root, want := range map[string]string{
		filepath.Join(dir, "missing"): "no such file or directory",
		file:                          "it is a file, not a folder",
		"":                            "no path was given",
	} {
		s := source(root, nil)
		for range 2 {
			var errs []error
			for rec, err := range s.Recordings(t.Context(), yesterday.Span(time.UTC)) {
				if rec.Name != "" {
					t.Errorf("%q: got %q", root, rec.Name)
				}
				errs = append(errs, err)
			}
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) || !strings.Contains(errs[0].Error(), "list folder "+root) {
				t.Errorf("%q: %v", root, errs)
			}
		}
	}
}

func TestNoPermission(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // so that nobody gets as far as the folder
		t.Fatal(err)
	}
	write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	write(t, dir, "sub/2026-11-22_15-30-00.ogg", noon)
	closed := filepath.Join(dir, "sub")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(closed, 0o700) })
	var got []string
	testkit.AsNobody(t, func() { got = strays(t.Context(), source(dir, nil)) })
	if len(got) != 1 || !strings.HasPrefix(got[0], "sub: bad recording: ") || !strings.Contains(got[0], "[recording_forbidden]") {
		t.Errorf("a closed folder: %v", got)
	}
	testkit.AsNobody(t, func() { got = list(t.Context(), source(closed, nil), yesterday) })
	if len(got) != 1 || !strings.Contains(got[0], "[folder_forbidden]") {
		t.Errorf("a closed root: %v", got)
	}
}

func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := errors.Join(
		syscall.Mkfifo(filepath.Join(dir, "2026-11-22_14-30-00.ogg"), 0o600),
		os.Mkdir(filepath.Join(dir, "2026-11-22_15-30-00.ogg"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	got := list(t.Context(), source(dir, nil), yesterday)
	expect(t, got, "2026-11-22_14-30-00.ogg: bad recording: it is no regular file [recording_no_file]")
}

func TestFileThatVanishesAfterTheWalk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	untimed := write(t, dir, "untimed.ogg", noon)
	s := source(dir, nil)
	if got := list(t.Context(), s, yesterday); len(got) != 2 {
		t.Fatalf("first: %v", got)
	}
	if err := errors.Join(os.Remove(path), os.Remove(untimed)); err != nil {
		t.Fatal(err)
	}
	got := list(t.Context(), s, yesterday)
	if len(got) != 1 || !strings.Contains(got[0], "it vanished after it was listed") {
		t.Errorf("then: %v", got)
	}
}

func TestCanceledAndAbandoned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	write(t, dir, "2026-11-22_15-30-00.ogg", noon)
	s := source(dir, nil)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range s.Recordings(canceled, yesterday.Span(time.UTC)) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	}
	for rec := range s.Recordings(t.Context(), yesterday.Span(time.UTC)) { // is no folder that failed
		if rec.Name != "2026-11-22_14-30-00.ogg" {
			t.Errorf("got %s", rec.Name)
		}
		break
	}
	if got := list(t.Context(), s, yesterday); len(got) != 2 {
		t.Errorf("after all: %v", got)
	}
}

func TestRootMayBeALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "real/2026-11-22_14-30-00.ogg", noon)
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	expect(t, list(t.Context(), source(filepath.Join(dir, "link"), nil), yesterday), "14:30:00 name 2026-11-22_14-30-00.ogg")
}

// The days of a user meet exactly, so that every recording belongs to one, also where clocks change.
func TestEveryRecordingBelongsToOneDay(t *testing.T) {
	t.Parallel()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var want []string
	for start := time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC); start.Before(time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC)); start = start.Add(30 * time.Minute) {
		name := start.Format("2006-01-02T15-04-05Z.ogg")
		write(t, dir, name, start)
		want = append(want, name)
	}
	s := source(dir, func(o *folder.Options) { o.Location = london })
	var got []string
	perDay := map[orchestrator.Date]int{}
	for date := (orchestrator.Date{Year: 2026, Month: 10, Day: 24}); date.Day < 28; date = date.Add(1) {
		for rec, err := range s.Recordings(t.Context(), date.Span(london)) {
			if err != nil {
				t.Error(err)
			}
			got = append(got, rec.Name)
			perDay[date]++
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("recordings: %d, want %d", len(got), len(want))
	}
	if n := perDay[orchestrator.Date{Year: 2026, Month: 10, Day: 25}]; n != 50 {
		t.Errorf("the 25-hour day has %d recordings, want 50", n)
	}
}

func BenchmarkHundredThousandFiles(b *testing.B) {
	dir := b.TempDir()
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100_000 {
		name := start.Add(time.Duration(i) * 30 * time.Minute).Format("2006-01-02_15-04-05.ogg")
		if i%2 == 1 {
			name = fmt.Sprintf("REC%06d.ogg", i)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	later := func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	b.ReportAllocs()
	for b.Loop() {
		s := folder.New(folder.Options{Root: dir, Location: time.UTC, Now: later})
		n := 0
		for range s.Recordings(b.Context(), orchestrator.Date{Year: 2020, Month: 6, Day: 1}.Span(time.UTC)) {
			n++
		}
		if n != 24 {
			b.Fatalf("%d recordings", n)
		}
	}
}
