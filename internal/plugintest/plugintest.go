// Package plugintest is the conformance suite of model processes: it runs against any implementation
// of orchestrator.Process, and so, by the model host, against any plugin in any language.
package plugintest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Run checks a kind of process. spawn starts a fresh one, ready for use; the suite stops it. It is
// called a few times, for one process after another.
func Run(t *testing.T, spawn func(t *testing.T) orchestrator.Process) {
	start := func(t *testing.T) orchestrator.Process {
		t.Helper()
		p := spawn(t)
		t.Cleanup(func() { checkGone(t, p) })
		return p
	}
	t.Run("recordings", func(t *testing.T) { recordings(t, start(t)) })
	t.Run("interruptions", func(t *testing.T) { interruptions(t, start(t)) })
	t.Run("stop while it classifies", func(t *testing.T) { stopInFlight(t, start(t)) })
}

// mostGrowth is by how much a model's resident set may grow from minutes to hours of sound, in bytes:
// some more arenas of an allocator, and far less than the sound or its spectrum.
const mostGrowth = 24 << 20

// ThreeHours are one recording: positions stay right, and memory does not follow the length.
func ThreeHours(t *testing.T, p orchestrator.Process) {
	m := p.Model()
	minute := Sound(60 * orchestrator.SampleRateHz)
	hours := func(minutes int) chunkSeq {
		return func(yield func(orchestrator.Chunk, error) bool) {
			for i := range minutes {
				if !yield(orchestrator.Chunk{Offset: int64(i * len(minute)), Samples: minute}, nil) {
					return
				}
			}
		}
	}
	classify(t, p, m, hours(5))
	before := resident(p.PID())
	frames := classify(t, p, m, hours(180))
	const end = 180 * 60 * orchestrator.SampleRateHz
	if n := len(frames); n == 0 || frames[n-1].Offset < end-60*orchestrator.SampleRateHz {
		t.Errorf("%d frames; want the last one in the last minute", n)
	}
	if grown := resident(p.PID()) - before; grown > mostGrowth {
		t.Errorf("memory grew by %d MB from five minutes to three hours", grown>>20)
	}
}

// recordings are many through one process: what one leaves behind would show in the next.
func recordings(t *testing.T, p orchestrator.Process) {
	m := p.Model()
	sound := Sound(int(4*m.Window + 3*m.Hop + 7))
	whole := classify(t, p, m, cut(sound))
	if len(whole) == 0 {
		t.Fatal("no frame of a loud recording scores anything")
	}

	t.Run("description", func(t *testing.T) { checkModel(t, m) })
	t.Run("the same again", func(t *testing.T) { same(t, whole, classify(t, p, m, cut(sound))) })
	t.Run("no samples", func(t *testing.T) {
		for name, chunks := range map[string]chunkSeq{"no chunk": cut(nil), "an empty chunk": cut(nil, 0)} {
			if frames := classify(t, p, m, chunks); len(frames) != 0 {
				t.Errorf("%s: %d frames; want none", name, len(frames))
			}
		}
	})
	t.Run("one sample", func(t *testing.T) { classify(t, p, m, cut(sound[:1])) })
	t.Run("lengths about a window and a hop", func(t *testing.T) {
		window, hop := int(m.Window), int(m.Hop)
		for _, n := range []int{window - 1, window, window + 1, window + hop - 1, window + hop, window + hop + 1} {
			n = max(n, 1)
			frames := classify(t, p, m, cut(sound[:n]))
			same(t, complete(whole, m, n), complete(frames, m, n))
			same(t, frames, classify(t, p, m, cut(sound[:n], n/2)))
		}
	})
	t.Run("however it is cut", rapid.MakeCheck(func(rt *rapid.T) {
		n := rapid.IntRange(1, len(sound)).Draw(rt, "length")
		cuts := rapid.SliceOfN(rapid.IntRange(0, n), 0, 12).Draw(rt, "cuts")
		slices.Sort(cuts)
		same(rt, classify(rt, p, m, cut(sound[:n])), classify(rt, p, m, cut(sound[:n], cuts...)))
	}))
	t.Run("longer than a message", func(t *testing.T) {
		long := slices.Repeat(sound, 25*orchestrator.SampleRateHz/len(sound)+1)
		frames := classify(t, p, m, cut(long))
		same(t, complete(whole, m, len(sound)), complete(frames, m, len(sound)))
	})
}

