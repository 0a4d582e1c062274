// Package trial tries a model as a run would use it: whether it keeps the contract, and how fast it is.
package trial

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

// Verdict is the outcome of one check.
type Verdict struct {
	Check  string
	OK     bool
	Detail string // what was seen, or what is wrong
}

const rate = orchestrator.SampleRateHz

// Check starts models, checks them and stops them; report is told every verdict as it comes. It
// returns the model's description, its zero value where none could be started, and how many checks
// failed.
func Check(ctx context.Context, spawner orchestrator.Spawner, report func(Verdict)) (model orchestrator.Model, failed int) {
	verdict := func(check string, said string, err error) bool {
		if err != nil {
			failed++
			said = err.Error()
		}
		report(Verdict{check, err == nil, said})
		return err == nil
	}
	began := time.Now()
	process, err := spawner.Spawn(ctx)
	if !verdict("start", fmt.Sprintf("ready in %.2f s", time.Since(began).Seconds()), err) {
		return model, failed
	}
	defer process.Stop()
	model = process.Model()
	verdict("description", describe(model), nil)

	t := &trial{process: process, model: model, sound: middle(int(6*model.Window + 3*model.Hop + 7))}
	for _, check := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"silence", t.silence}, {"laughter", t.laughter}, {"noise", t.noise}, {"the same again", t.again},
		{"no samples", t.nothing}, {"one sample", t.one}, {"cut anyhow", t.cuttings}, {"canceled", t.cancel},
		{"a minute", t.minute},
	} {
		said, err := check.run(ctx)
		if !verdict(check.name, said, err) && lost(err) {
			return model, failed // the process is gone: nothing more can be seen of it
		}
	}
	said, err := t.beside(ctx, spawner)
	verdict("two at once", said, err)
	said, err = stop(process)
	verdict("stop", said, err)
	return model, failed
}

// lost tells whether nothing more can be had of a process.
func lost(err error) bool {
	exit := (*orchestrator.ExitError)(nil)
	return errors.As(err, &exit) || errors.Is(err, context.Canceled)
}

func describe(m orchestrator.Model) string {
	return fmt.Sprintf("%s by %s: window %.3g s, hop %.3g s; laughter: %s", strings.TrimSpace(m.Name+" "+m.Version), m.Plugin,
		float64(m.Window)/rate, float64(m.Hop)/rate, strings.Join(m.Laughter, ", "))
}

// trial checks one process. sound is a recording with laughter in it.
type trial struct {
	process orchestrator.Process
	model   orchestrator.Model
	sound   []float32
}

func (t *trial) silence(ctx context.Context) (string, error) {
	return t.best(ctx, make([]float32, len(t.sound)))
}

func (t *trial) laughter(ctx context.Context) (string, error) { return t.best(ctx, t.sound) }

func (t *trial) noise(ctx context.Context) (string, error) {
	random, noise := rand.New(rand.NewPCG(1, 2)), make([]float32, len(t.sound))
	for i := range noise {
		noise[i] = float32(2*random.Float64() - 1)
	}
	return t.best(ctx, noise)
}

func (t *trial) best(ctx context.Context, sound []float32) (string, error) {
	heard, err := t.listen(ctx, sound)
	best := byte(0)
	for _, score := range heard.Scores.Data {
		best = max(best, score)
	}
	return fmt.Sprintf("best score %.3f", float64(best)/255), err
}

// listen has the model hear sound as a run does.
func (t *trial) listen(ctx context.Context, sound []float32) (orchestrator.Heard, error) {
	return orchestrator.Listen(ctx, t.process, madeSound(sound), orchestrator.Recording{Name: "made sound"}, time.Now, nil)
}

// madeSound is the sound of every recording.
type madeSound []float32

var _ orchestrator.Audio = madeSound(nil)

// Decode implements orchestrator.Audio: pieces of ten seconds, as of a file.
func (s madeSound) Decode(context.Context, orchestrator.Recording) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		for at := 0; at < len(s); at += 10 * rate {
			if !yield(orchestrator.Chunk{Offset: int64(at), Samples: s[at:min(at+10*rate, len(s))]}, nil) {
				return
			}
		}
	}
}

// Length implements orchestrator.Audio.
func (s madeSound) Length(context.Context, orchestrator.Recording) int64 { return int64(len(s)) }

// Cut implements orchestrator.Audio; nobody keeps clips of it.
func (s madeSound) Cut(context.Context, orchestrator.Recording, []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(func(orchestrator.Clip, error) bool) {}
}

func (t *trial) again(ctx context.Context) (string, error) {
	return "the same scores", t.same(ctx, func(sound []float32) [][]int { return [][]int{nil} })
}

func (t *trial) cuttings(ctx context.Context) (string, error) {
	random := rand.New(rand.NewPCG(3, 4))
	return "the same scores however it is cut", t.same(ctx, func(sound []float32) [][]int {
		anyhow := make([]int, 40)
		for i := range anyhow {
			anyhow[i] = random.IntN(len(sound))
		}
		slices.Sort(anyhow)
		window := int(t.model.Window)
		return [][]int{{window - 1}, {window}, {window + 1}, {0, 0, 1, 2}, anyhow}
	})
}

// sameScore is by how much a window's scores may differ, scored with other neighbours.
const sameScore = 1e-3

// same compares the sound cut in several ways with the sound in one piece.
func (t *trial) same(ctx context.Context, cuts func(sound []float32) [][]int) error {
	want, err := t.frames(ctx, t.sound)
	if err != nil {
		return err
	}
	for _, at := range cuts(t.sound) {
		got, err := t.frames(ctx, t.sound, at...)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(want, got, func(a, b orchestrator.Frame) bool {
			return a.Offset == b.Offset && slices.EqualFunc(a.Scores, b.Scores, func(x, y float32) bool { return max(x-y, y-x) <= sameScore })
		}) {
			return fmt.Errorf("%w: the same sound in %d chunks has other scores; does the model keep a state between windows?",
				orchestrator.ErrBadPlugin, len(at)+1)
		}
	}
	return nil
}

