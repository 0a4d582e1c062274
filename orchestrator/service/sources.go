package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
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
	*Service
	audio *audio.Audio
	// again asks for what is read already, too; dryRun fetches nothing.
	again, dryRun bool
}

// open opens a user's source by its scheme.
func (s *sources) open(ctx context.Context, user orchestrator.User) (orchestrator.Source, error) {
	switch scheme, path, _ := strings.Cut(user.Source, ":"); scheme {
	case schemeFolder:
		return s.folder(user, path)
	case schemeLimitless:
		return s.limitless(ctx, user)
	}
	return nil, fmt.Errorf("open source %q of user %s: unknown kind; want %s", settings.Mask(user.Source), user.Name, sourceForms)
}

func (s *sources) folder(user orchestrator.User, path string) (orchestrator.Source, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	settle := s.Config.Settle
	if settle == 0 {
		settle = -1 // the source's word for no waiting at all
	}
	return folder.New(folder.Options{Root: path, Location: location, Settle: settle, Now: s.Now,
		Probe: func(ctx context.Context, path string) (time.Time, time.Duration, error) {
			info, err := s.audio.Probe(ctx, path)
			return info.Created, orchestrator.SamplesToDuration(info.Length), err
		}}), nil
}

func (s *sources) limitless(ctx context.Context, user orchestrator.User) (orchestrator.Source, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	client, err := s.limitlessClient(ctx, user)
	if errors.Is(err, orchestrator.ErrStoreUnavailable) {
		return nil, err
	}
	options := limitless.Options{
		Client: client, Unusable: err, Dir: filepath.Join(s.userDir(user), "downloads"), Chunk: s.Config.LimitlessChunk,
		Now: s.Now, EmptyNights: s.Config.EmptyNights, Again: s.again, DryRun: s.dryRun,
		Ledger: func(ctx context.Context, span orchestrator.Span) ([]orchestrator.LedgerSpan, error) {
			return opened.Ledger(ctx, user.ID, span)
		},
		Gaps: func(ctx context.Context, before, emptySince time.Time) ([]orchestrator.Span, error) {
			return opened.Gaps(ctx, user.ID, before, emptySince)
		},
		Length: lengthOf(s.audio),
	}
	if user.KeepOriginals {
		options.KeepDir = s.OriginalsDir(user)
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
func (s *Service) limitlessClient(ctx context.Context, user orchestrator.User) (*limitless.Client, error) {
	key, err := s.apiKey(ctx, user)
	if err != nil {
		return nil, err
	}
	limiter, _ := s.limiters.LoadOrStore(key, limitless.NewLimiter(s.Config.LimitlessCalls)) // users may share a key
	return limitless.NewClient(limitless.Config{URL: s.Config.LimitlessURL, Key: key, Limiter: limiter.(*limitless.Limiter),
		FirstWait: max(s.Config.LimitlessPause, time.Nanosecond), Stall: max(s.Config.LimitlessStall, time.Millisecond),
		Retrying: func(r limitless.Retry) {
			s.Log.WithFields(fields{keyUser: user.Name, "from": r.Span.Start, "to": r.Span.End, "attempt": r.Attempt, keySeconds: seconds(r.Wait)}).
				WithError(r.Err).Info("call failed, and is made again")
		}})
}

// userDir is the folder of what is kept of a user beside database and clips. It is named by the id, which
// stays when the user is renamed.
func (s *Service) userDir(user orchestrator.User) string {
	return filepath.Join(s.Config.DataDir, "users", strconv.FormatInt(user.ID, 10))
}

// OriginalsDir is where the downloads of a user are kept who wants that.
func (s *Service) OriginalsDir(user orchestrator.User) string {
	return filepath.Join(s.userDir(user), "originals")
}

// ParseSource checks the address of a source, as a person writes it, and returns it as the store keeps it. absolute
// makes a path absolute: a run may start anywhere. An *InvalidError where it is no such address.
func ParseSource(text string, absolute func(string) (string, error)) (string, error) {
	scheme, path, found := strings.Cut(text, ":")
	switch {
	case scheme == schemeLimitless && path == "":
		return limitlessSource, nil
	case scheme == schemeFolder && path != "":
		path, err := absolute(path)
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
	return "", invalid("--source %q: want %s%s", settings.Mask(text), sourceForms, hint)
}

// NeedsKey reports whether a user's source is read with an API key.
func NeedsKey(user orchestrator.User) bool {
	scheme, _, _ := strings.Cut(user.Source, ":") // as open tells it
	return scheme == schemeLimitless
}

// WarnOfSource logs that a source cannot be read yet. It is no error: a disk may be mounted later, a key
// given later.
func (s *Service) WarnOfSource(ctx context.Context, user orchestrator.User) {
	const later = "the source cannot be read now; runs will fail for this user until it can"
	if NeedsKey(user) {
		if _, err := s.apiKey(ctx, user); err != nil {
			s.Log.WithError(err).Warn(later)
		}
		return
	}
	path := strings.TrimPrefix(user.Source, schemeFolder+":")
	if info, err := os.Stat(path); err != nil {
		s.Log.WithError(err).Warn(later)
	} else if !info.IsDir() {
		s.Log.WithField(keyFile, path).Warn("the source is no folder; runs will fail for this user until it is")
	}
}
