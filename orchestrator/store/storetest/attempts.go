package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// testAttempts holds that what a run began to read and never ended counts as a failure of that run, once, and nothing
// else does.
func testAttempts(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("a.ogg", noon)
	attempts := func(want int) {
		t.Helper()
		n, err := f.CountAttempts(ctx, alice.ID)
		must(t, err)
		expect(t, "counted", n, want)
	}
	for i, run := range []string{"one", "two", "three"} {
		f.begin(t, run, noon)
		must(t, f.BeginAttempt(ctx, run, alice.ID, rec))
		must(t, f.BeginAttempt(ctx, run, bob.ID, rec))
		attempts(1)
		attempts(0)
		expect(t, "attempts", f.state(t, alice, rec), orchestrator.RecordingState{SHA256: rec.SHA256, Attempts: i + 1})
	}
	expect(t, "bob's is not counted yet", f.state(t, bob, rec), orchestrator.RecordingState{})

	must(t, f.BeginAttempt(ctx, "three", alice.ID, rec))
	must(t, f.EndAttempt(ctx, alice.ID, rec))
	must(t, f.EndAttempt(ctx, alice.ID, rec))
	attempts(0)
	f.begin(t, "four", noon)
	must(t, f.BeginAttempt(ctx, "four", alice.ID, rec))
	must(t, f.FailRecording(ctx, "four", alice.ID, rec, "no page of it can be read"))
	attempts(0)
	must(t, f.BeginAttempt(ctx, "gone", alice.ID, rec)) // a run that was never stored
	attempts(1)
	must(t, f.BeginAttempt(ctx, "four", alice.ID, rec))
	f.save(t, Result(alice, rec))
	attempts(0)
	if state := f.state(t, alice, rec); !state.Done || state.Attempts != 0 {
		t.Errorf("done in the end: %+v", state)
	}
	if err := f.BeginAttempt(ctx, "four", 999, rec); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("unknown user: %v", err)
	}
	must(t, f.BeginAttempt(ctx, "four", alice.ID, rec))
	_, err := f.PurgeUser(ctx, alice)
	must(t, err)
}

// testAhead holds that what a clock which was ahead put behind now counts for nothing, and is told (M5).
func testAhead(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	const years = 2 * 366 * 24 * time.Hour
	for _, at := range []time.Time{noon, noon.Add(years)} {
		run := f.begin(t, at.String(), at)
		run.FinishedAt, run.Status = at.Add(time.Minute), orchestrator.StatusOK
		result := Result(alice, Recording(at.String(), at), At(1, 2))
		f.save(t, result)
		day := fullDay(alice)
		day.Date, day.Spans, day.Status = orchestrator.DateOf(at), nil, orchestrator.StatusOK
		must(t, f.SaveDay(ctx, run.ID, day))
		must(t, f.EndRun(ctx, run))
	}
	status, err := f.StatusAt(ctx, noon.Add(time.Hour))
	must(t, err)
	user := status.Users[0]
	expect(t, "ahead", status.Ahead, noon.Add(years))
	expect(t, "last good run", []time.Time{status.LastGoodRun, user.LastGoodRun}, []time.Time{noon.Add(time.Minute), noon.Add(time.Minute)})
	expect(t, "latest", user.Latest.Date, orchestrator.DateOf(noon))
	expect(t, "last laugh", user.LastLaugh, noon.Add(time.Second))
	if !user.LastAudio.Before(noon.Add(years)) {
		t.Errorf("last audio at %v", user.LastAudio)
	}
}
