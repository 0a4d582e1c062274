package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ids are those of laughs, in order.
func ids(laughs []orchestrator.StoredLaugh) (all []string) {
	for _, l := range laughs {
		all = append(all, l.ID)
	}
	return all
}

// policy is one whose thresholds are both this.
func policy(threshold float64) orchestrator.Policy {
	return orchestrator.PolicyFromThreshold(threshold)
}

// testPublicID: an id stays with its laugh, comes back with it, and is nobody else's.
func testPublicID(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	f.save(t, Result(bob, rec, At(1, 2)))
	other := Result(alice, rec, At(1, 2))
	other.Model.Version = "2"
	f.save(t, other)
	all := f.laughs(t, orchestrator.LaughFilter{})
	if unique := slices.Compact(slices.Sorted(slices.Values(ids(all)))); len(unique) != 5 {
		t.Fatalf("ids %v", ids(all))
	}
	mine := orchestrator.LaughFilter{Users: []string{"alice"}, Model: "yamnet"}
	before := ids(slices.DeleteFunc(f.laughs(t, mine), func(l orchestrator.StoredLaugh) bool { return l.ModelVersion != "1" }))

	// Another policy finds two of them, longer; then all again.
	strict := Result(alice, rec, At(9, 12.5), At(20, 21))
	strict.Policy = policy(0.5)
	f.save(t, strict)
	now := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}, IDs: before})
	expect(t, "ids under the strict policy", ids(now), before[1:])
	expect(t, "policy", now[0].Policy, "threshold-1")
	expect(t, "certainty", now[0].Certainty, 0.25)
	found, err := f.LaughPolicy(t.Context(), []int64{alice.ID}, before[1])
	must(t, err)
	expect(t, "whole policy", found, policy(0.5))
	if _, err := f.LaughPolicy(t.Context(), []int64{bob.ID}, before[1]); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("policy of another's laugh: %v", err)
	}
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	now = f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}, IDs: before})
	expect(t, "ids of old", ids(now), before)
	expect(t, "no policy", now[0].Policy, "")
	if _, err := f.LaughPolicy(t.Context(), []int64{alice.ID}, before[1]); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a policy that is not known: %v", err)
	}

	// A corrected start, other content for the same window, and a wipe change no id.
	rec.Start = noon.Add(time.Hour)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	expect(t, "ids an hour later", ids(f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}, IDs: before})), before)
	_, err = f.WipeUser(t.Context(), alice.ID)
	must(t, err)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	expect(t, "ids after a wipe", ids(f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})), before)

	// Where the id is taken, by a laugh that moved away from where it got it, the next one gets another.
	f.save(t, Result(alice, rec, At(0.5, 1.1), At(10, 12), At(20, 21)))
	f.save(t, Result(alice, rec, At(0.5, 0.9), At(1, 2), At(10, 12), At(20, 21)))
	now = f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})
	if now[0].ID != before[0] || slices.Contains(before, now[1].ID) || now[2].ID != before[1] {
		t.Errorf("ids %v, before %v", ids(now), before)
	}
}

// testScope: whose laugh it is not can neither read nor change it, and nobody is nobody.
func testScope(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(3, 4)))
	f.save(t, Result(bob, Recording("b.ogg", noon), At(1, 2)))
	hers := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}})
	id := hers[0].ID

	for name, who := range map[string][]int64{"nobody": nil, "no one": {}, "bob": {bob.ID}, "a stranger": {999, bob.ID}} {
		_, readErr := f.Laugh(ctx, who, id)
		_, markErr := f.Mark(ctx, who, id, orchestrator.MarkWrong)
		_, forgetErr := f.Forget(ctx, who, id)
		for what, err := range map[string]error{"read": readErr, "mark": markErr, "forget": forgetErr, "star": f.Star(ctx, who, id, true), "note": f.Note(ctx, who, id, "mine")} {
			if !errors.Is(err, orchestrator.ErrNotFound) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
	for _, unknown := range []string{"", "0000000000", "' OR 1=1 --", "\x00"} {
		if _, err := f.Laugh(ctx, []int64{alice.ID}, unknown); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("laugh %q: %v", unknown, err)
		}
	}
	expect(t, "nothing changed", f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}}), hers)
	one, err := f.Laugh(ctx, []int64{bob.ID, alice.ID}, id)
	must(t, err)
	expect(t, "her laugh", one, hers[0])

	for name, c := range map[string]struct {
		who    []int64
		filter orchestrator.LaughFilter
		want   int
	}{
		"nobody":                    {nil, orchestrator.LaughFilter{}, 0},
		"nobody, by name":           {[]int64{}, orchestrator.LaughFilter{Users: []string{"alice"}}, 0},
		"bob, who asks for alice's": {[]int64{bob.ID}, orchestrator.LaughFilter{Users: []string{"alice"}, UserIDs: []int64{alice.ID}}, 1},
		"bob, by id":                {[]int64{bob.ID}, orchestrator.LaughFilter{IDs: []string{id}}, 0},
		"both":                      {[]int64{bob.ID, alice.ID}, orchestrator.LaughFilter{}, 3},
	} {
		if got := collect(t, f.LaughsOf(ctx, c.who, c.filter)); len(got) != c.want {
			t.Errorf("%s: %d laughs, want %d", name, len(got), c.want)
		}
	}
	if got := f.laughs(t, orchestrator.LaughFilter{UserIDs: []int64{}}); len(got) != 0 {
		t.Errorf("an empty list of users has %d laughs", len(got))
	}
}

