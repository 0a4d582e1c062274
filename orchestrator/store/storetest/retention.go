package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// testDropClips: the clips of laughs go and their rows stay, or both go; what a person holds stays, and a clip that
// another row has is no orphan.
func testDropClips(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	both := []int64{alice.ID, bob.ID}
	laughs := []orchestrator.Laugh{At(1, 2), At(10, 11), At(20, 21), At(30, 31), At(40, 41), At(50, 51)}
	laughs[5].Clip = laughs[0].Clip
	f.save(t, Result(alice, Recording("a.ogg", noon), laughs...))
	f.save(t, Result(bob, Recording("b.ogg", noon), At(60, 61)))
	var ids []string
	for _, l := range f.laughs(t, orchestrator.LaughFilter{}) {
		ids = append(ids, l.ID)
	}
	byStart := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})
	must(t, f.Star(ctx, both, byStart[2].ID, true))
	_, err := f.Mark(ctx, both, byStart[3].ID, orchestrator.MarkRight)
	must(t, err)
	must(t, f.Note(ctx, both, byStart[4].ID, "dinner"))

	dropped, err := f.DropClips(ctx, alice.ID, []string{byStart[0].ID, byStart[1].ID, byStart[2].ID, byStart[3].ID, byStart[4].ID}, false, noon)
	must(t, err)
	expect(t, "dropped", len(dropped.IDs), 2)
	expect(t, "orphans", dropped.Orphans, []string{"clip-10-11"})
	lost, err := f.LostClip(ctx, both, byStart[1].ID)
	must(t, err)
	expect(t, "lost", lost, orchestrator.LostClip{Why: orchestrator.ClipPruned, At: noon})
	if _, err := f.LostClip(ctx, []int64{bob.ID}, byStart[1].ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("another's: %v", err)
	}
	var clips []string
	for _, l := range f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}}) {
		clips = append(clips, l.Clip)
	}
	expect(t, "clips", clips, []string{"", "", "clip-20-21", "clip-30-31", "clip-40-41", "clip-1-2"})
	heard, err := f.HeardRecording(ctx, alice.ID, "sha-of-a.ogg")
	must(t, err)
	expect(t, "heard", heard, store.HeardRecording{Done: true, Clips: []string{"clip-20-21", "clip-30-31", "clip-40-41", "clip-1-2"}})

	free, err := f.Unreferenced(ctx, []string{"clip-60-61", "nobody's", "clip-20-21", "", "clip-10-11"})
	must(t, err)
	expect(t, "unreferenced", free, []string{"clip-10-11", "nobody's"})

	// Again, as after a lost answer; by ids of another user; and with the rows.
	dropped, err = f.DropClips(ctx, alice.ID, []string{byStart[1].ID}, false, noon)
	must(t, err)
	expect(t, "orphans again", dropped.Orphans, []string(nil))
	dropped, err = f.DropClips(ctx, bob.ID, []string{byStart[5].ID}, true, noon)
	must(t, err)
	expect(t, "another's", dropped, store.Dropped{})
	dropped, err = f.DropClips(ctx, alice.ID, ids, true, noon)
	must(t, err)
	expect(t, "orphans with rows", dropped.Orphans, []string{"clip-1-2"})
	expect(t, "rows left", len(f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})), 3)
	expect(t, "bob's", len(f.laughs(t, orchestrator.LaughFilter{Users: []string{"bob"}})), 1)
	if _, err := f.LostClip(ctx, both, byStart[1].ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("of a laugh that is gone: %v", err)
	}
	if _, err := f.DropClips(ctx, 999, ids, false, noon); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("unknown user: %v", err)
	}
}

// testNoRoom: laughs that were stored without clips say why, until they have some.
func testNoRoom(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	silent := At(1, 2)
	silent.Clip = ""
	result := Result(alice, Recording("a.ogg", noon), silent)
	result.Lost = orchestrator.ClipNoRoom
	f.save(t, result)
	laugh := f.laughs(t, orchestrator.LaughFilter{})[0]
	lost, err := f.LostClip(ctx, []int64{alice.ID}, laugh.ID)
	must(t, err)
	expect(t, "why", lost.Why, orchestrator.ClipNoRoom)
	heard, err := f.HeardRecording(ctx, alice.ID, "sha-of-a.ogg")
	must(t, err)
	expect(t, "heard", heard, store.HeardRecording{Done: true, Silent: 1})

	taken := dump(t, f.Store)
	taken.Replace = true
	_, err = f.Load(ctx, taken)
	must(t, err)
	lost, err = f.LostClip(ctx, []int64{alice.ID}, laugh.ID)
	must(t, err)
	expect(t, "why, restored", lost.Why, orchestrator.ClipNoRoom)

	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2)))
	if _, err := f.LostClip(ctx, []int64{alice.ID}, laugh.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("it has its clip: %v", err)
	}
	f.save(t, result)
	_, err = f.WipeUser(ctx, alice.ID)
	must(t, err)
	if _, err := f.LostClip(ctx, []int64{alice.ID}, laugh.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("wiped: %v", err)
	}
}

// testBackups: notes of backups, the last one first, once each.
func testBackups(t *testing.T, f *fixture) {
	ctx := t.Context()
	good := orchestrator.BackupNote{StartedAt: noon, FinishedAt: noon.Add(time.Minute), Place: "/backups", Name: "a.tar", Bytes: 5}
	bad := orchestrator.BackupNote{StartedAt: noon.Add(time.Hour), FinishedAt: noon.Add(time.Hour), Place: "/backups", Error: "no room"}
	for _, note := range []orchestrator.BackupNote{good, bad, bad} {
		must(t, f.NoteBackup(ctx, note))
	}
	all, err := f.Backups(ctx, 10)
	must(t, err)
	expect(t, "backups", all, []orchestrator.BackupNote{bad, good})
	all, err = f.Backups(ctx, 1)
	must(t, err)
	expect(t, "the last", all, []orchestrator.BackupNote{bad})
}
