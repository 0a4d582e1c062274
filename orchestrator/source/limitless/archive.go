package limitless

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ArchiveOptions say what to archive, and where. All fields but Progress, EmptyNights and KeepFree are required.
type ArchiveOptions struct {
	Client *Client
	// User is the name of whose recordings they are. An archive is one user's.
	User string
	// Dir receives a folder for each UTC day, with files that the folder source reads, and the manifest.
	Dir string
	// Days in their order, each cut into windows by itself, as the Source does.
	Days []orchestrator.Span
	// Chunk is the length of a window, in (0, MaxChunk].
	Chunk time.Duration
	// Length tells how long the sound in a file of Ogg Opus is.
	Length func(ctx context.Context, path string) (time.Duration, error)
	// EmptyNights is for how many days after it was recorded a window without audio is asked for again by a
	// later call.
	EmptyNights int
	// KeepFree is how many bytes must stay free on the disk; Free tells how many are.
	KeepFree int64
	Free     func(dir string) (int64, error)
	// Progress is told after every window; nil means nobody listens.
	Progress func(ArchiveProgress)
	Now      func() time.Time
}

// ArchiveProgress is how far an archive is.
type ArchiveProgress struct {
	Done, Total int // windows
	Skipped     int // windows of which nothing was left to ask for
	// Files, Empty and Failed count what came of the windows, or of the pieces into which one was halved.
	Files, Empty, Failed int
	Bytes                int64
	// Missing are the first windows, or pieces, that failed, with the reason; at most 1000.
	Missing []MissingWindow
	// Remaining is an estimate from the pace so far; 0 while there is none.
	Remaining time.Duration
}

// MissingWindow is what could not be had, and why.
type MissingWindow struct {
	orchestrator.Span
	Reason string
}

// ErrAway means that the API did not answer several times in a row.
var ErrAway = errors.New("the API does not answer; start again later: it goes on where it was")

// ErrDiskFull means that a further file would leave less than KeepFree on the disk.
var ErrDiskFull = errors.New("too little space is left on the disk; free some, or archive into another folder, and start again: it goes on where it was")

// Archive downloads the originals of some days, untouched, into a folder. It asks as the Source does, with the
// manifest as its ledger, so that a file starts at the time in its name, with the same uncertainty. It may be
// interrupted and called again, also with another Chunk: what the manifest holds, with its file, is not asked
// for again. What fails is counted, left out of the manifest, and asked for by the next call; so are windows
// that have not ended yet.
//
// Errors: ErrBadKey, ErrGone, *HeldError, ErrAway, ErrDiskFull, ctx's, or one of the folder's; all after what was done
// is safe.
func Archive(ctx context.Context, options ArchiveOptions) (_ ArchiveProgress, err error) {
	a := &archive{ArchiveOptions: options, began: options.Now()}
	// The folder source passes hidden folders over.
	a.source, err = New(Options{Client: options.Client, Dir: filepath.Join(options.Dir, ".chortle-archive"), KeepDir: options.Dir,
		Chunk: options.Chunk, Length: options.Length, Now: options.Now, Room: a.room,
		Ledger: func(_ context.Context, span orchestrator.Span) ([]orchestrator.LedgerSpan, error) {
			return a.manifest.ledger(span), nil
		}})
	if err != nil {
		return a.progress, err
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return a.progress, fmt.Errorf("make archive folder: %w", err)
	}
	if a.manifest, err = openManifest(options.Dir, options.User); err != nil {
		return a.progress, err
	}
	defer func() {
		a.source.Close()
		err = errors.Join(err, a.manifest.close())
	}()
	days := make([]orchestrator.Span, len(options.Days))
	for i, day := range options.Days {
		days[i] = a.ended(day)
		a.progress.Total += a.windows(days[i])
	}
	for _, day := range days {
		if err := a.day(ctx, day); err != nil {
			return a.progress, err
		}
	}
	return a.progress, nil
}

// archive is a call of Archive.
type archive struct {
	ArchiveOptions
	source   *Source
	manifest *manifest
	began    time.Time
	progress ArchiveProgress
}

// ended is what has passed of a day, in whole windows: of one under way, sound is still to come.
func (a *archive) ended(day orchestrator.Span) orchestrator.Span {
	if passed := a.began.Sub(day.Start); passed < day.Duration() {
		day.End = day.Start.Add(max(0, passed).Truncate(a.Chunk))
	}
	return day
}

// windows is into how many windows a day is cut.
func (a *archive) windows(day orchestrator.Span) int {
	return int((day.Duration() + a.Chunk - 1) / a.Chunk)
}

// room is ErrDiskFull where one more file is too much.
func (a *archive) room() error {
	free, err := a.Free(a.Dir)
	if err != nil {
		return fmt.Errorf("look how much of the disk is free: %w", err)
	}
	if free < a.KeepFree {
		return fmt.Errorf("download a further file: %d MB are free: %w", free/1e6, ErrDiskFull)
	}
	return nil
}

// day archives one day. Its error ends the archive.
func (a *archive) day(ctx context.Context, day orchestrator.Span) error {
	before, last := a.progress.Done, -1
	asked := before - a.progress.Skipped
	for rec, err := range a.source.Recordings(ctx, day) {
		span, err := a.keep(rec, err)
		if err != nil {
			return err
		}
		if cell := int(span.Start.Sub(day.Start) / a.Chunk); cell > last {
			last = cell
			asked++
		}
		a.progress.Done = before + last + 1
		pace := a.Now().Sub(a.began) / time.Duration(asked)
		a.progress.Remaining = pace * time.Duration(a.progress.Total-a.progress.Done)
		if a.Progress != nil {
			a.Progress(a.progress)
		}
	}
	a.progress.Done = before + a.windows(day)
	a.progress.Skipped = a.progress.Done - asked
	return nil
}

// keep notes what the source yields, and tells which span that is. Its error ends the archive.
func (a *archive) keep(rec orchestrator.Recording, err error) (orchestrator.Span, error) {
	missing, stopped := (*orchestrator.SpanError)(nil), (*orchestrator.StoppedError)(nil)
	switch {
	case errors.As(err, &missing) && missing.Err == nil:
		a.progress.Empty++
		if a.Now().Sub(missing.Span.End) <= time.Duration(a.EmptyNights)*24*time.Hour {
			return missing.Span, nil
		}
		return missing.Span, a.manifest.add(ManifestLine{Start: missing.Span.Start, End: missing.Span.End})
	case errors.As(err, &missing):
		if a.progress.Failed++; len(a.progress.Missing) < 1000 {
			a.progress.Missing = append(a.progress.Missing, MissingWindow{missing.Span, missing.Err.Error()})
		}
		if a.source.service.open() {
			return missing.Span, fmt.Errorf("%w: %w", ErrAway, missing.Err)
		}
		return missing.Span, nil
	case errors.As(err, &stopped):
		return orchestrator.Span{}, stopped.Err
	case err != nil:
		return orchestrator.Span{}, err
	}
	// The line first: without its file it does not count, but a file without a line would be had twice.
	err = a.manifest.add(ManifestLine{Start: rec.Window.Start, End: rec.Window.End,
		File: filepath.ToSlash(originalName(rec.Start)), Uncertain: rec.Uncertainty.Seconds(), SHA256: rec.SHA256, Bytes: rec.Size})
	if err != nil {
		return rec.Window, err
	}
	a.progress.Files++
	a.progress.Bytes += rec.Size
	return rec.Window, rec.Release()
}
