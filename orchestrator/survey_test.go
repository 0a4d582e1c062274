package orchestrator_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// archive is a source that can tell all that it holds.
type archive struct {
	recs   []orchestrator.Recording
	passed []orchestrator.PassedOver
	placed int
}

func (a *archive) Recordings(_ context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		for _, rec := range a.recs {
			if span.Contains(rec.Start) && !yield(rec, nil) {
				return
			}
		}
	}
}

func (a *archive) All(context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		for _, rec := range a.recs {
			if rec.TimeSource == orchestrator.TimeFromModTime {
				rec.Start = time.Time{}
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func (a *archive) Place(_ context.Context, rec orchestrator.Recording) (orchestrator.Recording, error) {
	a.placed++
	for _, known := range a.recs {
		if known.Path == rec.Path {
			return known, nil
		}
	}
	return rec, nil
}

func (a *archive) PassedOver(context.Context) ([]orchestrator.PassedOver, error) {
	return a.passed, nil
}

// index knows recordings by name or content, and remembers what it was told.
type index struct {
	there   func(string) bool
	known   map[string]orchestrator.KnownRecording
	moved   []string
	aliases []string
	surveys []orchestrator.Survey
}

func (x *index) Known(_ context.Context, _ int64, recs []orchestrator.Recording) ([]orchestrator.KnownRecording, error) {
	states := make([]orchestrator.KnownRecording, len(recs))
	for i, rec := range recs {
		states[i] = x.known[rec.Name]
		if rec.SHA256 != "" {
			states[i] = x.known[rec.SHA256]
		}
	}
	return states, nil
}

func (x *index) Move(_ context.Context, _ int64, recs []orchestrator.Recording) error {
	for _, rec := range recs {
		x.moved = append(x.moved, rec.Name+" "+rec.Start.Format("02 15:04"))
	}
	return nil
}

func (x *index) Alias(_ context.Context, _ int64, rec orchestrator.Recording) error {
	x.aliases = append(x.aliases, rec.Name)
	return nil
}

func (x *index) ForgetFailed(_ context.Context, _ int64, there func(string) bool) (int64, error) {
	x.there = there
	return 0, nil
}

func (x *index) SaveSurvey(_ context.Context, _ int64, s orchestrator.Survey) error {
	x.surveys = append(x.surveys, s)
	return nil
}

// surveying is a bench whose user alice has an archive.
func surveying(t *testing.T) (*bench, *archive, *index) {
	b, a, x := newBench(t), &archive{}, &index{known: map[string]orchestrator.KnownRecording{}}
	b.Index = x
	b.Source = func(context.Context, orchestrator.User) (orchestrator.Source, error) { return a, nil }
	return b, a, x
}

// add puts a recording into the archive that begins so many days before now.
func (a *archive) add(t *testing.T, name string, days int, source orchestrator.TimeSource) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	start := now.AddDate(0, 0, -days)
	a.recs = append(a.recs, orchestrator.Recording{Path: path, Name: name, Start: start, TimeSource: source, Size: int64(len(name)), ModTime: start.Add(time.Hour)})
}

func namesOf(results []orchestrator.Result) string {
	var names []string
	for _, r := range results {
		names = append(names, r.Recording.Name)
	}
	return strings.Join(names, " ")
}

func TestLateArrivalsAreReadOldestFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		late time.Duration
		from orchestrator.Date
		read string
		left int
	}{
		{"all", -1, orchestrator.Date{}, "yesterday d40 d30 d12", 0},
		{"enough", time.Hour, orchestrator.Date{}, "yesterday d40 d30 d12", 0},
		{"bounded", time.Second, orchestrator.Date{}, "yesterday d40", 2},
		{"none", 0, orchestrator.Date{}, "yesterday", 3},
		{"a day that was named", -1, orchestrator.Date{Year: 2026, Month: 11, Day: 22}, "yesterday", 3},
	} {
		b, a, x := surveying(t)
		a.add(t, "d12", 12, orchestrator.TimeFromName)
		a.add(t, "yesterday", 1, orchestrator.TimeFromName)
		a.add(t, "d30", 30, orchestrator.TimeFromModTime)
		a.add(t, "d40", 40, orchestrator.TimeFromName)
		a.add(t, "today", 0, orchestrator.TimeFromName)
		a.add(t, "known", 50, orchestrator.TimeFromName)
		a.add(t, "given up", 51, orchestrator.TimeFromName)
		a.passed = []orchestrator.PassedOver{{Ending: ".xyz", Files: 3}}
		a.recs[6].Start = now.AddDate(0, 0, -51)
		x.known["known"] = orchestrator.KnownRecording{RecordingState: orchestrator.RecordingState{SHA256: "1", Done: true}, Stored: a.recs[5]}
		x.known["given up"] = orchestrator.KnownRecording{RecordingState: orchestrator.RecordingState{SHA256: "2", Attempts: orchestrator.MaxAttempts}}
		run, err := b.Run(t.Context(), orchestrator.Plan{Policy: orchestrator.PolicySettings{Threshold: 0.2}, Users: []orchestrator.User{alice}, CatchUpDays: 7, Late: c.late, From: c.from, To: c.from})
		if err != nil || namesOf(b.saved) != c.read {
			t.Errorf("%s: read %q, want %q; error %v", c.name, namesOf(b.saved), c.read, err)
		}
		survey := x.surveys[len(x.surveys)-1]
		if survey.Recordings != 7 || survey.LateLeft != c.left || survey.LateRead != 3-c.left || len(survey.PassedOver) != 1 {
			t.Errorf("%s: survey %+v", c.name, survey)
		}
		if c.left > 0 && survey.LateLast != (orchestrator.Date{Year: 2026, Month: 11, Day: 11}) {
			t.Errorf("%s: left until %v", c.name, survey.LateLast)
		}
		told := 0
		for _, day := range run.Days {
			if day.Survey != nil {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: the survey is told on %d days", c.name, told)
		}
	}
}

func TestRecordingsMoveBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	named, guessed := orchestrator.TimeFromName, orchestrator.TimeFromModTime
	early, late := now.Add(-30*time.Hour), now.Add(-25*time.Hour)
	for _, c := range []struct {
		name          string
		stored        time.Time
		storedBy      orchestrator.TimeSource
		now           time.Time
		by            orchestrator.TimeSource
		reprocess     bool
		moves         bool
		changedByCopy bool // it has another modification time
	}{
		{"another time in the name", late, named, early, named, false, true, false},
		{"the same time", late, named, late, named, false, false, false},
		{"a name instead of a guess", early, guessed, late, named, false, true, false},
		{"a guess instead of a name", late, named, early, guessed, false, false, false},
		{"a guess instead of a name, read again", late, named, early, guessed, true, true, true},
	} {
		b, a, x := surveying(t)
		a.add(t, "a", 1, c.by)
		a.recs[0].Start = c.now
		stored := a.recs[0]
		stored.Start, stored.TimeSource = c.stored, c.storedBy
		x.known["a"] = orchestrator.KnownRecording{RecordingState: orchestrator.RecordingState{SHA256: "1", Done: true}, Stored: stored}
		if c.by == guessed { // which All does not tell
			if _, err := b.Run(t.Context(), orchestrator.Plan{Policy: orchestrator.PolicySettings{Threshold: 0.2}, Users: []orchestrator.User{alice}, CatchUpDays: 7}); err != nil || len(x.moved) != 0 {
				t.Errorf("%s: moved %v, %v", c.name, x.moved, err)
			}
			continue
		}
		run, err := b.Run(t.Context(), orchestrator.Plan{Policy: orchestrator.PolicySettings{Threshold: 0.2}, Users: []orchestrator.User{alice}, CatchUpDays: 7, Reprocess: c.reprocess})
		want := ""
		if c.moves {
			want = "a " + c.now.Format("02 15:04")
		}
		if got := strings.Join(x.moved, ","); err != nil || got != want {
			t.Errorf("%s: moved %q, want %q; error %v", c.name, got, want, err)
		}
		if last := run.Days[len(run.Days)-1].Survey; (last.MovedCount == 1) != c.moves {
			t.Errorf("%s: told %+v", c.name, last)
		}
	}
}

func TestRecordingsThatOneRecorderCannotHaveMadeAreTold(t *testing.T) {
	t.Parallel()
	b, a, x := surveying(t)
	for i := range 4 {
		a.add(t, fmt.Sprintf("ZOOM%04d.WAV", i), 1, orchestrator.TimeFromModTime)
	}
	a.add(t, "other/ZOOM0001.WAV", 1, orchestrator.TimeFromModTime)
	if _, err := b.Run(t.Context(), orchestrator.Plan{Policy: orchestrator.PolicySettings{Threshold: 0.2}, Users: []orchestrator.User{alice}}); err != nil {
		t.Fatal(err)
	}
	if notes := x.surveys[0].Notes; len(notes) != 1 || !strings.HasPrefix(notes[0], "4 recordings seem to run at the same time") {
		t.Errorf("notes %q", notes)
	}
}
