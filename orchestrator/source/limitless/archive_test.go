package limitless_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

func TestArchiveGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(9*time.Hour, 3*time.Hour)}}, CallsPerMinute: 1 << 20}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Equal(day.Add(10*time.Hour)) && call.Attempt <= 6 {
			return limitlesstest.Status(503) // fails the first archive, passes in the second
		}
		return nil
	}
	dir, free := t.TempDir(), int64(1<<30)
	var told []limitless.ArchiveProgress
	options := limitless.ArchiveOptions{Client: serve(t, server), User: "alice", Dir: dir, Chunk: time.Hour, Length: length,
		Days:     []orchestrator.Span{{Start: day, End: day.Add(24 * time.Hour)}},
		KeepFree: 1 << 20, Free: func(string) (int64, error) { return free, nil },
		Progress: func(p limitless.ArchiveProgress) { told = append(told, p) }, Now: func() time.Time { return day.Add(48 * time.Hour) }}

	progress, err := limitless.Archive(t.Context(), options)
	if err != nil || progress.Files != 2 || progress.Empty != 21 || progress.Failed != 1 || progress.Done != 24 || len(told) != 24 {
		t.Fatalf("%+v, error %v", progress, err)
	}
	path := filepath.Join(dir, "2026-11-22", "2026-11-22T09-00-00Z.ogg")
	if got, err := length(t.Context(), path); err != nil || got != time.Hour {
		t.Errorf("first file holds %s, %v", got, err)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*", "*.part")); len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}

	// A crash in the middle of a line, and a file that was lost.
	manifest, err := os.OpenFile(filepath.Join(dir, limitless.ManifestName), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	manifest.WriteString(`{"start":"2026-11-`)
	manifest.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	before := len(server.Calls())
	progress, err = limitless.Archive(t.Context(), options)
	if err != nil || progress.Files != 2 || progress.Skipped != 22 || progress.Failed != 0 {
		t.Fatalf("again: %+v, error %v", progress, err)
	}
	if asked := len(server.Calls()) - before; asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if progress, err = limitless.Archive(t.Context(), options); err != nil || progress.Skipped != 24 {
		t.Errorf("a third time: %+v, error %v", progress, err)
	}
}

func TestArchiveLeavesSpaceOnTheDisk(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}}
	left := int64(3)
	progress, err := limitless.Archive(t.Context(), limitless.ArchiveOptions{Client: serve(t, server), User: "alice", Dir: t.TempDir(), Chunk: time.Hour, Length: length,
		Days: []orchestrator.Span{{Start: day, End: day.Add(24 * time.Hour)}}, Now: func() time.Time { return day.Add(48 * time.Hour) },
		KeepFree: 1, Free: func(string) (int64, error) { left--; return left, nil }})
	if !errors.Is(err, limitless.ErrDiskFull) || progress.Files != 2 {
		t.Fatalf("%+v, error %v", progress, err)
	}
}

// manifestOf reads the lines of an archive's manifest, in the order of their time.
func manifestOf(t *testing.T, dir string) (lines []limitless.ManifestLine) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, limitless.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for decoder := json.NewDecoder(file); decoder.More(); {
		var line limitless.ManifestLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b limitless.ManifestLine) int { return a.Start.Compare(b.Start) })
	return lines
}

// archiveOf are the options of an archive of the day.
func archiveOf(t *testing.T, server *limitlesstest.Server, now time.Time) limitless.ArchiveOptions {
	t.Helper()
	return limitless.ArchiveOptions{Client: serve(t, server), User: "alice", Dir: t.TempDir(), Chunk: 30 * time.Minute, Length: length,
		Days: []orchestrator.Span{{Start: day, End: day.Add(24 * time.Hour)}},
		Free: func(string) (int64, error) { return 1, nil }, Now: func() time.Time { return now }}
}

// An archive that is interrupted and goes on in windows of another length holds all of the day, and nothing twice.
func TestArchiveGoesOnInOtherWindows(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}, CallsPerMinute: 1 << 20}
	options := archiveOf(t, server, day.Add(48*time.Hour))
	for i, chunk := range []time.Duration{20 * time.Minute, time.Hour, 7 * time.Minute, 2 * time.Hour} {
		ctx, interrupt := context.WithCancel(t.Context())
		options.Chunk = chunk
		options.Progress = func(p limitless.ArchiveProgress) {
			if p.Files == 1+i && chunk != 2*time.Hour {
				interrupt()
			}
		}
		if _, err := limitless.Archive(ctx, options); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		interrupt()
	}
	at := day
	for _, line := range manifestOf(t, options.Dir) {
		if !line.Start.Equal(at) {
			t.Errorf("from %s to %s there is a gap, or something twice", at, line.Start)
		}
		at = line.End
		if got, err := length(t.Context(), filepath.Join(options.Dir, line.File)); err != nil || line.Uncertain >= 1 || (line.End.Sub(line.Start)-got).Abs() > time.Second {
			t.Errorf("%s holds %s, %v", line.File, got, err)
		}
	}
	if !at.Equal(day.Add(24 * time.Hour)) {
		t.Errorf("the archive ends at %s", at)
	}
	if progress, err := limitless.Archive(t.Context(), options); err != nil || progress.Skipped != 12 || progress.Done != 12 || progress.Files != 0 {
		t.Errorf("once more: %+v, %v", progress, err)
	}
}