// interruptions end a stream before its time: the process must go on as if nothing had been.
func interruptions(t *testing.T, p orchestrator.Process) {
	m := p.Model()
	sound := Sound(int(4 * m.Window))
	want := classify(t, p, m, cut(sound))
	after := func(t *testing.T) { t.Helper(); same(t, want, classify(t, p, m, cut(sound))) }

	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := drain(p.Classify(ctx, endless(sound, func(i int) error {
			if i == 3 {
				cancel()
			}
			return nil
		}))); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v; want %v", err, context.Canceled)
		}
		after(t)
	})
	t.Run("canceled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := drain(p.Classify(ctx, cut(sound))); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v; want %v", err, context.Canceled)
		}
		after(t)
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := drain(p.Classify(ctx, endless(sound, nil))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v; want %v", err, context.DeadlineExceeded)
		}
		after(t)
	})
	t.Run("left early", func(t *testing.T) {
		left := false
		for _, err := range p.Classify(t.Context(), endless(sound, atMost(100))) {
			if left = err == nil; !left {
				t.Fatal(err)
			}
			break
		}
		if !left {
			t.Error("no frame came")
		}
		after(t)
	})
	t.Run("error of the chunks", func(t *testing.T) {
		cause := errors.New("page is torn")
		for _, at := range []int{0, 1, 5} {
			err := drain(p.Classify(t.Context(), endless(sound, func(i int) error {
				if i == at {
					return cause
				}
				return nil
			})))
			if err != cause {
				t.Errorf("error is %v; want %v as it was", err, cause)
			}
		}
		after(t)
	})
}

// stopInFlight stops the process in the middle of a recording.
func stopInFlight(t *testing.T, p orchestrator.Process) {
	stopped := make(chan orchestrator.Exit, 1)
	err := drain(p.Classify(t.Context(), endless(Sound(int(2*p.Model().Window)), func(i int) error {
		if i == 3 {
			go func() { stopped <- p.Stop() }()
		}
		return nil
	})))
	exit := (*orchestrator.ExitError)(nil)
	if !errors.As(err, &exit) {
		t.Errorf("error is %v; want an *orchestrator.ExitError", err)
	}
	if diff := cmp.Diff(<-stopped, p.Stop()); diff != "" {
		t.Errorf("a second Stop tells otherwise (-first +second):\n%s", diff)
	}
}

// checkGone stops the process and checks that it is gone.
func checkGone(t *testing.T, p orchestrator.Process) {
	pid := p.PID()
	exit := p.Stop()
	if exit.PID != pid || !exit.Gone {
		t.Errorf("process %d: Stop tells of process %d, gone: %v", pid, exit.PID, exit.Gone)
	}
	if alive(pid) {
		t.Errorf("process %d is still there", pid)
	}
	if err := drain(p.Classify(context.Background(), cut(make([]float32, 10)))); err == nil {
		t.Error("a stopped process classifies")
	}
}

var hash = regexp.MustCompile(`^([0-9a-f]{64})?$`)

func checkModel(t *testing.T, m orchestrator.Model) {
	if m.Name == "" || m.Plugin == "" {
		t.Errorf("name %q, plugin %q; want both", m.Name, m.Plugin)
	}
	if !hash.MatchString(m.SHA256) {
		t.Errorf("sha256 %q", m.SHA256)
	}
	if m.Hop < 1 || m.Window < m.Hop {
		t.Errorf("window of %d, hop of %d samples", m.Window, m.Hop)
	}
	labels := slices.Sorted(slices.Values(m.Laughter))
	if len(labels) == 0 || labels[0] == "" || len(slices.Compact(slices.Clone(labels))) != len(labels) {
		t.Errorf("laughter is %q; want labels, each its own", m.Laughter)
	}
}

type chunkSeq = iter.Seq2[orchestrator.Chunk, error]

// cut yields sound cut at the given positions, which ascend.
func cut(sound []float32, at ...int) chunkSeq {
	return func(yield func(orchestrator.Chunk, error) bool) {
		if len(sound) == 0 && len(at) == 0 {
			return
		}
		start := 0
		for _, end := range append(slices.Clone(at), len(sound)) {
			if !yield(orchestrator.Chunk{Offset: int64(start), Samples: sound[start:end]}, nil) {
				return
			}
			start = end
		}
	}
}

// endless yields sound again and again; before the i-th chunk it calls before, whose error it yields.
func endless(sound []float32, before func(i int) error) chunkSeq {
	return func(yield func(orchestrator.Chunk, error) bool) {
		for i := 0; ; i++ {
			if before != nil {
				if err := before(i); err != nil {
					yield(orchestrator.Chunk{}, err)
					return
				}
			}
			if !yield(orchestrator.Chunk{Offset: int64(i * len(sound)), Samples: sound}, nil) {
				return
			}
		}
	}
}

// atMost ends an endless recording, which ought to have ended before, after n chunks.
func atMost(n int) func(i int) error {
	return func(i int) error {
		if i == n {
			return fmt.Errorf("nothing ended the recording within %d chunks", n)
		}
		return nil
	}
}

