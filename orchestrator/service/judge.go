package service

import (
	"context"
	"errors"
	"io"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/listening"
)

// Sounds returns what plays and shows clips.
func (s *Service) Sounds() (*listening.Sounds, error) {
	decoder, err := s.Audio()
	if err != nil {
		return nil, err
	}
	open := func(ctx context.Context, key string) (io.ReadSeekCloser, error) {
		kept, err := s.Clips(ctx)
		if err != nil {
			return nil, err
		}
		clip, _, err := kept.Open(ctx, key)
		return clip, err
	}
	return listening.New(open, decoder), nil
}

// Mark stores a person's judgement of a laugh and returns the one before; orchestrator.ErrNotFound where it is none of these users'.
func (s *Service) Mark(ctx context.Context, userIDs []int64, id string, mark orchestrator.Mark) (orchestrator.Mark, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	return opened.Mark(ctx, userIDs, id, mark)
}

// Star stars a laugh, which keeps it from being deleted, or takes the star away. Errors are those of Mark.
func (s *Service) Star(ctx context.Context, userIDs []int64, id string, star bool) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.Star(ctx, userIDs, id, star)
}

// Note replaces a laugh's note. Errors are those of Mark.
func (s *Service) Note(ctx context.Context, userIDs []int64, id, note string) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.Note(ctx, userIDs, id, note)
}

// Forget removes a laugh for good, with its sound. Errors are those of Mark. A clip that cannot be deleted is an error, though
// the laugh is gone: nothing refers to the clip any more, and doctor finds it.
func (s *Service) Forget(ctx context.Context, userIDs []int64, id string) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return err
	}
	forgotten, err := opened.Forget(ctx, userIDs, id)
	if err != nil {
		return err
	}
	for _, key := range forgotten.Orphans {
		err = errors.Join(err, kept.Delete(context.WithoutCancel(ctx), key))
	}
	return err
}
