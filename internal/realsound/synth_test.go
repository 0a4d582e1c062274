package realsound

import (
	"fmt"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// encode writes samples as a recorder would: Ogg Opus with 24 kbit/s.
func encode(t testing.TB, samples iter.Seq[[]float32]) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.opus")
	if err := sound(t).Encode(t.Context(), path, orchestrator.SampleRateHz, samples); err != nil {
		t.Fatal(err)
	}
	return path
}

// expectHidden holds the laughs that were found against those that were hidden: each once, none else,
// and the edges right within 0.75 s. A frame is 0.975 s long, and they come every 0.48 s.
func expectHidden(t testing.TB, hidden []synth.Laugh, found []orchestrator.Laugh) {
	t.Helper()
	const tolerance = 750 * time.Millisecond
	for _, want := range hidden {
		end := want.Start + want.Length
		if len(found) == 0 {
			t.Errorf("the %s's laugh at %v was not found", want.Voice, want.Start)
			continue
		}
		onset, offset := orchestrator.SamplesToDuration(found[0].Onset), orchestrator.SamplesToDuration(found[0].Offset)
		if (onset-want.Start).Abs() > tolerance || (offset-end).Abs() > tolerance {
			t.Errorf("the %s laughs from %v to %v, but from %v to %v was found", want.Voice, want.Start, end, onset, offset)
			if onset > end {
				continue
			}
		}
		found = found[1:]
	}
	if len(found) > 0 {
		t.Errorf("found what was not hidden: %+v", found)
	}
}

func TestEveryHiddenLaughOfADayIsFound(t *testing.T) {
	t.Parallel()
	for i, recording := range synth.Day(1, time.Hour, 3) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			path := encode(t, recording.Samples())
			expectHidden(t, recording.Laughs, detect.Sure(detect.Laughs(hear(t, path), detect.DefaultPolicy())))
			if i == 0 {
				found := detect.Sure(detect.Laughs(hear(t, quieter(t, path, 36)), detect.DefaultPolicy()))
				expectHidden(t, recording.Laughs, found)
			}
		})
	}
}

// The scores that the synth package promises, and each laugh heard once wherever it lies in a frame.
func TestEveryVoiceIsLaughter(t *testing.T) {
	t.Parallel()
	const every = 5*time.Second + 70*time.Millisecond
	for _, voice := range synth.Voices {
		t.Run(voice.Name, func(t *testing.T) {
			t.Parallel()
			var hidden []synth.Laugh
			samples := make([]float32, orchestrator.DurationToSamples(11*every))
			for i := range samples { // a little noise, as the cheapest recorder has it
				samples[i] = float32(i*7919%97-48) / 48 * 0.001
			}
			for seed := range uint64(10) {
				at := orchestrator.DurationToSamples(time.Duration(seed+1)*every) - 2*orchestrator.SampleRateHz
				laugh := voice.Laugh(seed)
				for i, x := range laugh {
					samples[at+int64(i)] += x
				}
				hidden = append(hidden, synth.Laugh{Start: orchestrator.SamplesToDuration(at), Length: orchestrator.SamplesToDuration(int64(len(laugh))), Voice: voice.Name})
			}
			found := detect.Sure(detect.Laughs(hear(t, encode(t, func(yield func([]float32) bool) { yield(samples) })), detect.DefaultPolicy()))
			expectHidden(t, hidden, found)
			for _, laugh := range found {
				if laugh.Score < 0.74 || laugh.Class != "Laughter" {
					t.Errorf("heard at %.2f s as %s with %.2f", seconds(laugh.Onset), laugh.Class, laugh.Score)
				}
			}
		})
	}
}
