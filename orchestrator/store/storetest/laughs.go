package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// spans are the laughs as seconds behind noon.
func spans(laughs []orchestrator.StoredLaugh) (texts []string) {
	for _, l := range laughs {
		texts = append(texts, fmt.Sprintf("%v-%v", l.Start.Sub(noon).Seconds(), l.End.Sub(noon).Seconds()))
	}
	return texts
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func testSaveRecording(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.begin(t, "run", noon)
	rec := Recording("day/a.ogg", noon.Add(120*time.Millisecond))
	second := At(100.5, 101.2504)
	second.Class, second.ClassScores, second.Score, second.Clip = "Giggle", []float64{0.25, 0.5}, 0.5, ""
	result := Result(alice, rec, At(10, 12.5), second)
	result.RunID = "run"
	expect(t, "saved", f.save(t, result), orchestrator.Saved{New: 2})

	stored := f.laughs(t, orchestrator.LaughFilter{})
	today := orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	want := []orchestrator.StoredLaugh{
		{UserID: alice.ID, User: "alice", Timezone: "Europe/London", Day: today, Tier: orchestrator.TierSure, Certainty: 0.75, Start: noon.Add(10120 * time.Millisecond), End: noon.Add(12620 * time.Millisecond),
			Score: 0.75, Class: "Laughter", ClassScores: map[string]float64{"Laughter": 0.75, "Giggle": 0.125},
			Recording: "day/a.ogg", Offset: 10 * time.Second, Clip: "clip-10-12.5", Model: "yamnet", ModelVersion: "1", ModelSHA256: "abc123"},
		{UserID: alice.ID, User: "alice", Timezone: "Europe/London", Day: today, Tier: orchestrator.TierSure, Certainty: 0.5, Start: noon.Add(100620 * time.Millisecond), End: noon.Add(101370 * time.Millisecond),
			Score: 0.5, Class: "Giggle", ClassScores: map[string]float64{"Laughter": 0.25, "Giggle": 0.5},
			Recording: "day/a.ogg", Offset: 100500 * time.Millisecond, Model: "yamnet", ModelVersion: "1", ModelSHA256: "abc123"},
	}
	for i := range stored {
		if id, ok := orchestrator.ParseLaughID(stored[i].ID); !ok || id != stored[i].ID {
			t.Fatalf("a laugh has the id %q", stored[i].ID)
		}
		stored[i].ID = ""
	}
	expect(t, "laughs", stored, want)
	expect(t, "clips", collect(t, f.ClipKeys(t.Context())), []string{"clip-10-12.5"})
}

func testSaveRecordingValidation(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	good := Result(alice, Recording("a.ogg", noon), At(1, 2))
	for name, spoil := range map[string]func(*orchestrator.Result){
		"no hash":                     func(r *orchestrator.Result) { r.Recording.SHA256 = "" },
		"an end before the start":     func(r *orchestrator.Result) { r.Laughs[0].Offset = 0 },
		"too few scores of classes":   func(r *orchestrator.Result) { r.Laughs[0].ClassScores = nil },
		"a run that was not begun":    func(r *orchestrator.Result) { r.RunID = "none" },
		"a score that is not in 0..1": func(r *orchestrator.Result) { r.Laughs[0].Score = 1.5 },
	} {
		bad := good
		bad.Laughs = slices.Clone(good.Laughs)
		spoil(&bad)
		if _, err := f.SaveRecording(t.Context(), bad); err == nil || errors.Is(err, orchestrator.ErrStoreUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := good
	stranger.UserID = 999
	if _, err := f.SaveRecording(t.Context(), stranger); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("unknown user: %v", err)
	}
	// All of it or nothing: the recording of a refused result is not there either.
	expect(t, "state", f.state(t, alice, good.Recording), orchestrator.RecordingState{})
	expect(t, "scores", len(collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{}))), 0)
}

func testSaveTwice(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	result := Result(alice, Recording("a.ogg", noon), At(1, 2), At(3, 4), At(5, 5.0001))
	expect(t, "first", f.save(t, result), orchestrator.Saved{New: 3})
	before := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "second", f.save(t, result), orchestrator.Saved{})
	expect(t, "rows", f.laughs(t, orchestrator.LaughFilter{}), before)
}

func testRename(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	result := Result(alice, Recording("a.ogg", noon), At(1, 2))
	f.save(t, result)
	result.Recording.Name = "folder/renamed.ogg"
	expect(t, "saved", f.save(t, result), orchestrator.Saved{})
	laughs := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "number", len(laughs), 1)
	expect(t, "name", laughs[0].Recording, "folder/renamed.ogg")
}

