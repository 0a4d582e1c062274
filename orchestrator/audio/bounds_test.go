package audio_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/flac"
)

// A few bytes never become hours of sound: what names a rate that is none of sound is refused before it is decoded.
func TestRatesThatAreNoneOfSound(t *testing.T) {
	t.Parallel()
	silent := make([]byte, 2*60_000)
	slow := flac.NewWriter(30, 1)
	slow.Write(silent)
	bomb, err := slow.Finish()
	if err != nil {
		t.Fatal(err)
	}
	tooFast := wav(tone(1, 400, 0.5))
	copy(tooFast[24:28], "\xff\xff\xff\x7f")
	tooSlow := wav(tone(1, 400, 0.5))
	copy(tooSlow[24:28], "\x01\x00\x00\x00")
	for name, test := range map[string]struct {
		data []byte
		want string
	}{"slow.flac": {bomb, "a sample rate of 30 Hz"}, "slow.wav": {tooSlow, "a sample rate of 1 Hz"}, "fast.wav": {tooFast, "a sample rate of 2147483647 Hz"}} {
		path := write(t, name, test.data)
		samples, err := tryDecode(t, newAudio(t), recording(path))
		if !errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), test.want) || len(samples) > 0 {
			t.Errorf("%s: got %d samples and %v, want %q", name, len(samples), err, test.want)
		}
		for _, err := range newAudio(t).Cut(t.Context(), recording(path), []orchestrator.SampleSpan{span(0, 1)}) {
			if !errors.Is(err, orchestrator.ErrBadRecording) {
				t.Errorf("%s: cut gives %v", name, err)
			}
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	t.Parallel()
	long := speechlike(40)
	opus := encode(t, long)
	for _, path := range []string{opus, write(t, "a.wav", wav(long)), convert(t, opus, "a.mp3")} {
		options := audio.Options{FFmpeg: testkit.FFmpeg(t), OpusLibrary: testkit.Opus(t), MaxLength: 25 * time.Second}
		samples, err := tryDecode(t, newAudioWith(t, options), recording(path))
		if !errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), "longer than 25s") || len(samples) > 25*rate {
			t.Errorf("%s: %d samples, %v", path, len(samples), err)
		}
		options.MaxLength = 41 * time.Second
		if samples := decode(t, newAudioWith(t, options), recording(path)); len(samples) < 39*rate {
			t.Errorf("%s: %d samples within the bound", path, len(samples))
		}
	}
}

// One descriptor: what is decoded and cut is the file that is open, whatever lies at its path by then.
func TestTheOpenFileIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.wav")
	if err := os.WriteFile(path, wav(tone(1, 400, 0.5)), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := errors.Join(os.Remove(path), os.Symlink("/dev/zero", path)); err != nil {
		t.Fatal(err)
	}
	rec := orchestrator.Recording{Path: path, File: file}
	for range 2 { // each from its start
		if samples, err := tryDecode(t, newAudio(t), rec); err != nil || len(samples) != 16000 {
			t.Errorf("%d samples, %v", len(samples), err)
		}
	}
}
