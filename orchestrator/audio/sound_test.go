package audio_test

import (
	"bytes"
	"errors"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// What a clip sounds like in memory is what decoding its file gives, and its WAV is read by everybody.
func TestSoundOfClips(t *testing.T) {
	t.Parallel()
	original := encode(t, speechlike(4))
	stereo := convert(t, write(t, "a.wav", wav(speechlike(4))), "a.wav", "-ac", "2", "-ar", "48000")
	a := newAudio(t)
	for _, test := range []struct {
		name, path     string
		most, wantRate int
	}{
		{"opus", original, 48000, 16000},
		{"opus at a lower rate", original, 8000, 8000},
		{"flac", write(t, "a.wav", wav(speechlike(4))), 48000, 16000},
		{"flac 48 kHz stereo", stereo, 48000, 48000},
		{"flac 48 kHz stereo at 16 kHz", stereo, 16000, 16000},
		{"flac 96 kHz", convert(t, stereo, "a.wav", "-ar", "96000"), 48000, 48000},
		{"flac 8 channels", convert(t, stereo, "a.wav", "-ac", "8"), 16000, 16000},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			clip := cut(t, a, recording(test.path), span(1, 3))[0]
			sound, err := a.Sound(t.Context(), clip.Data, test.most)
			if err != nil || sound.RateHz != test.wantRate || len(sound.Samples) != 2*test.wantRate {
				t.Fatalf("got %d samples at %d Hz, %v", len(sound.Samples), sound.RateHz, err)
			}
			back := decode(t, a, recording(write(t, "back.wav", sound.WAV())))
			want := decode(t, a, recording(write(t, "clip"+clip.Extension, clip.Data)))
			if test.wantRate < rate {
				want = decode(t, a, recording(convert(t, write(t, "clip"+clip.Extension, clip.Data), "a.wav", "-ar", strconv.Itoa(test.wantRate))))
			}
			if lag, alike := bestLag(want, back[rate/4:], rate/4); lag != 0 || alike < 0.995 {
				t.Errorf("lags by %d samples, alike to %.4f", lag, alike)
			}
			rendition, err := a.Rendition(t.Context(), clip.Data)
			if err != nil || len(rendition) <= 44 || test.most == 48000 && !bytes.Equal(rendition, sound.WAV()) {
				t.Errorf("rendition: %d bytes, %v", len(rendition), err)
			}
		})
	}
}

func TestSoundOfBadClips(t *testing.T) {
	t.Parallel()
	a := newAudio(t)
	clip := cut(t, a, recording(write(t, "a.wav", wav(speechlike(4)))), span(0, 4))[0].Data
	opus := read(t, encode(t, speechlike(4)))
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("Dear diary, today I laughed."), "no frame": clip[:42], "other sound": read(t, convert(t, encode(t, tone(1, 400, 0.5)), "a.mp3")),
		"headers of opus": opus[:bytes.Index(opus, []byte("OpusTags"))+30],
	} {
		if sound, err := a.Sound(t.Context(), data, 48000); !errors.Is(err, orchestrator.ErrBadRecording) {
			t.Errorf("%s: %d samples, %v", name, len(sound.Samples), err)
		}
	}
	for name, data := range map[string][]byte{"flac": clip[:len(clip)/2], "opus": opus[:len(opus)/2]} {
		if sound, err := a.Sound(t.Context(), data, 48000); err != nil || len(sound.Samples) < rate {
			t.Errorf("half of %s: %d samples, %v", name, len(sound.Samples), err)
		}
	}
	if _, err := a.Sound(t.Context(), clip, 0); err == nil {
		t.Error("a rate of 0 is accepted")
	}
}

// A clip that says of itself that it is hours long costs two minutes.
func TestSoundIsBounded(t *testing.T) {
	t.Parallel()
	long := make([]float32, 300*rate)
	for name, path := range map[string]string{
		"opus": encode(t, long),
		"flac": convert(t, write(t, "a.wav", wav(long)), "a.flac", "-ar", "44100"),
	} {
		sound, err := newAudio(t).Sound(t.Context(), read(t, path), 16000)
		if err != nil || len(sound.Samples) != 120*rate {
			t.Errorf("%s: %d samples, %v", name, len(sound.Samples), err)
		}
	}
}

// Tones below the new half rate stay, those above it go.
func TestSoundIsResampledWell(t *testing.T) {
	t.Parallel()
	a := newAudio(t)
	for _, from := range []int{22050, 44100, 48000, 96000} {
		for _, hz := range []float64{50, 1000, 6500, 9000, 10500} {
			steady := make([]float32, from)
			for i := range steady {
				steady[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(from)))
			}
			raw := audio.Sound{RateHz: from, Samples: steady}.WAV()
			flac := exec.CommandContext(t.Context(), testkit.FFmpeg(t), "-v", "error", "-f", "wav", "-i", "pipe:0", "-f", "flac", "pipe:1")
			flac.Stdin = bytes.NewReader(raw)
			clip, err := flac.Output()
			if err != nil {
				t.Fatal(err)
			}
			sound, err := a.Sound(t.Context(), clip, 16000)
			if err != nil {
				t.Fatal(err)
			}
			ratio := energy(sound.Samples[1000:15000]) / (0.5 / math.Sqrt2 * math.Sqrt(14000))
			if hz < 8000 && math.Abs(ratio-1) > 0.01 || hz > 8000 && ratio > 0.001 {
				t.Errorf("%v Hz at %d Hz comes out as %.4f", hz, from, ratio)
			}
		}
	}
}

func TestListeningGain(t *testing.T) {
	t.Parallel()
	for amplitude, want := range map[float64]float64{0: 1, 1e-5: 31.6, 0.01: 17.8, 0.178: 1, 0.9: 0.2} {
		got := audio.Sound{RateHz: rate, Samples: slices.Concat(make([]float32, rate), tone(1, 400, amplitude))}.ListeningGain()
		if math.Abs(got/want-1) > 0.02 {
			t.Errorf("amplitude %v: got %.3f, want %v", amplitude, got, want)
		}
	}
}

func TestRepairFLAC(t *testing.T) {
	t.Parallel()
	clip := cut(t, newAudio(t), recording(write(t, "a.wav", wav(speechlike(2)))), span(0, 2))[0].Data
	if got, changed, err := audio.RepairFLAC(clip); err != nil || changed || !bytes.Equal(got, clip) || audio.FLACNeedsRepair(clip[:audio.FLACStart]) {
		t.Errorf("a new clip is changed: %v, %v", changed, err)
	}
	if _, _, err := audio.RepairFLAC(clip[:len(clip)-1]); !errors.Is(err, orchestrator.ErrBadRecording) {
		t.Errorf("a damaged clip gives %v", err)
	}
	if audio.FLACNeedsRepair(nil) || audio.FLACNeedsRepair(read(t, encode(t, tone(1, 400, 0.5)))) {
		t.Error("what is no FLAC needs repair")
	}
}
