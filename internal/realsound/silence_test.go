package realsound

import (
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// defaultSilence is CHORTLE_SILENCE's.
var defaultSilence = math.Pow(10, -76./20)

// sameLaughs leaves out what else was heard, which is told of frames that silence changes, too.
var sameLaughs = cmpopts.IgnoreFields(orchestrator.Laugh{}, "Around")

// TestSilenceCostsNoLaugh turns real sound and a generated day down, step by step until nothing is left of
// them, and finds the same laughs whether what is faint is taken for silence or not.
func TestSilenceCostsNoLaugh(t *testing.T) {
	t.Parallel()
	day := synth.Day(2, 5*time.Minute, 1)[0]
	sounds := map[string]string{"a generated day": encode(t, day.Samples())}
	for _, file := range files {
		sounds[filepath.Base(file.name)] = testkit.Audio(t, file.name)
	}
	for name, path := range sounds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, decibels := range []int{0, 48, 60, 66, 72} {
				compareSilence(t, fmt.Sprintf("%d dB down", decibels), quieter(t, path, decibels))
			}
			compareSilence(t, "60 dB down, through Opus", convert(t, quieter(t, path, 60),
				filepath.Join(t.TempDir(), "cut.opus"), "-ac", "1", "-c:a", "libopus", "-b:a", "24k"))
		})
	}
}

func compareSilence(t *testing.T, how, path string) {
	t.Helper()
	with := detect.Laughs(hearBy(t, soundAbove(t, defaultSilence), path), orchestrator.PolicyFromThreshold(detect.DefaultThreshold))
	without := detect.Laughs(hear(t, path), orchestrator.PolicyFromThreshold(detect.DefaultThreshold))
	if difference := cmp.Diff(without, with, sameLaughs); difference != "" {
		t.Errorf("%s: laughs differ with silence:\n%s", how, difference)
	}
}

// TestSilenceLeavesLaughsAlone has laughs among near-silence, as a recorder writes it that holds its noise down: the same
// scores wherever there is a laugh, and zeros elsewhere.
func TestSilenceLeavesLaughsAlone(t *testing.T) {
	t.Parallel()
	path := encode(t, nearSilence(2*time.Minute))
	with, without := hearBy(t, soundAbove(t, defaultSilence), path), hear(t, path)
	found := detect.Laughs(with, orchestrator.PolicyFromThreshold(detect.DefaultThreshold))
	if len(found) == 0 {
		t.Fatal("no laugh was found")
	}
	if difference := cmp.Diff(detect.Laughs(without, orchestrator.PolicyFromThreshold(detect.DefaultThreshold)), found, sameLaughs); difference != "" {
		t.Errorf("laughs differ with silence:\n%s", difference)
	}
	for _, laugh := range found {
		for frame := laugh.Onset / with.Hop; frame*with.Hop < laugh.Offset; frame++ {
			for class := range with.Classes {
				if a, b := with.At(int(frame), class), without.At(int(frame), class); a != b {
					t.Errorf("frame %d: %s is %.3f with silence, %.3f without", frame, with.Classes[class], a, b)
				}
			}
		}
	}
}

// nearSilence has a laugh every half minute.
func nearSilence(length time.Duration) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		piece := make([]float32, 30*orchestrator.SampleRateHz)
		for number := range uint64(length / (30 * time.Second)) {
			for i := range piece {
				piece[i] = float32(i*7919%97-48) / 48 * 5e-5
			}
			for i, x := range synth.Voices[0].Laugh(number) {
				piece[5*orchestrator.SampleRateHz+i] += x
			}
			if !yield(piece) {
				return
			}
		}
	}
}
