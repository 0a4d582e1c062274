package audio

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func level(blocks [][]float32) [][]float32 { return levelAbove(0, blocks) }

func levelAbove(silence float32, blocks [][]float32) [][]float32 {
	l := leveller{silencer: silencer{below: silence}}
	var out [][]float32
	for _, block := range blocks {
		if ready := l.push(slices.Clone(block)); ready != nil {
			out = append(out, ready)
		}
	}
	if ready := l.flush(); ready != nil {
		out = append(out, ready)
	}
	return out
}

func steady(length int, amplitude float32) []float32 {
	block := make([]float32, length)
	for i := range block {
		block[i] = amplitude * float32(1-2*(i%2))
	}
	return block
}

func TestLevels(t *testing.T) {
	t.Parallel()
	const length = 5 * rampLength
	for _, test := range []struct {
		name      string
		amplitude []float32
		want      []float32 // the gain in each block's middle
	}{
		{"loud stays", []float32{0.9, 0.35, 1}, []float32{1, 1, 1}},
		{"quiet is brought up", []float32{0.035}, []float32{10}},
		{"not without bounds", []float32{1e-4}, []float32{levelMaxGain}},
		{"silence stays", []float32{0, 0}, []float32{1, 1}},
		{"each block by itself", []float32{0.0035, 0.9, 0.07, 0}, []float32{100, 1, 5, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var blocks [][]float32
			for _, amplitude := range test.amplitude {
				blocks = append(blocks, steady(length, amplitude))
			}
			out := level(blocks)
			for i, want := range test.want {
				got := float32(1)
				if in := blocks[i][length/2]; in != 0 {
					got = out[i][length/2] / in
				}
				if math.Abs(float64(got/want-1)) > 1e-5 {
					t.Errorf("gain of block %d is %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestLevelProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amplitudes := rapid.SliceOfN(rapid.SampledFrom([]float32{0, 1e-5, 0.001, 0.02, 0.2, 0.349, 0.35, 0.8, 1}), 1, 6).Draw(t, "amplitudes")
		var blocks [][]float32
		for i, amplitude := range amplitudes {
			length := 4 * rampLength
			if i == len(amplitudes)-1 {
				length = rapid.IntRange(1, 4*rampLength).Draw(t, "last block's length")
			}
			blocks = append(blocks, steady(length, amplitude))
		}
		out := level(blocks)
		if len(out) != len(blocks) {
			t.Fatalf("%d blocks became %d", len(blocks), len(out))
		}
		before := float32(0) // gain of the sample before
		for i, block := range out {
			if len(block) != len(blocks[i]) {
				t.Fatalf("block %d has %d samples, had %d", i, len(block), len(blocks[i]))
			}
			amplitude := amplitudes[i]
			if (amplitude >= levelTarget || amplitude == 0) && !slices.Equal(block, blocks[i]) {
				t.Fatalf("block %d of amplitude %v was changed", i, amplitude)
			}
			for j, sample := range block {
				if limit := max(amplitude, levelTarget); max(sample, -sample) > limit*1.0001 {
					t.Fatalf("sample %d of block %d is %v, above %v", j, i, sample, limit)
				}
				if amplitude == 0 {
					before = 0
					continue
				}
				gain := sample / blocks[i][j]
				if gain < 0.9999 {
					t.Fatalf("sample %d of block %d was turned down by %v", j, i, gain)
				}
				if step := math.Abs(float64(gain - before)); before != 0 && step > float64(levelMaxGain)/rampLength*1.01+1e-3 {
					t.Fatalf("gain jumps by %v at sample %d of block %d", step, j, i)
				}
				before = gain
			}
		}
	})
}

func TestClamp(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	block := []float32{0.5, -0.25, 1.5, -7, nan, inf, -inf, 0}
	if peak := clamp(block); peak != 1 {
		t.Errorf("peak is %v", peak)
	}
	if want := []float32{0.5, -0.25, 1, -1, 0, 1, -1, 0}; !slices.Equal(block, want) {
		t.Errorf("got %v, want %v", block, want)
	}
}