func testReprocess(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	before := f.laughs(t, orchestrator.LaughFilter{})

	longer := At(9.5, 12.5)
	expect(t, "saved", f.save(t, Result(alice, rec, At(1, 2), longer, At(30, 31))),
		orchestrator.Saved{New: 1, Orphans: []string{"clip-10-12", "clip-20-21"}})
	after := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "spans", spans(after), []string{"1-2", "9.5-12.5", "30-31"})
	expect(t, "the row that stayed", after[0], before[0])
	expect(t, "the id that was taken over", after[1].ID, before[1].ID)
	if slices.ContainsFunc(before, func(l orchestrator.StoredLaugh) bool { return l.ID == after[2].ID }) {
		t.Fatal("a new laugh has the id of an old one")
	}

	// The start of the recording is corrected: the same rows, an hour later.
	rec.Start = noon.Add(time.Hour)
	expect(t, "saved", f.save(t, Result(alice, rec, At(1, 2), longer, At(30, 31))), orchestrator.Saved{})
	moved := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "spans", spans(moved), []string{"3601-3602", "3609.5-3612.5", "3630-3631"})
	expect(t, "id", moved[1].ID, before[1].ID)

	expect(t, "nothing is left", f.save(t, Result(alice, rec)),
		orchestrator.Saved{Orphans: []string{"clip-1-2", "clip-30-31", "clip-9.5-12.5"}})
	expect(t, "laughs", f.laughs(t, orchestrator.LaughFilter{}), []orchestrator.StoredLaugh(nil))
}

func (f *fixture) judge(t *testing.T, l orchestrator.StoredLaugh, mark orchestrator.Mark, star bool, note string) {
	t.Helper()
	of := []int64{l.UserID}
	_, err := f.Mark(t.Context(), of, l.ID, mark)
	must(t, err)
	must(t, f.Star(t.Context(), of, l.ID, star))
	must(t, f.Note(t.Context(), of, l.ID, note))
}

func testJudgementsGoOver(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(12.5, 14), At(20, 30)))
	old := f.laughs(t, orchestrator.LaughFilter{})
	f.judge(t, old[0], orchestrator.MarkRight, true, "the best one")
	f.judge(t, old[1], orchestrator.MarkWrong, false, "a cough")
	f.judge(t, old[2], orchestrator.MarkRight, true, "")
	f.judge(t, old[3], orchestrator.MarkNone, false, "a long one")

	// One grew, two became one, one fell apart.
	f.save(t, Result(alice, rec, At(0.5, 2.5), At(10, 14), At(20, 22), At(23, 30)))
	type judged struct {
		ID   string
		Span string
		Mark orchestrator.Mark
		Star bool
		Note string
	}
	var got []judged
	now := f.laughs(t, orchestrator.LaughFilter{})
	for i, l := range now {
		got = append(got, judged{l.ID, spans(now)[i], l.Mark, l.Star, l.Note})
	}
	expect(t, "judgements", got, []judged{
		{old[0].ID, "0.5-2.5", orchestrator.MarkRight, true, "the best one"},
		{old[1].ID, "10-14", orchestrator.MarkWrong, true, "a cough"},
		{now[2].ID, "20-22", orchestrator.MarkNone, false, ""},
		{old[3].ID, "23-30", orchestrator.MarkNone, false, "a long one"},
	})

	of := []int64{alice.ID}
	if _, err := f.Mark(t.Context(), of, old[0].ID, "perhaps"); err == nil {
		t.Fatal("an unknown mark is accepted")
	}
	if _, err := f.Mark(t.Context(), of, old[2].ID, orchestrator.MarkRight); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("a laugh that is gone: %v", err)
	}
}

func testJudgedStays(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12)))
	f.judge(t, f.laughs(t, orchestrator.LaughFilter{})[1], orchestrator.MarkNone, true, "")
	kept := f.laughs(t, orchestrator.LaughFilter{})[1]

	expect(t, "saved", f.save(t, Result(alice, rec)), orchestrator.Saved{Orphans: []string{"clip-1-2"}})
	expect(t, "rows", f.laughs(t, orchestrator.LaughFilter{}), []orchestrator.StoredLaugh{kept})
	// It comes back where it was found again.
	expect(t, "saved", f.save(t, Result(alice, rec, At(1, 2), At(10, 12))), orchestrator.Saved{New: 1})
	expect(t, "the judged row", f.laughs(t, orchestrator.LaughFilter{})[1], kept)
}

