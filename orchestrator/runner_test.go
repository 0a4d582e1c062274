package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestRunStoresEveryRecordingAndKillsTheModelAfterEachUser(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.file(t, "alice", "2.ogg")
	b.file(t, "bob", "3.ogg")
	run := b.run(t, orchestrator.Plan{})
	if run.ExitCode != 0 || run.Status != orchestrator.StatusOK || len(b.saved) != 3 || len(b.clips) != 3 {
		t.Fatalf("exit %d, status %s, %d saved, %d clips", run.ExitCode, run.Status, len(b.saved), len(b.clips))
	}
	if len(b.processes) != 2 {
		t.Fatalf("%d model processes for two users, want 2", len(b.processes))
	}
	if run.Days[0].User != "alice" || run.Days[1].User != "bob" {
		t.Errorf("order %s, %s: want the smaller priority first", run.Days[0].User, run.Days[1].User)
	}
	day := run.Days[0]
	want := orchestrator.Memory{Before: 10, Peak: 30, After: 11, Model: 20}
	if day.Found != 2 || day.Processed != 2 || day.Laughs != 2 || day.AudioSamples != 64000 || day.Memory != want || !day.ModelGone || day.ModelPID != 100 {
		t.Errorf("day %+v", day)
	}
	if day.Date.String() != "2026-11-22" || run.Days[1].Date.String() != "2026-11-21" {
		t.Errorf("yesterday is %s in London and %s in Los Angeles", day.Date, run.Days[1].Date)
	}
	if len(b.ended) != 1 || b.ended[0].ExitCode != 0 {
		t.Errorf("ended %+v", b.ended)
	}
}

func TestSecondRunChangesNothingAndStartsNoModel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
	if len(b.saved) != 1 || len(b.processes) != 1 || run.Days[0].Skipped != 1 {
		t.Fatalf("%d saved, %d processes, day %+v", len(b.saved), len(b.processes), run.Days[0])
	}
	run = b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, Reprocess: true})
	if len(b.saved) != 2 || run.Days[0].Processed != 1 {
		t.Fatalf("reprocess: %d saved, day %+v", len(b.saved), run.Days[0])
	}
}

func TestTheSameContentUnderAnotherNameIsDoneOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	again := b.sources["alice"][0]
	again.Name = "copy of 1.ogg"
	b.sources["alice"] = append(b.sources["alice"], again)
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
	if day := run.Days[0]; day.Found != 2 || day.Processed != 1 || day.Skipped != 1 {
		t.Fatalf("day %+v", day)
	}
}

func TestDryRunTouchesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, DryRun: true})
	if run.Days[0].Processed != 1 || len(b.processes)+len(b.saved)+len(b.days)+len(b.ended)+len(b.clips) != 0 {
		t.Fatalf("day %+v, bench %+v", run.Days[0], b)
	}
}

