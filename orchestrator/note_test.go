package orchestrator

import (
	"math"
	"testing"
)

func TestBandMeter(t *testing.T) {
	t.Parallel()
	sound := func(low, high, noise float64) (samples []float32) {
		seed := uint32(1)
		for i := range bandPiece {
			at := 2 * math.Pi * float64(i) / SampleRateHz
			seed = seed*1664525 + 1013904223
			samples = append(samples, float32(low*math.Sin(900*at)+low*math.Sin(3300*at)+high*math.Sin(6000*at)+noise*(float64(seed)/math.MaxUint32-0.5)))
		}
		return samples
	}
	for name, test := range map[string]struct {
		samples []float32
		pieces  int
		narrow  bool
	}{
		"telephone":                 {sound(0.2, 0, 0), 20, true},
		"microphone":                {sound(0.2, 0.005, 0), 20, false},
		"a telephone's hiss":        {sound(0.2, 0, 1e-4), 20, true},
		"a microphone's hiss":       {sound(0.2, 0, 0.02), 20, false},
		"too little to tell":        {sound(0.2, 0, 0), 3, false},
		"too quiet to tell":         {sound(1e-4, 0, 0), 20, false},
		"a chunk that is too short": {sound(0.2, 0, 0)[:100], 20, false},
	} {
		var m bandMeter
		for range test.pieces {
			m.add(test.samples)
		}
		if m.narrow() != test.narrow {
			t.Errorf("%s: got %v, %.1f dB", name, m.narrow(), 10*math.Log10(m.high/m.low))
		}
	}
}
