package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// keeper is a source with a ledger: it remembers gaps, and is closed.
type keeper struct {
	gappySource
	gaps   []orchestrator.Span
	closed int
}

func (k *keeper) Close() { k.closed++ }
func (k *keeper) Gaps(_ context.Context, before time.Time) ([]orchestrator.Span, error) {
	if before.After(now) {
		return nil, errors.New("asked for the future")
	}
	return k.gaps, nil
}

// keep gives alice a source with a ledger.
func (b *bench) keep() *keeper {
	k := &keeper{gappySource: gappySource{source: b.sources["alice"], calls: &orchestrator.Calls{}}}
	b.Source = func(context.Context, orchestrator.User) (orchestrator.Source, error) { return k, nil }
	return k
}

func TestDaysWithOldGapsAreReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.keep()
	night := time.Date(2026, 10, 3, 22, 30, 0, 0, time.UTC) // 23:30 in London
	k.gaps = []orchestrator.Span{{Start: night, End: night.Add(time.Hour)}, {Start: night.Add(-time.Hour), End: night.Add(30 * time.Minute)}}
	run := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, CatchUpDays: 1})
	var dates []string
	for _, day := range run.Days {
		dates = append(dates, day.Date.String())
	}
	if got := strings.Join(dates, " "); got != "2026-10-03 2026-10-04 2026-11-21 2026-11-22" {
		t.Errorf("days %s", got)
	}
	if k.closed != 1 {
		t.Errorf("the source was closed %d times", k.closed)
	}
	day := orchestrator.Date{Year: 2026, Month: 11, Day: 20}
	if run = b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, From: day, To: day}); len(run.Days) != 1 {
		t.Errorf("a run that names its day reads %d", len(run.Days))
	}
}

func TestASourceThatStopsLeavesGaps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := b.keep()
	left := []orchestrator.Span{{Start: now.Add(-20 * time.Hour), End: now.Add(-19 * time.Hour)}, {Start: now.Add(-10 * time.Hour), End: now.Add(-5 * time.Hour)}}
	k.missing = []error{&orchestrator.StoppedError{Err: errors.New("the key is refused"), Left: left}}
	day := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}}).Days[0]
	if day.Status != orchestrator.StatusFailed || len(day.Errors) != 1 || len(day.Gaps()) != 2 || day.Gaps()[1].Span != left[1] || day.Gaps()[1].Reason != "the key is refused" {
		t.Errorf("%+v", day)
	}
}

// A window counts as read where its content is known, and as a gap where its recording cannot be read.
func TestWindowsOfRecordings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 3 {
		b.file(t, "alice", fmt.Sprint(i, ".ogg"))
		b.sources["alice"][i].SHA256 = strings.Repeat(fmt.Sprint(i), 64)
		b.sources["alice"][i].Window = orchestrator.Span{Start: now.Add(time.Duration(i-20) * time.Hour), End: now.Add(time.Duration(i-19) * time.Hour)}
	}
	b.keep()
	b.done[strings.Repeat("0", 64)] = true
	b.decode = func(rec orchestrator.Recording) error {
		if rec.Name == "1.ogg" {
			return fmt.Errorf("%w: noise", orchestrator.ErrBadRecording)
		}
		return nil
	}
	states := func(day orchestrator.UserDay) (all string) {
		for _, span := range day.Spans {
			all += string(span.State) + " "
		}
		return all
	}
	for n := 1; n <= 4; n++ {
		day := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}}).Days[0]
		want := "read failed "
		if n > 1 {
			want = "read failed read "
		}
		if asked, empty, failed := day.CountSpans(); states(day) != want || asked != 3 || empty != 0 || failed != 1 || day.SpansServed != 2 {
			t.Errorf("run %d: %s: %d asked, %d empty, %d failed, %d served", n, states(day), asked, empty, failed, day.SpansServed)
		}
		if n == 4 && !strings.Contains(day.Gaps()[0].Reason, "could not be read 3 times") {
			t.Errorf("given up: %+v", day.Gaps())
		}
	}
}

// A user who is removed while it is read ends their days, not the run; what was kept of the last recording goes.
func TestARemovedUserCostsNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(t, "alice", "1.ogg")
	b.file(t, "alice", "2.ogg")
	b.file(t, "bob", "3.ogg")
	gone := false
	b.save = func() error {
		if len(b.saved) == 1 && !gone {
			gone = true
			return fmt.Errorf("user 1: %w", orchestrator.ErrNotFound)
		}
		return nil
	}
	b.saveDay = func(day orchestrator.UserDay) error {
		if day.User == "alice" {
			return fmt.Errorf("user 1: %w", orchestrator.ErrNotFound)
		}
		return nil
	}
	run := b.run(t, orchestrator.Plan{})
	if run.ExitCode != orchestrator.ExitIncomplete || run.Days[0].Status != orchestrator.StatusFailed || run.Days[1].Status != orchestrator.StatusOK {
		t.Fatalf("%+v", run)
	}
	if errs := run.Days[0].Errors; len(errs) != 1 || errs[0].Stage != orchestrator.StageUser || len(b.clips) != 2 {
		t.Errorf("errors %+v, clips %v", errs, b.clips)
	}
}

// A dry run asks a source that downloads for nothing.
func TestDryRunOfRecordingsThatAreNotFetched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sources["alice"] = source{{Name: "a window", Start: now.Add(-12 * time.Hour)}}
	b.keep()
	day := b.run(t, orchestrator.Plan{Users: []orchestrator.User{alice}, DryRun: true}).Days[0]
	if day.Processed != 1 || len(day.Errors) > 0 || len(b.processes) > 0 {
		t.Errorf("%+v", day)
	}
}
