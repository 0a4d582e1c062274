package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

// uploadKind is what a user's devices send, and nothing else. What they send is read beside every other source, too.
var uploadKind = sourceKind{
	scheme: "upload", form: "upload",
	parse: func(rest string, _ func(string) (string, error)) (string, bool, error) { return "", rest == "", nil },
	open: func(_ context.Context, from *sources, user orchestrator.User, _ string) (orchestrator.Source, error) {
		if err := os.MkdirAll(from.ReceivedDir(user), 0o700); err != nil {
			return nil, fmt.Errorf("make folder of what was received: %w", err)
		}
		return from.received(user)
	},
	ready: func(context.Context, *Service, orchestrator.User, string) error { return nil },
	check: func(_ context.Context, s *Service, user orchestrator.User, _ string) document.Finding {
		used, err := s.Spool(user).Used()
		if err != nil {
			return document.Finding{Status: document.HealthError, Detail: err.Error(), Remedy: "let this user write to CHORTLE_DATA_DIR"}
		}
		return document.Finding{Status: document.HealthOK, Detail: fmt.Sprintf("what devices send; %.1f MB wait to be read", float64(used)/1e6)}
	},
}

// ReceivedDir is where what a user's devices sent waits to be read.
func (s *Service) ReceivedDir(user orchestrator.User) string {
	return filepath.Join(s.userDir(user), "received")
}

// received opens what a user's devices sent: a folder like any other, whose files are deleted once they are read, unless
// the user keeps originals.
func (s *sources) received(user orchestrator.User) (*received, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	if !s.dryRun {
		if err := s.Spool(user).Tidy(); err != nil {
			s.Log.WithError(err).WithField(keyUser, user.Name).Warn("tidy up what devices send")
		}
	}
	from, err := s.folder(s.ReceivedDir(user), location)
	if err != nil {
		return nil, err
	}
	from.Settle = -1 // what is under its name is complete
	return &received{Source: from, of: s, user: user}, nil
}

// received is a folder whose recordings go once they are read.
type received struct {
	*folder.Source

	of   *sources
	user orchestrator.User
}

var (
	_ orchestrator.Lister  = (*received)(nil)
	_ orchestrator.Dayless = (*received)(nil)
)

// Recordings implements orchestrator.Source.
func (r *received) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		for rec, err := range r.Source.Recordings(ctx, span) {
			if err == nil && !r.user.KeepOriginals && !r.of.dryRun {
				file := rec
				rec.Release = func() error { return r.release(ctx, file) }
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// release deletes a recording whose laughs are stored. One that failed stays for the next run, or for a person.
func (r *received) release(ctx context.Context, rec orchestrator.Recording) error {
	opened, err := r.of.Store(ctx)
	if err != nil {
		return err
	}
	known, err := opened.FindRecording(ctx, r.user.ID, rec)
	if err != nil || !known.Done {
		return err
	}
	if err := os.Remove(rec.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete what was received and read: %w", err)
	}
	return nil
}

// withReceived adds what a user's devices sent to their own source, where there is any.
func (s *sources) withReceived(user orchestrator.User, own orchestrator.Source) (orchestrator.Source, error) {
	if _, err := os.Stat(s.ReceivedDir(user)); errors.Is(err, fs.ErrNotExist) {
		return own, nil
	}
	sent, err := s.received(user)
	if err != nil {
		return nil, err
	}
	return &beside{own: own, sent: sent}, nil
}

// beside is a user's own source, and what their devices sent. Where the own source cannot be read, what was sent is.
type beside struct {
	own  orchestrator.Source
	sent *received
}

var (
	_ orchestrator.Lister      = (*beside)(nil)
	_ orchestrator.Dayless     = (*beside)(nil)
	_ orchestrator.Opener      = (*beside)(nil)
	_ orchestrator.GapKeeper   = (*beside)(nil)
	_ orchestrator.CallCounter = (*beside)(nil)
	_ orchestrator.Closer      = (*beside)(nil)
)

// Recordings implements orchestrator.Source: both merged, by their start. What ends a day comes last.
func (b *beside) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		next, stop := iter.Pull2(b.sent.Recordings(ctx, span))
		defer stop()
		sent, sentErr, more := next()
		var failure error // of what was sent, as a whole
		// upTo passes on what was sent and starts before a time; all of it for the zero time.
		upTo := func(start time.Time) bool {
			for more && (start.IsZero() || sent.Start.Before(start)) {
				if sentErr != nil && sent.Name == "" {
					failure, more = sentErr, false
					break
				}
				if !yield(sent, sentErr) {
					return false
				}
				sent, sentErr, more = next()
			}
			return true
		}
		for rec, err := range b.own.Recordings(ctx, span) {
			start, missing := rec.Start, (*orchestrator.SpanError)(nil)
			if ends := err != nil && rec.Name == "" && !errors.As(err, &missing); !ends && start.IsZero() {
				start = span.Start
			}
			if !upTo(start) || !yield(rec, err) {
				return
			}
		}
		if upTo(time.Time{}) && failure != nil {
			yield(orchestrator.Recording{}, failure)
		}
	}
}

