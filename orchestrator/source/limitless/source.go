package limitless

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// MaxChunk is the longest window that the API answers.
	MaxChunk = 2 * time.Hour
	// shortBy is how much an answer may fall short of its window before the rest counts as missing:
	// pendants cut their pieces at packets, not at windows.
	shortBy = 2 * time.Second
	// longBy is how much an answer may have beyond its window: what is more lies in the next, or on another day, and is no
	// answer to what was asked.
	longBy = 5 * time.Second
	// smallestWindow is where looking for the place of a gap ends: it is not halved any more.
	smallestWindow = time.Minute
)

// Options of a Source. All fields but Unusable, Room, KeepDir, EmptyNights, Again and DryRun are required.
type Options struct {
	Client *Client
	// Unusable, unless nil, says why there is no Client: all that is open is then left as gaps.
	Unusable error
	// Dir is the source's own: answers are kept there while they are read, one at a time, and what a
	// source that was killed left there is removed.
	Dir string
	// Chunk is the length of a window, in (0, MaxChunk].
	Chunk time.Duration
	// Ledger tells what became of the spans that overlap span when they were asked for before.
	Ledger func(ctx context.Context, span orchestrator.Span) ([]orchestrator.LedgerSpan, error)
	// Gaps lists the spans before a time that failed, that nobody asked for, or that are empty and end at or
	// after emptySince, oldest first.
	Gaps func(ctx context.Context, before, emptySince time.Time) ([]orchestrator.Span, error)
	// Room, unless nil, is asked before each download: its error, such as that the disk is full, ends the sequence.
	Room func() error
	// Length tells how long the sound in a file of Ogg Opus is.
	Length func(ctx context.Context, path string) (time.Duration, error)
	Now    func() time.Time
	// EmptyNights is for how many days after it was recorded a span without audio is asked for again:
	// pendants sync late. 0 means never again.
	EmptyNights int
	// KeepDir, unless empty, takes the file of a recording that is done instead of its deletion: as a
	// folder that the folder source reads.
	KeepDir string
	// Again asks for everything, also for what is read.
	Again bool
	// DryRun yields what would be asked for, without a file, and asks for nothing.
	DryRun bool
}

// Source is one user's audio at the API. Not safe for concurrent use.
type Source struct {
	options Options
	service breaker
	swept   bool
	// silentUntil is the end of the last window that had no audio.
	silentUntil time.Time
	// stopped is what ended an earlier sequence: it would end this one, too.
	stopped error
}

var (
	_ orchestrator.Source      = (*Source)(nil)
	_ orchestrator.CallCounter = (*Source)(nil)
	_ orchestrator.GapKeeper   = (*Source)(nil)
	_ orchestrator.Closer      = (*Source)(nil)
)

// New checks the options.
func New(options Options) (*Source, error) {
	if options.Chunk <= 0 || options.Chunk > MaxChunk {
		return nil, fmt.Errorf("check chunk length %s: want at most %s", options.Chunk, MaxChunk)
	}
	return &Source{options: options, stopped: options.Unusable}, nil
}

// Close drops the connections, and what an interrupted recording left.
func (s *Source) Close() {
	if s.options.Client != nil {
		s.options.Client.Close()
	}
	if s.swept {
		_ = os.RemoveAll(s.options.Dir) // else the next run does
	}
}

// Calls counts what was asked of the API.
func (s *Source) Calls() orchestrator.Calls {
	if s.options.Client == nil {
		return orchestrator.Calls{}
	}
	return s.options.Client.Calls()
}

// Gaps implements orchestrator.GapKeeper out of the ledger.
func (s *Source) Gaps(ctx context.Context, before time.Time) ([]orchestrator.Span, error) {
	return s.options.Gaps(ctx, before, s.emptySince())
}

// emptySince is the time before which a span without audio is not asked for any more.
func (s *Source) emptySince() time.Time {
	return s.options.Now().Add(-time.Duration(s.options.EmptyNights) * 24 * time.Hour)
}

