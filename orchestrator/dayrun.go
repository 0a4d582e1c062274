package orchestrator

import (
	"context"
	"errors"
	"iter"
	"time"
)

// dayRun is one user's day under way: the only owner of the day's model process.
type dayRun struct {
	*Runner
	runID  string
	last   bool      // of the user's days
	survey *surveyed // nil where the source cannot tell
	user   User
	plan   Plan
	policy Policy // the user's

	source   Source
	day      UserDay
	begun    bool
	full     bool // the disk of the clips, and it was told
	listener Listener
}

// stageError is an error with the stage of a recording's way at which it came up.
type stageError struct {
	stage string
	err   error
}

func (e *stageError) Error() string { return e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// run goes through the recordings of the day. Its error is one that ends the whole run; everything
// else is in d.day afterwards.
func (d *dayRun) run(ctx context.Context, source Source, span Span) error {
	d.source = source
	began := d.Now()
	counter, _ := source.(CallCounter)
	var before Calls
	if counter != nil {
		before = counter.Calls()
	}
	d.listener = Listener{Audio: d.Audio, Spawner: func() (Spawner, error) { return d.Spawner(d.user) }, Now: d.Now, Observe: d.heard, Spent: d.spent}
	defer func() {
		d.listener.Stop()
		d.day.Took = d.Now().Sub(began)
		if counter != nil {
			calls := counter.Calls()
			d.day.Calls = calls.Minus(before)
		}
	}()
	for rec, err := range d.recordings(ctx, source, span) {
		if ctx.Err() != nil {
			break
		}
		missing, stopped := (*SpanError)(nil), (*StoppedError)(nil)
		switch {
		case errors.As(err, &missing):
			d.missing(missing)
			continue
		case errors.As(err, &stopped):
			for _, span := range stopped.Left {
				d.note(span, SpanFailed, err.Error())
			}
			d.fail(StageSource, "", err)
			d.day.Status = StatusFailed
			return nil
		case err != nil && rec.Name == "":
			d.fail(StageSource, "", err)
			d.day.Status = StatusFailed
			return nil
		case errors.Is(err, ErrNotSettled):
			d.day.Left++
			d.begin()
			d.observe(Event{Kind: EventLeft, User: d.user.Name, Date: d.day.Date, Recording: rec.Name, Err: err})
			continue
		case err != nil:
			d.day.Found++
			d.failRecording(rec, &stageError{StageSource, err})
			continue
		}
		d.day.Found++
		err = d.recording(ctx, rec)
		if rec.Release != nil && ctx.Err() == nil {
			err = errors.Join(err, rec.Release())
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
		case errors.Is(err, ErrStoreUnavailable):
			d.fail(StageStore, rec.Name, err)
			d.day.Status = StatusFailed
			return err
		case errors.Is(err, ErrNotFound): // the user is gone: endDay will find out, too
			return nil
		case errors.Is(err, ErrModelStart):
			d.failRecording(rec, err)
			d.day.Status = StatusFailed
			return nil
		default:
			d.failRecording(rec, err)
		}
	}
	if ctx.Err() != nil {
		d.day.Status = StatusInterrupted
	}
	return nil
}

// recordings passes on what the source yields, on the last day also what belongs to none, and counts the time
// that the source takes for it.
func (d *dayRun) recordings(ctx context.Context, source Source, span Span) iter.Seq2[Recording, error] {
	return func(yield func(Recording, error) bool) {
		parts := []iter.Seq2[Recording, error]{source.Recordings(ctx, span)}
		if dayless, ok := source.(Dayless); ok && d.last {
			parts = append(parts, dayless.Strays(ctx))
		}
		since := d.Now()
		for _, part := range parts {
			for rec, err := range part {
				d.took(StageSource, since)
				if !yield(rec, err) {
					return
				}
				since = d.Now()
			}
		}
		d.took(StageSource, since)
	}
}

// took adds the time since an instant to a stage.
func (d *dayRun) took(stage string, since time.Time) { d.spent(stage, d.Now().Sub(since)) }

func (d *dayRun) spent(stage string, duration time.Duration) {
	if d.day.Stages == nil {
		d.day.Stages = map[string]time.Duration{}
	}
	d.day.Stages[stage] += duration
}

// begin tells the observer, once, that this day has something to do.
func (d *dayRun) begin() {
	if !d.begun {
		d.begun = true
		d.observe(Event{Kind: EventDay, User: d.user.Name, Date: d.day.Date})
	}
}

func (d *dayRun) fail(stage, recording string, err error) {
	d.begin()
	d.day.Status = StatusIncomplete
	d.day.Errors = append(d.day.Errors, runError(stage, recording, err))
}

// missing notes a span without a recording in the ledger; it is stored with the day.
func (d *dayRun) missing(e *SpanError) {
	if e.Err == nil {
		d.note(e.Span, SpanEmpty, "")
		return
	}
	d.note(e.Span, SpanFailed, e.Err.Error())
	d.fail(StageSource, "", e)
}

// note remembers what became of a span, unless it is none.
func (d *dayRun) note(span Span, state SpanState, reason string) {
	if span != (Span{}) {
		d.day.Spans = append(d.day.Spans, LedgerSpan{Span: span, State: state, Reason: reason, Attempts: 1, LastTried: d.Now().UTC()})
	}
}

// served counts the span that a recording answers, if it does.
func (d *dayRun) served(rec Recording) {
	if rec.Window != (Span{}) {
		d.day.SpansServed++
	}
}

func (d *dayRun) failRecording(rec Recording, err error) {
	stage := StageRecording
	if staged := (*stageError)(nil); errors.As(err, &staged) {
		stage = staged.stage
	}
	d.day.Failed++
	d.note(rec.Window, SpanFailed, err.Error())
	d.fail(stage, rec.Name, err)
	d.observe(Event{Kind: EventRecordingDone, User: d.user.Name, Date: d.day.Date, Recording: rec.Name, Err: err})
}

// heard notes what the listener did, and passes it on.
func (d *dayRun) heard(e Event) {
	switch e.Kind {
	case EventModel:
		d.day.Model, d.day.ModelPID = e.Model, e.PID
	case EventModelEnd:
		d.day.ModelGone = e.Exit.Gone
		d.day.OutOfMemory = d.day.OutOfMemory || e.Exit.OutOfMemory
		memory := &d.day.Memory
		if memory.Before == 0 {
			memory.Before = e.Exit.Memory.Before
		}
		memory.Peak = max(memory.Peak, e.Exit.Memory.Peak)
		memory.Model = max(memory.Model, e.Exit.Memory.Model)
		memory.After = e.Exit.Memory.After
	}
	e.User, e.Date = d.user.Name, d.day.Date
	d.observe(e)
}
