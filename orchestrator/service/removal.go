package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// WipeUser deletes what was heard of a user: laughs with all that people said of them, clips and scores. Which
// recordings were read stays known. A *LockedError while a run reads the user. Interrupted, it may be started again.
func (s *Service) WipeUser(ctx context.Context, user orchestrator.User) (document.Removal, error) {
	return s.remove(ctx, user, false, false)
}

// PurgeUser deletes a user and everything that is kept of them, also every line of the log that names them. A
// *LockedError while a run reads the user, unless force is set: the run then learns that the user is gone.
// Interrupted, it may be started again.
func (s *Service) PurgeUser(ctx context.Context, user orchestrator.User, force bool) (document.Removal, error) {
	return s.remove(ctx, user, true, force)
}

func (s *Service) remove(ctx context.Context, user orchestrator.User, purge, force bool) (document.Removal, error) {
	release, err := s.lockForRemoval(ctx, user, force)
	if err != nil {
		return document.Removal{}, err
	}
	defer release()
	removal, err := s.removeData(ctx, user, purge)
	if errors.Is(err, store.ErrNotCleared) {
		return removal, orchestrator.WithCode(fmt.Errorf("purge user %s: %w", user.Name, err), orchestrator.CodeNotCleared, "user", user.Name)
	}
	if err != nil {
		verb := "wipe"
		if purge {
			verb = "purge"
		}
		return removal, fmt.Errorf("%s user %s: %w; start again: it goes on where it was", verb, user.Name, err)
	}
	return removal, nil
}

// FinishPurges does what was left of purges while somebody read the database, and tells whether there was anything.
func (s *Service) FinishPurges(ctx context.Context) (bool, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return false, err
	}
	return opened.FinishPurges(ctx)
}

// lockForRemoval keeps runs away, or lets them be where force says so.
func (s *Service) lockForRemoval(ctx context.Context, user orchestrator.User, force bool) (release func(), err error) {
	unless := func(release func(), err error) (func(), error) {
		if force && errors.Is(err, orchestrator.ErrLocked) {
			return func() {}, nil
		}
		return release, err
	}
	releaseDir, err := unless(s.lockShared(ctx))
	if err != nil {
		return nil, err
	}
	releaseUser, err := unless(s.lockUser(ctx, user))
	if err != nil {
		releaseDir()
		return nil, err
	}
	return func() {
		releaseUser()
		releaseDir()
	}, nil
}

// removeData deletes files before rows: what an interruption leaves is still known, and found by the next call.
func (s *Service) removeData(ctx context.Context, user orchestrator.User, purge bool) (removal document.Removal, err error) {
	removal = document.Removal{User: user.Name, Purged: purge}
	opened, err := s.Store(ctx)
	if err != nil {
		return removal, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return removal, err
	}
	names, err := opened.FormerNames(ctx, user.ID)
	if err != nil {
		return removal, err
	}
	names = append(names, user.Name)
	if removal.Clips, err = removeClips(ctx, opened, kept, user, names); err != nil {
		return removal, err
	}
	var removed store.Removed
	if purge {
		if err := os.RemoveAll(s.userDir(user)); err != nil {
			return removal, fmt.Errorf("remove downloads: %w", err)
		}
		if err := s.forgetCopies(); err != nil {
			return removal, fmt.Errorf("remove copies of the database: %w", err)
		}
		if removed, err = opened.PurgeUser(ctx, user); err == nil || errors.Is(err, store.ErrNotCleared) {
			late, lateErr := removeClips(ctx, opened, kept, user, names) // a run that was under way may have written some meanwhile
			removal.Clips += late
			err = errors.Join(err, lateErr, s.forget(names))
		}
	} else {
		removed, err = opened.WipeUser(ctx, user.ID)
	}
	removal.Laughs, removal.Recordings, removal.Runs = removed.Laughs, removed.Recordings, removed.Runs
	return removal, err
}

// removeClips deletes the user's clips: those of their laughs, and those below their names that no laugh has,
// which a crash left.
func removeClips(ctx context.Context, opened *store.Store, kept orchestrator.Clips, user orchestrator.User, names []string) (count int, err error) {
	mine, err := opened.UserClips(ctx, user.ID)
	if err != nil {
		return 0, err
	}
	for _, key := range mine {
		if err := kept.Delete(ctx, key); err != nil {
			return count, err
		}
		count++
	}
	others := map[string]bool{}
	for key, err := range opened.ClipKeys(ctx) {
		if err != nil {
			return count, err
		}
		if name, _, _ := strings.Cut(key, "/"); slices.Contains(names, name) {
			others[key] = true
		}
	}
	for _, name := range names {
		var left []string
		for key, err := range kept.Keys(ctx, name) {
			if err != nil {
				return count, err
			}
			if !others[key] {
				left = append(left, key)
			}
		}
		for _, key := range left {
			if err := kept.Delete(ctx, key); err != nil {
				return count, err
			}
			count++
		}
	}
	return count, nil
}
