package cli_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// loudAt is a model that hears loudness, in sound of its own rate.
const loudAt = `
import numpy as np
from chortle_plugin import Description, Model, serve

class Loud(Model):
    def describe(self):
        return Description(name="loud", sample_rate_hz=%d, window_samples=%d, hop_samples=%d, labels=["Loud"], laughter=["Loud"])

    def predict(self, window):
        return [min(1, float(np.abs(window).max()))]

serve(Loud)
`

// TestModelOfAnotherRate: where a laugh is does not depend on the rate at which a model hears it.
func TestModelOfAnotherRate(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	file := p.recording("alice", "2026-11-22T14-30-00Z.ogg")
	starts := map[int]float64{}
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		plugin := p.file("", fmt.Sprintf("loud%d.py", rate), fmt.Appendf(nil, loudAt, rate, rate/2, rate/4))
		found := p.json(0, "detect", file, "--threshold", "0.5", "--model", testkit.Python(t)+" "+plugin)
		if laughs := at(found, "files", 0, "laughs").([]any); len(laughs) != 1 {
			t.Fatalf("at %d Hz: laughs are %v", rate, laughs)
		}
		starts[rate] = at(found, "files", 0, "laughs", 0, "start_s").(float64)
	}
	for rate, start := range starts {
		if math.Abs(start-starts[16000]) > 0.3 {
			t.Errorf("at %d Hz the laugh starts at %v, at 16000 Hz at %v", rate, start, starts[16000])
		}
	}
}