// Recordings downloads the windows of span that are not read yet, one at a time: a window's file is
// gone before the next one is asked for. Windows that failed before come first, so that gaps are
// filled before new ground is taken. What cannot be had is a *orchestrator.SpanError. A key that is
// refused, for good or for longer than a call waits, or a disk that takes no more, ends the sequence with a
// *orchestrator.StoppedError; a service that is away leaves the rest for the next run.
func (s *Source) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		if now := s.options.Now(); span.End.After(now) {
			span.End = now.Truncate(time.Second)
		}
		plan, err := s.plan(ctx, span)
		if err == nil && !s.options.DryRun {
			err = s.sweep()
		}
		if err != nil {
			yield(orchestrator.Recording{}, err)
			return
		}
		if s.stopped != nil && len(join(slices.Concat(plan.gaps, plan.fresh))) == 0 {
			return // the day misses nothing
		}
		s.follow(ctx, plan, yield)
	}
}

// follow yields the windows of a plan.
func (s *Source) follow(ctx context.Context, plan plan, yield func(orchestrator.Recording, error) bool) {
	s.service.begin()
	for i, w := range plan.gaps {
		if s.service.open() {
			break // they stay the gaps that they are
		}
		if !s.ask(ctx, w, slices.Concat(plan.gaps[i:], plan.fresh), yield) {
			return
		}
	}
	s.service.begin()
	for i, w := range plan.fresh {
		if s.service.open() {
			s.postpone(plan.fresh[i:], yield)
			return
		}
		if !s.ask(ctx, w, plan.fresh[i:], yield) {
			return
		}
	}
}

func (s *Source) plan(ctx context.Context, span orchestrator.Span) (plan, error) {
	ledger, err := s.options.Ledger(ctx, span)
	if err != nil {
		return plan{}, fmt.Errorf("read ledger: %w", err)
	}
	if s.options.Again {
		return again(span, s.options.Chunk, ledger), nil
	}
	return planWindows(span, s.options.Chunk, ledger, s.emptySince()), nil
}

// sweep makes the download folder, and empties it once.
func (s *Source) sweep() error {
	if s.swept {
		return nil
	}
	s.swept = true
	if err := os.RemoveAll(s.options.Dir); err != nil {
		return fmt.Errorf("empty download folder: %w; let this user write there", err)
	}
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return fmt.Errorf("make download folder: %w; let this user write there", err)
	}
	return nil
}

// ask yields one window of the plan; left are it and those behind it. It reports whether to go on.
func (s *Source) ask(ctx context.Context, w window, left []window, yield func(orchestrator.Recording, error) bool) bool {
	if s.options.DryRun {
		return yield(orchestrator.Recording{Name: fileName(w.Span), Start: w.Start, TimeSource: orchestrator.TimeFromSource, Window: w.Span}, nil)
	}
	if s.stopped == nil {
		if w.afterSilence {
			s.silentUntil = w.Start
		}
		done, goOn := s.window(ctx, w.Span, sparing(w, yield))
		if s.stopped == nil {
			return goOn
		}
		left = cutDone(left, done)
	}
	yield(orchestrator.Recording{}, &orchestrator.StoppedError{Err: s.stopped, Left: join(left)})
	return false
}

// sparing passes on what becomes of a window, but for this: to ask in vain for what was empty, or read, makes no
// gap of it.
func sparing(w window, yield func(orchestrator.Recording, error) bool) func(orchestrator.Recording, error) bool {
	return func(rec orchestrator.Recording, err error) bool {
		missing := (*orchestrator.SpanError)(nil)
		switch {
		case !errors.As(err, &missing), !w.empty && !w.read:
			return yield(rec, err)
		case w.empty && missing.Err == nil:
			return yield(rec, err)
		case w.read && missing.Err != nil:
			return yield(orchestrator.Recording{Name: fileName(missing.Span)}, missing.Err)
		}
		return true
	}
}

// postpone tells that windows are left for the next run.
func (s *Source) postpone(left []window, yield func(orchestrator.Recording, error) bool) {
	err := fmt.Errorf("not asked for, since the API did not answer %d times in a row: %w", s.service.failures, s.service.last)
	for _, w := range left {
		if w.read && !yield(orchestrator.Recording{Name: fileName(w.Span)}, err) {
			return
		}
	}
	for _, span := range join(left) {
		if !yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: span, Err: err}) {
			return
		}
	}
}

