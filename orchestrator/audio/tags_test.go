package audio_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// TestTaggedClipsSoundTheSame, and say what they were tagged with, twice in a row.
func TestTaggedClipsSoundTheSame(t *testing.T) {
	t.Parallel()
	opusFile := encode(t, speechlike(5))
	for _, path := range []string{opusFile, convert(t, opusFile, "sound.mp3")} {
		a := newAudio(t)
		for clip, err := range a.Cut(t.Context(), recording(path), []orchestrator.SampleSpan{{Start: 16000, End: 48000}}) {
			if err != nil {
				t.Fatal(err)
			}
			before, err := a.Sound(t.Context(), clip.Data, 48000)
			if err != nil {
				t.Fatal(err)
			}
			tagged := clip.Data
			for _, title := range []string{strings.Repeat("long ", 20000), "Chuckle, größer"} {
				if tagged, err = audio.Tagged(tagged, []audio.Tag{{Name: "TITLE", Value: title}, {Name: "DATE", Value: "2026-11-22"}}); err != nil {
					t.Fatal(err)
				}
			}
			after, err := a.Sound(t.Context(), tagged, 48000)
			if err != nil {
				t.Fatalf("%s: %v", clip.Extension, err)
			}
			if len(before.Samples) == 0 || len(before.Samples) != len(after.Samples) {
				t.Errorf("%s: %d samples, %d after", clip.Extension, len(before.Samples), len(after.Samples))
			}
			for i := range before.Samples {
				if before.Samples[i] != after.Samples[i] {
					t.Fatalf("%s: sample %d differs", clip.Extension, i)
				}
			}
			if !bytes.Contains(tagged, []byte("TITLE=Chuckle, größer")) || bytes.Contains(tagged, []byte("long long")) {
				t.Errorf("%s: tags are not what was written last", clip.Extension)
			}
		}
	}
}

func FuzzTagged(f *testing.F) {
	f.Add([]byte("fLaC\x80\x00\x00\x00"), "a")
	f.Add([]byte("OggS\x00\x02"), "b")
	f.Fuzz(func(_ *testing.T, clip []byte, value string) {
		_, _ = audio.Tagged(clip, []audio.Tag{{Name: "TITLE", Value: value}})
	})
}
