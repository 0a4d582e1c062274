package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func fullDay(user orchestrator.User) orchestrator.UserDay {
	return orchestrator.UserDay{UserID: user.ID, User: user.Name, Date: orchestrator.DateOf(noon), Timezone: user.Timezone,
		Status: orchestrator.StatusIncomplete, Found: 9, Processed: 5, Skipped: 2, GivenUp: 1, Failed: 1, Left: 1,
		AudioSamples: 5 * hour, Took: 17*time.Second + 123456789, Laughs: 12, Duplicates: 3,
		Calls: orchestrator.Calls{Total: 48, Failed: 4, Retries: 6, Bytes: 1 << 40, ByStatus: map[int]int{200: 40, 404: 4, 503: 3, 0: 1}},
		Model: Model(), ModelPID: 4711, ModelGone: true, OutOfMemory: true,
		Memory:      orchestrator.Memory{Before: 1 << 20, Peak: 90 << 20, After: 2 << 20, Model: 40 << 20},
		Stages:      map[string]time.Duration{orchestrator.StageModel: 16 * time.Second, orchestrator.StageStore: time.Millisecond},
		SpansServed: 44,
		Spans: []orchestrator.LedgerSpan{
			{Span: orchestrator.Span{Start: noon, End: noon.Add(time.Hour)}, State: orchestrator.SpanFailed, Reason: "503",
				Attempts: 1, LastTried: noon.Add(20 * time.Hour)},
			{Span: orchestrator.Span{Start: noon.Add(time.Hour), End: noon.Add(2 * time.Hour)}, State: orchestrator.SpanEmpty,
				Attempts: 1, LastTried: noon.Add(20 * time.Hour)},
		},
		Errors: []orchestrator.RunError{{Stage: "decode", Recording: "b.ogg", Message: "no page", Remedy: "play it"}, {Stage: "source", Message: "503"}},
	}
}

func testRunLog(t *testing.T, f *fixture) {
	ctx := t.Context()
	if _, err := f.Run(ctx, store.LastRun); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("no run yet: %v", err)
	}
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	first := f.begin(t, "first", noon)
	first.Days = []orchestrator.UserDay{fullDay(bob), fullDay(alice)}
	first.Days[0].Status, first.Days[0].Model, first.Days[0].Calls.ByStatus = orchestrator.StatusOK, orchestrator.Model{}, nil
	first.Days[0].Errors, first.Days[0].Spans = nil, nil
	for _, day := range first.Days {
		must(t, f.SaveDay(ctx, first.ID, day))
	}
	first.FinishedAt, first.Status, first.ExitCode, first.Error = noon.Add(time.Minute), orchestrator.StatusFailed, 1, "database unavailable"
	must(t, f.EndRun(ctx, first))
	second := f.begin(t, "second", noon.Add(time.Hour))
	must(t, f.BeginRun(ctx, second)) // as when the answer to the first try was lost

	for id, want := range map[string]orchestrator.Run{"first": first, "second": second, store.LastRun: second} {
		run, err := f.Run(ctx, id)
		must(t, err)
		expect(t, id, run, want)
	}
	for limit, want := range map[int][]orchestrator.Run{10: {second, first}, 1: {second}, 0: nil} {
		runs, err := f.Runs(ctx, limit)
		must(t, err)
		expect(t, "runs", runs, want)
	}
	if _, err := f.Run(ctx, "third"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("unknown run: %v", err)
	}
	if err := f.EndRun(ctx, orchestrator.Run{ID: "third"}); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("end of an unknown run: %v", err)
	}
	if err := f.SaveDay(ctx, "third", fullDay(alice)); err == nil {
		t.Fatal("a day of an unknown run is accepted")
	}
	if err := f.SaveDay(ctx, "first", orchestrator.UserDay{UserID: 999, Date: orchestrator.DateOf(noon)}); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("day of an unknown user: %v", err)
	}
}

func testSaveDayTwice(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	f.begin(t, "run", noon)
	day := fullDay(alice)
	must(t, f.SaveDay(ctx, "run", day))
	day.Laughs, day.Errors = 13, day.Errors[:1]
	must(t, f.SaveDay(ctx, "run", day))
	next := fullDay(alice)
	next.Date, next.Spans = next.Date.Add(1), nil
	must(t, f.SaveDay(ctx, "run", next))
	run, err := f.Run(ctx, "run")
	must(t, err)
	expect(t, "days", run.Days, []orchestrator.UserDay{day, next})
	ledger, err := f.Ledger(ctx, alice.ID, orchestrator.Span{Start: noon, End: noon.Add(24 * time.Hour)})
	must(t, err)
	expect(t, "ledger counts one attempt", ledger, day.Spans)

	// The system before had one row for a day, and lost what the first run had counted.
	f.begin(t, "later", noon.Add(time.Hour))
	later := orchestrator.UserDay{UserID: alice.ID, User: "alice", Date: day.Date, Timezone: day.Timezone, Status: orchestrator.StatusOK, Skipped: 9}
	must(t, f.SaveDay(ctx, "later", later))
	for id, want := range map[string][]orchestrator.UserDay{"run": {day, next}, "later": {later}} {
		run, err := f.Run(ctx, id)
		must(t, err)
		expect(t, id, run.Days, want)
	}
}

