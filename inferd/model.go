package inferd

import (
	"fmt"
)

// Model scores windows of sound. It is used by one goroutine at a time.
type Model interface {
	// Describe says what the model is. It answers the same for as long as the model lives, and may be
	// called concurrently with everything else.
	Describe() Description
	// Predict scores n windows that start hop samples apart: samples holds Window+(n-1)*hop of them,
	// and scores has room for n times len(Labels) values in 0..1, window after window. The windows of
	// a call share work where the model can; a window's scores do not depend on its neighbours.
	Predict(samples []float32, hop int, scores []float32) error
	// Close gives back what the model holds. The model is not used afterwards.
	Close() error
}

// LogitModel is a Model that can also say what its scores were before the last sigmoid.
type LogitModel interface {
	Model
	// PredictLogits is Predict with a logit, finite, in place of each score.
	PredictLogits(samples []float32, hop int, logits []float32) error
	// LogitStep is the distance between neighbouring logits where they are quantised, else 0.
	LogitStep() float32
}

// Description says what a model is.
type Description struct {
	// Name is short, such as "yamnet"; Version is free text.
	Name, Version string
	// WeightsSHA256 is lower-case hexadecimal; empty where the model has no weights.
	WeightsSHA256 string
	// SampleRateHz that the model expects.
	SampleRateHz int
	// Window is the length that one frame scores, Hop the distance between frames unless a client asks
	// for another; in samples, 1 <= Hop <= Window.
	Window, Hop int
	// Labels of all classes in the order of the scores, and the indices of those that are laughter.
	Labels   []string
	Laughter []int
}

// Validate returns an error that names the first part that cannot be served.
func (d Description) Validate() error {
	switch {
	case d.Name == "":
		return fmt.Errorf("check model: its name is empty")
	case d.SampleRateHz < 1:
		return fmt.Errorf("check model %s: sample rate %d Hz", d.Name, d.SampleRateHz)
	case d.Window < 1 || d.Hop < 1 || d.Hop > d.Window:
		return fmt.Errorf("check model %s: window of %d and hop of %d samples", d.Name, d.Window, d.Hop)
	case len(d.Laughter) == 0:
		return fmt.Errorf("check model %s: none of its %d classes is laughter", d.Name, len(d.Labels))
	}
	for _, i := range d.Laughter {
		if i < 0 || i >= len(d.Labels) {
			return fmt.Errorf("check model %s: laughter is class %d of %d", d.Name, i, len(d.Labels))
		}
	}
	return nil
}
