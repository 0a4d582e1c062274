package limitless

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// MaxChunk is the longest window that the API answers.
	MaxChunk = 2 * time.Hour
	// shortBy is how much an answer may fall short of its window before the rest counts as missing:
	// pendants cut their pieces at packets, not at windows.
	shortBy = 2 * time.Second
	// smallestWindow is where looking for the place of a gap ends: it is not halved any more.
	smallestWindow = time.Minute
)

// Options of a Source. All fields but Keep and EmptyNights are required.
type Options struct {
	Client *Client
	// Dir is where answers are kept while they are read: one at a time.
	Dir string
	// Chunk is the length of a window, in (0, MaxChunk].
	Chunk time.Duration
	// Ledger tells what became of the spans that overlap span when they were asked for before.
	Ledger func(ctx context.Context, span orchestrator.Span) ([]orchestrator.LedgerSpan, error)
	// Length tells how long the sound in a file of Ogg Opus is.
	Length func(ctx context.Context, path string) (time.Duration, error)
	Now    func() time.Time
	// EmptyNights is for how many days after it was recorded a span without audio is asked for again:
	// pendants sync late. 0 means never again.
	EmptyNights int
	// Keep, unless nil, takes the file of a recording that is done instead of its deletion.
	Keep func(rec orchestrator.Recording) error
}

// Source is one user's audio at the API.
type Source struct{ options Options }

var (
	_ orchestrator.Source      = (*Source)(nil)
	_ orchestrator.CallCounter = (*Source)(nil)
)

// New checks the options and makes the folder.
func New(options Options) (*Source, error) {
	if options.Chunk <= 0 || options.Chunk > MaxChunk {
		return nil, fmt.Errorf("check chunk length %s: want at most %s (CHORTLE_CHUNK_MINUTES)", options.Chunk, MaxChunk)
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make download folder: %w", err)
	}
	return &Source{options}, nil
}

// Calls counts what was asked of the API.
func (s *Source) Calls() orchestrator.Calls { return s.options.Client.Calls() }

// Recordings downloads the windows of span that are not read yet, one at a time: a window's file is
// gone before the next one is asked for. Windows that failed before come first, so that gaps are
// filled before new ground is taken. What cannot be had is a *orchestrator.SpanError; a key that is
// refused ends the sequence.
func (s *Source) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		now := s.options.Now()
		if span.End.After(now) {
			span.End = now.Truncate(time.Second)
		}
		ledger, err := s.options.Ledger(ctx, span)
		if err != nil {
			yield(orchestrator.Recording{}, fmt.Errorf("read ledger: %w", err))
			return
		}
		for _, window := range windows(span, s.options.Chunk, ledger, now, s.options.EmptyNights) {
			if !s.window(ctx, window, yield) {
				return
			}
		}
	}
}

// window yields the audio of one window. Where the answer is shorter than the window, audio is
// missing somewhere inside, and everything behind it would be placed too early: the window is then
// halved, again and again, until each half is whole, empty, or too small to matter. It reports
// whether to go on.
func (s *Source) window(ctx context.Context, window orchestrator.Span, yield func(orchestrator.Recording, error) bool) bool {
	name := fmt.Sprintf("%s--%s.ogg", stamp(window.Start), stamp(window.End))
	path := filepath.Join(s.options.Dir, name)
	sum, err := s.options.Client.Download(ctx, window, path)
	switch {
	case ctx.Err() != nil:
		yield(orchestrator.Recording{}, ctx.Err())
		return false
	case errors.Is(err, ErrNoAudio):
		return yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window})
	case errors.Is(err, ErrBadKey):
		yield(orchestrator.Recording{}, err)
		return false
	case err != nil:
		return yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	length, err := s.options.Length(ctx, path)
	if err != nil {
		err = errors.Join(err, os.Remove(path))
		return yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	missing := window.Duration() - length
	if missing > shortBy && window.Duration() > smallestWindow {
		if err := os.Remove(path); err != nil {
			return yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
		}
		middle := window.Start.Add(window.Duration() / 2).Truncate(time.Millisecond)
		return s.window(ctx, orchestrator.Span{Start: window.Start, End: middle}, yield) &&
			s.window(ctx, orchestrator.Span{Start: middle, End: window.End}, yield)
	}
	info, err := os.Stat(path)
	if err != nil {
		return yield(orchestrator.Recording{}, &orchestrator.SpanError{Span: window, Err: err})
	}
	rec := orchestrator.Recording{Path: path, Name: name, Start: window.Start, TimeSource: orchestrator.TimeFromSource,
		Uncertainty: max(0, missing), Window: window, Size: info.Size(), ModTime: info.ModTime(), SHA256: sum}
	rec.Release = func() error {
		if s.options.Keep != nil {
			if err := s.options.Keep(rec); err != nil {
				return err
			}
		}
		return removeIfThere(path)
	}
	return yield(rec, nil)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15-04-05.000Z") }

// windows cuts what is not known of span into windows on the grid of chunk, counted from the span's
// start. A span that failed before is asked for as it was, and first.
func windows(span orchestrator.Span, chunk time.Duration, ledger []orchestrator.LedgerSpan, now time.Time, emptyNights int) []orchestrator.Span {
	var failed, fresh []orchestrator.Span
	settled := func(known orchestrator.LedgerSpan) bool {
		young := now.Sub(known.End) <= time.Duration(emptyNights)*24*time.Hour
		return known.State == orchestrator.SpanRead || known.State == orchestrator.SpanEmpty && !young
	}
	for _, known := range ledger {
		if !settled(known) {
			failed = append(failed, known.Span)
		}
	}
	for start := span.Start; start.Before(span.End); start = start.Add(chunk) {
		rest := []orchestrator.Span{{Start: start, End: earlier(start.Add(chunk), span.End)}}
		for _, known := range ledger {
			rest = without(rest, known.Span)
		}
		fresh = append(fresh, rest...)
	}
	return append(failed, fresh...)
}

// without cuts a stretch out of spans.
func without(spans []orchestrator.Span, cut orchestrator.Span) (rest []orchestrator.Span) {
	for _, span := range spans {
		if !cut.Start.Before(span.End) || !span.Start.Before(cut.End) {
			rest = append(rest, span)
			continue
		}
		if span.Start.Before(cut.Start) {
			rest = append(rest, orchestrator.Span{Start: span.Start, End: cut.Start})
		}
		if cut.End.Before(span.End) {
			rest = append(rest, orchestrator.Span{Start: cut.End, End: span.End})
		}
	}
	return rest
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
