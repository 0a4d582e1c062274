package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func testLockUser(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	other := f.again(t)
	release, err := f.LockUser(ctx, alice.ID)
	must(t, err)
	for name, s := range map[string]*store.Store{"another store": other, "the same store": f.Store} {
		if _, err := s.LockUser(ctx, alice.ID); !errors.Is(err, orchestrator.ErrLocked) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	releaseBob, err := other.LockUser(ctx, bob.ID)
	must(t, err)
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2)))
	release()
	release, err = other.LockUser(ctx, alice.ID)
	must(t, err)
	releaseBob()
	release()
	release() // once more does no harm

	// What a store holds goes with it.
	closing, err := f.Open()
	must(t, err)
	late, err := closing.LockUser(ctx, alice.ID)
	must(t, err)
	late()
	must(t, closing.Close())
	release, err = f.LockUser(ctx, alice.ID)
	must(t, err)
	release()
}

// testWriters lets two stores write the same and different recordings of two users at once.
func testWriters(t *testing.T, f *fixture) {
	const writers, recordings = 4, 6
	users := []orchestrator.User{f.user(t, "alice"), f.user(t, "bob")}
	stores := []*store.Store{f.Store, f.again(t)}
	var working sync.WaitGroup
	var counting sync.Mutex
	created := 0
	for w := range writers {
		working.Go(func() {
			for i := range recordings {
				rec := Recording(fmt.Sprintf("%d.ogg", i), noon.Add(time.Duration(i)*time.Hour))
				saved, err := stores[w%len(stores)].SaveRecording(t.Context(), Result(users[w/2], rec, At(1, 2), At(3, 4)))
				if err != nil {
					t.Error(err)
					return
				}
				counting.Lock()
				created += saved.New
				counting.Unlock()
			}
		})
	}
	working.Wait()
	want := len(users) * recordings * 2
	expect(t, "counted", created, want)
	expect(t, "stored", len(f.laughs(t, orchestrator.LaughFilter{})), want)
}

