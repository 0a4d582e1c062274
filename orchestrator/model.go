package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Model describes a model, as its process told.
type Model struct {
	// Name is short, such as "yamnet"; Version is free text; Plugin is the program that serves it.
	Name, Version, Plugin string
	// SHA256 of the weights, lower-case hexadecimal; empty where the model has none.
	SHA256 string
	// Window and Hop of a frame, in samples at SampleRateHz.
	Window, Hop int64
	// Laughter holds the labels of the classes that are laughter, in the order of a Frame's scores.
	Laughter []string
	// Heard holds the labels of the other classes that it is asked for, in the order of a Frame's Heard: those of
	// HeardClasses that it has.
	Heard []string
	// LogitStep is the distance between neighbouring logits as they are stored; 0 where the model gives scores only.
	LogitStep float64
}

// Frame is a model's answer for one window.
type Frame struct {
	// Offset of the window's first sample.
	Offset int64
	// Scores in 0..1, one for each of Model.Laughter. Valid until the next frame is asked for, like what follows.
	Scores []float32
	// Logits of the same classes where the model has a LogitStep, else nil.
	Logits []float32
	// Heard holds a logit for each of Model.Heard.
	Heard []float32
}

// Spawner starts model processes.
type Spawner interface {
	// Spawn starts a fresh process and returns when it is ready: its handshake was right, it is
	// healthy, and its model was accepted. On error nothing is left running. A canceled ctx ends
	// the start, and later also the process.
	//
	// Errors: ErrUnsupportedModel when the model cannot be used; *ExitError when the process ended;
	// ErrBadPlugin when it is no plugin, or describes its model wrongly.
	Spawn(ctx context.Context) (Process, error)
}

// Process is one running model: it serves one user's day and is then killed.
type Process interface {
	// Model describes the model; it does not change.
	Model() Model
	// PID of the process, for a person to look at; never used to find it again.
	PID() int
	// Classify scores one recording: chunks in, frames out, in order, every hop of the recording
	// from 0 on. Frames whose scores all round to nothing may be left out. An error of chunks ends
	// the sequence and is passed on as it is. chunks is not used any more once the sequence has
	// ended. One call at a time.
	//
	// Errors: *ExitError when the process ended; ErrBadPlugin when it broke the contract.
	Classify(ctx context.Context, chunks iter.Seq2[Chunk, error]) iter.Seq2[Frame, error]
	// Stop kills the whole process group, returns when it is gone, and tells how it was. It may be
	// called more than once and concurrently with Classify, which then ends with an error.
	Stop() Exit
}

// Conditions that a caller branches on.
var (
	ErrUnsupportedModel = errors.New("unsupported model")
	ErrBadPlugin        = errors.New("plugin broke its contract")
)

// Memory is the proportional set size, in bytes, of the whole process tree: the orchestrator, the
// model and any decoder. 0 means that it could not be measured.
type Memory struct {
	Before int64 // just before the model was started
	Peak   int64 // the largest sum seen while it ran, sampled
	After  int64 // after it was gone
	Model  int64 // the largest sum of the model's own process group
}

// Exit tells how a model's process ended.
type Exit struct {
	PID int
	// Command that was started, as a person would write it; empty where it is not known.
	Command string
	// Code is the exit code, or -1 where a signal ended the process; Signal then names it, such as "killed".
	Code   int
	Signal string
	// OverLimit is the memory limit in bytes, where the process was killed for exceeding it; else 0.
	OverLimit int64
	// OutOfMemory is true where the kernel killed the process for want of memory: its control group
	// counted one such kill more, or the kernel's log names the process.
	OutOfMemory bool
	// Killed is true where somebody else ended the process, by a signal that no crash gives.
	Killed bool
	// MaxRSS is the kernel's word on the largest resident set of the process, in bytes.
	MaxRSS int64
	// Gone is true when no process of the group is left, nor one that the process started and that moved
	// to another.
	Gone bool
	// Stderr is the end of what the process wrote there, whole lines.
	Stderr []string
	Memory Memory
}

// ExitError reports a model process that ended when it should not have.
type ExitError struct {
	// Stage is what was under way: "start model", "classify".
	Stage string
	Exit  Exit
	// Err is what was seen of it, such as a gRPC status; may be nil.
	Err error
}

// Error names the facts: command, pid, code or signal, and the last lines of stderr.
func (e *ExitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s ", e.Stage, e.Exit.Name())
	switch {
	case e.Exit.OverLimit > 0:
		fmt.Fprintf(&b, "was killed for taking more than its limit of %d MB", e.Exit.OverLimit/1e6)
	case e.Exit.OutOfMemory:
		b.WriteString("was killed by the kernel: the machine is out of memory")
	case e.Exit.Signal != "":
		fmt.Fprintf(&b, "was ended by a signal (%s)", e.Exit.Signal)
	default:
		fmt.Fprintf(&b, "exited with code %d", e.Exit.Code)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	b.WriteString(e.Exit.LastWords())
	return b.String()
}

// Blameless reports whether neither the model nor what it read is to blame for the end, but the machine, its
// limits, or whoever sent a signal.
func (e Exit) Blameless() bool { return e.OverLimit > 0 || e.OutOfMemory || e.Killed }

// Name is the process as an error names it.
func (e Exit) Name() string {
	name := "model"
	if e.PID != 0 {
		name = fmt.Sprintf("model process %d", e.PID)
	}
	if e.Command != "" {
		name += " (" + e.Command + ")"
	}
	return name
}

// LastWords are the last lines of stderr as the end of a sentence, the very last first; empty where
// there are none.
func (e Exit) LastWords() string {
	n := len(e.Stderr)
	if n == 0 {
		return ""
	}
	words := "; it last wrote: " + e.Stderr[n-1]
	if before := e.Stderr[max(0, n-3) : n-1]; len(before) > 0 {
		words += " (before that: " + strings.Join(before, " / ") + ")"
	}
	return words
}

// Unwrap returns what was seen of the end.
func (e *ExitError) Unwrap() error { return e.Err }
