package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

func (f *fixture) state(t *testing.T, user orchestrator.User, rec orchestrator.Recording) orchestrator.RecordingState {
	t.Helper()
	state, err := f.FindRecording(t.Context(), user.ID, rec)
	must(t, err)
	return state
}

func testFindRecording(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("day/a.ogg", noon)
	if state := f.state(t, alice, rec); state != (orchestrator.RecordingState{}) {
		t.Fatalf("unknown recording: %+v", state)
	}
	f.save(t, Result(alice, rec))
	done := orchestrator.RecordingState{SHA256: rec.SHA256, Done: true}

	byFile := rec
	byFile.SHA256 = ""
	otherName, otherSize, otherTime := byFile, byFile, byFile
	otherName.Name, otherSize.Size, otherTime.ModTime = "b.ogg", 1, rec.ModTime.Add(time.Millisecond)
	moved := rec
	moved.Name, moved.Size, moved.ModTime = "moved.ogg", 1, noon
	for name, test := range map[string]struct {
		user orchestrator.User
		rec  orchestrator.Recording
		want orchestrator.RecordingState
	}{
		"by content":                {alice, rec, done},
		"by content, moved":         {alice, moved, done},
		"by name, size and time":    {alice, byFile, done},
		"another name":              {alice, otherName, orchestrator.RecordingState{}},
		"another size":              {alice, otherSize, orchestrator.RecordingState{}},
		"another modification time": {alice, otherTime, orchestrator.RecordingState{}},
		"another user's":            {bob, rec, orchestrator.RecordingState{}},
	} {
		if state := f.state(t, test.user, test.rec); state != test.want {
			t.Errorf("%s: got %+v, want %+v", name, state, test.want)
		}
	}
}

func testFailRecording(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	for _, run := range []string{"one", "two"} {
		f.begin(t, run, noon)
	}
	for _, step := range []struct {
		run      string
		attempts int
	}{{"one", 1}, {"one", 1}, {"two", 2}, {"", 3}, {"", 4}} {
		must(t, f.FailRecording(ctx, step.run, alice.ID, rec, "no page of it can be read"))
		want := orchestrator.RecordingState{SHA256: rec.SHA256, Attempts: step.attempts}
		if state := f.state(t, alice, rec); state != want {
			t.Fatalf("run %q: got %+v, want %+v", step.run, state, want)
		}
	}
	f.save(t, Result(alice, rec))
	if state := f.state(t, alice, rec); !state.Done || state.Attempts != 0 {
		t.Fatalf("done in the end: %+v", state)
	}

	if err := f.FailRecording(ctx, "", 999, rec, "x"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("unknown user: %v", err)
	}
	rec.SHA256 = ""
	if err := f.FailRecording(ctx, "", alice.ID, rec, "x"); err == nil {
		t.Fatal("a recording without a hash is accepted")
	}
}

func testFailureAfterSuccess(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2)))
	before := f.laughs(t, orchestrator.LaughFilter{})
	must(t, f.FailRecording(t.Context(), "", alice.ID, rec, "it cannot be read any more"))
	if state := f.state(t, alice, rec); !state.Done || state.Attempts != 1 {
		t.Fatalf("got %+v", state)
	}
	if diff := cmp.Diff(before, f.laughs(t, orchestrator.LaughFilter{})); diff != "" {
		t.Fatal(diff)
	}
}

// Notes of a recording are stored with it, replaced when it is processed again, and shown with its laughs and its run.
func testNotes(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	run := f.begin(t, "first", noon)
	result := Result(alice, Recording("a.ogg", noon), At(1, 2))
	result.RunID = run.ID
	result.Notes = []orchestrator.Note{{Code: orchestrator.NoteNarrowBand}, {Code: orchestrator.NoteTracks, N: 2}}
	f.save(t, result)
	must(t, f.SaveDay(t.Context(), run.ID, orchestrator.UserDay{UserID: alice.ID, User: alice.Name, Date: orchestrator.DateOf(noon), Timezone: alice.Timezone}))
	laugh := f.laughs(t, orchestrator.LaughFilter{})[0]
	facts, err := f.RecordingOf(t.Context(), []int64{alice.ID}, laugh.ID)
	must(t, err)
	if facts.Name != "a.ogg" || facts.TimeSource != orchestrator.TimeFromName || facts.Length != hour || !facts.Start.Equal(noon) {
		t.Errorf("got %+v", facts)
	}
	expect(t, "notes", facts.Notes, result.Notes)
	stored, err := f.Run(t.Context(), run.ID)
	must(t, err)
	expect(t, "notes of the run", stored.Days[0].Notes, []orchestrator.RecordingNote{{Recording: "a.ogg", Note: result.Notes[0]}, {Recording: "a.ogg", Note: result.Notes[1]}})
	if _, err := f.RecordingOf(t.Context(), []int64{alice.ID + 1}, laugh.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("somebody else's: got %v", err)
	}
	result.Notes = nil
	f.save(t, result)
	facts, err = f.RecordingOf(t.Context(), []int64{alice.ID}, laugh.ID)
	must(t, err)
	expect(t, "notes", facts.Notes, []orchestrator.Note(nil))
}

