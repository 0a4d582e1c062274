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
	StatusIncomplete  Status = "incomplete"  // some recording failed or is damaged, the rest is stored
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

// Planned is a recording that a dry run would have read, with its start in UTC and how that was found.
type Planned struct {
	Name       string
	Start      time.Time
	TimeSource TimeSource
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
	GivenUp   int // of Skipped, those that were given up
	Failed    int // failed in this run
	Left      int // still being written: left for the next run
	// Planned are the recordings that a dry run would have read; nil in any other run.
	Planned []Planned

	AudioSamples int64 // sound decoded of the recordings that were processed
	Took         time.Duration
	// Stages is how long each stage took, by its name. Decoding and the model work side by side, so
	// their sum may be more than Took.
	Stages     map[string]time.Duration
	Laughs     int // new rows
	Duplicates int // laughs that another recording had already
	Calls      Calls
	// Model that was used; its zero value where none was started.
	Model Model
	// ModelPID of the last model process of the day, and whether it is gone.
	ModelPID  int
	ModelGone bool
	// OutOfMemory is true where the kernel killed a model process of the day for want of memory.
	OutOfMemory bool
	Memory      Memory
	// SpansServed is how many spans the source answered with a recording that is read; 0 where it keeps
	// no ledger.
	SpansServed int
	// Spans that are not read by a recording of this run: empty ones, gaps, and what was known already.
	Spans  []LedgerSpan
	Errors []RunError
	// Notes of the recordings that this run stored last.
	Notes []RecordingNote
	// Survey of the user's source, at the last planned day of a run; nil elsewhere, and where the source cannot tell.
	Survey *Survey
}

// CountSpans sums up what the source was asked for: all, without audio, and not to be had.
func (d *UserDay) CountSpans() (asked, empty, failed int) {
	for _, span := range d.Spans {
		switch span.State {
		case SpanEmpty:
			empty++
		case SpanFailed:
			failed++
		case SpanRead: // served
		}
	}
	return d.SpansServed + empty + failed, empty, failed
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
	// Stage is where it came up: one of the Stage constants.
	Stage string
	// Recording is its name; empty where the error is the user's.
	Recording string
	Message   string
	// Code says what kind of problem it is, and Facts go with it: for faces to say what a person can do.
	Code  Code
	Facts Facts
	// Remedy is what was said to do about it, in rows that are older than codes; else empty.
	Remedy string
}

// The stages of a day, as the log names them.
const (
	StageUser      = "user"      // the user's own settings
	StageLock      = "lock"      // keeping other orchestrators away
	StageSource    = "source"    // finding and fetching recordings
	StageHash      = "hash"      // what a recording's content is
	StageDecode    = "decode"    // bytes to sound
	StageModel     = "model"     // sound to scores, and the start and end of the model
	StageClip      = "clip"      // cutting and keeping the sound of laughs
	StageStore     = "store"     // the database
	StageRecording = "recording" // anything else about one recording
)
