package synth

import (
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// collect copies blocks into one slice.
func collect(blocks iter.Seq[[]float32]) (all []float32) {
	for block := range blocks {
		all = append(all, block...)
	}
	return all
}

// loudness is the root mean square of samples.
func loudness(samples []float32) float64 {
	sum := 0.0
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(max(1, len(samples))))
}

func TestSameSeedSameSound(t *testing.T) {
	t.Parallel()
	r := New(7, 10*time.Minute)
	first := collect(r.Samples())
	if !slices.Equal(first, collect(r.Samples())) {
		t.Error("reading a recording twice gives two sounds")
	}
	if again := New(7, 10*time.Minute); !slices.Equal(first, collect(again.Samples())) || !slices.Equal(r.Laughs, again.Laughs) {
		t.Error("the same seed gives another recording")
	}
	if other := New(8, 10*time.Minute); slices.Equal(r.Laughs, other.Laughs) {
		t.Error("another seed hides the same laughs")
	}
	if v := Voices[0]; !slices.Equal(v.Laugh(1), v.Laugh(1)) || slices.Equal(v.Laugh(1), v.Laugh(2)) {
		t.Error("a laugh is not its seed's")
	}
}

func TestRecordingIsAsSaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "length"))
		r := New(rapid.Uint64().Draw(t, "seed"), length)
		samples := collect(r.Samples())
		if int64(len(samples)) != orchestrator.DurationToSamples(length) {
			t.Fatalf("%d samples in %v", len(samples), length)
		}
		for i, x := range samples {
			if !(x > -1 && x < 1) {
				t.Fatalf("sample %d is %v", i, x)
			}
		}
	})
}

func TestLaughsLieWellApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "length"))
		r := New(rapid.Uint64().Draw(t, "seed"), length)
		if least := int(length / (4 * time.Minute)); len(r.Laughs) < least || length > 15*time.Second && len(r.Laughs) == 0 {
			t.Fatalf("%d laughs in %v", len(r.Laughs), length)
		}
		free := 5 * time.Second
		for _, laugh := range r.Laughs {
			if laugh.Start < free || laugh.Length < time.Second || laugh.Start+laugh.Length > length-5*time.Second {
				t.Fatalf("laugh at %v for %v in %v", laugh.Start, laugh.Length, length)
			}
			free = laugh.Start + 2*time.Minute
		}
	})
}

func TestLaughsAreWhereTheyAreSaidToBe(t *testing.T) {
	t.Parallel()
	r := New(3, 10*time.Minute)
	samples := collect(r.Samples())
	for _, laugh := range r.Laughs {
		from := orchestrator.DurationToSamples(laugh.Start)
		in := samples[from : from+orchestrator.DurationToSamples(laugh.Length)]
		before := samples[from-rate/20 : from] // the background has made way
		if loudness(in) < 0.02 || loudness(before) > loudness(in)/2 {
			t.Errorf("the laugh at %v has %v, what is before it %v", laugh.Start, loudness(in), loudness(before))
		}
	}
	if len(r.Laughs) < 2 {
		t.Errorf("%d laughs", len(r.Laughs))
	}
}

func TestLaughsOfEveryVoice(t *testing.T) {
	t.Parallel()
	for _, voice := range Voices {
		for seed := range uint64(20) {
			laugh := voice.Laugh(seed)
			top := max(slices.Max(laugh), -slices.Min(laugh))
			if math.Abs(float64(top)-peak) > 1e-6 {
				t.Errorf("%s: peak %v", voice.Name, top)
			}
			if seconds := float64(len(laugh)) / rate; seconds < 1 || seconds > 2 {
				t.Errorf("%s: %v s", voice.Name, seconds)
			}
			if end := laugh[len(laugh)-160:]; loudness(end) > 0.005 {
				t.Errorf("%s: it is cut off at %v", voice.Name, loudness(end))
			}
		}
	}
	seen := map[string]bool{}
	for _, laugh := range New(1, time.Hour).Laughs {
		seen[laugh.Voice] = true
	}
	if len(seen) != len(Voices) {
		t.Errorf("an hour has the voices %v", seen)
	}
}

func TestEveryBackgroundSounds(t *testing.T) {
	t.Parallel()
	for i, background := range scenes {
		out := make([]float64, 60*rate)
		background(1).add(out)
		pieces := make([]float64, len(out))
		again := background(1)
		for at := 0; at < len(pieces); at += 1237 { // however it is cut
			again.add(pieces[at:min(at+1237, len(pieces))])
		}
		top := max(slices.Max(out), -slices.Min(out))
		if top < 0.0005 || top > 0.9 {
			t.Errorf("background %d: peak %v", i, top)
		}
		for k := range out {
			if out[k] != pieces[k] {
				t.Errorf("background %d: sample %d depends on how it is read", i, k)
				break
			}
		}
	}
}

func TestDayIsSpreadOverTheDay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		length time.Duration
		n      int
	}{{time.Hour, 3}, {24 * time.Hour, 1}, {24 * time.Hour, 7}, {90 * time.Minute, 4}} {
		day := Day(1, test.length, test.n)
		end, total := time.Duration(0), time.Duration(0)
		for _, r := range day {
			if r.Start < end-time.Second || len(r.Laughs) == 0 {
				t.Errorf("%v in %d: a recording at %v after one until %v, with %d laughs", test.length, test.n, r.Start, end, len(r.Laughs))
			}
			end = r.Start + r.Length
			total += r.Length
		}
		if len(day) != test.n || end > 24*time.Hour || test.length-total > time.Second {
			t.Errorf("%v in %d: %d recordings of %v until %v", test.length, test.n, len(day), total, end)
		}
	}
	if a, b := Day(1, time.Hour, 2), Day(2, time.Hour, 2); slices.Equal(a[0].Laughs, b[0].Laughs) || slices.Equal(a[0].Laughs, a[1].Laughs) {
		t.Error("two recordings hide the same laughs")
	}
}

func TestReadingMayStop(t *testing.T) {
	t.Parallel()
	blocks := 0
	for range New(1, time.Hour).Samples() {
		if blocks++; blocks == 3 {
			break
		}
	}
	if blocks != 3 {
		t.Errorf("read %d blocks", blocks)
	}
}

// Memory must not grow with the length.
func TestReadingTakesNoMemory(t *testing.T) {
	r := New(1, 10*time.Minute)
	perBlock := testing.AllocsPerRun(1, func() {
		for range r.Samples() {
		}
	}) / 600
	if perBlock > 1 {
		t.Errorf("%v allocations a block", perBlock)
	}
}

func BenchmarkHour(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for range New(1, time.Hour).Samples() {
		}
	}
}
