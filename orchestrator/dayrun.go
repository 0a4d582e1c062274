package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"
)

// dayRun is one user's day under way: the only owner of the day's model process.
type dayRun struct {
	*Runner
	runID   string
	user    User
	plan    Plan
	started time.Time

	day     UserDay
	begun   bool
	process Process // nil until the first recording needs it
}

// stageError is an error with the stage of a recording's way at which it came up.
type stageError struct {
	stage string
	err   error
}

func (e *stageError) Error() string { return e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// errModelStart marks a model that could not be started: it fails the day, not only the recording.
var errModelStart = errors.New("model did not start")

// run goes through the recordings of the day. Its error is one that ends the whole run; everything
// else is in d.day afterwards.
func (d *dayRun) run(ctx context.Context, source Source, span Span) error {
	began := d.Now()
	counter, _ := source.(CallCounter)
	var before Calls
	if counter != nil {
		before = counter.Calls()
	}
	defer func() {
		d.stopModel()
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
		case errors.Is(err, errModelStart):
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

// recordings passes on what the source yields, and counts the time that the source takes for it.
func (d *dayRun) recordings(ctx context.Context, source Source, span Span) iter.Seq2[Recording, error] {
	return func(yield func(Recording, error) bool) {
		since := d.Now()
		for rec, err := range source.Recordings(ctx, span) {
			d.took(StageSource, since)
			if !yield(rec, err) {
				return
			}
			since = d.Now()
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
	d.day.Errors = append(d.day.Errors, RunError{Stage: stage, Recording: recording, Message: err.Error(), Remedy: remedyOf(stage, err)})
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

// recording does one recording, unless it is done already.
func (d *dayRun) recording(ctx context.Context, rec Recording) error {
	if rec.Path == "" {
		d.begin()
		d.day.Processed++
		return nil
	}
	since := d.Now()
	state, err := d.find(ctx, &rec)
	d.took(StageHash, since)
	if err != nil {
		return err
	}
	switch {
	case d.plan.Reprocess:
	case state.Done:
		d.day.Skipped++
		d.note(rec.Window, SpanRead, "")
		d.served(rec)
		return nil
	case state.Attempts >= maxAttempts:
		d.day.Skipped++
		d.note(rec.Window, SpanFailed, fmt.Sprintf("it could not be read %d times; try again with: orchestrator run --reprocess --date %s", state.Attempts, d.day.Date))
		return nil
	}
	d.begin()
	if d.plan.DryRun {
		d.day.Processed++
		return nil
	}
	result, err := d.classify(ctx, rec)
	if exit := (*ExitError)(nil); errors.As(err, &exit) && !errors.Is(err, errModelStart) && ctx.Err() == nil {
		result, err = d.classify(ctx, rec) // once more, with a fresh process
	}
	if err != nil {
		return d.countAttempt(ctx, rec, err)
	}
	return d.save(ctx, state, result)
}

// find looks the recording up, by its content where its name, size and time are not known.
func (d *dayRun) find(ctx context.Context, rec *Recording) (RecordingState, error) {
	state, err := d.Store.FindRecording(ctx, d.user.ID, *rec)
	if err != nil {
		return state, &stageError{StageStore, err}
	}
	if state.SHA256 != "" {
		rec.SHA256 = state.SHA256
	}
	if rec.SHA256 != "" {
		return state, nil
	}
	if rec.SHA256, err = hashFile(ctx, rec.Path); err != nil {
		return state, &stageError{StageHash, err}
	}
	if state, err = d.Store.FindRecording(ctx, d.user.ID, *rec); err != nil {
		return state, &stageError{StageStore, err}
	}
	return state, nil
}

// countAttempt remembers that the recording cannot be read or kills the model, so that it is not
// tried for ever. What is the machine's fault (no ffmpeg, no database) does not count.
func (d *dayRun) countAttempt(ctx context.Context, rec Recording, cause error) error {
	exit := (*ExitError)(nil)
	own := errors.Is(cause, ErrBadRecording) || errors.Is(cause, ErrBadPlugin) || errors.As(cause, &exit)
	if !own || errors.Is(cause, errModelStart) || ctx.Err() != nil {
		return cause
	}
	if err := d.Store.FailRecording(ctx, d.runID, d.user.ID, rec, cause.Error()); err != nil {
		return errors.Join(cause, &stageError{StageStore, err})
	}
	return cause
}

// classify streams the recording through the model. A process that ended, or broke its contract, is
// stopped: the next recording gets a fresh one.
func (d *dayRun) classify(ctx context.Context, rec Recording) (Result, error) {
	process, err := d.model(ctx)
	if err != nil {
		return Result{}, err
	}
	model := process.Model()
	result := Result{RunID: d.runID, UserID: d.user.ID, Recording: rec, Model: model,
		Scores: Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}}

	event := Event{Kind: EventRecording, User: d.user.Name, Date: d.day.Date, Recording: rec.Name}
	event.Length = d.Audio.Length(ctx, rec)
	result.Scores.Expect(event.Length)
	d.observe(event)

	var length int64
	var decoding time.Duration
	event.Kind = EventProgress
	chunks := func(yield func(Chunk, error) bool) {
		since := d.Now()
		for chunk, err := range d.Audio.Decode(ctx, rec) {
			decoding += d.Now().Sub(since)
			if err != nil {
				yield(Chunk{}, &stageError{StageDecode, err})
				return
			}
			length = chunk.Offset + int64(len(chunk.Samples))
			if !yield(chunk, nil) {
				return
			}
			event.Position = length
			d.observe(event)
			since = d.Now()
		}
	}
	since := d.Now()
	err = collect(process.Classify(ctx, chunks), &result.Scores)
	d.took(StageModel, since)
	d.spent(StageDecode, decoding)
	if err != nil {
		if staged := (*stageError)(nil); !errors.As(err, &staged) {
			d.stopModel()
			err = &stageError{StageModel, err}
		}
		return Result{}, err
	}
	if length == 0 {
		return Result{}, &stageError{StageDecode, fmt.Errorf("%w: there is no sound in it", ErrBadRecording)}
	}
	result.Scores.Close(length)
	return result, nil
}

func collect(frames iter.Seq2[Frame, error], scores *Scores) error {
	for frame, err := range frames {
		if err != nil {
			return err
		}
		if err := scores.Add(frame); err != nil {
			return err
		}
	}
	return nil
}

// save finds the laughs, keeps their sound and stores everything. The rows come last: until they are
// there the recording is not done, and the next run writes the same clips again.
func (d *dayRun) save(ctx context.Context, before RecordingState, result Result) error {
	threshold := d.user.Threshold
	if threshold == 0 {
		threshold = d.plan.Threshold
	}
	result.Laughs = d.Detect(result.Scores, threshold)
	since := d.Now()
	err := d.cut(ctx, &result)
	d.took(StageClip, since)
	var saved Saved
	if err == nil {
		since = d.Now()
		if saved, err = d.Store.SaveRecording(ctx, result); err != nil {
			err = &stageError{StageStore, err}
		}
		d.took(StageStore, since)
	}
	orphans := saved.Orphans
	if err != nil && (!before.Done || errors.Is(err, ErrNotFound)) {
		orphans = clipKeys(result.Laughs)
	}
	for _, key := range orphans {
		if deleteErr := d.Clips.Delete(context.WithoutCancel(ctx), key); deleteErr != nil {
			err = errors.Join(err, &stageError{StageClip, deleteErr})
		}
	}
	if err != nil {
		return err
	}
	d.day.Processed++
	d.served(result.Recording)
	d.day.AudioSamples += result.Scores.Length
	d.day.Laughs += saved.New
	d.day.Duplicates += saved.Duplicates
	d.observe(Event{Kind: EventRecordingDone, User: d.user.Name, Date: d.day.Date, Recording: result.Recording.Name,
		Position: result.Scores.Length, Length: result.Scores.Length, Laughs: saved.New, Duplicates: saved.Duplicates})
	return nil
}

// cut stores the sound around each laugh and notes its key.
func (d *dayRun) cut(ctx context.Context, result *Result) error {
	if len(result.Laughs) == 0 {
		return nil
	}
	spans := make([]SampleSpan, len(result.Laughs))
	for i, laugh := range result.Laughs {
		spans[i] = SampleSpan{max(0, laugh.Onset-clipMargin), min(result.Scores.Length, laugh.Offset+clipMargin)}
	}
	i := 0
	for clip, err := range d.Audio.Cut(ctx, result.Recording, spans) {
		if err != nil {
			return &stageError{StageClip, err}
		}
		laugh := &result.Laughs[i]
		start := result.Recording.Start.Add(SamplesToDuration(laugh.Onset))
		laugh.Clip = d.ClipKey(d.user.Name, start, result.Recording.SHA256, result.Model, clip.Extension)
		if err := d.Clips.Put(ctx, laugh.Clip, clip.Data); err != nil {
			return &stageError{StageClip, err}
		}
		i++
	}
	if i < len(spans) {
		return &stageError{StageClip, fmt.Errorf("cut %d clips: got %d", len(spans), i)}
	}
	return nil
}

func clipKeys(laughs []Laugh) (keys []string) {
	for _, laugh := range laughs {
		if laugh.Clip != "" {
			keys = append(keys, laugh.Clip)
		}
	}
	return keys
}

// model returns the day's model process, started when it is first needed.
func (d *dayRun) model(ctx context.Context) (Process, error) {
	if d.process != nil {
		return d.process, nil
	}
	since := d.Now()
	spawner, err := d.Spawner(d.user)
	if err == nil {
		d.process, err = spawner.Spawn(ctx)
	}
	d.took(StageModel, since)
	if err != nil {
		return nil, &stageError{StageModel, fmt.Errorf("%w: %w", errModelStart, err)}
	}
	d.day.Model = d.process.Model()
	d.day.ModelPID = d.process.PID()
	d.observe(Event{Kind: EventModel, User: d.user.Name, Date: d.day.Date, Model: d.day.Model, PID: d.day.ModelPID})
	return d.process, nil
}

// stopModel kills the day's model process, if there is one, and notes what it took.
func (d *dayRun) stopModel() {
	if d.process == nil {
		return
	}
	since := d.Now()
	exit := d.process.Stop()
	d.process = nil
	d.took(StageModel, since)
	d.day.ModelGone = exit.Gone
	d.day.OutOfMemory = d.day.OutOfMemory || exit.OutOfMemory
	memory := &d.day.Memory
	if memory.Before == 0 {
		memory.Before = exit.Memory.Before
	}
	memory.Peak = max(memory.Peak, exit.Memory.Peak)
	memory.Model = max(memory.Model, exit.Memory.Model)
	memory.After = exit.Memory.After
	d.observe(Event{Kind: EventModelEnd, User: d.user.Name, Date: d.day.Date, PID: exit.PID, Exit: exit})
}

// hashFile returns the SHA-256 of a file's content.
func hashFile(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", unreadable(err)
	}
	defer file.Close()
	hash := sha256.New()
	buffer := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := file.Read(buffer)
		hash.Write(buffer[:n])
		if err == io.EOF {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", unreadable(err)
		}
	}
}

// unreadable names the remedy where there is one; the path is the user's own and already in the error.
func unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w; let this user read the file", ErrBadRecording, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w; it vanished after it was listed", ErrBadRecording, err)
	}
	return fmt.Errorf("%w: %w", ErrBadRecording, err)
}
