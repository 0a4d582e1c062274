package updates

import (
	"encoding/json"
	"io"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// line is what a run says of itself, one JSON object a line.
type line struct {
	Kind string `json:"kind"`
	// Recording that begins, is under way or is done; Position and Length of it in samples, Length 0 where it is not known.
	Recording string `json:"recording,omitempty"`
	Position  int64  `json:"position,omitempty"`
	Length    int64  `json:"length,omitempty"`
	// Laughs that are new in it; Failed where it could not be read.
	Laughs int  `json:"laughs,omitempty"`
	Failed bool `json:"failed,omitempty"`
	// Run is the ID of the run that ended; empty where it could not begin. Code is its exit code.
	Run  string `json:"run,omitempty"`
	Code int    `json:"code,omitempty"`
}

// The kinds of lines.
const (
	kindProgress = "progress"
	kindDone     = "done"
	kindEnd      = "end"
)

// between two lines of progress, at least.
const between = 500 * time.Millisecond

// Reporter writes how far a run is, for the page that started it. Not safe for concurrent use: a run has one event at a time.
type Reporter struct {
	out  *json.Encoder
	now  func() time.Time
	last time.Time
}

// NewReporter returns a Reporter that writes to out.
func NewReporter(out io.Writer, now func() time.Time) *Reporter {
	return &Reporter{out: json.NewEncoder(out), now: now}
}

// Observe writes an event. A page that is gone is no error: the run goes on.
func (r *Reporter) Observe(e orchestrator.Event) {
	now := r.now()
	switch e.Kind {
	case orchestrator.EventRecording, orchestrator.EventProgress:
		if now.Sub(r.last) >= between {
			r.last = now
			r.write(line{Kind: kindProgress, Recording: e.Recording, Position: e.Position, Length: e.Length})
		}
	case orchestrator.EventRecordingDone:
		r.write(line{Kind: kindDone, Recording: e.Recording, Length: e.Length, Laughs: e.Laughs, Failed: e.Err != nil})
	default: // days, models and surveys are for the log
	}
}

// End writes how the run ended.
func (r *Reporter) End(run orchestrator.Run) {
	r.write(line{Kind: kindEnd, Run: run.ID, Code: run.ExitCode})
}

func (r *Reporter) write(l line) { _ = r.out.Encode(l) } //nolint:errchkjson // see Observe
