package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// piece is a recording of so many seconds from so many seconds behind noon, with its laughs.
func piece(user orchestrator.User, from, length float64, laughs ...orchestrator.Laugh) orchestrator.Result {
	name := fmt.Sprintf("%v.ogg", from)
	result := Result(user, Recording(name, noon.Add(time.Duration(from*float64(time.Second)))), laughs...)
	result.Scores.Length, result.Scores.Data = int64(length*orchestrator.SampleRateHz), nil
	for i, l := range laughs {
		result.Laughs[i].Clip = fmt.Sprintf("%s %s %d", user.Name, name, l.Onset)
	}
	return result
}

// testBorder: a laugh that lies across the border of two recordings is one laugh, that of the recording which it
// begins in, whichever of the two is stored first.
func testBorder(t *testing.T, f *fixture) {
	for name, c := range map[string]struct {
		from         float64 // where the second recording begins; the first one has ten seconds
		first, other []orchestrator.Laugh
		want         []string
	}{
		"across the border":       {10, []orchestrator.Laugh{At(1, 2), At(9, 10)}, []orchestrator.Laugh{At(0, 0.75), At(5, 6)}, []string{"1-2", "9-10.75", "15-16"}},
		"a little is lost":        {10.4, []orchestrator.Laugh{At(9, 10)}, []orchestrator.Laugh{At(0, 1)}, []string{"9-11.4"}},
		"a little is there twice": {9.7, []orchestrator.Laugh{At(9, 10)}, []orchestrator.Laugh{At(0, 1)}, []string{"9-10.7"}},
		"far apart":               {10.6, []orchestrator.Laugh{At(9, 10)}, []orchestrator.Laugh{At(0, 1)}, []string{"9-10", "10.6-11.6"}},
		"the first one ends":      {10, []orchestrator.Laugh{At(9, 9.9)}, []orchestrator.Laugh{At(0, 1)}, []string{"9-9.9", "10-11"}},
		"the second one begins":   {10, []orchestrator.Laugh{At(9, 10)}, []orchestrator.Laugh{At(0.1, 1)}, []string{"9-10", "10.1-11"}},
		"nothing goes on":         {10, []orchestrator.Laugh{At(9, 10)}, nil, []string{"9-10"}},
		"nothing went before":     {10, nil, []orchestrator.Laugh{At(0, 1)}, []string{"10-11"}},
	} {
		for order, swap := range map[string]bool{"in order": false, "the gap filled later": true} {
			user := f.user(t, fmt.Sprintf("user%d", len(collectUsers(t, f))))
			first, other := piece(user, 0, 10, c.first...), piece(user, c.from, 10, c.other...)
			results := []orchestrator.Result{first, other}
			if swap {
				slices.Reverse(results)
			}
			var total orchestrator.Saved
			for _, result := range results {
				saved := f.save(t, result)
				total.New += saved.New
				total.Duplicates += saved.Duplicates
			}
			stored := f.laughs(t, orchestrator.LaughFilter{Users: []string{user.Name}})
			expect(t, name+", "+order, spans(stored), c.want)
			expect(t, name+", "+order+", counted", total, orchestrator.Saved{New: len(c.want), Duplicates: len(c.first) + len(c.other) - len(c.want)})
			for _, result := range []orchestrator.Result{other, first, first, other} { // reading it again changes nothing
				if saved := f.save(t, result); saved.New > 0 {
					t.Errorf("%s, %s: again: %+v", name, order, saved)
				}
				expect(t, name+", "+order+", again", f.laughs(t, orchestrator.LaughFilter{Users: []string{user.Name}}), stored)
			}
		}
	}
}

func collectUsers(t *testing.T, f *fixture) []orchestrator.User {
	t.Helper()
	users, err := f.Users(t.Context())
	must(t, err)
	return users
}