// classify collects the frames of a recording and checks what holds for every recording.
func classify(t rapid.TB, p orchestrator.Process, m orchestrator.Model, chunks chunkSeq) []orchestrator.Frame {
	t.Helper()
	var length int64
	measured := func(yield func(orchestrator.Chunk, error) bool) {
		for chunk, err := range chunks {
			length = chunk.Offset + int64(len(chunk.Samples))
			if !yield(chunk, err) {
				return
			}
		}
	}
	var frames []orchestrator.Frame
	next := int64(0)
	for f, err := range p.Classify(context.Background(), measured) {
		if err != nil {
			t.Fatalf("classify: %v", err)
		}
		if f.Offset < next || f.Offset%m.Hop != 0 {
			t.Fatalf("frame at %d; want a multiple of %d from %d on", f.Offset, m.Hop, next)
		}
		next = f.Offset + m.Hop
		if len(f.Scores) != len(m.Laughter) {
			t.Fatalf("frame at %d has %d scores; want %d", f.Offset, len(f.Scores), len(m.Laughter))
		}
		for _, score := range f.Scores {
			if !(score >= 0 && score <= 1) {
				t.Fatalf("frame at %d has the score %v", f.Offset, score)
			}
		}
		frames = append(frames, orchestrator.Frame{Offset: f.Offset, Scores: slices.Clone(f.Scores)})
	}
	// The last frame that the contract allows: the one that covers the last sample.
	if n := len(frames); n > 0 && frames[n-1].Offset > max(0, (length-m.Window+m.Hop-1)/m.Hop*m.Hop) {
		t.Fatalf("last frame at %d in a recording of %d samples", frames[n-1].Offset, length)
	}
	return frames
}

func drain(frames iter.Seq2[orchestrator.Frame, error]) error {
	for _, err := range frames {
		if err != nil {
			return err
		}
	}
	return nil
}

// complete keeps the frames whose window lies within the first n samples.
func complete(frames []orchestrator.Frame, m orchestrator.Model, n int) []orchestrator.Frame {
	end := 0
	for end < len(frames) && frames[end].Offset+m.Window <= int64(n) {
		end++
	}
	return frames[:end:end]
}

func same(t rapid.TB, want, got []orchestrator.Frame) {
	t.Helper()
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("frames differ (-want +got):\n%s", diff)
	}
}

// Sound makes n samples that a model may take for laughter: series of calls, each led by a breath, of
// a pitch that falls within the call and from call to call, through the resonances of a mouth. It is
// the same every time.
func Sound(n int) []float32 {
	const (
		rate   = orchestrator.SampleRateHz
		call   = rate * 100 / 547 // from the start of one call to the next
		voice  = rate * 109 / 1000
		breath = rate * 80 / 1000 // ends where the voice begins
		calls  = 8                // of one laugh, and then a pause of three
	)
	mouth := [...]resonator{newResonator(778, 72, 0.631), newResonator(1347, 72, 0.178), newResonator(2071, 412, 0.138), newResonator(5059, 416, 0.25)}
	noise := rand.New(rand.NewPCG(1, 2))
	samples := make([]float32, n)
	phase := 0.0
	for i := range samples {
		at, nth := i%call, i/call%(calls+3)
		loud := math.Pow(0.93, float64(nth))
		var source float64
		if place := float64(at) / voice; place < 1 && nth < calls {
			pitch := 399 * math.Pow(0.988, float64(nth)) * (1.1 - 0.2*place)
			phase += 2 * math.Pi * pitch / rate
			for h := 1.0; h*pitch < rate/2; h++ {
				source += math.Cos(h*phase) / math.Pow(h, 1.9)
			}
			swell := min(1, place/0.214, (1-place)/0.1) * math.Exp(-1.86*place)
			source = loud * swell * (source/1.7 + 0.2*noise.NormFloat64())
		}
		if left := call - at; left <= breath && nth < calls-1 {
			swell := math.Sin(math.Pi * float64(left) / breath)
			source += loud * 0.4 * swell * swell * noise.NormFloat64()
		}
		v := 0.002 * noise.NormFloat64()
		for k := range mouth {
			v += mouth[k].filter(source)
		}
		samples[i] = float32(min(max(v, -1), 1))
	}
	return samples
}

// resonator lets one frequency through.
type resonator struct{ gain, a, b, y1, y2 float64 }

func newResonator(hz, width, gain float64) resonator {
	r := math.Exp(-math.Pi * width / orchestrator.SampleRateHz)
	angle := 2 * math.Pi * hz / orchestrator.SampleRateHz
	gain *= (1 - r) * math.Sqrt(1-2*r*math.Cos(2*angle)+r*r) // 1 at its frequency
	return resonator{gain: gain, a: 2 * r * math.Cos(angle), b: -r * r}
}

func (r *resonator) filter(x float64) float64 {
	y := r.gain*x + r.a*r.y1 + r.b*r.y2
	r.y1, r.y2 = y, r.y1
	return y
}