func testDuplicates(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.save(t, Result(alice, Recording("phone.ogg", noon), At(10, 12), At(100, 101)))
	before := f.laughs(t, orchestrator.LaughFilter{})

	// The pendant ran at the same time, from half a minute later on.
	heard := []orchestrator.Laugh{At(69.5, 70.5), At(71, 72), At(200, 201)}
	heard[0].Clip, heard[1].Clip, heard[2].Clip = "p1", "p2", "p3"
	pendant := Result(alice, Recording("pendant.ogg", noon.Add(30*time.Second)), heard...)
	expect(t, "saved", f.save(t, pendant), orchestrator.Saved{New: 2, Duplicates: 1, Orphans: []string{"p1"}})
	now := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "spans", spans(now), []string{"10-12", "100-101", "101-102", "230-231"})
	expect(t, "rows of the phone", now[:2], before)
	expect(t, "again", f.save(t, pendant), orchestrator.Saved{Duplicates: 1, Orphans: []string{"p1"}})
	expect(t, "rows", f.laughs(t, orchestrator.LaughFilter{}), now)

	// A judged row whose laugh is now another recording's stays where it is.
	f.judge(t, now[3], orchestrator.MarkRight, false, "")
	expect(t, "phone again", f.save(t, Result(alice, Recording("phone.ogg", noon), At(10, 12), At(100, 101), At(230.2, 230.5))),
		orchestrator.Saved{Duplicates: 1, Orphans: []string{"clip-230.2-230.5"}})
	expect(t, "spans", spans(f.laughs(t, orchestrator.LaughFilter{})), []string{"10-12", "100-101", "101-102", "230-231"})
}

func testApart(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("a.ogg", noon)
	expect(t, "alice", f.save(t, Result(alice, rec, At(1, 2))).New, 1)
	expect(t, "bob, same recording", f.save(t, Result(bob, rec, At(1, 2))).New, 1)
	other := Result(alice, rec, At(1, 2))
	other.Model.Name, other.Model.SHA256 = "laughnet", "def"
	expect(t, "alice, other model", f.save(t, other).New, 1)
	retrained := Result(alice, rec, At(1, 2))
	retrained.Model.SHA256 = "abc124"
	expect(t, "alice, other weights", f.save(t, retrained).New, 1)
	next := Result(alice, rec, At(1, 2))
	next.Model.Version = "2"
	expect(t, "alice, other version", f.save(t, next).New, 1)

	expect(t, "all", len(f.laughs(t, orchestrator.LaughFilter{})), 5)
	f.save(t, Result(alice, rec))
	expect(t, "left", len(f.laughs(t, orchestrator.LaughFilter{})), 4)
	expect(t, "scores", len(collect(t, f.Scores(t.Context(), orchestrator.LaughFilter{}))), 5)
}

// testReadBy: a recording without a laugh was read as well.
func testReadBy(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2)))
	f.save(t, Result(bob, Recording("a.ogg", noon)))
	f.save(t, Result(alice, Recording("b.ogg", noon.Add(24*time.Hour))))
	other := Result(alice, Recording("a.ogg", noon))
	other.Model = orchestrator.Model{Name: "laughnet", Version: "2", Window: 10, Hop: 10, Laughter: []string{"Laughter", "Giggle"}}
	f.save(t, other)

	a, b := store.RecordingRef{User: "alice", Name: "a.ogg", SHA256: "sha-of-a.ogg"}, store.RecordingRef{User: "alice", Name: "b.ogg", SHA256: "sha-of-b.ogg"}
	bobs := store.RecordingRef{User: "bob", Name: "a.ogg", SHA256: "sha-of-a.ogg"}
	laughnet, yamnet := store.ModelRef{Name: "laughnet", Version: "2"}, store.ModelRef{Name: "yamnet", Version: "1", SHA256: "abc123"}
	for _, c := range []struct {
		filter orchestrator.LaughFilter
		want   map[store.ModelRef][]store.RecordingRef
	}{
		{orchestrator.LaughFilter{}, map[store.ModelRef][]store.RecordingRef{laughnet: {a}, yamnet: {a, bobs, b}}},
		{orchestrator.LaughFilter{Users: []string{"alice"}, Span: orchestrator.Span{Start: noon.Add(time.Hour)}}, map[store.ModelRef][]store.RecordingRef{yamnet: {b}}},
		{orchestrator.LaughFilter{Users: []string{"bob"}, Span: orchestrator.Span{Start: noon.Add(time.Hour - 1), End: noon.Add(2 * time.Hour)}}, map[store.ModelRef][]store.RecordingRef{yamnet: {bobs}}},
		{orchestrator.LaughFilter{Users: []string{"bob"}, Span: orchestrator.Span{End: noon}}, map[store.ModelRef][]store.RecordingRef{}},
	} {
		got, err := f.ReadBy(t.Context(), c.filter)
		must(t, err)
		expect(t, "read", got, c.want)
	}
}

