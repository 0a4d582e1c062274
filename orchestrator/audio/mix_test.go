package audio

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// interleave makes channels of mono sounds; nil is silence.
func interleave(sounds ...[]float32) []float32 {
	n := 0
	for _, sound := range sounds {
		n = max(n, len(sound))
	}
	out := make([]float32, 0, n*len(sounds))
	for i := range n {
		for _, sound := range sounds {
			v := float32(0)
			if i < len(sound) {
				v = sound[i]
			}
			out = append(out, v)
		}
	}
	return out
}

func mixed2(channels int, samples []float32, piece int) (mono []float32) {
	m := newMixer(channels, second)
	for len(samples) > 0 {
		n := min(len(samples), piece*channels)
		mono = append(mono, m.add(samples[:n])...)
		samples = samples[n:]
	}
	return append(mono, m.flush()...)
}

func white(seconds, loud float64, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 7))
	sound := make([]float32, int(seconds*second))
	for i := range sound {
		sound[i] = float32(loud * random.NormFloat64())
	}
	return sound
}

func scaled(sound []float32, by float32) []float32 {
	out := make([]float32, len(sound))
	for i, v := range sound {
		out[i] = v * by
	}
	return out
}

func offset(sound []float32, by float32) []float32 {
	out := make([]float32, len(sound))
	for i, v := range sound {
		out[i] = v + by
	}
	return out
}

// A sound in one or several channels is there in the mix, as loud as it can be.
func TestMix(t *testing.T) {
	t.Parallel()
	sound, other := tones(4, 0.4), white(4, 0.1, 1)
	silence := make([]float32, len(sound))
	many := make([][]float32, 24)
	for c := range many {
		many[c] = white(4, 0.0005, uint64(c))
	}
	many[17] = sound
	for _, test := range []struct {
		name     string
		channels [][]float32
		least    float64 // of the sound's own strength
	}{
		{"alike", [][]float32{sound, sound}, 0.99},
		{"opposite", [][]float32{sound, scaled(sound, -1)}, 0.99},
		{"opposite, one weaker", [][]float32{scaled(sound, -0.5), sound}, 0.7},
		{"opposite, with an offset", [][]float32{offset(sound, 0.5), offset(scaled(sound, -1), -0.4)}, 0.99},
		{"opposite, with hum", [][]float32{hum(sound, 50, 0.4), hum(scaled(sound, -1), 50, 0.4)}, 0.99},
		{"the left is dead", [][]float32{silence, sound}, 0.99},
		{"the left is an offset", [][]float32{offset(silence, 0.3), sound}, 0.99},
		{"two of a kind and one of another", [][]float32{other, sound}, 0.49},
		{"third of three", [][]float32{silence, silence, sound}, 0.99},
		{"third of three, noise in the others", [][]float32{white(4, 0.001, 2), white(4, 0.001, 3), sound}, 0.33},
		{"18th of 24", many, 1. / 24},
		{"four pairs upside down", [][]float32{sound, scaled(sound, -1), sound, scaled(sound, -1), sound, scaled(sound, -1), sound, scaled(sound, -1)}, 0.99},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mono := mixed2(len(test.channels), interleave(test.channels...), 1000)
			if len(mono) != len(sound) {
				t.Fatalf("got %d samples, want %d", len(mono), len(sound))
			}
			dot, own := 0.0, 0.0
			for i := second; i < len(mono); i++ { // how much of the sound is in it
				dot += float64(mono[i]) * float64(sound[i])
				own += float64(sound[i]) * float64(sound[i])
			}
			if got := math.Abs(dot / own); got < test.least*0.97 {
				t.Errorf("%.3f of it is left, want %.3f", got, test.least)
			}
		})
	}
}

// Ordinary stereo is the mean of its channels, sample by sample.
func TestMixOfStereoIsItsMean(t *testing.T) {
	t.Parallel()
	left, right := white(3, 0.1, 1), white(3, 0.2, 2)
	for i, v := range tones(3, 0.3) {
		left[i], right[i] = left[i]+v, right[i]+v
	}
	for i, got := range mixed2(2, interleave(left, right), 777) {
		if want := 0.5*left[i] + 0.5*right[i]; got != want {
			t.Fatalf("sample %d is %v, want %v", i, got, want)
		}
	}
}

// The mix is never louder than the loudest channel, has every sample, and does not depend on how the sound comes.
func TestMixProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, 9).Draw(t, "channels")
		sounds := make([][]float32, channels)
		length := rapid.Float64Range(0.001, 2).Draw(t, "seconds")
		for c := range sounds {
			sounds[c] = scaled(white(length, 0.2, rapid.Uint64Range(0, 3).Draw(t, "sound")), rapid.SampledFrom([]float32{1, -1, 0.3, 0, 1e-5}).Draw(t, "gain"))
		}
		all := interleave(sounds...)
		mono := mixed2(channels, all, rapid.IntRange(1, 20_000).Draw(t, "piece"))
		again := mixed2(channels, all, len(all))
		if len(mono) != len(all)/channels {
			t.Fatalf("%d samples of %d", len(mono), len(all)/channels)
		}
		loudest := peakOf(all)
		for i, v := range mono {
			if v != again[i] {
				t.Fatalf("sample %d is %v and %v", i, v, again[i])
			}
			if peak := peakOf(all[i*channels : (i+1)*channels]); max(v, -v) > peak*1.001+loudest*1e-3 { // the faintest are added, not averaged
				t.Fatalf("sample %d is %v of at most %v", i, v, peak)
			}
		}
	})
}