// A window that has not ended is not asked for: what comes of it later would never be.
func TestArchiveOfADayUnderWay(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(18*time.Hour, 6*time.Hour)}}, CallsPerMinute: 1 << 20}
	options := archiveOf(t, server, day)
	tomorrow := orchestrator.Span{Start: day.Add(24 * time.Hour), End: day.Add(48 * time.Hour)}
	options.Days = append(options.Days, tomorrow)
	for _, step := range []struct {
		now          time.Duration
		total, files int
	}{
		{-time.Hour, 0, 0},
		{29 * time.Minute, 0, 0},
		{19*time.Hour + 6*time.Minute + 32*time.Second, 38, 2},
		{19*time.Hour + 15*time.Minute, 38, 0},
		{19*time.Hour + 30*time.Minute, 39, 1},
		{24*time.Hour + 15*time.Minute, 48, 9},
		{48 * time.Hour, 96, 0},
	} {
		options.Now = func() time.Time { return day.Add(step.now) }
		progress, err := limitless.Archive(t.Context(), options)
		if err != nil || progress.Total != step.total || progress.Done != step.total || progress.Files != step.files {
			t.Errorf("at %s: %+v, %v; want %d windows and %d files", step.now, progress, err, step.total, step.files)
		}
	}
}

// The files of an archive are those that the source reads: the same sound, at the same time, as sure of it. Also
// where the clocks change, and where an answer is shorter than its window.
func TestArchiveHoldsWhatTheSourceReads(t *testing.T) {
	t.Parallel()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for _, date := range []orchestrator.Date{{Year: 2026, Month: 3, Day: 29}, {Year: 2026, Month: 7, Day: 1}, {Year: 2026, Month: 10, Day: 25}} {
		t.Run(date.String(), func(t *testing.T) {
			t.Parallel()
			span := date.Span(london)
			at := func(from, length time.Duration) limitlesstest.Recording {
				rec := sound(0, length)
				rec.Start = span.Start.Add(from)
				return rec
			}
			server := &limitlesstest.Server{CallsPerMinute: 1 << 20, Keys: map[string][]limitlesstest.Recording{key: {
				at(-time.Hour, 75*time.Minute), at(18*time.Minute, 45*time.Minute), at(2*time.Hour+6*time.Minute, time.Hour),
				at(9*time.Hour+20*time.Second, 7*time.Minute+11*time.Second), at(9*time.Hour+12*time.Minute, 13*time.Second), at(span.Duration()-25*time.Minute, 2*time.Hour)}}}
			options := archiveOf(t, server, span.End.Add(time.Hour))
			options.Chunk = 2 * time.Hour
			options.Days = []orchestrator.Span{date.Add(-1).Span(london), span, date.Add(1).Span(london)}
			if progress, err := limitless.Archive(t.Context(), options); err != nil || progress.Failed > 0 {
				t.Fatalf("%+v, %v", progress, err)
			}
			var archived, read []string
			for _, line := range manifestOf(t, options.Dir) {
				if line.File != "" && span.Contains(line.Start) {
					archived = append(archived, strings.Join([]string{line.File, line.SHA256, time.Duration(line.Uncertain * float64(time.Second)).String()}, " "))
				}
			}
			source, err := limitless.New(limitless.Options{Client: options.Client, Dir: t.TempDir(), Chunk: options.Chunk, Length: length, Now: options.Now,
				Ledger: func(context.Context, orchestrator.Span) ([]orchestrator.LedgerSpan, error) { return nil, nil }})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			for rec, err := range source.Recordings(t.Context(), span) {
				if errors.As(err, new(*orchestrator.SpanError)) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				layout := "2006-01-02/2006-01-02T15-04-05.000Z.ogg"
				name := strings.ReplaceAll(rec.Start.UTC().Format(layout), ".000Z", "Z")
				read = append(read, strings.Join([]string{name, rec.SHA256, rec.Uncertainty.String()}, " "))
				if err := rec.Release(); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(read, archived); diff != "" || len(read) < 10 {
				t.Errorf("%d files (-read +archived):\n%s", len(read), diff)
			}
		})
	}
}

// An archive is one user's, and what a killed one left half-way does not stay.
func TestArchiveFolder(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(9*time.Hour, time.Hour)}}, CallsPerMinute: 1 << 20}
	options := archiveOf(t, server, day.Add(48*time.Hour))
	left := filepath.Join(options.Dir, ".chortle-archive", "half.ogg")
	if err := errors.Join(os.Mkdir(filepath.Dir(left), 0o700), os.WriteFile(left, []byte("OggS"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if progress, err := limitless.Archive(t.Context(), options); err != nil || progress.Files != 2 {
		t.Fatalf("%+v, %v", progress, err)
	}
	if entries, err := os.ReadDir(options.Dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	options.User = "bob"
	if progress, err := limitless.Archive(t.Context(), options); err == nil || !strings.Contains(err.Error(), `that of user "alice"; give user bob another folder`) {
		t.Errorf("%+v, %v", progress, err)
	}
}
