package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// The kinds of sources, as their addresses begin.
const (
	schemeFolder    = "folder"
	schemeLimitless = "limitless"
)

// limitlessSource is the address of recordings that come from the API, as the store has it.
const limitlessSource = schemeLimitless + ":"

// sourceForms are what a person may write for a source.
const sourceForms = "folder:PATH or limitless"

// sources opens the sources of users.
type sources struct {
	*app
	ctx   context.Context
	store *store.Store
	audio *audio.Audio
	// again asks for what is read already, too; dryRun fetches nothing.
	again, dryRun bool
}

// open opens a user's source by its scheme.
func (s *sources) open(user orchestrator.User) (orchestrator.Source, error) {
	switch scheme, path, _ := strings.Cut(user.Source, ":"); scheme {
	case schemeFolder:
		return s.folder(user, path)
	case schemeLimitless:
		return s.limitless(user)
	}
	return nil, fmt.Errorf("open source %q of user %s: unknown kind; want %s", settings.Mask(user.Source), user.Name, sourceForms)
}

func (s *sources) folder(user orchestrator.User, path string) (orchestrator.Source, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	settle := s.settings.Config.Settle
	if settle == 0 {
		settle = -1 // the source's word for no waiting at all
	}
	return folder.New(folder.Options{Root: path, Location: location, Settle: settle, Now: s.now,
		Probe: func(ctx context.Context, path string) (time.Time, time.Duration, error) {
			info, err := s.audio.Probe(ctx, path)
			return info.Created, orchestrator.SamplesToDuration(info.Length), err
		}}), nil
}

func (s *sources) limitless(user orchestrator.User) (orchestrator.Source, error) {
	client, err := s.limitlessClient(s.ctx, s.store, user)
	if errors.Is(err, orchestrator.ErrStoreUnavailable) {
		return nil, err
	}
	options := limitless.Options{
		Client: client, Unusable: err, Dir: filepath.Join(s.userDir(user), "downloads"), Chunk: s.settings.Config.LimitlessChunk,
		Now: s.now, EmptyNights: s.settings.Config.EmptyNights, Again: s.again, DryRun: s.dryRun,
		Ledger: func(ctx context.Context, span orchestrator.Span) ([]orchestrator.LedgerSpan, error) {
			return s.store.Ledger(ctx, user.ID, span)
		},
		Gaps: func(ctx context.Context, before, emptySince time.Time) ([]orchestrator.Span, error) {
			return s.store.Gaps(ctx, user.ID, before, emptySince)
		},
		Length: lengthOf(s.audio),
	}
	if user.KeepOriginals {
		options.KeepDir = s.originalsDir(user)
	}
	return limitless.New(options)
}

// lengthOf measures files of Ogg Opus.
func lengthOf(sound *audio.Audio) func(ctx context.Context, path string) (time.Duration, error) {
	return func(ctx context.Context, path string) (time.Duration, error) {
		samples, err := sound.Measure(ctx, path)
		return orchestrator.SamplesToDuration(samples), err
	}
}

// limitlessClient calls the API with the user's key.
func (a *app) limitlessClient(ctx context.Context, s *store.Store, user orchestrator.User) (*limitless.Client, error) {
	key, err := a.apiKey(ctx, s, user)
	if err != nil {
		return nil, err
	}
	config := a.settings.Config
	limiter, _ := a.limiters.LoadOrStore(key, limitless.NewLimiter(config.LimitlessCalls)) // users may share a key
	return limitless.NewClient(limitless.Config{URL: config.LimitlessURL, Key: key, Limiter: limiter.(*limitless.Limiter),
		FirstWait: max(config.LimitlessPause, time.Nanosecond), Stall: max(config.LimitlessStall, time.Millisecond),
		Retrying: func(r limitless.Retry) {
			a.log.WithFields(fields{keyUser: user.Name, "from": r.Span.Start, "to": r.Span.End, "attempt": r.Attempt, keySeconds: seconds(r.Wait)}).
				WithError(r.Err).Info("call failed, and is made again")
		}})
}

// userDir is the folder of what is kept of a user beside database and clips. It is named by the id, which
// stays when the user is renamed.
func (a *app) userDir(user orchestrator.User) string {
	return filepath.Join(a.settings.Config.DataDir, "users", strconv.FormatInt(user.ID, 10))
}

// originalsDir is where the downloads of a user are kept who wants that.
func (a *app) originalsDir(user orchestrator.User) string {
	return filepath.Join(a.userDir(user), "originals")
}

// sourceAddress checks the address of a source and makes its path absolute: a run may start anywhere.
func (a *app) sourceAddress(text string) (string, error) {
	scheme, path, found := strings.Cut(text, ":")
	switch {
	case scheme == schemeLimitless && path == "":
		return limitlessSource, nil
	case scheme == schemeFolder && path != "":
		path, err := a.settings.Path(path)
		if err != nil {
			return "", fmt.Errorf("find %s: %w", path, err)
		}
		return scheme + ":" + path, nil
	}
	hint := ""
	if info, err := os.Stat(text); err == nil && info.IsDir() {
		hint = "; did you mean folder:" + text + "?"
	} else if near := settings.Nearest(scheme, []string{schemeFolder, schemeLimitless}); !found && len(near) > 0 {
		hint = "; did you mean " + near[0] + "?"
	}
	return "", usage("--source %q: want %s%s", settings.Mask(text), sourceForms, hint)
}

// warnOfSource tells when a source cannot be read yet. It is no error: a disk may be mounted later, a key
// given later.
func (a *app) warnOfSource(ctx context.Context, s *store.Store, user orchestrator.User) {
	path, isFolder := strings.CutPrefix(user.Source, schemeFolder+":")
	if !isFolder {
		if _, err := a.apiKey(ctx, s, user); err != nil {
			a.log.WithError(err).Warn("the source cannot be read now; runs will fail for this user until it can")
		}
		return
	}
	if info, err := os.Stat(path); err != nil {
		a.log.WithError(err).Warn("the source cannot be read now; runs will fail for this user until it can")
	} else if !info.IsDir() {
		a.log.WithField(keyFile, path).Warn("the source is no folder; runs will fail for this user until it is")
	}
}

// lockUser keeps runs, here and elsewhere, away from a user.
func (a *app) lockUser(ctx context.Context, s *store.Store, user orchestrator.User) (release func(), err error) {
	release, err = s.LockUser(ctx, user.ID)
	if errors.Is(err, orchestrator.ErrLocked) {
		err = &exitError{orchestrator.ExitLocked, fmt.Errorf("lock user %s: a run reads this user; wait until it ends", user.Name)}
	}
	return release, err
}

// limitlessUsers are those whose recordings come from the API.
func limitlessUsers(users []orchestrator.User) []orchestrator.User {
	return slices.DeleteFunc(slices.Clone(users), func(u orchestrator.User) bool {
		scheme, _, _ := strings.Cut(u.Source, ":") // as open tells it
		return scheme != schemeLimitless
	})
}