// window yields the audio of one window. Where the answer is shorter than the window, audio is
// missing somewhere inside, and everything behind it would be placed too early: the window is then
// halved, again and again, until each half is whole, empty, or too small to matter. Of such a small one
// the sound is taken to be at the start, or, where there is none before it, at the end. It reports until when
// the window is done, and whether to go on.
func (s *Source) window(ctx context.Context, window orchestrator.Span, yield func(orchestrator.Recording, error) bool) (time.Time, bool) {
	if s.options.Room != nil {
		if s.stopped = s.options.Room(); s.stopped != nil {
			return window.Start, false
		}
	}
	name := fileName(window)
	path := filepath.Join(s.options.Dir, name)
	sum, err := s.options.Client.Download(ctx, window, path)
	s.service.note(err)
	switch {
	case ctx.Err() != nil:
		yield(orchestrator.Recording{}, ctx.Err())
		return window.Start, false
	case isFinal(err):
		s.stopped = err
		return window.Start, false
	case errors.Is(err, ErrNoAudio):
		s.silentUntil = window.End
		return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window})
	case err != nil:
		return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	length, err := s.options.Length(ctx, path)
	if err != nil {
		err = errors.Join(err, os.Remove(path))
		return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	missing := window.Duration() - length
	if -missing > longBy {
		err := errors.Join(fmt.Errorf("%w: the answer has %v of sound for a window of %v", orchestrator.ErrBadRecording, length.Round(time.Second), window.Duration()), os.Remove(path))
		return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	if missing > shortBy && window.Duration() > smallestWindow {
		if err := os.Remove(path); err != nil {
			return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
		}
		middle := halfWay(window)
		done, goOn := s.window(ctx, orchestrator.Span{Start: window.Start, End: middle}, yield)
		if !goOn {
			return done, false
		}
		return s.window(ctx, orchestrator.Span{Start: middle, End: window.End}, yield)
	}
	// The file is as old as its sound, so that whoever downloads it again stores the same row.
	err = os.Chtimes(path, window.End, window.End)
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(path)
	}
	if err != nil {
		err = errors.Join(err, removeIfThere(path))
		return window.End, yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	start := window.Start
	if missing > shortBy && s.silentUntil.Equal(start) {
		start = start.Add(missing).Truncate(time.Millisecond)
	}
	rec := orchestrator.Recording{Path: path, Name: name, Start: start, TimeSource: orchestrator.TimeFromSource,
		Uncertainty: max(0, missing), Window: window, Size: info.Size(), ModTime: info.ModTime(), SHA256: sum}
	rec.Release = func() error { return s.release(rec) }
	return window.End, yield(rec, nil)
}

// release deletes the file of a recording, or puts it where originals are kept.
func (s *Source) release(rec orchestrator.Recording) error {
	if s.options.KeepDir == "" {
		return removeIfThere(rec.Path)
	}
	path := filepath.Join(s.options.KeepDir, originalName(rec.Start))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep original: %w", err)
	}
	if err := atomicfile.Rename(rec.Path, path); err != nil {
		return fmt.Errorf("keep original: %w", err)
	}
	return nil
}

// fileName names the download of a window.
func fileName(window orchestrator.Span) string {
	const layout = "2006-01-02T15-04-05.000Z"
	return window.Start.UTC().Format(layout) + "--" + window.End.UTC().Format(layout) + ".ogg"
}

// originalName is the path of an original that starts at start below the folder where it is kept: one that
// the folder source reads the time from.
func originalName(start time.Time) string {
	layout := "2006-01-02T15-04-05Z.ogg"
	if start.Nanosecond() != 0 {
		layout = "2006-01-02T15-04-05.000Z.ogg"
	}
	return filepath.Join(start.UTC().Format(time.DateOnly), start.UTC().Format(layout))
}

// breaker notices when the service is away, so that a night is not spent with waiting for it. It opens
// after three failures in a row; from then on, and until a call succeeds, after the first one of a part of
// the plan.
type breaker struct {
	failures, limit int
	last            error
}

const patience = 3

// begin starts a part of the plan.
func (b *breaker) begin() { b.limit = max(patience, b.failures+1) }

func (b *breaker) open() bool { return b.failures >= b.limit }

// note takes the outcome of a download. What says nothing about the service as a whole does not count.
func (b *breaker) note(err error) {
	switch {
	case err == nil, errors.Is(err, ErrNoAudio), errors.Is(err, errRefused):
		b.failures, b.limit = 0, patience
	default:
		b.failures++
		b.last = err
	}
}
