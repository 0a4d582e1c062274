package audio

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSilence has faint sound, with a few loud samples at any place in it: what is further than a second
// from all of them is silent, every window of YAMNet's that holds one is as it was, and so is everything
// without a level of silence.
func TestSilence(t *testing.T) {
	t.Parallel()
	const length, blocks, window = 60 * cellLength, 4, 15600
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.IntRange(1, length).Draw(t, "last block's length")
		total := (blocks-1)*length + last
		loud := rapid.SliceOfNDistinct(rapid.IntRange(0, total-1), 0, 3, rapid.ID).Draw(t, "loud samples")
		sound := steady(total, 1e-5)
		for _, at := range loud {
			sound[at] = 0.01
		}
		cut := slices.Collect(slices.Chunk(sound, length))
		got, want := slices.Concat(levelAbove(1e-4, cut)...), slices.Concat(level(cut)...)
		if len(got) != total {
			t.Fatalf("%d samples became %d", total, len(got))
		}
		for i := range got {
			nearest := total
			for _, at := range loud {
				nearest = min(nearest, max(at-i, i-at))
			}
			switch {
			case nearest < window && got[i] != want[i]:
				t.Fatalf("sample %d, %d from a loud one, is %v, want %v", i, nearest, got[i], want[i])
			case nearest > (silenceReach+1+2)*cellLength && got[i] != 0: // two cells for the filter's own echo
				t.Fatalf("sample %d, %d from a loud one, is %v, want 0", i, nearest, got[i])
			}
		}
	})
}

func steady(length int, amplitude float32) []float32 {
	block := make([]float32, length)
	for i := range block {
		block[i] = amplitude * float32(1-2*(i%2))
	}
	return block
}
