package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func testSecrets(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	if _, err := f.Secret(ctx, alice.ID, "api_key"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("no secret yet: %v", err)
	}
	for _, secret := range []store.Secret{{UserID: alice.ID, Field: "api_key", Sealed: "one"}, {UserID: bob.ID, Field: "api_key", Sealed: "two"}, {UserID: alice.ID, Field: "api_key", Sealed: "three"}} {
		must(t, f.SetSecret(ctx, secret))
	}
	if err := f.SetSecret(ctx, store.Secret{UserID: 999, Field: "api_key", Sealed: "x"}); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("secret of an unknown user: %v", err)
	}
	all := []store.Secret{{UserID: alice.ID, Field: "api_key", Sealed: "three"}, {UserID: bob.ID, Field: "api_key", Sealed: "two"}}
	secrets, err := f.Secrets(ctx)
	must(t, err)
	expect(t, "all", secrets, all)
	secret, err := f.Secret(ctx, bob.ID, "api_key")
	must(t, err)
	expect(t, "bob's", secret, all[1])

	broken := errors.New("broken")
	seen := 0
	if _, err := f.Reseal(ctx, func(s store.Secret) (string, error) {
		if seen++; seen == 2 {
			return "", broken
		}
		return s.Sealed + "+", nil
	}); !errors.Is(err, broken) {
		t.Fatalf("an error of sealing: %v", err)
	}
	secrets, err = f.Secrets(ctx)
	must(t, err)
	expect(t, "after an error nothing has changed", secrets, all)
	changed, err := f.Reseal(ctx, func(s store.Secret) (string, error) {
		if s.UserID == bob.ID {
			return s.Sealed, nil
		}
		return s.Sealed + "+", nil
	})
	must(t, err)
	expect(t, "changed", changed, 1)
	all[0].Sealed = "three+"
	secrets, err = f.Secrets(ctx)
	must(t, err)
	expect(t, "sealed anew", secrets, all)
}

// full gives a user something in every table.
func (f *fixture) full(t *testing.T, run string, user orchestrator.User) {
	t.Helper()
	ctx := t.Context()
	must(t, f.SetSecret(ctx, store.Secret{UserID: user.ID, Field: "api_key", Sealed: "sealed of " + user.Name}))
	f.subscribe(t, user)
	laughs := []orchestrator.Laugh{At(1, 2), At(5, 7)}
	for i := range laughs {
		laughs[i].Clip = user.Name + "/" + laughs[i].Clip
	}
	f.save(t, Result(user, Recording(user.Name+".ogg", noon), laughs...))
	must(t, f.FailRecording(ctx, run, user.ID, Recording(user.Name+"-bad.ogg", noon.Add(time.Hour)), "bad sound of "+user.Name))
	day := fullDay(user)
	day.Spans[0].Reason, day.Errors[0].Message = "503 for "+user.Name, "error of "+user.Name
	must(t, f.SaveDay(ctx, run, day))
}

func testWipe(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	f.begin(t, "run", noon)
	f.full(t, "run", alice)
	f.full(t, "run", bob)
	shared := At(20, 21)
	shared.Clip = "bob/clip-1-2"
	f.save(t, Result(alice, Recording("alice-2.ogg", noon.Add(2*time.Hour)), shared))
	clips, err := f.UserClips(ctx, alice.ID)
	must(t, err)
	expect(t, "clips that are alice's alone", clips, []string{"alice/clip-1-2", "alice/clip-5-7"})

	if _, err := f.WipeUser(ctx, 999); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("unknown user: %v", err)
	}
	removed, err := f.WipeUser(ctx, alice.ID)
	must(t, err)
	expect(t, "removed", removed, store.Removed{Laughs: 3, Scores: 2})
	if left := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}}); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if left := f.laughs(t, orchestrator.LaughFilter{Users: []string{"bob"}}); len(left) != 2 {
		t.Errorf("bob has %d laughs", len(left))
	}
	state, err := f.FindRecording(ctx, alice.ID, Recording("alice.ogg", noon))
	must(t, err)
	if !state.Done {
		t.Error("the next run would hear it all again")
	}
	removed, err = f.WipeUser(ctx, alice.ID)
	must(t, err)
	expect(t, "removed again", removed, store.Removed{})
}

func testPurge(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "zoe"), f.user(t, "bob")
	for _, name := range []string{"zelda", "zelda", "alice"} {
		alice.Name = name
		must(t, f.UpdateUser(ctx, alice))
	}
	for user, want := range map[orchestrator.User][]string{alice: {"zelda", "zoe"}, bob: nil} {
		names, err := f.FormerNames(ctx, user.ID)
		must(t, err)
		expect(t, "former names", names, want)
	}
	bob.Name = "zoe" // is somebody else's name now
	must(t, f.UpdateUser(ctx, bob))
	names, err := f.FormerNames(ctx, alice.ID)
	must(t, err)
	expect(t, "former names that nobody has", names, []string{"zelda"})
	bob.Name = "bob"
	must(t, f.UpdateUser(ctx, bob))
	names, err = f.FormerNames(ctx, bob.ID)
	must(t, err)
	expect(t, "former names of a namesake", names, []string{"zoe"})
	_, err = f.PurgeUser(ctx, bob)
	must(t, err)
	bob = f.user(t, "bob")

	run := f.begin(t, "run", noon)
	f.full(t, "run", alice)
	f.full(t, "run", bob)
	run.FinishedAt, run.Error = noon.Add(time.Hour), `save day of user "alice": gone`
	must(t, f.EndRun(ctx, run))
	before := f.begin(t, "before", noon.Add(-time.Hour))
	f.full(t, "before", alice)
	before.FinishedAt, before.Error = noon, `lock user "zoe": gone`
	must(t, f.EndRun(ctx, before))
	removed, err := f.PurgeUser(ctx, alice)
	must(t, err)
	expect(t, "removed", removed, store.Removed{Recordings: 2, Laughs: 2, Runs: 2})
	if _, err := f.PurgeUser(ctx, alice); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("a second time: %v", err)
	}
	users, err := f.Users(ctx)
	must(t, err)
	expect(t, "users", users, []orchestrator.User{bob})
	secrets, err := f.Secrets(ctx)
	must(t, err)
	expect(t, "secrets", secrets, []store.Secret{{UserID: bob.ID, Field: "api_key", Sealed: "sealed of bob"},
		{UserID: bob.ID, Field: "digest_token of bob", Sealed: "sealed address of bob"}})
	last, err := f.Run(ctx, "run")
	must(t, err)
	if last.Error != "" || len(last.Days) != 1 || last.Days[0].User != "bob" {
		t.Errorf("the log still tells: %+v", last)
	}
	last, err = f.Run(ctx, "before")
	must(t, err)
	expect(t, "what ended a run before", last.Error, "")
	if left := f.laughs(t, orchestrator.LaughFilter{}); len(left) != 2 || slices.ContainsFunc(left, func(l orchestrator.StoredLaugh) bool { return l.User != "bob" }) {
		t.Errorf("laughs: %v", left)
	}
	for word, there := range map[string]bool{"bob": true, "alice": false, "zoe": false, "zelda": false} {
		where, err := f.Holds(word)
		must(t, err)
		if (where != "") != there {
			t.Errorf("%q is in %q", word, where)
		}
	}
	// Who still works on the user learns that there is none.
	_, err = f.SaveRecording(ctx, Result(alice, Recording("late.ogg", noon.Add(3*time.Hour)), At(1, 2)))
	if !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a recording of a purged user: %v", err)
	}
}
