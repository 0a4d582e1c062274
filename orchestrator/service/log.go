package service

import (
	"context"
	"errors"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// Runs returns at most limit runs, the newest first.
func (s *Service) Runs(ctx context.Context, limit int) ([]orchestrator.Run, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	return opened.Runs(ctx, limit)
}

// FindRun finds a run by the beginning of its id, among the latest; the last one where that is empty. An
// *InvalidError where there is none, or several.
func (s *Service) FindRun(ctx context.Context, id string) (orchestrator.Run, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.Run{}, err
	}
	if id == "" {
		run, err := opened.Run(ctx, store.LastRun)
		if errors.Is(err, orchestrator.ErrNotFound) {
			return run, invalidCode(orchestrator.CodeNoRuns, "there was no run yet")
		}
		return run, err
	}
	run, err := opened.Run(ctx, id)
	if !errors.Is(err, orchestrator.ErrNotFound) {
		return run, err
	}
	const looked = 1000
	runs, err := opened.Runs(ctx, looked)
	if err != nil {
		return run, err
	}
	found := 0
	for _, candidate := range runs {
		if strings.HasPrefix(candidate.ID, id) {
			run = candidate
			found++
		}
	}
	switch found {
	case 0:
		return run, invalidCode(orchestrator.CodeUnknownRun, "unknown run %q", id)
	case 1:
		return run, nil
	}
	return run, invalid("%d runs begin with %q: give more of the id", found, id)
}

// SchemaVersion returns the version of the database's schema, after migrating it.
func (s *Service) SchemaVersion(ctx context.Context) (int64, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return 0, err
	}
	current, _, err := opened.Version(ctx)
	return current, err
}
