// Package fake is a model that needs no file: it hears loudness as laughter. Tests and measurements of
// everything around a model use it, by CHORTLE_WEIGHTS=fake.
package fake

import (
	"math"

	"github.com/chortle-audio/chortle/inferd"
)

// Same shape as YAMNet's.
const (
	window = 15600
	hop    = 7680
	stride = 16
)

// Model hears the mean absolute value of every 16th of the 7,680 samples in the middle of a window (so
// that each sample counts for one window at the model's own hop) as the score of Laughter, half of it
// as Giggle, what is missing to 1 as Silence, and never any Speech. A square wave of amplitude 0.8 is
// Laughter 0.8. It has no state.
type Model struct{}

var _ inferd.Model = Model{}

// Describe says what the model is.
func (Model) Describe() inferd.Description {
	return inferd.Description{
		Name:         "fake",
		Version:      "1",
		SampleRateHz: 16000,
		Window:       window,
		Hop:          hop,
		Labels:       []string{"Silence", "Speech", "Laughter", "Giggle"},
		Laughter:     []int{2, 3},
	}
}

// Predict never fails.
func (Model) Predict(samples []float32, hop int, scores []float32) error {
	for ; len(scores) > 0; scores = scores[4:] {
		loudness := loudness(samples[:window])
		copy(scores, []float32{1 - loudness, 0, loudness, loudness / 2})
		samples = samples[min(hop, len(samples)):]
	}
	return nil
}

func loudness(samples []float32) float32 {
	const begin = (window - hop) / 2
	var sum float32
	for i := begin; i < begin+hop; i += stride {
		sum += float32(math.Abs(float64(samples[i])))
	}
	return min(sum/(hop/stride), 1)
}

// Close does nothing.
func (Model) Close() error { return nil }
