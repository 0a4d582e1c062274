package audio_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/audio"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	original := encode(t, tone(3, 400, 0.5))
	created := time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	zone := []string{"-metadata", "creation_time=2026-11-22T14:30:00Z"}
	for _, test := range []struct {
		name, path string
		want       time.Time
	}{
		{"ogg opus, no time", original, time.Time{}},
		{"ogg opus", convert(t, original, "a.opus", "-c", "copy", "-metadata", "creation_time=2026-11-22T14:30:00Z"), created},
		{"ogg opus, date with zone", convert(t, original, "a.ogg", "-c", "copy", "-metadata", "date=2026-11-22T15:30:00+01:00"), created},
		{"ogg opus, date alone", convert(t, original, "a.ogg", "-c", "copy", "-metadata", "date=2026-11-22"), time.Time{}},
		{"m4a", convert(t, original, "a.m4a", zone...), created},
		{"mkv", convert(t, original, "a.mka", zone...), created},
		{"mp3, time without zone", convert(t, original, "a.mp3", "-metadata", "date=2026-11-22 14:30:00"), time.Time{}},
		{"a clock that was never set", convert(t, original, "a.m4a", "-metadata", "creation_time=1970-01-01T00:00:01Z"), time.Time{}},
		{"wav", convert(t, original, "a.wav"), time.Time{}},
		{"a title that lies", convert(t, original, "a.mp3", "-metadata", "title=\nDuration: 99:00:00.00"), time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			info, err := newAudio(t).Probe(t.Context(), test.path)
			if err != nil {
				t.Fatal(err)
			}
			if !info.Created.Equal(test.want) {
				t.Errorf("created %v, want %v", info.Created, test.want)
			}
			if seconds := float64(info.Length) / rate; seconds < 2.9 || seconds > 3.1 {
				t.Errorf("%.3f s long, want 3 s", seconds)
			}
		})
	}
}

func TestProbeOfOpusNeedsNoFFmpeg(t *testing.T) {
	t.Parallel()
	path := convert(t, encode(t, tone(3, 400, 0.5)), "a.ogg", "-c", "copy", "-metadata", "creation_time=2026-11-22T14:30:00Z")
	info, err := newAudioWith(t, audio.Options{}).Probe(t.Context(), path)
	if err != nil || info.Length != 3*rate || info.Created.IsZero() {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestEncodeWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	sound := values([][]float32{tone(1, 400, 0.5), nil, tone(0.5, 300, 0.5)})
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("n", 250)+".ogg")
	if err := newAudio(t).Encode(t.Context(), path, rate, sound); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, newAudio(t), recording(path)); len(got) != rate*3/2 {
		t.Errorf("got %d samples back", len(got))
	}
	before := read(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	err := newAudio(t).Encode(ctx, path, rate, func(yield func([]float32) bool) {
		yield(tone(1, 400, 0.5))
		cancel()
		yield(tone(1, 400, 0.5))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, got %v", err)
	}
	if err := newAudio(t).Encode(t.Context(), filepath.Join(dir, "no", "where.ogg"), rate, sound); err == nil {
		t.Error("wrote into a folder that is not there")
	}
	broken := newAudioWith(t, audio.Options{FFmpeg: failing(t)})
	if err := broken.Encode(t.Context(), path, rate, sound); err == nil || !strings.Contains(err.Error(), "no encoder today") {
		t.Errorf("a failing ffmpeg gives %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
	if string(read(t, path)) != string(before) {
		t.Error("what was there before was harmed")
	}
}

// failing is a program that fails with a message.
func failing(t testing.TB) string {
	t.Helper()
	script := write(t, "ffmpeg", []byte("#!/bin/sh\necho '[libopus @ 0x1] no encoder today' >&2\nexit 1\n"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	return script
}