func (t *trial) nothing(ctx context.Context) (string, error) {
	frames, err := t.frames(ctx, nil)
	if err == nil && len(frames) > 0 {
		err = fmt.Errorf("%w: a recording without samples has %d frames", orchestrator.ErrBadPlugin, len(frames))
	}
	return "no frames", err
}

func (t *trial) one(ctx context.Context) (string, error) {
	_, err := t.frames(ctx, []float32{0.5})
	return "scored, padded", err
}

// cancel leaves a recording in its middle; the next one must not notice.
func (t *trial) cancel(ctx context.Context) (string, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces := 0
	for _, err := range t.process.Classify(inner, func(yield func(orchestrator.Chunk, error) bool) {
		for at := int64(0); yield(orchestrator.Chunk{Offset: at, Samples: t.sound}, nil); at += int64(len(t.sound)) {
			if pieces++; pieces == 3 {
				cancel()
			}
		}
	}) {
		if err != nil && !errors.Is(err, context.Canceled) {
			return "", err
		}
	}
	said, err := t.again(ctx)
	return "afterwards " + said, err
}

func (t *trial) minute(ctx context.Context) (string, error) {
	began := time.Now()
	_, err := t.listen(ctx, laughter(60*rate))
	return fmt.Sprintf("%.0f times real time", 60/time.Since(began).Seconds()), err
}

// beside runs a second process of the same model: two users may be read at once.
func (t *trial) beside(ctx context.Context, spawner orchestrator.Spawner) (string, error) {
	other, err := spawner.Spawn(ctx)
	if err != nil {
		return "", err
	}
	defer other.Stop()
	second := &trial{other, other.Model(), t.sound}
	done := make(chan error, 1)
	go func() { _, err := second.frames(ctx, t.sound); done <- err }()
	_, err = t.frames(ctx, t.sound)
	err = errors.Join(err, <-done)
	if _, stopErr := stop(other); stopErr != nil {
		err = errors.Join(err, stopErr)
	}
	return "neither minds the other", err
}

// stop kills the process and sees that nothing is left.
func stop(p orchestrator.Process) (string, error) {
	began := time.Now()
	exit := p.Stop()
	took := time.Since(began)
	if !exit.Gone {
		return "", fmt.Errorf("process group %d is still there after it was killed", exit.PID)
	}
	return fmt.Sprintf("gone in %.0f ms, and with it the %d MB that it took", took.Seconds()*1000, exit.Memory.Model/1e6), nil
}

// frames classifies a recording that is cut at the given positions.
func (t *trial) frames(ctx context.Context, sound []float32, at ...int) (frames []orchestrator.Frame, err error) {
	chunks := func(yield func(orchestrator.Chunk, error) bool) {
		start := 0
		for _, end := range append(slices.Clone(at), len(sound)) {
			if !yield(orchestrator.Chunk{Offset: int64(start), Samples: sound[start:end]}, nil) {
				return
			}
			start = end
		}
	}
	for frame, err := range t.process.Classify(ctx, chunks) {
		if err != nil {
			return nil, err
		}
		frames = append(frames, orchestrator.Frame{Offset: frame.Offset, Scores: slices.Clone(frame.Scores)})
	}
	return frames, nil
}

// laughter makes n samples, with a laugh in the middle of every half minute.
func laughter(n int) []float32 {
	samples := make([]float32, 0, n+30*rate)
	for seed := uint64(1); len(samples) < n; seed++ {
		for block := range synth.New(seed, 30*time.Second).Samples() {
			samples = append(samples, block...)
		}
	}
	return samples[:n:n]
}

// middle makes n samples, with a laugh in their middle where they are short.
func middle(n int) []float32 {
	all := laughter(max(n, 30*rate))
	return all[(len(all)-n)/2:][:n:n]
}

// Figures are what Bench measured.
type Figures struct {
	Ready, Stop time.Duration // from the start until it is ready; from the kill until it is gone
	Sound, Took time.Duration // sound that was scored, and the time that it took
	ModelBytes  int64         // the largest proportional set size of the model's processes
	Model       orchestrator.Model
}

// Bench starts a model, streams sound of that length through it, and stops it.
func Bench(ctx context.Context, spawner orchestrator.Spawner, length time.Duration) (Figures, error) {
	began := time.Now()
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return Figures{}, err
	}
	defer process.Stop()
	f := Figures{Ready: time.Since(began), Model: process.Model()}

	block := laughter(30 * rate)
	left := int(orchestrator.DurationToSamples(length))
	chunks := iter.Seq2[orchestrator.Chunk, error](func(yield func(orchestrator.Chunk, error) bool) {
		for at := 0; at < left; at += 10 * rate {
			piece := block[at%len(block):][:min(10*rate, left-at)]
			if !yield(orchestrator.Chunk{Offset: int64(at), Samples: piece}, nil) {
				return
			}
		}
	})
	began = time.Now()
	for _, err := range process.Classify(ctx, chunks) {
		if err != nil {
			return f, err
		}
	}
	f.Sound, f.Took = orchestrator.SamplesToDuration(int64(left)), time.Since(began)
	began = time.Now()
	exit := process.Stop()
	f.Stop, f.ModelBytes = time.Since(began), exit.Memory.Model
	if !exit.Gone {
		return f, fmt.Errorf("process group %d is still there after it was killed", exit.PID)
	}
	return f, nil
}