// Old system, defect 7: failures were reported as success. Every failure here shows in the exit code,
// in the day and in its errors, and costs nothing but itself.
func TestDefect7FailuresAreNeverReportedAsSuccess(t *testing.T) {
	t.Parallel()
	deaf := func(b *bench) {
		b.decode = func(rec orchestrator.Recording) error {
			if rec.Name == "1.ogg" {
				return fmt.Errorf("%w: not sound", orchestrator.ErrBadRecording)
			}
			return nil
		}
	}
	for _, test := range []struct {
		name          string
		bend          func(*bench)
		status        orchestrator.Status
		stage, says   string
		saved, spawns int
	}{
		{"a bad recording", deaf, orchestrator.StatusIncomplete, "decode", "not sound", 2, 2},
		{"no source", func(b *bench) { delete(b.sources, "alice") }, orchestrator.StatusFailed, "source", "no such folder", 1, 1},
		{"a model that does not start", func(b *bench) {
			n := 0
			b.spawn = func() error {
				if n++; n == 1 {
					return errors.New("start model: wrong sha256")
				}
				return nil
			}
		}, orchestrator.StatusFailed, "model", "wrong sha256", 1, 1},
		{"a recording that kills the model", func(b *bench) {
			b.play = func(_ context.Context, spawn int) error {
				if spawn < 2 {
					return errDeath
				}
				return nil
			}
		}, orchestrator.StatusIncomplete, "model", "killed", 2, 4},
		{"a plugin that answers nonsense", func(b *bench) {
			b.play = func(_ context.Context, spawn int) error {
				if spawn == 0 {
					return fmt.Errorf("classify: %w: score 7", orchestrator.ErrBadPlugin)
				}
				return nil
			}
		}, orchestrator.StatusIncomplete, "model", "score 7", 2, 3},
		{"a user under way elsewhere", func(b *bench) {
			b.lock = func(id int64) error {
				if id == alice.ID {
					return orchestrator.ErrLocked
				}
				return nil
			}
		}, orchestrator.StatusSkipped, "lock", "another orchestrator", 1, 1},
		{"a full disk", func(b *bench) {
			b.put = func(key string) error {
				if strings.HasPrefix(key, "alice/") {
					return errors.New("put clip: no space left on device")
				}
				return nil
			}
		}, orchestrator.StatusIncomplete, "clip", "no space", 1, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.file(t, "alice", "1.ogg")
			b.file(t, "alice", "2.ogg")
			b.file(t, "bob", "3.ogg")
			test.bend(b)
			run := b.run(t, orchestrator.Plan{})
			if run.ExitCode != orchestrator.ExitIncomplete {
				t.Errorf("exit code %d, want 3", run.ExitCode)
			}
			day := run.Days[0]
			if day.Status != test.status || len(day.Errors) == 0 || day.Errors[0].Stage != test.stage || !strings.Contains(day.Errors[0].Message, test.says) {
				t.Errorf("day %+v", day)
			}
			if run.Days[1].Status != orchestrator.StatusOK {
				t.Errorf("the other user: %+v", run.Days[1])
			}
			if len(b.saved) != test.saved || len(b.processes) != test.spawns {
				t.Errorf("%d saved and %d model processes, want %d and %d", len(b.saved), len(b.processes), test.saved, test.spawns)
			}
			for _, p := range b.processes {
				if !p.stopped {
					t.Error("a model process was left running")
				}
			}
			if len(b.clips) != len(b.saved) {
				t.Errorf("%d clips for %d rows", len(b.clips), len(b.saved))
			}
		})
	}
}

func TestARecordingThatKillsTheModelOnceIsDoneByTheNextProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.play = func(_ context.Context, spawn int) error {
		if spawn == 0 {
			return errDeath
		}
		return nil
	}
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
	if run.ExitCode != 0 || len(b.saved) != 1 || len(b.processes) != 2 {
		t.Fatalf("exit %d, %d saved, %d processes", run.ExitCode, len(b.saved), len(b.processes))
	}
}

func TestABadRecordingIsGivenUpAfterThreeAttempts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.decode = func(orchestrator.Recording) error { return fmt.Errorf("%w: torn", orchestrator.ErrBadRecording) }
	for i, want := range []int{3, 3, 3, 0} {
		if run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}}); run.ExitCode != want {
			t.Errorf("run %d: exit %d, want %d", i+1, run.ExitCode, want)
		}
	}
}