func testOrphans(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2)))
	other := Result(alice, rec, At(1, 2)) // the same clip
	other.Model.Name = "laughnet"
	f.save(t, other)
	expect(t, "one of two refers to it", f.save(t, Result(alice, rec)), orchestrator.Saved{})
	other.Laughs = nil
	expect(t, "none does", f.save(t, other), orchestrator.Saved{Orphans: []string{"clip-1-2"}})

	// A clip that was written anew under another name.
	f.save(t, Result(alice, rec, At(3, 4)))
	flac := At(3, 4)
	flac.Clip = "clip.flac"
	expect(t, "another name", f.save(t, Result(alice, rec, flac)), orchestrator.Saved{Orphans: []string{"clip-3-4"}})
	expect(t, "keys", collect(t, f.ClipKeys(t.Context())), []string{"clip.flac"})
}

func testLaughFilter(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	quiet := At(50, 51)
	quiet.Score = 0.3
	f.save(t, Result(bob, Recording("b.ogg", noon), At(5, 6)))
	f.save(t, Result(alice, Recording("a2.ogg", noon.Add(time.Hour)), At(0, 1)))
	f.save(t, Result(alice, Recording("a.ogg", noon), At(10, 11), quiet))
	other := Result(alice, Recording("a.ogg", noon), At(20, 21))
	other.Model.Name = "laughnet"
	f.save(t, other)

	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for name, test := range map[string]struct {
		filter orchestrator.LaughFilter
		want   []string
	}{
		"everything":       {orchestrator.LaughFilter{}, []string{"5-6", "10-11", "20-21", "50-51", "3600-3601"}},
		"one user":         {orchestrator.LaughFilter{Users: []string{"bob"}}, []string{"5-6"}},
		"two users":        {orchestrator.LaughFilter{Users: []string{"bob", "alice"}, MinScore: 0.5, Model: "yamnet"}, []string{"5-6", "10-11", "3600-3601"}},
		"unknown user":     {orchestrator.LaughFilter{Users: []string{"carol"}}, nil},
		"score":            {orchestrator.LaughFilter{MinScore: 0.75}, []string{"5-6", "10-11", "20-21", "3600-3601"}},
		"model":            {orchestrator.LaughFilter{Model: "laughnet"}, []string{"20-21"}},
		"from":             {orchestrator.LaughFilter{Span: orchestrator.Span{Start: at(50)}}, []string{"50-51", "3600-3601"}},
		"to, not included": {orchestrator.LaughFilter{Span: orchestrator.Span{End: at(20)}}, []string{"5-6", "10-11"}},
		"between":          {orchestrator.LaughFilter{Span: orchestrator.Span{Start: at(6), End: at(51)}}, []string{"10-11", "20-21", "50-51"}},
	} {
		if diff := cmp.Diff(test.want, spans(f.laughs(t, test.filter))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// testLaughPages uses more laughs than one statement reads or writes.
func testLaughPages(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	var laughs []orchestrator.Laugh
	for i := range 1234 {
		laughs = append(laughs, At(float64(i), float64(i)+0.5))
	}
	expect(t, "saved", f.save(t, Result(alice, Recording("a.ogg", noon), laughs...)).New, len(laughs))
	stored := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "number", len(stored), len(laughs))
	for i, l := range stored {
		if want := noon.Add(time.Duration(i) * time.Second); !l.Start.Equal(want) {
			t.Fatalf("laugh %d starts at %v, want %v", i, l.Start, want)
		}
	}
	expect(t, "clips", len(collect(t, f.ClipKeys(t.Context()))), len(laughs))
	saved := f.save(t, Result(alice, Recording("a.ogg", noon)))
	expect(t, "orphans", len(saved.Orphans), len(laughs))
}

// testLeaveList calls the store for every row, and leaves: nothing may be held open meanwhile.
func testLeaveList(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(3, 4), At(5, 6)))
	for range 20 {
		for l, err := range f.Laughs(t.Context(), orchestrator.LaughFilter{}) {
			must(t, err)
			must(t, f.Star(t.Context(), []int64{l.UserID}, l.ID, true))
			break
		}
	}
}

// testSameSecond: the system before refused a second laugh within a second, and deleted its clip.
func testSameSecond(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	giggle := At(1.5, 1.9)
	giggle.Class = "Giggle"
	expect(t, "saved", f.save(t, Result(alice, Recording("a.ogg", noon), At(1.1, 1.4), giggle)), orchestrator.Saved{New: 2})
}
