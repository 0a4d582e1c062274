package orchestrator

import "time"

// Trigger says what started a run.
type Trigger string

// The triggers.
const (
	TriggerCron      Trigger = "cron"
	TriggerManual    Trigger = "manual"
	TriggerScheduled Trigger = "scheduled"
)

// Status of a user's day, or of a whole run.
type Status string

// The statuses.
const (
	StatusRunning     Status = "running"
	StatusOK          Status = "ok"
	StatusIncomplete  Status = "incomplete"  // some recording failed, the rest is stored
	StatusFailed      Status = "failed"      // the user could not be read at all
	StatusInterrupted Status = "interrupted" // a signal ended it; what was stored is stored
	StatusSkipped     Status = "skipped"     // another orchestrator has the user under way
)

// Exit codes of a run, after restic's.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitIncomplete  = 3
	ExitLocked      = 11
	ExitInterrupted = 130
)

// Run is one row of the processing log.
type Run struct {
	ID         string
	Trigger    Trigger
	StartedAt  time.Time // UTC
	FinishedAt time.Time // UTC; zero while it runs
	Status     Status
	ExitCode   int
	// Error is the reason why the run itself could not go on; empty when it could.
	Error string
	// Days in the order in which they were done.
	Days []UserDay
}

// UserDay is what a run did for one user's day.
type UserDay struct {
	UserID   int64
	User     string
	Date     Date
	Timezone string
	Status   Status

	Found     int // recordings of the day that the source has
	Processed int // stored by this run
	Skipped   int // already stored, or given up after MaxAttempts
	Failed    int // failed in this run
	Left      int // still being written: left for the next run

	AudioSamples int64 // sound decoded of the recordings that were processed
	Took         time.Duration
	Laughs       int // new rows
	Duplicates   int // laughs that another recording had already
	Calls        Calls
	// Model that was used; its zero value where none was started.
	Model Model
	// ModelPID of the last model process of the day, and whether it is gone.
	ModelPID  int
	ModelGone bool
	// OutOfMemory is true where the kernel killed a model process of the day for want of memory.
	OutOfMemory bool
	Memory      Memory
	// Spans that the source had no recording for: empty ones, and gaps.
	Spans  []LedgerSpan
	Errors []RunError
}

// Gaps are the spans of the day that could not be read.
func (d *UserDay) Gaps() (gaps []LedgerSpan) {
	for _, span := range d.Spans {
		if span.State == SpanFailed {
			gaps = append(gaps, span)
		}
	}
	return gaps
}

// RunError is one thing that went wrong, for people and for the log.
type RunError struct {
	// Stage is where: "source", "hash", "decode", "model", "clip", "store".
	Stage string
	// Recording is its name; empty where the error is the user's.
	Recording string
	Message   string
}
