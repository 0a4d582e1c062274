package yamnet

import (
	"slices"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/tflite"
)

// network runs the model from behind its own front end on, with one of ours before it: steps that
// neighbouring windows share are transformed once. Its scores are the whole model's.
type network struct {
	*shared
	interpreter *tflite.Interpreter[int8, float32]
	features    *features
	spectrum    spectrum
	rows        [][bands]int8 // of a batch, kept for the next
	scored      bool          // Output belongs to Input
}

var _ inferd.Model = (*network)(nil)

func (s *shared) openNetwork(n int) ([]inferd.Model, error) {
	g, err := cutFrontEnd(s.file.data)
	if err != nil {
		return nil, err
	}
	m, err := tflite.Load[int8, float32](s.library, s.file.data, n, []int{1, patchSteps, bands, 1}, []int{1, len(s.description.Labels)})
	if err != nil {
		return nil, err
	}
	s.interpreted = m
	if err := s.file.forget(g.changed); err != nil { // XNNPACK has the weights
		return nil, err
	}
	s.users.Store(int32(n))
	features := newFeatures(g)
	models := make([]inferd.Model, n)
	for k, interpreter := range m.Interpreters {
		models[k] = &network{shared: s, interpreter: interpreter, features: features}
	}
	return models, nil
}

// Predict scores windows of sound in [-1, 1].
func (n *network) Predict(samples []float32, hop int, scores []float32) error {
	if hop%stepHop != 0 { // the windows have no step in common
		for ; len(scores) > 0; scores = scores[len(n.interpreter.Output):] {
			n.fill(samples[:window])
			if err := n.score(n.rows, scores); err != nil {
				return err
			}
			samples = samples[min(hop, len(samples)):]
		}
		return nil
	}
	n.fill(samples)
	for first := 0; len(scores) > 0; first += hop / stepHop {
		if err := n.score(n.rows[first:], scores); err != nil {
			return err
		}
		scores = scores[len(n.interpreter.Output):]
	}
	return nil
}

// fill computes the rows of all steps that lie in samples.
func (n *network) fill(samples []float32) {
	steps := 1 + (len(samples)-stepSamples)/stepHop
	n.rows = slices.Grow(n.rows[:0], steps)[:steps]
	for i := range n.rows {
		n.features.row(&n.spectrum, &n.rows[i], (*[stepSamples]float32)(samples[i*stepHop:]))
	}
}

// score runs the network on the patch that begins with these rows, unless it is the same as before: in
// silence, it is.
func (n *network) score(rows [][bands]int8, scores []float32) error {
	same := n.scored
	for i := range patchSteps {
		input := (*[bands]int8)(n.interpreter.Input[i*bands:])
		if *input != rows[i] {
			*input, same = rows[i], false
		}
	}
	if !same {
		n.scored = false
		if err := n.interpreter.Invoke(); err != nil {
			return err
		}
		n.scored = true
	}
	copy(scores, n.interpreter.Output)
	return nil
}