// Strays implements orchestrator.Dayless.
func (b *beside) Strays(ctx context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		parts := []orchestrator.Dayless{b.sent}
		if own, ok := b.own.(orchestrator.Dayless); ok {
			parts = append(parts, own)
		}
		for _, part := range parts {
			for rec, err := range part.Strays(ctx) {
				if !yield(rec, err) {
					return
				}
			}
		}
	}
}

// All implements orchestrator.Lister.
func (b *beside) All(ctx context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		parts := []orchestrator.Lister{b.sent}
		if own, ok := b.own.(orchestrator.Lister); ok {
			parts = append(parts, own)
		}
		for _, part := range parts {
			for rec, err := range part.All(ctx) {
				if !yield(rec, err) {
					return
				}
			}
		}
	}
}

// Place implements orchestrator.Lister: each source knows its own files by their paths.
func (b *beside) Place(ctx context.Context, rec orchestrator.Recording) (orchestrator.Recording, error) {
	placed, err := b.sent.Place(ctx, rec)
	if own, ok := b.own.(orchestrator.Lister); ok && err == nil && placed.Start.IsZero() {
		return own.Place(ctx, rec)
	}
	return placed, err
}

// OpenRecording implements orchestrator.Opener: each source opens its own files, by their paths.
func (b *beside) OpenRecording(rec orchestrator.Recording) (*os.File, error) {
	if b.sent.Has(rec) {
		return b.sent.OpenRecording(rec)
	}
	if own, ok := b.own.(orchestrator.Opener); ok {
		return own.OpenRecording(rec)
	}
	return orchestrator.OpenRecording(rec.Path)
}

// PassedOver implements orchestrator.Lister. What was sent was looked at when it came.
func (b *beside) PassedOver(ctx context.Context) ([]orchestrator.PassedOver, error) {
	if own, ok := b.own.(orchestrator.Lister); ok {
		return own.PassedOver(ctx)
	}
	return nil, nil
}

// Gaps implements orchestrator.GapKeeper.
func (b *beside) Gaps(ctx context.Context, before time.Time) ([]orchestrator.Span, error) {
	if own, ok := b.own.(orchestrator.GapKeeper); ok {
		return own.Gaps(ctx, before)
	}
	return nil, nil
}

// Calls implements orchestrator.CallCounter.
func (b *beside) Calls() orchestrator.Calls {
	if own, ok := b.own.(orchestrator.CallCounter); ok {
		return own.Calls()
	}
	return orchestrator.Calls{}
}

// Close implements orchestrator.Closer.
func (b *beside) Close() {
	if own, ok := b.own.(orchestrator.Closer); ok {
		own.Close()
	}
}
