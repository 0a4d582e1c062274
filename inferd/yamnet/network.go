package yamnet

import (
	"math"
	"slices"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/tflite"
)

// network runs the model from behind its own front end on, with one of ours before it: steps that
// neighbouring windows share are transformed once. It ends with the logits. Its scores are the whole model's,
// which rounds them to 1/256, before that was done.
type network struct {
	*shared
	interpreter *tflite.Interpreter[int8, int8]
	values      *values
	features    *features
	spectrum    spectrum
	rows        [][bands]int8 // of a batch, kept for the next
	scored      bool          // Output belongs to Input
}

var _ inferd.LogitModel = (*network)(nil)

func (s *shared) openNetwork(n int) ([]inferd.Model, error) {
	g, err := cutEnds(s.file.data)
	if err != nil {
		return nil, err
	}
	m, err := tflite.Load[int8, int8](s.library, s.file.data, n, []int{1, patchSteps, bands, 1}, []int{1, len(s.description.Labels)})
	if err != nil {
		return nil, err
	}
	s.interpreted = m
	if err := s.file.forget(g.changed); err != nil { // XNNPACK has the weights
		return nil, err
	}
	s.users.Store(int32(n))
	features, values := newFeatures(g), newValues(g)
	models := make([]inferd.Model, n)
	for k, interpreter := range m.Interpreters {
		models[k] = &network{shared: s, interpreter: interpreter, features: features, values: values}
	}
	return models, nil
}

// values are what the 256 integers of the network's output stand for.
type values struct {
	scores, logits [256]float32 // by the integer as a byte
	step           float32
}

func newValues(g graph) *values {
	v := &values{step: g.logitScale}
	for i := range 256 {
		logit := float64(g.logitScale) * float64(int(int8(i))-g.logitZero)
		v.logits[i], v.scores[i] = float32(logit), float32(1/(1+math.Exp(-logit)))
	}
	return v
}

// LogitStep is the distance between neighbouring logits.
func (n *network) LogitStep() float32 { return n.values.step }

// Predict scores windows of sound in [-1, 1].
func (n *network) Predict(samples []float32, hop int, scores []float32) error {
	return n.predict(samples, hop, scores, &n.values.scores)
}

// PredictLogits is Predict with logits.
func (n *network) PredictLogits(samples []float32, hop int, logits []float32) error {
	return n.predict(samples, hop, logits, &n.values.logits)
}

// predict writes what the table says of each of the network's integers.
func (n *network) predict(samples []float32, hop int, out []float32, table *[256]float32) error {
	if hop%stepHop != 0 { // the windows have no step in common
		for ; len(out) > 0; out = out[len(n.interpreter.Output):] {
			n.fill(samples[:window])
			if err := n.score(n.rows, out, table); err != nil {
				return err
			}
			samples = samples[min(hop, len(samples)):]
		}
		return nil
	}
	n.fill(samples)
	for first := 0; len(out) > 0; first += hop / stepHop {
		if err := n.score(n.rows[first:], out, table); err != nil {
			return err
		}
		out = out[len(n.interpreter.Output):]
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
func (n *network) score(rows [][bands]int8, out []float32, table *[256]float32) error {
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
	for i, value := range n.interpreter.Output {
		out[i] = table[uint8(value)]
	}
	return nil
}