func testLedger(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	span := func(from, to int, state orchestrator.SpanState, attempts int) orchestrator.LedgerSpan {
		s := orchestrator.LedgerSpan{Span: orchestrator.Span{Start: at(from), End: at(to)}, State: state, Attempts: attempts, LastTried: at(1000)}
		if state == orchestrator.SpanFailed {
			s.Reason = "503"
		}
		return s
	}
	save := func(run string, user orchestrator.User, spans ...orchestrator.LedgerSpan) {
		t.Helper()
		f.begin(t, run, noon)
		must(t, f.SaveDay(ctx, run, orchestrator.UserDay{UserID: user.ID, User: user.Name, Date: orchestrator.DateOf(noon),
			Status: orchestrator.StatusOK, Spans: spans}))
	}
	ledger := func(user orchestrator.User, from, to int) []orchestrator.LedgerSpan {
		t.Helper()
		spans, err := f.Ledger(ctx, user.ID, orchestrator.Span{Start: at(from), End: at(to)})
		must(t, err)
		return spans
	}
	const read, empty, failed = orchestrator.SpanRead, orchestrator.SpanEmpty, orchestrator.SpanFailed

	save("r1", alice, span(30, 60, failed, 1), span(0, 30, empty, 1), span(60, 60, failed, 1))
	save("r1", bob, span(0, 60, failed, 1))
	expect(t, "first", ledger(alice, 0, 60), []orchestrator.LedgerSpan{span(0, 30, empty, 1), span(30, 60, failed, 1)})
	for before, want := range map[int][]orchestrator.Span{60: {span(30, 60, failed, 1).Span}, 59: nil} {
		gaps, err := f.Gaps(ctx, alice.ID, at(before), at(1000))
		must(t, err)
		expect(t, "gaps", gaps, want)
	}
	save("r2", alice, span(30, 60, failed, 1))
	save("r3", alice, span(30, 60, empty, 1))
	expect(t, "attempts", ledger(alice, 59, 61), []orchestrator.LedgerSpan{span(30, 60, empty, 3)})
	expect(t, "borders", len(ledger(alice, 60, 90)), 0)

	save("r4", alice, span(10, 40, failed, 1))
	expect(t, "cut", ledger(alice, 0, 60), []orchestrator.LedgerSpan{span(0, 10, empty, 1), span(10, 40, failed, 1), span(40, 60, empty, 3)})

	// A recording answers a window, in the middle of a gap.
	f.begin(t, "r5", noon)
	result := Result(alice, Recording("a.ogg", at(20)), At(1, 2))
	result.RunID, result.Recording.Window = "r5", orchestrator.Span{Start: at(20), End: at(30)}
	f.save(t, result)
	f.save(t, result)
	got := ledger(alice, 0, 60)
	if len(got) != 5 || time.Since(got[2].LastTried) > time.Hour {
		t.Fatalf("after a recording: %+v", got)
	}
	got[2].LastTried = at(1000)
	expect(t, "read", got, []orchestrator.LedgerSpan{span(0, 10, empty, 1), span(10, 20, failed, 1), span(20, 30, read, 1),
		span(30, 40, failed, 1), span(40, 60, empty, 3)})
	expect(t, "bob's", ledger(bob, 0, 60), []orchestrator.LedgerSpan{span(0, 60, failed, 1)})
}

