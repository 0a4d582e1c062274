package inferd

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// window is one frame as a Framer gave it out.
type window struct {
	first   int64
	samples []float32
}

// wantWindows says what the contract does, on the whole recording at once.
func wantWindows(recording []float32, length, hop int) []window {
	var windows []window
	first, end := 0, 0
	for ; first+length <= len(recording); first += hop {
		windows = append(windows, window{int64(first), recording[first : first+length]})
		end = first + length
	}
	if len(recording) > end {
		padded := make([]float32, length)
		copy(padded, recording[first:])
		windows = append(windows, window{int64(first), padded})
	}
	return windows
}

// frame cuts a recording that arrives in pieces of these lengths, the last one repeated.
func frame(recording []float32, length, hop, most int, pieces []int) []window {
	var windows []window
	take := func(b Batch) {
		for i := range b.Windows {
			windows = append(windows, window{b.First + int64(i*hop), slices.Clone(b.Samples[i*hop : i*hop+length])})
		}
	}
	dirty := func() []float32 { // a buffer holds what was in it before
		return slices.Repeat([]float32{-1}, BufferLength(length, hop, most))
	}
	f := NewFramer(length, hop, dirty())
	for len(recording) > 0 {
		piece := recording[:min(pieces[0], len(recording))]
		recording = recording[len(piece):]
		if len(pieces) > 1 {
			pieces = pieces[1:]
		}
		for len(piece) > 0 {
			n := copy(f.Room(), piece)
			f.Grow(n)
			piece = piece[n:]
			if len(piece) > 0 || f.Windows() > 0 {
				take(f.Cut(dirty()))
			}
		}
	}
	if b, ok := f.Rest(); ok {
		take(b)
	}
	return windows
}

func equalWindows(a, b []window) bool {
	return slices.EqualFunc(a, b, func(a, b window) bool { return a.first == b.first && slices.Equal(a.samples, b.samples) })
}

func TestFramesDoNotDependOnCutting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(1, 40).Draw(t, "window")
		hop := rapid.IntRange(1, length).Draw(t, "hop")
		recording := make([]float32, rapid.IntRange(0, 200).Draw(t, "length"))
		for i := range recording {
			recording[i] = float32(i + 1)
		}
		pieces := rapid.SliceOfN(rapid.IntRange(1, 90), 1, 20).Draw(t, "pieces")
		most := rapid.IntRange(1, 5).Draw(t, "most")
		got, want := frame(recording, length, hop, most, pieces), wantWindows(recording, length, hop)
		if !equalWindows(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestFinalFrame(t *testing.T) {
	t.Parallel()
	const length, hop = 10, 4
	for _, c := range []struct {
		samples int
		want    []int64 // starts of the frames
	}{
		{0, nil},
		{1, []int64{0}},
		{9, []int64{0}},
		{10, []int64{0}},
		{11, []int64{0, 4}},
		{14, []int64{0, 4}},
		{15, []int64{0, 4, 8}},
	} {
		var got []int64
		for _, w := range frame(make([]float32, c.samples), length, hop, 3, []int{7}) {
			got = append(got, w.first)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d samples: frames at %v, want %v", c.samples, got, c.want)
		}
	}
}
