package audio_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// speechlike is noise whose pitch and loudness change all the time, so that no stretch is like another,
// and loud enough to be left alone by the leveller.
func speechlike(seconds float64) []float32 {
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]float32, int(seconds*rate))
	var phase, hz, smooth float64
	for i := range samples {
		if i%1600 == 0 {
			hz = 200 + 1500*random.Float64()
		}
		phase += 2 * math.Pi * hz / rate
		smooth = 0.9*smooth + 0.1*random.NormFloat64()
		samples[i] = float32(min(max(0.5*math.Sin(phase)+0.4*smooth, -0.95), 0.95))
	}
	for i := 0; i < len(samples); i += 10 * rate {
		samples[i+rate] = 0.99 // so that every block has the same peak
	}
	return samples
}

func span(from, to float64) orchestrator.SampleSpan {
	return orchestrator.SampleSpan{Start: int64(from * rate), End: int64(to * rate)}
}

func cut(t testing.TB, a *audio.Audio, rec orchestrator.Recording, spans ...orchestrator.SampleSpan) []orchestrator.Clip {
	t.Helper()
	var clips []orchestrator.Clip
	for clip, err := range a.Cut(t.Context(), rec, spans) {
		if err != nil {
			t.Fatalf("cut clip %d: %v", len(clips), err)
		}
		clips = append(clips, clip)
	}
	if len(clips) != len(spans) {
		t.Fatalf("got %d clips, want %d", len(clips), len(spans))
	}
	return clips
}

// bestLag is by how many samples part lies behind the same sound in whole[at:], and how alike they are
// then. The first half second decides.
func bestLag(whole, part []float32, at int) (lag int, alike float64) {
	const reach, probe = rate / 10, rate / 2
	for shift := -min(reach, at); shift <= reach && at+shift < len(whole); shift++ {
		if s := similarity(whole[at+shift:], part[:min(len(part), probe)]); s > alike {
			lag, alike = shift, s
		}
	}
	return lag, similarity(whole[at+lag:], part)
}

func TestClipIsTheSameSoundAtTheSamePlace(t *testing.T) {
	t.Parallel()
	sound := speechlike(40)
	original := encode(t, sound)
	source := write(t, "source.wav", wav(sound))
	for _, test := range []struct {
		name, path string
		extension  string
		alike      float64
	}{
		{"ogg opus", original, ".opus", 0.99},
		{"wav", source, ".flac", 0.999},
		{"flac", convert(t, source, "sound.flac"), ".flac", 0.999},
		{"flac 48 kHz stereo", convert(t, source, "sound.flac", "-ar", "48000", "-ac", "2"), ".flac", 0.999},
		{"mp3", convert(t, source, "sound.mp3", "-b:a", "48k"), ".flac", 0.99},
		{"mp3 variable rate", convert(t, source, "sound.mp3", "-q:a", "5"), ".flac", 0.99},
		{"mp3 without a table", convert(t, source, "sound.mp3", "-q:a", "5", "-write_xing", "0"), ".flac", 0.99},
		{"aac in m4a", convert(t, source, "sound.m4a"), ".flac", 0.99},
		{"aac without container", convert(t, source, "sound.aac"), ".flac", 0.99},
		{"ogg vorbis", convert(t, source, "sound.ogg", "-c:a", "libvorbis"), ".flac", 0.99},
		{"opus in matroska", convert(t, original, "sound.mka", "-c:a", "copy"), ".flac", 0.99},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			whole := decode(t, a, recording(test.path))
			// Overlapping ones, one within another, and one over the end.
			spans := []orchestrator.SampleSpan{span(0, 2.5), span(1, 9), span(1.5, 3), span(20.0031, 23.7), span(37, 60)}
			for i, clip := range cut(t, a, recording(test.path), spans...) {
				if clip.Extension != test.extension {
					t.Errorf("clip %d is a %s", i, clip.Extension)
				}
				got := decode(t, a, recording(write(t, "clip"+clip.Extension, clip.Data)))
				end := min(spans[i].End, int64(len(whole)))
				if clip.Span.Start != spans[i].Start || clip.Span.End < end-800 || clip.Span.End > end+800 {
					t.Errorf("clip %d covers %v, want %v", i, clip.Span, spans[i])
				}
				if n := clip.Span.End - clip.Span.Start; int64(len(got)) != n {
					t.Errorf("clip %d has %d samples, its span %d", i, len(got), n)
				}
				lag, alike := bestLag(whole, got, int(clip.Span.Start))
				if lag != 0 || alike < test.alike {
					t.Errorf("clip %d lags by %d samples and is alike to %.4f", i, lag, alike)
				}
			}
		})
	}
}

func TestClipOfNothing(t *testing.T) {
	t.Parallel()
	path := encode(t, tone(3, 400, 0.5))
	for _, path := range []string{path, convert(t, path, "sound.mp3"), convert(t, path, "sound.flac")} {
		for _, outside := range []orchestrator.SampleSpan{span(100, 101), span(2, 2), span(2, 1)} {
			var last error
			for _, err := range newAudio(t).Cut(t.Context(), recording(path), []orchestrator.SampleSpan{outside}) {
				last = err
			}
			if !errors.Is(last, orchestrator.ErrBadRecording) || !strings.Contains(last.Error(), "there is no sound") {
				t.Errorf("%s, %v: got %v", path, outside, last)
			}
		}
		for range newAudio(t).Cut(t.Context(), recording(path), nil) {
			t.Error("a clip of no span")
		}
	}
}
