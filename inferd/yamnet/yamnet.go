// Package yamnet is Google's YAMNet, run by TF Lite: 521 classes of sound, six of them laughter.
package yamnet

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/tflite"
	"github.com/chortle-audio/chortle/internal/artifacts"
)

// What the network was trained for; in samples of 16 kHz.
const (
	sampleRateHz = 16000
	window       = 15600
	hop          = 7680 // 0.48 s: half a window, as in its paper
)

// laughter names the classes that are laughter.
var laughter = []string{"Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"}

// Options of Open.
type Options struct {
	// Path of the model file, and of libtensorflowlite_c.so.
	Path, Library string
	// SHA256 that the file must have, lower-case hexadecimal; empty means the one that Chortle knows.
	SHA256 string
	// Models that are to work side by side, at least 1.
	Models int
	// Whole runs the file as it is, also where its front end could be replaced.
	Whole bool
}

// Open prepares the model in a file. The models share its weights.
func Open(o Options) ([]inferd.Model, error) {
	models, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", o.Path, err)
	}
	return models, nil
}

func open(o Options) (_ []inferd.Model, err error) {
	s := &shared{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.file, err = mapFile(o.Path, cmp.Or(o.SHA256, artifacts.ModelSHA256)); err != nil {
		return nil, err
	}
	if s.description, err = describe(s.file); err != nil {
		return nil, err
	}
	if s.library, err = tflite.Open(o.Library); err != nil {
		return nil, err
	}
	if o.Whole || s.file.sha256 != artifacts.ModelSHA256 {
		return s.openWhole(o.Models)
	}
	return s.openNetwork(o.Models)
}

// describe reads the labels and finds the laughter among them.
func describe(f *file) (inferd.Description, error) {
	labels, err := f.labels()
	if err != nil {
		return inferd.Description{}, err
	}
	d := inferd.Description{
		Name:          "yamnet",
		Version:       "1",
		WeightsSHA256: f.sha256,
		SampleRateHz:  sampleRateHz,
		Window:        window,
		Hop:           hop,
		Labels:        labels,
	}
	index := make(map[string]int, len(labels))
	for i, label := range labels {
		index[label] = i
	}
	for _, name := range laughter {
		i, ok := index[name]
		if !ok {
			return inferd.Description{}, fmt.Errorf("find laughter: none of the %d labels is %q; this is no YAMNet of AudioSet's classes", len(labels), name)
		}
		d.Laughter = append(d.Laughter, i)
	}
	return d, nil
}

// shared is what the models of one file have in common. The last one to be closed closes it.
type shared struct {
	description inferd.Description
	file        *file
	library     *tflite.Library
	interpreted interface{ Close() }
	users       atomic.Int32
}

// Describe says what the model is.
func (s *shared) Describe() inferd.Description { return s.description }

// Close gives the memory back once every model of the file was closed.
func (s *shared) Close() error {
	if s.users.Add(-1) > 0 {
		return nil
	}
	return s.close()
}

// close works on what was opened so far.
func (s *shared) close() (err error) {
	if s.interpreted != nil {
		s.interpreted.Close()
	}
	if s.library != nil {
		err = s.library.Close()
	}
	if s.file != nil {
		err = errors.Join(err, s.file.close())
	}
	return err
}

// whole runs the file as it is: from sound to scores, one window at a time.
type whole struct {
	*shared
	interpreter *tflite.Interpreter[float32, float32]
}

var _ inferd.Model = (*whole)(nil)

func (s *shared) openWhole(n int) ([]inferd.Model, error) {
	m, err := tflite.Load[float32, float32](s.library, s.file.data, n, []int{window}, []int{1, len(s.description.Labels)})
	if err != nil {
		return nil, err
	}
	s.interpreted = m
	if err := s.file.forget(len(s.file.data)); err != nil { // XNNPACK has the weights
		return nil, err
	}
	s.users.Store(int32(n))
	models := make([]inferd.Model, n)
	for k, interpreter := range m.Interpreters {
		models[k] = &whole{s, interpreter}
	}
	return models, nil
}

// Predict scores windows of sound in [-1, 1].
func (w *whole) Predict(samples []float32, hop int, scores []float32) error {
	for n := len(w.interpreter.Output); len(scores) > 0; scores = scores[n:] {
		copy(w.interpreter.Input, samples)
		if err := w.interpreter.Invoke(); err != nil {
			return err
		}
		copy(scores, w.interpreter.Output)
		samples = samples[min(hop, len(samples)):]
	}
	return nil
}
