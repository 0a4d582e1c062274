package storetest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const second = orchestrator.SampleRateHz

// noise is what random sound prints as: 12 s that begin at a second of a recording.
func noise(seed uint64, at float64) orchestrator.SoundPrint {
	random := rand.New(rand.NewPCG(seed, 1))
	p := orchestrator.SoundPrint{First: int64(at*second) / 512 * 512, Steps: make([]byte, 375)}
	for i := range p.Steps {
		p.Steps[i] = byte(random.IntN(32))
	}
	return p
}

// sounding is a recording of an hour with a laugh of 2 s at each of the seconds, 5 s into a print of its own.
func sounding(user orchestrator.User, name string, start time.Time, source orchestrator.TimeSource, prints map[float64]uint64, at ...float64) orchestrator.Result {
	var laughs []orchestrator.Laugh
	for _, from := range at {
		laugh := At(from, from+2)
		laugh.Clip = name + laugh.Clip
		laughs = append(laughs, laugh)
	}
	rec := Recording(name, start)
	rec.TimeSource = source
	result := Result(user, rec, laughs...)
	result.Prints = []orchestrator.SoundPrint{}
	for _, from := range at {
		result.Prints = append(result.Prints, noise(prints[from], from-5))
	}
	return result
}

// testOverlaps: one laugh is one laugh only where the sound is the same.
func testOverlaps(t *testing.T, f *fixture) {
	const guessed, named = orchestrator.TimeFromModTime, orchestrator.TimeFromName
	for _, c := range []struct {
		name          string
		source        orchestrator.TimeSource
		first, second map[float64]uint64 // what the laughs sound like, by their second
		begin         time.Duration      // by how much the second one begins later
		blind         bool               // nobody knows how they sound
		laughs        int
	}{
		{"other sound at the same guessed time", guessed, map[float64]uint64{100: 1}, map[float64]uint64{100: 2}, 0, false, 2},
		{"other sound at the same time", named, map[float64]uint64{100: 1}, map[float64]uint64{100: 2}, 0, false, 2},
		{"the same sound at the same time", named, map[float64]uint64{100: 1}, map[float64]uint64{100: 1}, 0, false, 1},
		{"the same sound at the same guessed time", guessed, map[float64]uint64{100: 1}, map[float64]uint64{100: 1}, 0, false, 1},
		{"the same sound, by clocks that differ", named, map[float64]uint64{100: 1, 200: 2}, map[float64]uint64{130.016: 1, 230.016: 2}, 0, false, 2},
		{"the same laugh, among others that do not agree", guessed, map[float64]uint64{100: 1, 200: 2, 300: 3}, map[float64]uint64{110.016: 1, 230.016: 4, 320.016: 5}, 0, false, 6},
		{"the same sound in a recording that begins later", named, map[float64]uint64{100: 1}, map[float64]uint64{40: 1}, time.Minute, false, 1},
		{"the same sound, in recordings that hardly overlap", named, map[float64]uint64{3595: 1, 3480: 2}, map[float64]uint64{40: 1, 155: 2}, 59 * time.Minute, false, 4},
		{"the same sound, in one recording after the other", guessed, map[float64]uint64{3595: 1}, map[float64]uint64{40: 1}, time.Hour + time.Second, false, 2},
		{"unknown sound at the same time", named, map[float64]uint64{100: 1}, map[float64]uint64{100: 2}, 0, true, 1},
		{"unknown sound at the same guessed time", guessed, map[float64]uint64{100: 1}, map[float64]uint64{100: 2}, 0, true, 2},
	} {
		user := f.user(t, "u"+orchestrator.LaughID(c.name))
		make := func(name string, start time.Time, sounds map[float64]uint64) orchestrator.Result {
			at := make([]float64, 0, len(sounds))
			for _, from := range []float64{40, 100, 110.016, 130.016, 200, 230.016, 155, 300, 320.016, 3480, 3595} {
				if sounds[from] != 0 {
					at = append(at, from)
				}
			}
			result := sounding(user, name, start, c.source, sounds, at...)
			if c.blind {
				result.Prints = nil
			}
			return result
		}
		first, second := make("first.ogg", noon, c.first), make("second.ogg", noon.Add(c.begin), c.second)
		f.save(t, first)
		saved := f.save(t, second)
		laughs := f.laughs(t, orchestrator.LaughFilter{Users: []string{user.Name}})
		if len(laughs) != c.laughs || saved.New != c.laughs-len(c.first) || saved.Duplicates != len(c.second)-saved.New {
			t.Errorf("%s: %d laughs, saved %+v", c.name, len(laughs), saved)
		}
		again := f.save(t, second)
		if again.New != 0 || again.Duplicates != saved.Duplicates {
			t.Errorf("%s, again: saved %+v", c.name, again)
		}
		copies, err := f.Copies(t.Context(), []int64{user.ID}, laughs[0].ID)
		must(t, err)
		if known := saved.Duplicates > 0 && !c.blind; known != (len(copies) == 1) || known && copies[0].Recording != "second.ogg" {
			t.Errorf("%s: copies %+v", c.name, copies)
		}
	}
}

func testBestCopyCounts(t *testing.T, f *fixture) {
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	sound := map[float64]uint64{100: 1}
	f.save(t, sounding(bob, "bobs.ogg", noon, orchestrator.TimeFromName, sound, 100))
	f.save(t, sounding(alice, "first.ogg", noon, orchestrator.TimeFromName, sound, 100))
	filter := orchestrator.LaughFilter{Users: []string{"alice"}}
	old := f.laughs(t, filter)[0]
	f.judge(t, old, orchestrator.MarkRight, true, "the best one")

	better := sounding(alice, "better.ogg", noon, orchestrator.TimeFromName, sound, 100)
	better.Laughs[0].Score, better.Laughs[0].ClassScores[0] = 0.95, 0.95
	expect(t, "saved", f.save(t, better), orchestrator.Saved{Duplicates: 1, Orphans: []string{"first.oggclip-100-102"}})
	now := f.laughs(t, filter)
	if len(now) != 1 || now[0].ID != old.ID || now[0].Recording != "better.ogg" || now[0].Score != 0.95 || now[0].Note != "the best one" || !now[0].Star {
		t.Errorf("got %+v", now)
	}
	copies, err := f.Copies(t.Context(), []int64{alice.ID}, old.ID)
	must(t, err)
	expect(t, "copies", copies, []orchestrator.LaughCopy{{Recording: "first.ogg", Offset: 100 * time.Second, Score: 0.75}})
	expect(t, "the worse one again", f.save(t, sounding(alice, "first.ogg", noon, orchestrator.TimeFromName, sound, 100)),
		orchestrator.Saved{Duplicates: 1, Orphans: []string{"first.oggclip-100-102"}})
	expect(t, "rows", f.laughs(t, filter), now)
	others, err := f.Copies(t.Context(), []int64{bob.ID}, old.ID)
	must(t, err)
	expect(t, "copies for another user", len(others), 0)
	expect(t, "laughs of another user", len(f.laughs(t, orchestrator.LaughFilter{Users: []string{"bob"}})), 1)
	_, err = f.WipeUser(t.Context(), alice.ID)
	must(t, err)
	copies, err = f.Copies(t.Context(), []int64{alice.ID}, old.ID)
	must(t, err)
	expect(t, "copies after a wipe", len(copies), 0)
}
