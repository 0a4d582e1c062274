package audio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// pieces yields samples in chunks of that many.
func pieces(samples []float32, size int) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		for at := 0; at < len(samples); at += size {
			if !yield(orchestrator.Chunk{Offset: int64(at), Samples: samples[at:min(at+size, len(samples))]}, nil) {
				return
			}
		}
	}
}

func resampled(t *testing.T, samples []float32, size, rate int) (out []float32) {
	t.Helper()
	a, err := New(Options{FFmpeg: testkit.FFmpeg(t)})
	if err != nil {
		t.Fatal(err)
	}
	for chunk, err := range a.Resample(t.Context(), pieces(samples, size), rate) {
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Offset != int64(len(out)) {
			t.Fatalf("chunk at %d; want %d", chunk.Offset, len(out))
		}
		out = append(out, chunk.Samples...)
	}
	return out
}

func sine(hz float64, rate, n int) []float32 {
	samples := make([]float32, n)
	for i := range samples {
		samples[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return samples
}

// decibels compares the middle of a sound with what it should be, relative to that, or to full scale
// where it should be silent.
func decibels(got []float32, want func(i int) float64) float64 {
	var wrong, right float64
	for i := len(got) / 4; i < len(got)*3/4; i++ {
		d := float64(got[i]) - want(i)
		wrong += d * d
		right += want(i) * want(i)
	}
	if right == 0 {
		right = float64(len(got)/2) / 8 // of the sine that came in
	}
	return 10 * math.Log10(wrong/right)
}

// TestResampleQuality: a sine of any pitch comes out as the same sine, in its place; what the new rate
// cannot hold does not come out at all.
func TestResampleQuality(t *testing.T) {
	t.Parallel()
	const seconds = 1
	for _, rate := range []int{8000, 22050, 32000, 44100, 48000} {
		t.Run(fmt.Sprint(rate, " Hz"), func(t *testing.T) {
			t.Parallel()
			half := float64(min(rate, orchestrator.SampleRateHz)) / 2
			worst, leaked := math.Inf(-1), math.Inf(-1)
			for _, part := range []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9} {
				hz := part * half
				got := resampled(t, sine(hz, orchestrator.SampleRateHz, seconds*orchestrator.SampleRateHz), 5000, rate)
				if len(got) != seconds*rate {
					t.Fatalf("%d samples; want %d", len(got), seconds*rate)
				}
				worst = max(worst, decibels(got, func(i int) float64 { return 0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)) }))
			}
			for hz := 1.1 * half; rate < orchestrator.SampleRateHz && hz < orchestrator.SampleRateHz/2; hz *= 1.1 {
				got := resampled(t, sine(hz, orchestrator.SampleRateHz, seconds*orchestrator.SampleRateHz), 5000, rate)
				leaked = max(leaked, decibels(got, func(int) float64 { return 0 }))
			}
			t.Logf("worst error of a sine up to 0.9 of the band %.0f dB, worst leak from beyond it %.0f dB", worst, leaked)
			if worst > -80 || leaked > -70 {
				t.Errorf("worst error %.1f dB, want -80; worst leak %.1f dB, want -70", worst, leaked)
			}
		})
	}
}

func TestResampleDoesNotDependOnChunks(t *testing.T) {
	t.Parallel()
	sound := sine(440, orchestrator.SampleRateHz, 12345)
	whole := resampled(t, sound, len(sound), 44100)
	for _, size := range []int{1000, 7} {
		got := resampled(t, sound, size, 44100)
		if len(got) != len(whole) {
			t.Fatalf("%d samples; want %d", len(got), len(whole))
		}
		for i := range got {
			if got[i] != whole[i] {
				t.Fatalf("chunks of %d: sample %d is %v; want %v", size, i, got[i], whole[i])
			}
		}
	}
	for _, n := range []int{0, 1, 2, 100} {
		if got := resampled(t, sound[:n], 7, 44100); len(got) != (n*44100+8000)/16000 {
			t.Errorf("%d samples became %d", n, len(got))
		}
	}
}

func TestResampleEnds(t *testing.T) {
	t.Parallel()
	a, err := New(Options{FFmpeg: testkit.FFmpeg(t)})
	if err != nil {
		t.Fatal(err)
	}
	long := pieces(make([]float32, 60*orchestrator.SampleRateHz), orchestrator.SampleRateHz)

	cause := errors.New("page is torn")
	failing := func(yield func(orchestrator.Chunk, error) bool) {
		for chunk := range long {
			if !yield(chunk, nil) {
				return
			}
			break
		}
		yield(orchestrator.Chunk{}, cause)
	}
	var last error
	for _, last = range a.Resample(t.Context(), failing, 48000) {
	}
	if last != cause {
		t.Errorf("error of the chunks: got %v; want it as it was", last)
	}

	for range a.Resample(t.Context(), long, 48000) {
		break // leaves nothing behind
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last = nil
	for _, err := range a.Resample(ctx, long, 48000) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("canceled: got %v", last)
	}

	without, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	last = nil
	for _, last = range without.Resample(t.Context(), long, 48000) {
	}
	if !errors.Is(last, errNoFFmpeg) {
		t.Errorf("without ffmpeg: got %v", last)
	}
}
