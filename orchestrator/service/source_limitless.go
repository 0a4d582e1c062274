package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
)

// limitlessSource is the address of recordings that come from the API, as the store has it.
const limitlessSource = "limitless:"

// limitlessKind is the API of the Limitless pendant.
var limitlessKind = sourceKind{
	scheme: "limitless", form: "limitless", needsKey: true,
	parse: func(rest string, _ func(string) (string, error)) (string, bool, error) { return "", rest == "", nil },
	open:  openLimitless,
	ready: func(ctx context.Context, s *Service, user orchestrator.User, _ string) error {
		_, err := s.apiKey(ctx, user)
		return err
	},
	check: func(ctx context.Context, s *Service, user orchestrator.User, _ string) document.Finding {
		if _, err := s.apiKey(ctx, user); err != nil {
			return document.Finding{Status: document.HealthError, Detail: err.Error(), Remedy: "until then runs fail for this user"}
		}
		return document.Finding{Status: document.HealthOK,
			Detail: "limitless, the API key can be opened; ask the API with: orchestrator user key test " + user.Name}
	},
	testKey: testLimitlessKey,
	archive: archiveLimitless,
}

func openLimitless(ctx context.Context, s *sources, user orchestrator.User, _ string) (orchestrator.Source, error) {
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

func testLimitlessKey(ctx context.Context, s *Service, user orchestrator.User) (address string, err error) {
	client, err := s.limitlessClient(ctx, user)
	if err != nil {
		return "", err
	}
	defer client.Close()
	switch err := client.CheckKey(ctx); {
	case errors.Is(err, limitless.ErrBadKey):
		return "", fmt.Errorf("test API key of user %s: %w", user.Name, err)
	case err != nil:
		return "", fmt.Errorf("test API key of user %s: could not check the key: %w", user.Name, err)
	}
	return s.Config.LimitlessURL, nil
}

func archiveLimitless(ctx context.Context, s *Service, request archiveRequest) (archived document.Archive, err error) {
	sound, err := s.Audio()
	if err != nil {
		return archived, err
	}
	client, err := s.limitlessClient(ctx, request.User)
	if err != nil {
		return archived, err
	}
	defer client.Close()
	progress, err := limitless.Archive(ctx, limitless.ArchiveOptions{Client: client, User: request.User.Name, Dir: request.Dir, Days: request.days,
		Chunk: s.Config.LimitlessChunk, Length: lengthOf(sound), EmptyNights: s.Config.EmptyNights, KeepFree: request.KeepFree, Free: freeSpace, Now: s.Now,
		Progress: func(p limitless.ArchiveProgress) {
			request.report(ArchiveProgress{Done: p.Done, Total: p.Total, Files: p.Files, Bytes: p.Bytes, Remaining: p.Remaining})
		}})
	if held := (*limitless.HeldError)(nil); errors.Is(err, limitless.ErrAway) || errors.As(err, &held) {
		err = &incompleteError{err}
	}
	archived = document.Archive{User: request.User.Name, Folder: request.Dir, Windows: progress.Total, Files: progress.Files, Empty: progress.Empty,
		Skipped: progress.Skipped, Failed: progress.Failed, Bytes: progress.Bytes, Missing: []document.Gap{}, Damaged: []string{}}
	for _, missing := range progress.Missing {
		archived.Missing = append(archived.Missing, document.Gap{Start: document.Stamp(missing.Start), End: document.Stamp(missing.End), Reason: missing.Reason})
	}
	if err != nil {
		archived.Error = err.Error()
	}
	if request.Verify && ctx.Err() == nil {
		verified, verifyErr := limitless.Verify(ctx, request.Dir, request.User.Name)
		archived.Verified, archived.Damaged = verified.Files, append(archived.Damaged, verified.Damaged...)
		err = errors.Join(err, verifyErr)
	}
	return archived, err
}

// limitlessEnds is the day on which the support that was promised for the API ends.
var limitlessEnds = orchestrator.Date{Year: 2026, Month: 12, Day: 31}

// limitlessNote warns of the end of the API.
func limitlessNote(user string, now time.Time) advice.Line {
	const remedy = "download what there is, for everybody: orchestrator archive --all-users; then read it with: orchestrator user set NAME --source folder:ARCHIVE"
	left := int(limitlessEnds.Add(1).Span(time.UTC).Start.Sub(now).Hours() / 24)
	if left <= 0 {
		return advice.Line{Message: fmt.Sprintf("%s is read from the Limitless API, whose promised support ended on %s", user, limitlessEnds), Remedy: remedy}
	}
	return advice.Line{Message: fmt.Sprintf("%s is read from the Limitless API, whose support is promised until %s: %s left", user, limitlessEnds, advice.Plural(left, "day")), Remedy: remedy}
}