// testSayings: each of mark, star and note changes only what it names.
func testSayings(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	of := []int64{alice.ID}
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(3, 4)))
	all := f.laughs(t, orchestrator.LaughFilter{})
	id := all[0].ID
	must(t, f.Note(ctx, of, id, "so\x00 funny"))
	must(t, f.Star(ctx, of, id, true))
	for _, c := range []struct{ mark, before orchestrator.Mark }{
		{orchestrator.MarkWrong, ""}, {orchestrator.MarkRight, orchestrator.MarkWrong}, {orchestrator.MarkRight, orchestrator.MarkRight}, {"", orchestrator.MarkRight}, {orchestrator.MarkWrong, ""},
	} {
		before, err := f.Mark(ctx, of, id, c.mark)
		must(t, err)
		expect(t, "mark before", before, c.before)
	}
	want := all[0]
	want.Mark, want.Star, want.Note = orchestrator.MarkWrong, true, "so\uFFFD funny"
	expect(t, "laughs", f.laughs(t, orchestrator.LaughFilter{}), []orchestrator.StoredLaugh{want, all[1]})
	must(t, f.Star(ctx, of, id, false))
	must(t, f.Note(ctx, of, id, ""))
	want.Star, want.Note = false, ""
	expect(t, "without star and note", f.laughs(t, orchestrator.LaughFilter{})[0], want)
	if err := f.Note(ctx, of, id, strings.Repeat("x", orchestrator.MaxNote+1)); err == nil {
		t.Error("a note of any length is accepted")
	}
	must(t, f.Note(ctx, of, id, strings.Repeat("x", orchestrator.MaxNote)))
}

// testForget: what was forgotten stays away, whatever finds it again.
func testForget(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	of := []int64{alice.ID}
	rec := Recording("a.ogg", noon)
	f.save(t, Result(alice, rec, At(1, 2), At(10, 12), At(20, 21)))
	f.save(t, Result(bob, rec, At(10, 12)))
	other := Result(alice, rec, At(11, 11.5), At(30, 31))
	other.Model.Name = "laughnet"
	f.save(t, other)
	id := f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}, Model: "yamnet"})[1].ID

	forgotten, err := f.Forget(ctx, of, id)
	must(t, err)
	// bob's laugh refers to the clip of the same name.
	expect(t, "forgotten", forgotten, orchestrator.Forgotten{Laughs: 2, Orphans: []string{"clip-11-11.5"}})
	if _, err := f.Forget(ctx, of, id); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
	hers := orchestrator.LaughFilter{Users: []string{"alice"}}
	expect(t, "left", spans(f.laughs(t, hers)), []string{"1-2", "20-21", "30-31"})

	again := Result(alice, rec, At(1, 2), At(9, 15), At(20, 21))
	expect(t, "again", f.save(t, again), orchestrator.Saved{Orphans: []string{"clip-9-15"}})
	expect(t, "the other model again", f.save(t, other), orchestrator.Saved{Orphans: []string{"clip-11-11.5"}})
	third := Result(alice, rec, At(11.9, 13))
	third.Model.Name = "third"
	expect(t, "a third model", f.save(t, third), orchestrator.Saved{Orphans: []string{"clip-11.9-13"}})
	// The start of the recording is corrected: the position in it counts.
	moved := again
	moved.Recording.Start = noon.Add(time.Hour)
	moved.Laughs = []orchestrator.Laugh{At(1, 2), At(11, 12), At(20, 21)}
	f.save(t, moved)
	expect(t, "an hour later", spans(f.laughs(t, orchestrator.LaughFilter{Users: []string{"alice"}, Model: "yamnet"})), []string{"3601-3602", "3620-3621"})
	f.save(t, again)
	// A second recorder had it too; what lies beside it stays.
	pendant := Result(alice, Recording("pendant.ogg", noon.Add(5*time.Second)), At(6, 6.5), At(7, 8))
	pendant.Model.Name = "third"
	f.save(t, pendant)
	expect(t, "all", spans(f.laughs(t, hers)), []string{"1-2", "12-13", "20-21", "30-31"})
	expect(t, "bob's", spans(f.laughs(t, orchestrator.LaughFilter{Users: []string{"bob"}})), []string{"10-12"})

	// An import brings nothing back either.
	_, n, err := f.ImportRecording(ctx, alice.ID, orchestrator.Model{Name: "old"}, storeForeign(rec, At(10.5, 11), At(40, 41)))
	must(t, err)
	expect(t, "imported", n, int64(1))
}

