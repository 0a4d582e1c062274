package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tone(seconds, hz, amplitude float64, rate int) []float32 {
	samples := make([]float32, int(seconds*float64(rate)))
	for i := range samples {
		samples[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return samples
}

func draw(t testing.TB, samples []float32, rate int, options Options) *image.Paletted {
	t.Helper()
	data, err := Spectrogram(samples, rate, options)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img.(*image.Paletted)
}

// darkest is the row of a column with the last shade.
func darkest(img *image.Paletted, x int) (row int, shade uint8) {
	for y := range img.Rect.Dy() {
		if s := img.ColorIndexAt(x, y); s > shade {
			row, shade = y, s
		}
	}
	return row, shade
}

func TestToneLiesAtItsFrequency(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000, 48000} {
		for _, hz := range []float64{200, 500, 1000, 3000} {
			img := draw(t, tone(2, hz, 0.5, rate), rate, Options{Width: 256, Height: 128, TopHz: 4000})
			row, shade := darkest(img, 100)
			if want := Y(hz, 128, 4000); math.Abs(float64(row)+0.5-want) > 3 || shade < shades-3 {
				t.Errorf("%v Hz at a rate of %d lies in row %d, shade %d; want row %.1f", hz, rate, row, shade, want)
			}
			if got := img.ColorIndexAt(100, 2); got > 3 {
				t.Errorf("%v Hz at a rate of %d: 3.9 kHz has shade %d", hz, rate, got)
			}
		}
	}
}

func TestTimeRunsLeftToRight(t *testing.T) {
	t.Parallel()
	sound := append(make([]float32, 16000), tone(1, 800, 0.5, 16000)...)
	for _, width := range []int{1, 100, MaxWidth} {
		img := draw(t, sound, 16000, Options{Width: width, Height: 64})
		if width == 1 {
			continue
		}
		_, before := darkest(img, width/2-width/20)
		_, after := darkest(img, width/2+width/20)
		if before != 0 || after < shades-8 {
			t.Errorf("%d wide: shades %d and %d before and behind the middle", width, before, after)
		}
	}
}

func TestFaintSoundIsNotDrawnAsLoud(t *testing.T) {
	t.Parallel()
	for amplitude, want := range map[float64]uint8{0: 0, 1e-5: 0, 0.5: shades - 1, 0.02: shades - 1} {
		if _, shade := darkest(draw(t, tone(1, 700, amplitude, 16000), 16000, Options{Width: 50, Height: 64}), 25); shade != want {
			t.Errorf("amplitude %v has shade %d, want %d", amplitude, shade, want)
		}
	}
}

func TestPaletteRunsFromStopToStop(t *testing.T) {
	t.Parallel()
	for _, stops := range [][]color.RGBA{Paper, Night, {{0, 0, 0, 0}, {9, 9, 9, 255}}} {
		got := palette(stops)
		if len(got) != shades || got[0] != stops[0] || got[shades-1] != stops[len(stops)-1] {
			t.Errorf("%v becomes %v to %v", stops, got[0], got[len(got)-1])
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	sound := tone(1, 400, 0.5, 16000)
	for _, options := range []Options{{}, {Width: MaxWidth + 1, Height: 9}, {Width: 9, Height: MaxHeight + 1}, {Width: -1, Height: 9}, {Width: 9, Height: 1}} {
		if _, err := Spectrogram(sound, 16000, options); err == nil {
			t.Errorf("%+v is drawn", options)
		}
	}
	for _, rate := range []int{0, -1, 10, 1<<31 - 1} {
		if _, err := Spectrogram(sound, rate, Options{Width: 9, Height: 9}); err == nil {
			t.Errorf("a rate of %d is drawn", rate)
		}
	}
	if _, err := Spectrogram(nil, 16000, Options{Width: 9, Height: 9}); !errors.Is(err, ErrEmpty) {
		t.Errorf("no sound gives %v", err)
	}
	nan := float32(math.NaN())
	draw(t, []float32{nan, float32(math.Inf(1)), nan, 1}, 16000, Options{Width: 9, Height: 9})
}

func TestWaveform(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Float32Range(-1.5, 1.5), 0, 300).Draw(t, "samples")
		n := rapid.IntRange(0, 100).Draw(t, "buckets")
		peaks := Waveform(samples, n)
		if len(peaks) != n {
			t.Fatalf("%d parts, want %d", len(peaks), n)
		}
		var loudest, highest float32
		for _, sample := range samples {
			loudest = max(loudest, min(max(sample, -sample), 1))
		}
		for _, peak := range peaks {
			if highest = max(highest, peak); peak < 0 || peak > 1 {
				t.Fatalf("a peak of %v", peak)
			}
		}
		if n > 0 && highest != loudest {
			t.Fatalf("the highest is %v, the loudest sample %v", highest, loudest)
		}
	})
}

func BenchmarkSpectrogram(b *testing.B) {
	sound := tone(6, 700, 0.4, 16000)
	for b.Loop() {
		if _, err := Spectrogram(sound, 16000, Options{Width: 1024, Height: 256}); err != nil {
			b.Fatal(err)
		}
	}
}