// What the machine does to the model is told in every run, and never held against the recording; what the
// model does by itself is.
func TestOnlyTheRecordingsOwnFaultsCount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		givenUp bool
	}{
		"the memory limit":                     {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "killed", OverLimit: 5 << 20}}, false},
		"the kernel":                           {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "killed", OutOfMemory: true}}, false},
		"somebody, in the middle of an answer": {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "killed", Killed: true}, Err: orchestrator.ErrBadPlugin}, false},
		"somebody":                             {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "terminated", Killed: true}}, false},
		"a decoder that is gone":               {errors.New("start ffmpeg: no such file"), false},
		"a crash":                              {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "segmentation fault"}}, true},
		"an exit":                              {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: 9}}, true},
		"a hang":                               {&orchestrator.ExitError{Exit: orchestrator.Exit{Code: -1, Signal: "killed"}, Err: errors.New("it gave no answer for 1m0s")}, true},
		"nonsense":                             {fmt.Errorf("%w: score 7", orchestrator.ErrBadPlugin), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.file(t, "alice", "1.ogg")
			fault := test.err
			b.play = func(context.Context, int) error { return fault }
			for range orchestrator.MaxAttempts {
				day := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}}).Days[0]
				if day.Failed != 1 || day.GivenUp != 0 || len(day.Errors) != 1 || day.Errors[0].Code == "" {
					t.Fatalf("%+v", day)
				}
			}
			fault = nil
			run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
			want := orchestrator.UserDay{Processed: 1}
			if test.givenUp {
				want = orchestrator.UserDay{Skipped: 1, GivenUp: 1}
			}
			if day := run.Days[0]; run.ExitCode != 0 || day.Found != 1 || day.Processed != want.Processed || day.Skipped != want.Skipped || day.GivenUp != want.GivenUp {
				t.Errorf("the run after it: exit code %d, %+v", run.ExitCode, day)
			}
			if day := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, Reprocess: true}).Days[0]; day.Processed != 1 || day.GivenUp != 0 {
				t.Errorf("again, as told: %+v", day)
			}
		})
	}
}

func TestAStoreThatIsGoneEndsTheRunWithExit1(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.file(t, "bob", "2.ogg")
	b.save = func() error { return fmt.Errorf("save recording: %w", orchestrator.ErrStoreUnavailable) }
	run, err := b.Run(t.Context(), orchestrator.Plan{Users: []orchestrator.User{alice, bob}, Policy: orchestrator.PolicySettings{Threshold: 0.2}})
	if !errors.Is(err, orchestrator.ErrStoreUnavailable) || run.ExitCode != orchestrator.ExitFailed {
		t.Fatalf("exit %d, error %v", run.ExitCode, err)
	}
	if len(b.processes) != 1 || !b.processes[0].stopped {
		t.Errorf("%d model processes; bob's must not start", len(b.processes))
	}
	if len(b.clips) != 0 {
		t.Errorf("%d clips without a row", len(b.clips))
	}
}

func TestAnInterruptedRunLeavesTheRecordingUndone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.file(t, "alice", "2.ogg")
	b.file(t, "bob", "3.ogg")
	ctx, interrupt := context.WithCancel(t.Context())
	b.Observe = func(e orchestrator.Event) {
		if e.Kind == orchestrator.EventRecording && e.Recording == "2.ogg" {
			interrupt()
		}
	}
	b.play = func(ctx context.Context, _ int) error { return ctx.Err() }
	run, err := b.Run(ctx, orchestrator.Plan{Users: []orchestrator.User{alice, bob}, Policy: orchestrator.PolicySettings{Threshold: 0.2}})
	if err != nil || run.ExitCode != orchestrator.ExitInterrupted || run.Status != orchestrator.StatusInterrupted {
		t.Fatalf("exit %d, status %s, error %v", run.ExitCode, run.Status, err)
	}
	if len(b.saved) != 1 || len(run.Days) != 1 || run.Days[0].Status != orchestrator.StatusInterrupted || len(b.attempts) != 0 {
		t.Errorf("%d saved, days %+v", len(b.saved), run.Days)
	}
	if len(b.ended) != 1 || b.ended[0].ExitCode != 130 {
		t.Errorf("ended %+v", b.ended)
	}
}

func TestUsersAreReadSideBySideAndReportedInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources["alice"], b.sources["bob"] = source{}, source{}
	var both sync.WaitGroup
	both.Add(2)
	b.lock = func(int64) error { // neither is let through before the other has come
		both.Done()
		both.Wait()
		return nil
	}
	run := b.run(t, orchestrator.Plan{UsersAtOnce: 2})
	if len(run.Days) != 2 || run.Days[0].User != "alice" || run.Days[1].User != "bob" {
		t.Fatalf("days %+v", run.Days)
	}
}

func TestLateRecordingsAreCaughtUpAndQuietDaysAreNotReported(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	late := b.sources["alice"][0]
	b.Source = func(context.Context, orchestrator.User) (orchestrator.Source, error) {
		return sourceFunc(func(span orchestrator.Span) source {
			if span.Contains(now.Add(-3 * 24 * time.Hour)) {
				return source{late}
			}
			return nil
		}), nil
	}
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, CatchUpDays: 7})
	if len(run.Days) != 2 || run.Days[0].Date.String() != "2026-11-20" || run.Days[0].Processed != 1 || run.Days[1].Date.String() != "2026-11-22" {
		t.Fatalf("days %+v", run.Days)
	}
}

type sourceFunc func(orchestrator.Span) source

func (f sourceFunc) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return f(span).Recordings(ctx, span)
}

// daylessSource has a stray beside its recordings.
type daylessSource struct {
	source
	asked int
}

func (s *daylessSource) Strays(context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		s.asked++
		yield(orchestrator.Recording{Name: "closed"}, orchestrator.WithCode(orchestrator.ErrBadRecording, orchestrator.CodeRecordingForbidden))
	}
}

func TestWhatBelongsToNoDayIsToldOnTheLast(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]orchestrator.Plan{
		"yesterday, and what came late": {CatchUpDays: 7},
		"days by name":                  {From: orchestrator.Date{Year: 2026, Month: 10, Day: 1}, To: orchestrator.Date{Year: 2026, Month: 10, Day: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			dayless := &daylessSource{}
			b.Source = func(context.Context, orchestrator.User) (orchestrator.Source, error) { return dayless, nil }
			plan.Users = []orchestrator.User{alice}
			run := b.run(t, plan)
			last := plan.To
			if plan.CatchUpDays > 0 {
				last = orchestrator.Date{Year: 2026, Month: 11, Day: 22}
			}
			for _, day := range run.Days {
				want := 0
				if day.Date == last {
					want = 1
				}
				if len(day.Errors) != want || day.Failed != want || want == 1 && (day.Errors[0].Recording != "closed" || day.Errors[0].Code != orchestrator.CodeRecordingForbidden) {
					t.Errorf("%+v", day)
				}
			}
			if dayless.asked != 1 || run.Days[len(run.Days)-1].Date != last || run.ExitCode != orchestrator.ExitIncomplete {
				t.Errorf("asked %d times, days %+v", dayless.asked, run.Days)
			}
		})
	}
}

func TestSpansWithoutAudioAreNotedAndGapsShow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	first := orchestrator.Span{Start: now.Add(-20 * time.Hour), End: now.Add(-19 * time.Hour)}
	second := orchestrator.Span{Start: first.End, End: first.End.Add(time.Hour)}
	calls := orchestrator.Calls{}
	calls.Add(200)
	b.Source = func(context.Context, orchestrator.User) (orchestrator.Source, error) {
		return &gappySource{source: b.sources["alice"], calls: &calls, missing: []error{
			&orchestrator.SpanError{Span: first}, &orchestrator.SpanError{Span: second, Err: errors.New("it answered 504")}}}, nil
	}
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
	day := run.Days[0]
	if run.ExitCode != orchestrator.ExitIncomplete || day.Processed != 1 || len(day.Spans) != 2 {
		t.Fatalf("exit %d, day %+v", run.ExitCode, day)
	}
	if gaps := day.Gaps(); len(gaps) != 1 || gaps[0].Span != second || gaps[0].Reason != "it answered 504" {
		t.Errorf("gaps %+v", gaps)
	}
	if day.Calls.Total != 2 || day.Calls.Failed != 1 || day.Calls.ByStatus[504] != 1 || day.Calls.ByStatus[200] != 0 {
		t.Errorf("calls of this day %+v", day.Calls)
	}
}

