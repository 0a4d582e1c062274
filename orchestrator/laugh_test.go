package orchestrator_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// A recording has as many frames as the wire contract says, whichever of them were left out.
func TestScoresHaveOneRowForEveryFrame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.Int64Range(1, 50).Draw(t, "window")
		hop := rapid.Int64Range(1, 50).Draw(t, "hop")
		length := rapid.Int64Range(0, 500).Draw(t, "length")
		var want int
		covered := int64(0)
		for start := int64(0); start+window <= length; start += hop {
			want, covered = want+1, start+window
		}
		if covered < length {
			want++
		}
		scores := orchestrator.Scores{Classes: []string{"a", "b"}, Window: window, Hop: hop}
		scores.Expect(rapid.OneOf(rapid.Just(length), rapid.Int64()).Draw(t, "expected length"))
		if room := cap(scores.Data); room > 5<<20 {
			t.Fatalf("room for %d bytes", room)
		}
		for i := range want {
			if rapid.Bool().Draw(t, "sent") {
				if err := scores.Add(orchestrator.Frame{Offset: int64(i) * hop, Scores: []float32{0.5, 1}}); err != nil {
					t.Fatal(err)
				}
				if scores.At(i, 1) != 1 || math.Abs(scores.At(i, 0)-0.5) > 0.5/255 {
					t.Fatalf("frame %d: %v %v", i, scores.At(i, 0), scores.At(i, 1))
				}
			}
		}
		scores.Close(length)
		if hop <= window && scores.Frames() != want {
			t.Fatalf("window %d, hop %d, length %d: %d frames, want %d", window, hop, length, scores.Frames(), want)
		}
	})
}

func TestScoresRefuseFramesOutOfOrder(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string]orchestrator.Frame{
		"twice":        {Offset: 7680, Scores: []float32{0.1}},
		"before":       {Offset: 0, Scores: []float32{0.1}},
		"between hops": {Offset: 20000, Scores: []float32{0.1}},
		"too wide":     {Offset: 15360, Scores: []float32{0.1, 0.2}},
	} {
		scores := orchestrator.Scores{Classes: []string{"a"}, Window: 15600, Hop: 7680}
		if err := scores.Add(orchestrator.Frame{Offset: 7680, Scores: []float32{0.3}}); err != nil {
			t.Fatal(err)
		}
		if err := scores.Add(frame); !errors.Is(err, orchestrator.ErrBadPlugin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSamplesAndDurationsConvertBothWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 366*24*3600*orchestrator.SampleRateHz).Draw(t, "samples")
		if got := orchestrator.DurationToSamples(orchestrator.SamplesToDuration(n)); got != n {
			t.Fatalf("%d became %d", n, got)
		}
	})
}