func testGaps(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob, carol := f.user(t, "alice"), f.user(t, "bob"), f.user(t, "carol")
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	span := func(from, to int) orchestrator.Span { return orchestrator.Span{Start: at(from), End: at(to)} }
	note := func(user orchestrator.User, from, to int, state orchestrator.SpanState) {
		t.Helper()
		run := f.begin(t, fmt.Sprint(user.Name, from), noon)
		must(t, f.SaveDay(ctx, run.ID, orchestrator.UserDay{UserID: user.ID, User: user.Name, Date: orchestrator.DateOf(noon), Status: orchestrator.StatusOK,
			Spans: []orchestrator.LedgerSpan{{Span: span(from, to), State: state, Attempts: 1, LastTried: noon}}}))
	}
	gaps := func(user orchestrator.User, before, emptySince int, want ...orchestrator.Span) {
		t.Helper()
		got, err := f.Gaps(ctx, user.ID, at(before), at(emptySince))
		must(t, err)
		expect(t, fmt.Sprintf("gaps of %s before %d, empty since %d", user.Name, before, emptySince), got, want)
	}
	const never = 1000
	gaps(alice, 100, never)
	note(bob, 0, 1, orchestrator.SpanFailed)
	gaps(alice, 100, never) // what others have is nothing to her
	note(alice, 10, 12, orchestrator.SpanRead)
	note(alice, 12, 14, orchestrator.SpanEmpty)
	note(alice, 20, 22, orchestrator.SpanFailed)
	note(alice, 22, 24, orchestrator.SpanRead)
	note(alice, 40, 42, orchestrator.SpanEmpty)
	gaps(alice, 10, never)
	gaps(alice, 18, never, span(14, 18))
	gaps(alice, 21, never, span(14, 20))
	gaps(alice, 50, never, span(14, 20), span(20, 22), span(24, 40), span(42, 50))
	gaps(alice, 50, 14, span(12, 14), span(14, 20), span(20, 22), span(24, 40), span(40, 42), span(42, 50))
	gaps(alice, 50, 15, span(14, 20), span(20, 22), span(24, 40), span(40, 42), span(42, 50))
	const months = 200 * 24
	gaps(alice, months, never, span(20, 22), span(months-90*24, months)) // what failed is asked for however old it is

	// Another system asked for what it wanted, and for nothing after its last day.
	adopt := func(hour int) {
		rec := Recording(fmt.Sprint("foreign", hour), at(hour))
		rec.Window = span(hour, hour+1)
		_, _, err := f.ImportRecording(ctx, carol.ID, Model(), store.Foreign{Recording: rec, Samples: 1})
		must(t, err)
	}
	adopt(0)
	adopt(5)
	gaps(carol, 30, never, span(6, 30))
	note(carol, 8, 9, orchestrator.SpanRead)
	gaps(carol, 30, never, span(6, 8), span(9, 30))
}

