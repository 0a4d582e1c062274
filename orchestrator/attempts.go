package orchestrator

import (
	"context"
	"time"
)

// Attempts remembers, durably, what is being read: a run that something kills cannot say any more what killed it. Safe
// for concurrent use.
type Attempts interface {
	// BeginAttempt stores that a recording of the user is about to be read. SaveRecording and FailRecording end it.
	BeginAttempt(ctx context.Context, runID string, userID int64, rec Recording) error
	// EndAttempt forgets an attempt that counts for nothing; one that is not there is no error.
	EndAttempt(ctx context.Context, userID int64, rec Recording) error
	// CountAttempts counts what earlier runs began to read of a user and never ended, each as a failure, and returns how
	// many there were. The user must be locked: no other run reads them.
	CountAttempts(ctx context.Context, userID int64) (int, error)
}

// budget is from when an attempt that a signal ends counts as one that failed: what ends a run then is rather its own
// limit of time than a person.
const budget = 30 * time.Minute

// lockUser locks a user, and counts what killed earlier runs of theirs. ErrLocked where another run has the user.
func (r *Runner) lockUser(ctx context.Context, user User) (release func(), err error) {
	release, err = r.Store.LockUser(ctx, user.ID)
	if err != nil || r.Attempts == nil {
		return release, err
	}
	if _, err := r.Attempts.CountAttempts(ctx, user.ID); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// listen listens to a recording. From when the model is ready until all is heard it is noted as an attempt: a run that
// is killed while it stores what was heard was not killed by the recording.
func (d *dayRun) listen(ctx context.Context, rec Recording) (Heard, error) {
	if d.Attempts == nil {
		return d.listener.Listen(ctx, rec)
	}
	if _, err := d.listener.Start(ctx); err != nil {
		return Heard{}, err
	}
	if err := d.Attempts.BeginAttempt(ctx, d.runID, d.user.ID, rec); err != nil {
		return Heard{}, &stageError{StageStore, err}
	}
	began := d.Now()
	heard, err := d.listener.Listen(ctx, rec)
	if ctx.Err() != nil && d.Now().Sub(began) >= budget {
		return heard, err
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime/3)
	defer cancel()
	_ = d.Attempts.EndAttempt(closing, d.user.ID, rec) // without it, the attempt counts once
	return heard, err
}
