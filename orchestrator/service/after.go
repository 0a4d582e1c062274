package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/keeping"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// longestPause is how long after the run before a run still believes its clock enough to delete what is too old.
const longestPause = 31 * 24 * time.Hour

// lookAfter is what a run does at its end, under its lock: it backs up, and deletes what need not be
// kept. What fails is logged, and
// never fails the run.
func (s *Service) lookAfter(ctx context.Context, run orchestrator.Run) {
	if run.ID == "" || ctx.Err() != nil {
		return
	}
	release, err := s.lockWork(ctx, (*store.Store).LockExclusive)
	if errors.Is(err, orchestrator.ErrLocked) {
		s.Log.Info("nothing is deleted: another machine is at work; the last run of the night does it")
		return
	}
	if err != nil {
		s.Log.WithError(err).Warn("look after what is stored")
		return
	}
	defer release()
	s.backUpAfter(ctx) // first: what the rules delete is in it
	s.sweepAfter(ctx)
	s.pruneAfter(ctx, run)
}

// sweepAfter deletes what crashes left.
func (s *Service) sweepAfter(ctx context.Context) {
	swept, err := s.sweep(ctx, false)
	if err != nil && ctx.Err() == nil {
		s.Log.WithError(err).Warn("sweep what crashes left")
	}
	if swept.Held != "" {
		s.Log.WithFields(fields{"orphans": swept.Orphans, keyRemedy: "orchestrator doctor"}).Warn(swept.Held)
	}
	if swept.Deleted+swept.Locks > 0 {
		s.Log.WithFields(fields{"clips": swept.Clips, "orphans": swept.Orphans, "orphan_bytes": swept.OrphanBytes, "deleted": swept.Deleted, "locks": swept.Locks}).
			Info("swept what crashes left")
	}
}

// sweep looks for what crashes left, and deletes it unless dryRun, under locks that the caller holds.
func (s *Service) sweep(ctx context.Context, dryRun bool) (swept document.Sweep, err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return swept, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return swept, err
	}
	if swept, err = keeping.SweepClips(ctx, opened, kept, s.Now(), dryRun); err != nil || dryRun {
		return swept, err
	}
	swept.Locks, err = opened.SweepLocks(ctx)
	return swept, err
}

// pruneAfter carries out the rules of retention, unless the clock may be wrong.
func (s *Service) pruneAfter(ctx context.Context, run orchestrator.Run) {
	pause, err := s.pauseBefore(ctx, run)
	if err == nil && pause > longestPause {
		s.Log.Warnf("nothing is deleted after this run: the one before was %.0f days ago, or the clock is wrong; the next run deletes what is too old, or now: orchestrator prune",
			pause.Hours()/24)
		return
	}
	var pruned document.Prune
	if err == nil {
		pruned, err = s.prune(ctx, nil, false)
	}
	s.logPruned(pruned)
	if err != nil && ctx.Err() == nil {
		s.Log.WithError(err).Warn("delete what need not be kept")
	}
}

// pauseBefore is the time between a run and the one before it; 0 where there is none.
func (s *Service) pauseBefore(ctx context.Context, run orchestrator.Run) (time.Duration, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return 0, err
	}
	runs, err := opened.Runs(ctx, 2)
	if err != nil || len(runs) < 2 {
		return 0, err
	}
	return run.StartedAt.Sub(runs[1].StartedAt), nil
}

// logPruned logs what a sweep did, whether or not anything went: who wonders why a disk is full looks here first.
func (s *Service) logPruned(pruned document.Prune) {
	for _, user := range pruned.Users {
		for _, part := range []struct {
			what string
			document.PrunePart
		}{{"clips", user.Clips}, {"originals", user.Originals}} {
			if part.Scanned == 0 {
				continue
			}
			log := s.Log.WithFields(fields{keyUser: user.User, "what": part.what, "scanned": part.Scanned, "deleted": part.Deleted,
				"freed_bytes": part.Freed, "by_rule": fmt.Sprint(part.ByRule), "kept": fmt.Sprint(part.Kept)})
			log.Info("pruned")
			for _, problem := range part.Errors {
				log.Warnf("it could not be deleted: %s", problem)
			}
		}
		if user.Over > 0 {
			s.Log.WithFields(fields{keyUser: user.User, "over_bytes": user.Over}).Warn("the clips take more than their limit, and the rest of them may not go")
		}
	}
	if pruned.Disk != nil && pruned.Disk.Over > 0 {
		s.Log.WithField("over_bytes", pruned.Disk.Over).Warn("the disk of the clips is fuller than its limit, and no more clips may go")
	}
}