// gappySource has spans that cannot be had, and counts a failed and an empty call while it is read.
type gappySource struct {
	source
	missing []error
	calls   *orchestrator.Calls
}

func (s *gappySource) Calls() orchestrator.Calls { return s.calls.Clone() }
func (s *gappySource) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		s.calls.Add(404)
		s.calls.Add(504)
		for _, err := range s.missing {
			if !yield(orchestrator.Recording{}, err) {
				return
			}
		}
		s.source.Recordings(ctx, span)(yield)
	}
}

// The log answers where a day's time went, what became of the spans that were asked for, and what to do
// about an error.
func TestTheLogOfADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "one.ogg")
	b.sources["alice"][0].Window = orchestrator.Span{Start: now.Add(-12 * time.Hour), End: now.Add(-11 * time.Hour)}
	b.file(t, "alice", "two.ogg")
	b.decode = func(rec orchestrator.Recording) error {
		if rec.Name == "two.ogg" {
			return orchestrator.ErrBadRecording
		}
		return nil
	}
	var ticks time.Duration // every look at the clock takes a second
	b.Now = func() time.Time { ticks += time.Second; return now.Add(ticks) }
	run, err := b.Run(t.Context(), orchestrator.Plan{Users: []orchestrator.User{alice}, Policy: orchestrator.PolicySettings{Threshold: 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	day := run.Days[0]
	if asked, empty, failed := day.CountSpans(); day.SpansServed != 1 || asked != 1 || empty != 0 || failed != 0 {
		t.Errorf("spans: %d asked, %d served, %d empty, %d failed", asked, day.SpansServed, empty, failed)
	}
	for _, stage := range []string{orchestrator.StageSource, orchestrator.StageHash, orchestrator.StageDecode, orchestrator.StageModel,
		orchestrator.StageClip, orchestrator.StageStore} {
		if day.Stages[stage] <= 0 || day.Stages[stage] >= day.Took {
			t.Errorf("stage %s took %v of %v", stage, day.Stages[stage], day.Took)
		}
	}
	if len(day.Errors) != 1 || day.Errors[0].Stage != orchestrator.StageDecode || day.Errors[0].Code != orchestrator.CodeRecording {
		t.Errorf("errors: %+v", day.Errors)
	}
}

// TestNoSoundIsKept: a person's policy keeps no clips; the laughs are stored all the same.
func TestNoSoundIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "one.ogg")
	private := alice
	private.Policy = `{"clips": {"keep": "none"}}`
	run, err := b.Run(t.Context(), orchestrator.Plan{Users: []orchestrator.User{private}, Policy: orchestrator.PolicySettings{Threshold: 0.5}})
	if err != nil || run.Days[0].Processed != 1 || len(b.clips) != 0 {
		t.Errorf("%v: %+v, clips %v", err, run.Days[0], b.clips)
	}
}

func TestARunThatCannotBegin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.beginRun = orchestrator.ErrStoreUnavailable
	b.file(t, "alice", "one.ogg")
	run, err := b.Run(t.Context(), orchestrator.Plan{Users: []orchestrator.User{alice}, Policy: orchestrator.PolicySettings{Threshold: 0.5}})
	if !errors.Is(err, orchestrator.ErrStoreUnavailable) || run.ID != "" || len(b.saved)+len(b.ended) > 0 {
		t.Errorf("%+v, %v", run, err)
	}
}

// attempts remembers what was begun and ended.
type attempts struct {
	begun, ended, counted []string
	err                   error
}

func (a *attempts) BeginAttempt(_ context.Context, _ string, _ int64, rec orchestrator.Recording) error {
	a.begun = append(a.begun, rec.Name)
	return a.err
}