// testBorderJudged: what people said of either half stays, and the clip of the half that went goes.
func testBorderJudged(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	first, other := piece(alice, 0, 10, At(9, 10)), piece(alice, 10, 10, At(0, 1))
	f.save(t, other)
	half := f.laughs(t, orchestrator.LaughFilter{})[0]
	f.judge(t, half, orchestrator.MarkRight, true, "the second half")
	expect(t, "saved", f.save(t, first), orchestrator.Saved{Duplicates: 1, Orphans: []string{"alice 10.ogg 0"}})
	whole := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "one laugh", spans(whole), []string{"9-11"})
	if l := whole[0]; l.ID != half.ID || l.Recording != "0.ogg" || l.Clip != "alice 0.ogg 144000" || l.Mark != orchestrator.MarkRight || !l.Star || l.Note != "the second half" {
		t.Errorf("the laugh is %+v", l)
	}
	f.judge(t, whole[0], orchestrator.MarkWrong, false, "all of it")
	for _, result := range []orchestrator.Result{other, first} {
		f.save(t, result)
		if now := f.laughs(t, orchestrator.LaughFilter{}); len(now) != 1 || now[0].ID != half.ID || now[0].Mark != orchestrator.MarkWrong || now[0].Star || now[0].Note != "all of it" {
			t.Errorf("again: %+v", now)
		}
	}

	// What is found under another threshold decides how far it reaches.
	for _, c := range []struct {
		result orchestrator.Result
		want   []string
	}{
		{piece(alice, 10, 10, At(0, 0.5), At(0.8, 1)), []string{"9-10.5", "10.8-11"}},
		{piece(alice, 10, 10, At(0.2, 0.5)), []string{"9-10", "10.2-10.5"}},
		{piece(alice, 10, 10, At(0, 1)), []string{"9-11"}},
	} {
		f.save(t, c.result)
		expect(t, "another threshold", spans(f.laughs(t, orchestrator.LaughFilter{})), c.want)
	}

	// Neither users nor models get in each other's way.
	f.save(t, piece(bob, 10, 10, At(0, 1)))
	next := piece(alice, 10, 10, At(0, 1))
	next.Model.Version = "2"
	f.save(t, next)
	expect(t, "apart", spans(f.laughs(t, orchestrator.LaughFilter{})), []string{"9-11", "10-11", "10-11"})
}

// testBorderProperty: recordings that follow each other hold the laughs that one recording would hold, in whatever
// order they are stored, and stored again.
func testBorderProperty(t *testing.T, f *fixture) {
	const (
		length = 10
		whole  = 8 // one laugh from end to end; less is a bit for each of three laughs
	)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		user, err := f.AddUser(background(), User(fmt.Sprintf("user%d", round)))
		if err != nil {
			rt.Fatal(err)
		}
		var results []orchestrator.Result
		var want []string
		var from, start, end float64 // of the laugh that goes on, if end > 0
		over := func() {
			if end > 0 {
				want = append(want, fmt.Sprintf("%v-%v", start, end))
			}
			end = 0
		}
		for range rapid.IntRange(1, 4).Draw(rt, "recordings") {
			var laughs []orchestrator.Laugh
			shape := rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, whole, whole, whole}).Draw(rt, "laughs")
			if shape != whole && shape&1 == 0 {
				over()
			}
			hear := func(a, b float64) {
				laughs = append(laughs, At(a, b))
				if a > 0 || end == 0 {
					over()
					start = from + a
				}
				end = from + b
				if b < length {
					over()
				}
			}
			if shape == whole {
				hear(0, length)
			} else {
				for i, span := range [][2]float64{{0, 1}, {3, 4}, {9, length}} {
					if shape&(1<<i) != 0 {
						hear(span[0], span[1])
					}
				}
			}
			results = append(results, piece(user, from, length, laughs...))
			from += length + rapid.SampledFrom([]float64{0, 0.25, 0.5}).Draw(rt, "gap")
		}
		over()
		order := rapid.Permutation(slices.Concat(results, results)).Draw(rt, "order") // each twice
		for i, result := range order {
			if _, err := f.SaveRecording(background(), result); err != nil {
				rt.Fatal(err)
			}
			if stored := rows(rt, f, user); i == len(results)/2 && len(stored) > 0 {
				if _, err := f.Mark(background(), []int64{stored[0].UserID}, stored[0].ID, orchestrator.MarkRight); err != nil {
					rt.Fatal(err)
				}
			}
		}
		stored := rows(rt, f, user)
		checkRows(rt, stored)
		if got := spans(stored); fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("stored %v, want %v", got, want)
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(rt, "again") {
			if i >= len(results) {
				continue
			}
			if saved, err := f.SaveRecording(background(), results[i]); err != nil || saved.New > 0 {
				rt.Fatalf("again: %+v, %v", saved, err)
			}
			if again := rows(rt, f, user); fmt.Sprint(again) != fmt.Sprint(stored) {
				rt.Fatalf("again: %v, before %v", again, stored)
			}
		}
	})
}
