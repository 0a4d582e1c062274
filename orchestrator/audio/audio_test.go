package audio_test

import (
	"iter"
	"math"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rate = orchestrator.SampleRateHz

// newAudio has every part that there is.
func newAudio(t testing.TB) *audio.Audio {
	t.Helper()
	return newAudioWith(t, audio.Options{FFmpeg: testkit.FFmpeg(t), OpusLibrary: testkit.Opus(t)})
}

func newAudioWith(t testing.TB, options audio.Options) *audio.Audio {
	t.Helper()
	a, err := audio.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func recording(path string) orchestrator.Recording { return orchestrator.Recording{Path: path} }

// decode returns all samples, and checks that the chunks are as they should be.
func decode(t testing.TB, a *audio.Audio, rec orchestrator.Recording) []float32 {
	t.Helper()
	samples, err := tryDecode(t, a, rec)
	if err != nil {
		t.Fatalf("decode %s: %v", filepath.Base(rec.Path), err)
	}
	return samples
}

func tryDecode(t testing.TB, a *audio.Audio, rec orchestrator.Recording) ([]float32, error) {
	t.Helper()
	var all []float32
	for chunk, err := range a.Decode(t.Context(), rec) {
		if err != nil {
			return all, err
		}
		if chunk.Offset != int64(len(all)) || len(all)%(10*rate) != 0 || len(chunk.Samples) > 10*rate {
			t.Fatalf("chunk of %d samples at %d follows %d", len(chunk.Samples), chunk.Offset, len(all))
		}
		all = append(all, chunk.Samples...)
	}
	return all, nil
}

// encode writes samples as Ogg Opus and returns the file's path.
func encode(t testing.TB, samples ...[]float32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sound.ogg")
	if err := newAudio(t).Encode(t.Context(), path, rate, values(samples)); err != nil {
		t.Fatal(err)
	}
	return path
}

func values(samples [][]float32) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		for _, piece := range samples {
			if !yield(piece) {
				return
			}
		}
	}
}

// tone is a sine at hz, with a chirp's fingerprint: its pitch rises by half from start to end.
func tone(seconds, hz, amplitude float64) []float32 {
	samples := make([]float32, int(seconds*rate))
	phase := 0.0
	for i := range samples {
		phase += 2 * math.Pi * hz * (1 + 0.5*float64(i)/float64(len(samples))) / rate
		samples[i] = float32(amplitude * math.Sin(phase))
	}
	return samples
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// similarity is the correlation of two sounds, 1 where they are alike but for a factor.
func similarity(a, b []float32) float64 {
	n := min(len(a), len(b))
	var ab, aa, bb float64
	for i := range n {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