func testScores(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	first := Result(alice, Recording("a.ogg", noon), At(1, 2), At(30, 31))
	first.Recording.Uncertainty = 3 * time.Second
	second := Result(alice, Recording("b.ogg", noon.Add(time.Hour)), At(5, 6))
	other := Result(bob, Recording("c.ogg", noon), At(7, 8))
	for _, result := range []orchestrator.Result{second, first, other} {
		f.save(t, result)
	}
	want := func(result orchestrator.Result) orchestrator.Result {
		result.Recording.Path, result.Laughs = "", nil
		result.Model.Plugin = ""
		return result
	}
	all := collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{}))
	if len(all) != 3 {
		t.Fatalf("got %d", len(all))
	}
	for name, test := range map[string]struct {
		filter orchestrator.LaughFilter
		want   []orchestrator.Result
	}{
		"of a user":        {orchestrator.LaughFilter{Users: []string{"alice"}}, []orchestrator.Result{want(first), want(second)}},
		"of a time":        {orchestrator.LaughFilter{Span: orchestrator.Span{Start: noon.Add(time.Minute)}}, []orchestrator.Result{want(second)}},
		"of no model":      {orchestrator.LaughFilter{Model: "other"}, nil},
		"score has no say": {orchestrator.LaughFilter{Users: []string{"bob"}, MinScore: 0.99}, []orchestrator.Result{want(other)}},
	} {
		if diff := cmp.Diff(test.want, collect(t, f.Scores(t.Context(), test.filter))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	// Storing them again, as for another threshold, replaces the laughs and nothing else.
	again := all[0]
	again.Laughs = first.Laughs[:1]
	if again.UserID == bob.ID {
		again = all[1]
		again.Laughs = first.Laughs[:1]
	}
	f.save(t, again)
	if diff := cmp.Diff(want(first), collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{Users: []string{"alice"}}))[0]); diff != "" {
		t.Fatal(diff)
	}
}

func testForeignText(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.begin(t, "run", noon)
	rec := Recording("caf\xe9 \x00 \U0001F602.ogg", noon)
	rec.SHA256 = "abc"
	must(t, f.FailRecording(t.Context(), "run", alice.ID, rec, "open \xff\x00: no"))
	byFile := rec
	byFile.SHA256 = ""
	if state := f.state(t, alice, byFile); state.SHA256 != rec.SHA256 {
		t.Fatalf("not found again: %+v", state)
	}
	must(t, f.SaveDay(t.Context(), "run", orchestrator.UserDay{UserID: alice.ID, User: "alice", Date: orchestrator.DateOf(noon),
		Status: orchestrator.StatusIncomplete, Errors: []orchestrator.RunError{{Stage: "decode", Recording: rec.Name, Message: "\xfe '; DROP TABLE users"}}}))
	run, err := f.Run(t.Context(), "run")
	must(t, err)
	want := orchestrator.RunError{Stage: "decode", Recording: "caf\uFFFD \uFFFD \U0001F602.ogg", Message: "\uFFFD '; DROP TABLE users"}
	if diff := cmp.Diff([]orchestrator.RunError{want}, run.Days[0].Errors); diff != "" {
		t.Fatal(diff)
	}
}

// testWindowAgain reads a window of a source again that answers with other bytes each time.
func testWindowAgain(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("12-00--13-00.ogg", noon)
	rec.Window = orchestrator.Span{Start: noon, End: noon.Add(time.Hour)}
	f.save(t, Result(bob, rec, At(1, 2)))
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12)))
	f.judge(t, f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})[0], orchestrator.MarkRight, true, "mine")

	rec.SHA256 = "other bytes"
	saved := f.save(t, Result(alice, rec, At(1, 2.5)))
	laughs := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})
	if saved.New != 0 || saved.Duplicates != 0 || len(laughs) != 1 || laughs[0].Note != "mine" || laughs[0].End.Sub(laughs[0].Start) != 1500*time.Millisecond {
		t.Errorf("saved %+v, laughs %+v", saved, laughs)
	}
	for user, sha := range map[orchestrator.User]string{alice: "other bytes", bob: Recording(rec.Name, noon).SHA256} {
		var found []string
		for _, result := range collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{Users: []string{user.Name}})) {
			found = append(found, result.Recording.SHA256)
		}
		expect(t, user.Name, found, []string{sha})
	}
	// A file is another recording when its content is another, whatever its name.
	rec = Recording("a.ogg", noon.Add(2*time.Hour))
	f.save(t, Result(alice, rec))
	rec.SHA256 = "replaced"
	f.save(t, Result(alice, rec))
	if found := collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{Users: []string{"alice"}})); len(found) != 3 {
		t.Errorf("%d recordings, want 3", len(found))
	}
}
