package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// recording does one recording, unless it is done already.
func (d *dayRun) recording(ctx context.Context, rec Recording) error {
	if rec.Path == "" {
		d.begin()
		d.day.Processed++
		return nil
	}
	defer func() {
		if rec.File != nil {
			_ = rec.File.Close() // it was only read
		}
	}()
	since := d.Now()
	state, byContent, err := d.find(ctx, &rec)
	d.took(StageHash, since)
	if err != nil {
		return err
	}
	switch {
	case d.plan.Reprocess:
	case state.Done:
		if byContent {
			if err := d.recognised(ctx, rec); err != nil {
				return err
			}
		}
		d.day.Skipped++
		d.note(rec.Window, SpanRead, "")
		d.served(rec)
		return nil
	case state.Attempts >= MaxAttempts:
		d.day.Skipped++
		d.day.GivenUp++
		d.note(rec.Window, SpanFailed, fmt.Sprintf("it could not be read %d times, and is given up", state.Attempts))
		return nil
	}
	d.begin()
	if d.plan.DryRun {
		d.day.Processed++
		d.day.Planned = append(d.day.Planned, Planned{Name: rec.Name, Start: rec.Start, TimeSource: rec.TimeSource})
		return nil
	}
	if _, ok := d.source.(Opener); ok {
		if err := rec.open(d.source); err != nil {
			return d.countAttempt(ctx, rec, &stageError{StageDecode, err})
		}
	}
	heard, err := d.listen(ctx, rec)
	if err != nil {
		return d.countAttempt(ctx, rec, err)
	}
	if !rec.End.IsZero() { // headers do not always tell the length, or lie
		rec.Start = rec.End.Add(-SamplesToDuration(heard.Scores.Length)).UTC()
	}
	return d.save(ctx, state, Result{RunID: d.runID, UserID: d.user.ID, Recording: rec, Model: heard.Model, Scores: heard.Scores,
		Prints: heard.Prints, Notes: heard.Notes, Damage: heard.Damage})
}

// find looks the recording up, by its content where its name, size and time are not known.
func (d *dayRun) find(ctx context.Context, rec *Recording) (state RecordingState, byContent bool, err error) {
	state, err = d.Store.FindRecording(ctx, d.user.ID, *rec)
	if err != nil {
		return state, false, &stageError{StageStore, err}
	}
	if state.SHA256 != "" {
		rec.SHA256 = state.SHA256
	}
	if rec.SHA256 != "" {
		return state, false, nil
	}
	if err := rec.hash(ctx, d.source); err != nil {
		return state, false, &stageError{StageHash, err}
	}
	if state, err = d.Store.FindRecording(ctx, d.user.ID, *rec); err != nil {
		return state, false, &stageError{StageStore, err}
	}
	return state, true, nil
}

// countAttempt remembers that the recording cannot be read or crashes the model, so that it is not
// tried for ever. What is the machine's fault (no ffmpeg, no database, no memory) does not count.
func (d *dayRun) countAttempt(ctx context.Context, rec Recording, cause error) error {
	own := errors.Is(cause, ErrBadRecording) || errors.Is(cause, ErrBadPlugin)
	if exit := (*ExitError)(nil); errors.As(cause, &exit) {
		own = !exit.Exit.Blameless()
	}
	if !own || errors.Is(cause, ErrModelStart) || ctx.Err() != nil {
		return cause
	}
	if err := d.Store.FailRecording(ctx, d.runID, d.user.ID, rec, cause.Error()); err != nil {
		return errors.Join(cause, &stageError{StageStore, err})
	}
	return cause
}

// save finds the laughs, keeps their sound and stores everything. The rows come last: until they are
// there the recording is not done, and the next run writes the same clips again.
func (d *dayRun) save(ctx context.Context, before RecordingState, result Result) error {
	result.Laughs, result.Policy = d.Detect(result.Scores, d.policy), d.policy
	since := d.Now()
	err := d.cut(ctx, &result)
	d.took(StageClip, since)
	if isFull(err) && !before.Done { // laughs without sound are better than none; it can be cut later
		if !d.full {
			d.full = true
			d.fail(StageClip, result.Recording.Name, WithCode(fmt.Errorf("laughs are stored without clips: %w", err), CodeNoRoom, "user", d.user.Name, "date", d.day.Date.String()))
		}
		result.Lost, err = ClipNoRoom, nil
	}
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
	for _, note := range result.Notes {
		d.day.Notes = append(d.day.Notes, RecordingNote{result.Recording.Name, note})
	}
	if rec := result.Recording; d.survey != nil && rec.TimeSource == TimeFromModTime && len(d.survey.guesses) < 10000 {
		d.survey.guesses = append(d.survey.guesses, guess{rec.Name, rec.Start, rec.Start.Add(SamplesToDuration(result.Scores.Length))})
	}
	d.served(result.Recording)
	d.day.AudioSamples += result.Scores.Length
	d.day.Laughs += saved.New
	d.day.Duplicates += saved.Duplicates
	d.observe(Event{Kind: EventRecordingDone, User: d.user.Name, Date: d.day.Date, Recording: result.Recording.Name,
		Position: result.Scores.Length, Length: result.Scores.Length, Laughs: saved.New, Duplicates: saved.Duplicates, Damage: result.Damage})
	if result.Damage != nil {
		d.fail(StageDecode, result.Recording.Name, result.Damage)
	}
	return nil
}

// cut stores the sound that the policy keeps of each laugh, and notes its key.
func (d *dayRun) cut(ctx context.Context, result *Result) error {
	if len(result.Laughs) == 0 {
		return nil
	}
	if d.Room != nil {
		if err := d.Room(); err != nil {
			return &stageError{StageClip, err}
		}
	}
	var spans []SampleSpan
	var of []*Laugh
	for i := range result.Laughs {
		if span, ok := result.Policy.Clips.Span(result.Laughs[i], result.Scores.Length); ok {
			spans, of = append(spans, span), append(of, &result.Laughs[i])
		}
	}
	if len(spans) == 0 {
		return nil
	}
	i := 0
	for clip, err := range d.Audio.Cut(ctx, result.Recording, spans) {
		if err != nil {
			return &stageError{StageClip, err}
		}
		laugh := of[i]
		start := result.Recording.Start.Add(SamplesToDuration(laugh.Onset))
		key := d.ClipKey(d.user.Name, start, result.Recording.SHA256, result.Model, clip.Extension)
		if err := d.Clips.Put(ctx, key, clip.Data); err != nil {
			return &stageError{StageClip, err}
		}
		laugh.Clip = key
		i++
	}
	if i < len(spans) {
		return &stageError{StageClip, fmt.Errorf("cut %d clips: got %d", len(spans), i)}
	}
	return nil
}

// isFull tells whether a disk has no room left, or so little that clips should leave it to the database.
func isFull(err error) bool {
	return errors.Is(err, ErrNoRoom) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func clipKeys(laughs []Laugh) (keys []string) {
	for _, laugh := range laughs {
		if laugh.Clip != "" {
			keys = append(keys, laugh.Clip)
		}
	}
	return keys
}