func testReopen(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2)))
	before := f.laughs(t, orchestrator.LaughFilter{})
	var opening sync.WaitGroup
	for range 4 {
		opening.Go(func() {
			again, err := f.Open()
			if err != nil {
				t.Error(err)
				return
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	reopened := &fixture{Store: f.again(t)}
	expect(t, "laughs", reopened.laughs(t, orchestrator.LaughFilter{}), before)
	current, wanted, err := reopened.Version(t.Context())
	must(t, err)
	if current != wanted || current < 1 {
		t.Fatalf("schema %d, want %d", current, wanted)
	}
}

func testNewerSchema(t *testing.T, f *fixture) {
	must(t, f.Execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"))
	newer, err := f.Open()
	if err == nil {
		err = errors.Join(errors.New("opened"), newer.Close())
	}
	if !errors.Is(err, store.ErrNewerSchema) || errors.Is(err, orchestrator.ErrStoreUnavailable) || !strings.Contains(err.Error(), "9999") {
		t.Fatalf("got %v", err)
	}
}

func testCanceled(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the evening is over")
	cancel(why)
	if _, err := f.SaveRecording(ctx, Result(alice, Recording("a.ogg", noon))); !errors.Is(err, why) || errors.Is(err, orchestrator.ErrStoreUnavailable) {
		t.Fatalf("save: %v", err)
	}
	for _, err := range f.Laughs(ctx, orchestrator.LaughFilter{}) {
		if !errors.Is(err, why) {
			t.Fatalf("list: %v", err)
		}
	}
	expect(t, "state", f.state(t, alice, Recording("a.ogg", noon)), orchestrator.RecordingState{})
}

func testCheck(t *testing.T, f *fixture) {
	engine, err := f.Check(t.Context())
	must(t, err)
	if name, version, _ := strings.Cut(engine, " "); name == "" || !strings.Contains(version, ".") {
		t.Fatalf("engine %q", engine)
	}
}

// testProperty stores random results, one over the other, in a database that is never emptied.
func testProperty(t *testing.T, f *fixture) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		user, err := f.AddUser(background(), User(fmt.Sprintf("user%d", round)))
		if err != nil {
			rt.Fatal(err)
		}
		stored := map[string]int{} // by clip: how many rows of it there are
		for range rapid.IntRange(1, 5).Draw(rt, "results") {
			which := rapid.IntRange(0, 2).Draw(rt, "recording")
			rec := Recording(fmt.Sprintf("%d.ogg", which), noon.Add(time.Duration(which)*7*time.Second))
			result := Result(user, rec, drawLaughs(rt, user.Name, which)...)
			result.Scores.Data = nil
			before := len(rows(rt, f, user))
			saved, err := f.SaveRecording(background(), result)
			if err != nil {
				rt.Fatal(err)
			}
			after := rows(rt, f, user)
			checkRows(rt, after)
			if saved.Duplicates < 0 || saved.New+saved.Duplicates > len(result.Laughs) || len(after) > before+saved.New {
				rt.Fatalf("%d laughs over %d rows: %+v, %d rows", len(result.Laughs), before, saved, len(after))
			}
			clear(stored)
			for _, l := range after {
				stored[l.Clip]++
			}
			// What was found and is no duplicate is there; what is no orphan is referred to.
			present := 0
			for _, l := range result.Laughs {
				present += min(1, stored[l.Clip])
			}
			if present != len(result.Laughs)-saved.Duplicates {
				rt.Fatalf("%d rows of %d laughs with %d duplicates", present, len(result.Laughs), saved.Duplicates)
			}
			for _, orphan := range saved.Orphans {
				if stored[orphan] > 0 {
					rt.Fatalf("clip %s is called an orphan", orphan)
				}
			}
			// Once more changes nothing.
			again, err := f.SaveRecording(background(), result)
			if err != nil {
				rt.Fatal(err)
			}
			if again.New != 0 || again.Duplicates != saved.Duplicates {
				rt.Fatalf("again: %+v after %+v", again, saved)
			}
			if twice := rows(rt, f, user); fmt.Sprint(twice) != fmt.Sprint(after) {
				rt.Fatalf("again: %v, before %v", twice, after)
			}
			if len(after) > 0 && rapid.Bool().Draw(rt, "judge") {
				l := rapid.SampledFrom(after).Draw(rt, "judged")
				if _, err := f.Mark(background(), []int64{l.UserID}, l.ID, orchestrator.MarkRight); err != nil {
					rt.Fatal(err)
				}
			}
		}
	})
}

func rows(rt *rapid.T, f *fixture, user orchestrator.User) (all []orchestrator.StoredLaugh) {
	for l, err := range f.Laughs(background(), orchestrator.LaughFilter{Users: []string{user.Name}}) {
		if err != nil {
			rt.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// drawLaughs draws disjoint laughs in order, some closer together than a millisecond.
func drawLaughs(rt *rapid.T, user string, recording int) (laughs []orchestrator.Laugh) {
	at := int64(0)
	for range rapid.IntRange(0, 6).Draw(rt, "laughs") {
		at += rapid.Int64Range(0, 60000).Draw(rt, "pause")
		l := At(0, 1)
		l.Onset = at
		at += rapid.SampledFrom([]int64{1, 7, 8000, 40000, 90000}).Draw(rt, "length")
		l.Offset = at
		l.Class = rapid.SampledFrom(Model().Laughter).Draw(rt, "class")
		l.Clip = fmt.Sprintf("%s/%d/%d-%d", user, recording, l.Onset, l.Offset)
		laughs = append(laughs, l)
	}
	return laughs
}

// checkRows holds the rows of one user and model to what must always be so.
func checkRows(rt *rapid.T, all []orchestrator.StoredLaugh) {
	for i, a := range all {
		if !a.Start.Before(a.End) || i > 0 && a.Start.Before(all[i-1].Start) {
			rt.Fatalf("row %d out of order: %v", i, all)
		}
		for _, b := range all[:i] {
			if a.Recording != b.Recording && a.Start.Before(b.End) && b.Start.Before(a.End) {
				rt.Fatalf("%s and %s overlap: %v to %v, %v to %v", a.Recording, b.Recording, a.Start, a.End, b.Start, b.End)
			}
		}
	}
}