// testForgetBorder: a laugh across two recordings is forgotten in both.
func testForgetBorder(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	first, second := piece(alice, 0, 10, At(8, 10)), piece(alice, 10, 10, At(0, 1.5), At(5, 6))
	f.save(t, first)
	f.save(t, second)
	all := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "stored", spans(all), []string{"8-11.5", "15-16"})
	_, err := f.Forget(t.Context(), []int64{alice.ID}, all[0].ID)
	must(t, err)
	for _, result := range []orchestrator.Result{second, first, second} {
		f.save(t, result)
		expect(t, "left", spans(f.laughs(t, orchestrator.LaughFilter{})), []string{"15-16"})
	}
}

// testListOrders: every order comes in pages that fit together, for one user and for several.
func testListOrders(t *testing.T, f *fixture) {
	var userIDs []int64
	for i, name := range []string{"alice", "bob", "carol"} {
		user := f.user(t, name)
		userIDs = append(userIDs, user.ID)
		var laughs []orchestrator.Laugh
		for k := range 40 {
			l := At(float64(k*10), float64(k*10)+1+float64(k*7%5))
			l.Score = float64((k*13+i)%20) / 20
			l.Tier = orchestrator.TierSure
			if l.Score < 0.5 {
				l.Tier = orchestrator.TierMaybe
			}
			laughs = append(laughs, l)
		}
		result := Result(user, Recording(name+".ogg", noon), laughs...)
		result.Policy = policy(0.5)
		f.save(t, result)
	}
	key := map[orchestrator.LaughOrder]func(l orchestrator.StoredLaugh) float64{
		orchestrator.OrderOldest:       func(l orchestrator.StoredLaugh) float64 { return l.Start.Sub(noon).Seconds() },
		orchestrator.OrderNewest:       func(l orchestrator.StoredLaugh) float64 { return -l.Start.Sub(noon).Seconds() },
		orchestrator.OrderLeastCertain: func(l orchestrator.StoredLaugh) float64 { return l.Certainty },
		orchestrator.OrderBest:         func(l orchestrator.StoredLaugh) float64 { return -l.Score },
		orchestrator.OrderLongest:      func(l orchestrator.StoredLaugh) float64 { return -l.End.Sub(l.Start).Seconds() },
	}
	for order, value := range key {
		for name, filter := range map[string]orchestrator.LaughFilter{
			"all": {}, "one": {UserIDs: userIDs[1:2]}, "sure": {Tier: orchestrator.TierSure}, "to review": {Marks: []orchestrator.Mark{orchestrator.MarkNone}}, "not wrong": {Marks: orchestrator.NotWrong()},
		} {
			filter.Order = order
			whole := f.laughs(t, filter)
			if !slices.IsSortedFunc(whole, func(a, b orchestrator.StoredLaugh) int {
				return int((value(a) - value(b)) * 1e6)
			}) {
				t.Errorf("%q, %s: not in order", order, name)
			}
			var paged []orchestrator.StoredLaugh
			for filter.Limit = 7; ; {
				page := f.laughs(t, filter)
				if len(page) == 0 {
					break
				}
				if len(page) > filter.Limit {
					t.Fatalf("%q, %s: a page of %d", order, name, len(page))
				}
				paged, filter.After = append(paged, page...), page[len(page)-1].Cursor()
			}
			expect(t, fmt.Sprintf("%q, %s", order, name), ids(paged), ids(whole))
		}
	}
	for name, filter := range map[string]orchestrator.LaughFilter{"order": {Order: "funniest"}, "place": {After: "here"}, "mark": {Marks: []orchestrator.Mark{"x' OR 1=1 --"}}} {
		failed := false
		for _, err := range f.Laughs(t.Context(), filter) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("an unknown %s is accepted", name)
		}
	}
}

// testForgetCopies: a laugh that a second recorder heard by another clock is forgotten there, too.
func testForgetCopies(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	first := sounding(alice, "first.ogg", noon, orchestrator.TimeFromName, map[float64]uint64{100: 1, 200: 2}, 100, 200)
	second := sounding(alice, "second.ogg", noon, orchestrator.TimeFromName, map[float64]uint64{130.016: 1, 230.016: 2}, 130.016, 230.016)
	f.save(t, first)
	expect(t, "saved", f.save(t, second).Duplicates, 2)
	all := f.laughs(t, orchestrator.LaughFilter{})
	_, err := f.Forget(t.Context(), []int64{alice.ID}, all[0].ID)
	must(t, err)
	for _, result := range []orchestrator.Result{second, first, second} {
		f.save(t, result)
		expect(t, "left", ids(f.laughs(t, orchestrator.LaughFilter{})), []string{all[1].ID})
	}
	copies, err := f.Copies(t.Context(), []int64{alice.ID}, all[0].ID)
	must(t, err)
	expect(t, "copies", len(copies), 0)
}
