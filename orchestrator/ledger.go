package orchestrator

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// Calls counts what was asked of a source that is called over a network. The zero value is ready.
type Calls struct {
	Total, Failed int // Failed: every answer but 200 and 404, and every call without a whole answer
	Retries       int
	Bytes         int64
	// ByStatus counts the answers by HTTP status; 0 stands for a call without an answer.
	ByStatus map[int]int
}

// Add counts a call that was answered with an HTTP status, or not at all (0).
func (c *Calls) Add(status int) {
	if c.ByStatus == nil {
		c.ByStatus = map[int]int{}
	}
	c.Total++
	c.ByStatus[status]++
	if status != 200 && status != 404 {
		c.Failed++
	}
}

// Clone copies the counts.
func (c *Calls) Clone() Calls {
	clone := *c
	clone.ByStatus = maps.Clone(c.ByStatus)
	return clone
}

// Minus returns what was counted since before.
func (c *Calls) Minus(before Calls) Calls {
	since := Calls{Total: c.Total - before.Total, Failed: c.Failed - before.Failed,
		Retries: c.Retries - before.Retries, Bytes: c.Bytes - before.Bytes}
	for status, n := range c.ByStatus {
		if n -= before.ByStatus[status]; n > 0 {
			if since.ByStatus == nil {
				since.ByStatus = map[int]int{}
			}
			since.ByStatus[status] = n
		}
	}
	return since
}

// SpanState says what became of a stretch of a user's day.
type SpanState string

// The states of a span.
const (
	SpanRead   SpanState = "read"   // its audio is stored as a recording
	SpanEmpty  SpanState = "empty"  // the source says that there is none; asked again for some nights
	SpanFailed SpanState = "failed" // it could not be had: a gap, which the next run fills
)

// LedgerSpan is a stretch of a user's time that a source was asked for, and what became of it.
type LedgerSpan struct {
	Span
	State SpanState
	// Reason why it failed; empty otherwise.
	Reason string
	// Attempts so far, in as many runs, and the time of the last one.
	Attempts  int
	LastTried time.Time
}

// SpanError reports a span that a source has no recording for. The Runner notes it in the ledger
// and goes on.
type SpanError struct {
	Span Span
	// Err is why the span could not be had; nil means that there is no audio in it.
	Err error
}

// Error names the span and the reason.
func (e *SpanError) Error() string {
	what := fmt.Sprintf("read %s to %s", e.Span.Start.Format(time.RFC3339), e.Span.End.Format(time.RFC3339))
	if e.Err == nil {
		return what + ": no audio"
	}
	return fmt.Sprintf("%s: %v", what, e.Err)
}

// Unwrap returns the reason.
func (e *SpanError) Unwrap() error { return e.Err }

// StoppedError ends a source's sequence: what is wrong would spoil every further call, too. The day has
// failed.
type StoppedError struct {
	Err error
	// Left are the spans that were not asked for because of it. The Runner notes them as gaps.
	Left []Span
}

// Error is the reason.
func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *StoppedError) Unwrap() error { return e.Err }

// GapKeeper is a Source that remembers what it was asked for.
type GapKeeper interface {
	// Gaps returns the spans before the given time that are still to be asked for, oldest first: those that
	// failed, those that were empty and may not stay so, and those between and behind known ones that nobody
	// asked for yet. A user of whom nothing is known has none.
	Gaps(ctx context.Context, before time.Time) ([]Span, error)
}

// Closer is a Source that holds something until its user's days are done.
type Closer interface{ Close() }

// CallCounter is a Source that is called over a network and counts it.
type CallCounter interface {
	// Calls since the source was opened. Safe for concurrent use.
	Calls() Calls
}
