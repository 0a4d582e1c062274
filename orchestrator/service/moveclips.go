package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// MoveClips copies every clip to another place, reads each back, and, where remove is set, deletes it from the place that the settings
// name. What is there already, whole and equal, is not written again, so that it may be resumed after any end. Until the settings name
// the new place, everything goes on with the old one. progress is told after each clip. A *LockedError while a run is under way.
// Also where the error is not nil, the document says what was done; the error tells of the first clip that could not be moved, and the
// others go on.
func (s *Service) MoveClips(ctx context.Context, to string, remove bool, progress func(document.MovedClips)) (moved document.MovedClips, err error) {
	moved.From, moved.To = s.ClipsPlace(), settings.Mask(to)
	if to == s.Config.ClipsURL {
		return moved, fmt.Errorf("move clips: %s is where they are", moved.To)
	}
	release, err := s.lockAlone(ctx)
	if err != nil {
		return moved, err
	}
	defer release()
	from, err := s.openClips(ctx)
	if err != nil {
		return moved, err
	}
	kind, rest, err := clipKindOf(to)
	if err != nil {
		return moved, err
	}
	target, err := kind.open(ctx, s, rest)
	if err != nil {
		return moved, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	var first error
	for key, err := range from.Keys(ctx, "") {
		if err != nil {
			return moved, errors.Join(first, err)
		}
		moved.Clips++
		err := moveClip(ctx, from, target, key, remove, &moved)
		if ctx.Err() != nil {
			return moved, context.Cause(ctx)
		}
		if err != nil {
			if moved.Failed++; first == nil {
				first = err
			}
		}
		progress(moved)
	}
	return moved, first
}

// moveClip moves one clip. It is deleted only once the copy was read back and is the same.
func moveClip(ctx context.Context, from, to orchestrator.Clips, key string, remove bool, moved *document.MovedClips) error {
	data, err := readClip(ctx, from, key)
	if err != nil {
		return fmt.Errorf("move clip %s: %w", key, err)
	}
	want := sha256.Sum256(data)
	there, err := readClip(ctx, to, key)
	switch {
	case err == nil && sha256.Sum256(there) == want:
		moved.Already++
	case err != nil && !errors.Is(err, orchestrator.ErrNotFound):
		return fmt.Errorf("move clip %s: %w", key, err)
	default:
		if err := to.Put(ctx, key, data); err != nil {
			return fmt.Errorf("move clip: %w", err)
		}
		if there, err = readClip(ctx, to, key); err != nil {
			return fmt.Errorf("move clip %s: read it back: %w", key, err)
		}
		if sha256.Sum256(there) != want {
			return fmt.Errorf("move clip %s: what was read back differs", key)
		}
		moved.Copied++
		moved.Bytes += int64(len(data))
	}
	if !remove {
		return nil
	}
	if err := from.Delete(ctx, key); err != nil {
		return fmt.Errorf("move clip: %w", err)
	}
	moved.Removed++
	return nil
}
