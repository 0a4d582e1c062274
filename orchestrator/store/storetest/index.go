package storetest

import (
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// testIndex: recordings are known by file, move with their laughs, and may have further files.
func testIndex(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("REC001.wav", noon)
	rec.TimeSource = orchestrator.TimeFromModTime
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12)))
	f.save(t, Result(bob, rec, At(1, 2)))
	f.judge(t, f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})[0], orchestrator.MarkRight, true, "mine")
	before := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})
	known := func(rec orchestrator.Recording) orchestrator.KnownRecording {
		t.Helper()
		all, err := f.Known(t.Context(), alice.ID, []orchestrator.Recording{rec, Recording("none.wav", noon)})
		must(t, err)
		if len(all) != 2 || all[1].SHA256 != "" {
			t.Errorf("known: %+v", all)
		}
		return all[0]
	}
	file := rec
	file.SHA256 = ""
	if k := known(file); !k.Done || k.SHA256 != rec.SHA256 || !k.Stored.Start.Equal(noon) || k.Stored.TimeSource != orchestrator.TimeFromModTime {
		t.Errorf("by file: %+v", k)
	}
	if k := known(rec); !k.Done || k.Stored.Name != "REC001.wav" {
		t.Errorf("by content: %+v", k)
	}

	// It is renamed, and was recorded on the day before, late in the evening of London.
	moved := rec
	moved.Name, moved.Start, moved.TimeSource = "2026-11-21T23-59-50Z.wav", time.Date(2026, 11, 21, 23, 59, 50, 0, time.UTC), orchestrator.TimeFromName
	must(t, f.Move(t.Context(), alice.ID, []orchestrator.Recording{moved}))
	for i, l := range f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}}) {
		want := before[i]
		want.Start, want.End = want.Start.Add(moved.Start.Sub(noon)), want.End.Add(moved.Start.Sub(noon))
		want.Recording, want.Day = moved.Name, l.Day
		expect(t, "moved laugh", l, want)
		day := orchestrator.Date{Year: 2026, Month: 11, Day: 21 + i} // the second one is 10 s later
		expect(t, "day of moved laugh", l.Day, day)
	}
	expect(t, "laughs of another user", f.laughs(t, orchestrator.LaughFilter{Users: []string{"bob"}})[0].Start, noon.Add(time.Second))
	if k := known(file); k.SHA256 != "" {
		t.Errorf("by its old name: %+v", k)
	}

	// Another file has the same content.
	copied := rec
	copied.Name = "copy/REC001.wav"
	must(t, f.Alias(t.Context(), alice.ID, copied))
	must(t, f.Alias(t.Context(), alice.ID, copied))
	copied.SHA256 = ""
	if k := known(copied); k.SHA256 != rec.SHA256 || k.Stored.Name != moved.Name {
		t.Errorf("by its other file: %+v", k)
	}

	// Failed attempts at a file that is gone are forgotten, and nothing else.
	for _, name := range []string{"gone.wav", "here.wav"} {
		run := f.begin(t, "fails "+name, noon)
		for _, user := range []orchestrator.User{alice, bob} {
			must(t, f.FailRecording(t.Context(), run.ID, user.ID, Recording(name, noon), "no"))
		}
	}
	forgotten, err := f.ForgetFailed(t.Context(), alice.ID, func(name string) bool { return name == "here.wav" })
	must(t, err)
	expect(t, "forgotten", forgotten, int64(1))
	expect(t, "attempts at one that is there", known(Recording("here.wav", noon)).Attempts, 1)
	expect(t, "attempts at one that is gone", known(Recording("gone.wav", noon)).Attempts, 0)
	expect(t, "a recording that is stored", known(rec).Done, true)
	theirs, err := f.FindRecording(t.Context(), bob.ID, Recording("gone.wav", noon))
	must(t, err)
	expect(t, "attempts of another user", theirs.Attempts, 1)

	survey, err := f.Survey(t.Context(), alice.ID)
	must(t, err)
	if survey != nil {
		t.Errorf("a survey before any: %+v", survey)
	}
	want := orchestrator.Survey{At: noon, Recordings: 7, LateLeft: 5, LateFirst: orchestrator.Date{Year: 2026, Month: 11, Day: 5},
		LateLast: orchestrator.Date{Year: 2026, Month: 11, Day: 19}, LateBytes: 1 << 40, Notes: []string{"a note"},
		PassedOver: []orchestrator.PassedOver{{Ending: ".xyz", Files: 2, Example: "a.xyz"}},
		MovedCount: 1, Moved: []orchestrator.Moved{{Recording: "a", From: noon, To: noon.Add(time.Hour)}}}
	must(t, f.SaveSurvey(t.Context(), alice.ID, orchestrator.Survey{}))
	must(t, f.SaveSurvey(t.Context(), alice.ID, want))
	survey, err = f.Survey(t.Context(), alice.ID)
	must(t, err)
	expect(t, "survey", *survey, want)
}

// testBetterCopy: a copy that is whole takes the place of a recording that is not.
func testBetterCopy(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.save(t, Result(alice, Recording("talk.wav", noon), At(1, 2)))
	f.judge(t, f.laughs(t, orchestrator.LaughFilter{})[0], orchestrator.MarkRight, false, "kept")
	old := f.laughs(t, orchestrator.LaughFilter{})[0]
	whole := Recording("talk.sync-conflict-20261123-091500-ABCDEFG.wav", noon.Add(5*time.Minute))
	whole.Replaces = "talk.wav"
	expect(t, "saved", f.save(t, Result(alice, whole, At(1, 2), At(1000, 1002))).New, 1)
	now := f.laughs(t, orchestrator.LaughFilter{})
	if len(now) != 2 || now[0].ID != old.ID || now[0].Note != "kept" || now[0].Recording != whole.Name || !now[0].Start.Equal(old.Start.Add(5*time.Minute)) {
		t.Errorf("got %+v", now)
	}
}
