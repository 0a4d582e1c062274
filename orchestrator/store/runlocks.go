package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// NeverEnded is what the log says of a run that CloseUnfinished closed.
const NeverEnded = "it never ended: something killed it"

// runLocks are the locks of the runs that a store has under way, by their ids. Whoever shares the database
// tells by them a run that is under way from one that something killed.
type runLocks struct {
	mu   sync.Mutex
	held map[string]func()
}

// runLock is the key of a run's lock, one of the keys below SchemaLock. Ids that share one, which is one pair
// in four thousand millions, cannot be under way at the same time.
func runLock(id string) int64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id)) // never fails
	return SchemaLock - 1 - int64(hash.Sum32())
}

// lockRun takes the lock of a run, unless this store has it.
func (s *Store) lockRun(ctx context.Context, id string) error {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	if s.runs.held[id] != nil {
		return nil
	}
	release, err := s.locker.Lock(ctx, runLock(id), false)
	if err == nil {
		s.runs.held[id] = release
	}
	return err
}

// confirmRun takes the lock of a run that this store has under way again where a broken connection has lost it.
func (s *Store) confirmRun(ctx context.Context, id string) error {
	if err := s.confirmNamed(ctx); err != nil {
		return err
	}
	err := s.locker.Confirm(ctx, runLock(id))
	if errors.Is(err, orchestrator.ErrLocked) {
		return fmt.Errorf("%w: somebody looks whether run %s is under way", errTryAgain, id)
	}
	return err
}

// unlockRun gives the lock of a run back, if this store has it.
func (s *Store) unlockRun(id string) {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	if release := s.runs.held[id]; release != nil {
		delete(s.runs.held, id)
		release()
	}
}

func (s *Store) unlockRuns() {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	for _, release := range s.runs.held {
		release()
	}
	clear(s.runs.held)
}

// Unfinished returns the runs that were begun and not ended, and are not under way any more, neither in this
// process nor in another one that shares the database; the oldest first. It does not change them.
func (s *Store) Unfinished(ctx context.Context) (runs []orchestrator.Run, err error) {
	err = s.unfinished(ctx, "look for unfinished runs", func(run orchestrator.Run) error {
		runs = append(runs, run)
		return nil
	})
	return runs, err
}

// CloseUnfinished writes the end of those runs: they failed. It was when the last day that they stored was done,
// as far as their durations tell, and not after now. It returns those that it closed, each to one caller only.
func (s *Store) CloseUnfinished(ctx context.Context, now time.Time) (closed []orchestrator.Run, err error) {
	err = s.unfinished(ctx, "close unfinished runs", func(run orchestrator.Run) error {
		run.FinishedAt = run.StartedAt
		for _, day := range run.Days {
			run.FinishedAt = run.FinishedAt.Add(day.Took)
		}
		if now.Before(run.FinishedAt) {
			run.FinishedAt = now
		}
		run.FinishedAt = stored(run.FinishedAt)
		run.Status, run.ExitCode, run.Error = orchestrator.StatusFailed, orchestrator.ExitFailed, NeverEnded
		if err := s.saveEnd(ctx, run); err != nil {
			return err
		}
		closed = append(closed, run)
		return nil
	})
	return closed, err
}

// unfinished visits the runs that nobody has under way, with their locks held: nobody else visits them.
func (s *Store) unfinished(ctx context.Context, verb string, visit func(orchestrator.Run) error) error {
	var running []orchestrator.Run
	err := s.read(ctx, verb, func(ctx context.Context, q querier) (err error) {
		running, err = findRuns(ctx, q, " WHERE status = ?1 ORDER BY started_at, id", string(orchestrator.StatusRunning))
		return err
	})
	if err != nil {
		return err
	}
	for _, run := range running {
		if err := s.visitUnfinished(ctx, verb, run.ID, visit); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) visitUnfinished(ctx context.Context, verb, id string, visit func(orchestrator.Run) error) error {
	var release func()
	err := s.retry(ctx, verb, func(ctx context.Context) (err error) {
		release, err = s.locker.Lock(ctx, runLock(id), false)
		return err
	})
	if errors.Is(err, orchestrator.ErrLocked) {
		return nil // it is under way
	}
	if err != nil {
		return err
	}
	defer release()
	run, err := s.Run(ctx, id) // it may have ended meanwhile
	if err != nil || run.Status != orchestrator.StatusRunning {
		return err
	}
	return visit(run)
}
