package plugintest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// mostGrowth is by how much a model's resident set may grow from minutes to hours of sound, in bytes:
// some more arenas of an allocator, and far less than the sound or its spectrum.
const mostGrowth = 24 << 20

// threeHours are one recording: positions stay right, and memory does not follow the length.
func threeHours(t *testing.T, p orchestrator.Process) {
	m := p.Model()
	minute := testkit.Laughter(60 * orchestrator.SampleRateHz)
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
	sound := testkit.Laughter(int(4*m.Window + 3*m.Hop + 7))
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
	sound := testkit.Laughter(int(4 * m.Window))
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
	err := drain(p.Classify(t.Context(), endless(testkit.Laughter(int(2*p.Model().Window)), func(i int) error {
		if i == 3 {
			go func() { stopped <- p.Stop() }()
		}
		return nil
	})))
	exit := (*orchestrator.ExitError)(nil)
	if err == nil || p.PID() != 0 && !errors.As(err, &exit) {
		t.Errorf("error is %v; want an *orchestrator.ExitError", err)
	}
	if diff := cmp.Diff(<-stopped, p.Stop()); diff != "" {
		t.Errorf("a second Stop tells otherwise (-first +second):\n%s", diff)
	}
}

// checkGone stops the process and checks that it is gone, where it is ours.
func checkGone(t *testing.T, p orchestrator.Process) {
	pid := p.PID()
	exit := p.Stop()
	if exit.PID != pid || !exit.Gone {
		t.Errorf("process %d: Stop tells of process %d, gone: %v", pid, exit.PID, exit.Gone)
	}
	if pid != 0 && alive(pid) {
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