func (a *attempts) EndAttempt(_ context.Context, _ int64, rec orchestrator.Recording) error {
	a.ended = append(a.ended, rec.Name)
	return nil
}

func (a *attempts) CountAttempts(_ context.Context, userID int64) (int, error) {
	a.counted = append(a.counted, fmt.Sprint(userID))
	return 0, nil
}

// What is about to be read is stored before, and taken back only where what ended it says nothing of the recording.
func TestAnAttemptIsStoredBeforeTheWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decode error
		play   error
		took   time.Duration // until a signal; 0: none comes
		ended  int
	}{
		"read":                  {ended: 1},
		"damaged":               {decode: fmt.Errorf("%w: no page of it", orchestrator.ErrBadRecording), ended: 1},
		"the machine's fault":   {play: &orchestrator.ExitError{Exit: orchestrator.Exit{OutOfMemory: true}}, ended: 1},
		"a signal, soon":        {took: time.Minute, ended: 1},
		"a signal, a long time": {took: time.Hour, ended: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, noted := newBench(t), &attempts{}
			b.Attempts = noted
			b.file(t, "alice", "1.ogg")
			b.decode = func(orchestrator.Recording) error { return c.decode }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			at := now
			b.Now = func() time.Time { return at }
			b.play = func(ctx context.Context, _ int) error {
				if c.took > 0 {
					at = at.Add(c.took)
					cancel()
					return ctx.Err()
				}
				return c.play
			}
			if _, err := b.Run(ctx, orchestrator.Plan{Users: []orchestrator.User{alice}, Policy: orchestrator.PolicySettings{Threshold: 0.2}}); err != nil {
				t.Fatal(err)
			}
			if len(noted.begun) != 1 || len(noted.ended) != c.ended || len(noted.counted) != 1 {
				t.Errorf("%+v", noted)
			}
		})
	}
}

// TestAFullDiskCostsClipsOnly: recordings are read and laughs stored without clips, which is told once a day; what has a
// clip keeps it.
func TestAFullDiskCostsClipsOnly(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]func(b *bench){
		"before any":      func(b *bench) { b.Room = func() error { return fmt.Errorf("keep clips: %w", orchestrator.ErrNoRoom) } },
		"in the middle":   func(b *bench) { b.put = func(string) error { return fmt.Errorf("put clip: %w", syscall.ENOSPC) } },
		"a quota used up": func(b *bench) { b.put = func(string) error { return fmt.Errorf("put clip: %w", syscall.EDQUOT) } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.file(t, "alice", "1.ogg")
			b.file(t, "alice", "2.ogg")
			full(b)
			run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}})
			day := run.Days[0]
			if len(b.saved) != 2 || day.Processed != 2 || day.Laughs != 2 || day.Status != orchestrator.StatusIncomplete || len(b.clips) > 0 {
				t.Fatalf("%d saved, %d clips, day %+v", len(b.saved), len(b.clips), day)
			}
			for _, result := range b.saved {
				if result.Lost != orchestrator.ClipNoRoom || result.Laughs[0].Clip != "" {
					t.Errorf("saved %+v", result)
				}
			}
			if len(day.Errors) != 1 || day.Errors[0].Code != orchestrator.CodeNoRoom || day.Errors[0].Facts["date"] != day.Date.String() {
				t.Errorf("errors %+v", day.Errors)
			}
			// Once there is room, they are cut; without it nothing that is there is taken away.
			again := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, Reprocess: true})
			if len(b.saved) != 2 || again.Days[0].Failed != 2 {
				t.Errorf("reprocessed without room: %d saved, day %+v", len(b.saved), again.Days[0])
			}
			b.Room, b.put = nil, nil
			b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, Reprocess: true})
			if len(b.saved) != 4 || len(b.clips) != 2 || b.saved[3].Lost != "" {
				t.Errorf("with room: %d saved, %d clips", len(b.saved), len(b.clips))
			}
		})
	}
}