func testStatus(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	status, err := f.Status(ctx)
	must(t, err)
	expect(t, "new", status, orchestrator.ServiceStatus{Users: []orchestrator.UserStatus{{User: alice}, {User: bob}}})

	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(100, 101)))
	f.save(t, Result(alice, Recording("b.ogg", noon.Add(-time.Hour)), At(1, 2)))
	fail := func(runs int, rec orchestrator.Recording) {
		for n := range runs {
			run := f.begin(t, fmt.Sprint("fails ", rec.Name, n), noon)
			must(t, f.FailRecording(ctx, run.ID, alice.ID, rec, fmt.Sprint("no ", n)))
		}
	}
	fail(orchestrator.MaxAttempts-1, Recording("c.ogg", noon.Add(10*time.Hour)))
	fail(orchestrator.MaxAttempts+1, Recording("e.ogg", noon.Add(2*time.Hour)))
	fail(orchestrator.MaxAttempts, Recording("d.ogg", noon.Add(-2*time.Hour)))
	torn := Recording("b.ogg", noon.Add(-time.Hour)) // its copy was torn at first
	torn.SHA256 = Recording("torn.ogg", noon).SHA256
	fail(orchestrator.MaxAttempts, torn)
	kept := Recording("a.ogg", noon) // it is stored: that a reprocessing failed loses nothing
	fail(orchestrator.MaxAttempts, kept)
	day := fullDay(alice)
	for i, outcome := range []struct {
		status orchestrator.Status
		code   int
	}{{orchestrator.StatusOK, 0}, {orchestrator.StatusIncomplete, 3}} {
		run := f.begin(t, string(outcome.status), noon)
		run.FinishedAt, run.Status, run.ExitCode = noon.Add(time.Duration(i)*time.Hour), outcome.status, outcome.code
		day.Status, day.Date = outcome.status, orchestrator.DateOf(noon).Add(i)
		must(t, f.SaveDay(ctx, run.ID, day))
		must(t, f.EndRun(ctx, run))
	}
	status, err = f.Status(ctx)
	must(t, err)
	gap := day.Spans[0]
	gap.Attempts = 2
	want := orchestrator.ServiceStatus{LastGoodRun: noon, Users: []orchestrator.UserStatus{
		{User: alice, FirstDay: orchestrator.DateOf(noon), LastDay: orchestrator.DateOf(noon), LastGoodRun: noon, Latest: day,
			LastAudio: noon.Add(time.Hour), LastLaugh: noon.Add(100 * time.Second), Gaps: []orchestrator.LedgerSpan{gap},
			GivenUp: []orchestrator.GivenUp{
				{Recording: "d.ogg", Start: noon.Add(-2 * time.Hour), Attempts: orchestrator.MaxAttempts, Reason: "no 2"},
				{Recording: "e.ogg", Start: noon.Add(2 * time.Hour), Attempts: orchestrator.MaxAttempts + 1, Reason: "no 3"},
			}},
		{User: bob},
	}}
	expect(t, "later", status, want)

	// A run that does another user well, and this one's earlier day, says nothing of the latest day; nor does one that
	// was interrupted. One that does the day well does.
	for i, of := range []struct {
		user   orchestrator.User
		days   int // behind the first
		status orchestrator.Status
	}{{bob, 1, orchestrator.StatusOK}, {alice, -1, orchestrator.StatusOK}, {alice, 1, orchestrator.StatusInterrupted},
		{alice, 2, orchestrator.StatusSkipped}, {alice, 1, orchestrator.StatusFailed}, {alice, 1, orchestrator.StatusOK}} {
		run := f.begin(t, fmt.Sprint("again-", i), noon.Add(time.Duration(24+i)*time.Hour))
		run.FinishedAt, run.Status = run.StartedAt.Add(time.Hour), orchestrator.StatusOK
		again := orchestrator.UserDay{UserID: of.user.ID, User: of.user.Name, Date: orchestrator.DateOf(noon).Add(of.days),
			Timezone: of.user.Timezone, Status: of.status}
		must(t, f.SaveDay(ctx, run.ID, again))
		must(t, f.EndRun(ctx, run))
		want.LastGoodRun = run.FinishedAt
		user := &want.Users[0]
		if of.user == bob {
			user = &want.Users[1]
			user.FirstDay, user.LastDay = again.Date, again.Date
		}
		if of.status == orchestrator.StatusOK {
			user.LastGoodRun = run.FinishedAt
		}
		switch {
		case of.days < 0:
			user.FirstDay = again.Date
		case of.status == orchestrator.StatusOK:
			user.LastDay, user.Latest = again.Date, again
		case of.status == orchestrator.StatusFailed:
			user.Latest = again
		}
		status, err = f.Status(ctx)
		must(t, err)
		expect(t, run.ID, status, want)
	}

	// A later day on which nothing was found leaves a failed one standing, and one that had not come says nothing at all.
	save := func(name string, days int, status orchestrator.Status, found int) {
		run := f.begin(t, name, noon.Add(48*time.Hour))
		must(t, f.SaveDay(ctx, run.ID, orchestrator.UserDay{UserID: bob.ID, User: bob.Name, Date: orchestrator.DateOf(noon).Add(days),
			Timezone: bob.Timezone, Status: status, Found: found, Errors: failedBecause(status)}))
		run.FinishedAt, run.Status = run.StartedAt, orchestrator.StatusOK
		must(t, f.EndRun(ctx, run))
	}
	latest := func(what string, days int) {
		t.Helper()
		status, err := f.UserStatus(ctx, bob.ID)
		must(t, err)
		expect(t, what, status.Latest.Date, orchestrator.DateOf(noon).Add(days))
	}
	save("bob fails", 1, orchestrator.StatusFailed, 1)
	save("bob's empty day", 2, orchestrator.StatusOK, 0)
	latest("before an empty day", 1)
	save("bob's day to come", 400, orchestrator.StatusOK, 3)
	latest("before a day to come", 1)
	save("bob's full day", 2, orchestrator.StatusOK, 1)
	latest("before a full day", 2)
	save("bob fails again", 1, orchestrator.StatusFailed, 1)
	latest("an earlier day", 2)
}

// testImportRun: a run of another system is there as a whole or not at all.
func testImportRun(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	run := orchestrator.Run{ID: "theirs", Trigger: orchestrator.TriggerCron, StartedAt: noon, FinishedAt: noon.Add(time.Hour), Status: orchestrator.StatusOK}
	day := fullDay(alice)
	gone := day
	gone.UserID, gone.Date = 999, orchestrator.DateOf(noon.Add(48*time.Hour))
	run.Days = []orchestrator.UserDay{day, gone}
	if err := f.ImportRun(ctx, run); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("a day of nobody: %v", err)
	}
	if _, err := f.Run(ctx, run.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("a part of it is there: %v", err)
	}
	run.Days = run.Days[:1]
	f.begin(t, run.ID, noon) // what an import left that was killed
	for range 2 {
		must(t, f.ImportRun(ctx, run))
		stored, err := f.Run(ctx, run.ID)
		must(t, err)
		if stored.Status != orchestrator.StatusOK || !stored.FinishedAt.Equal(run.FinishedAt) || len(stored.Days) != 1 || stored.Days[0].Date != day.Date {
			t.Fatalf("stored: %+v", stored)
		}
	}
}

// failedBecause is an error of a day that failed.
func failedBecause(status orchestrator.Status) []orchestrator.RunError {
	if status == orchestrator.StatusOK {
		return nil
	}
	return []orchestrator.RunError{{Stage: orchestrator.StageSource, Message: "the folder is gone"}}
}
