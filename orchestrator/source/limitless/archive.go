package limitless

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ManifestName is the file in an archive that lists what it holds: one JSON object a line.
const ManifestName = "manifest.jsonl"

// ManifestLine is what became of one window of an archive.
type ManifestLine struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// File is the path below the archive, with '/'; empty where the window has no audio.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
}

// ArchiveOptions say what to archive, and where.
type ArchiveOptions struct {
	Client *Client
	// Dir receives a folder for each UTC day, with files that the folder source reads, and the manifest.
	Dir  string
	Span orchestrator.Span
	// Chunk is the length of a window, in (0, MaxChunk].
	Chunk time.Duration
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
	Done, Total     int // windows
	Files, Empty    int
	Failed, Skipped int // Skipped: in the manifest already, with their file
	Bytes           int64
	// Remaining is an estimate from the pace so far; 0 while there is none.
	Remaining time.Duration
}

// ErrAway means that the API did not answer several times in a row.
var ErrAway = errors.New("the API does not answer; start again later: it goes on where it was")

// ErrDiskFull means that a further file would leave less than KeepFree on the disk.
var ErrDiskFull = errors.New("too little space is left on the disk; free some, or archive into another folder, and start again: it goes on where it was")

// Archive downloads the originals of a span, untouched, into a folder. It may be interrupted and
// called again: windows in the manifest whose file is still there are not asked for again. A window
// that fails is counted, left out of the manifest, and asked for by the next call.
//
// Errors: ErrBadKey, ErrAway, ErrDiskFull, ctx's, or one of the folder's; all after what was done is safe.
func Archive(ctx context.Context, options ArchiveOptions) (progress ArchiveProgress, err error) {
	if options.Chunk <= 0 || options.Chunk > MaxChunk {
		return progress, fmt.Errorf("check chunk length %s: want at most %s (CHORTLE_CHUNK_MINUTES)", options.Chunk, MaxChunk)
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return progress, fmt.Errorf("make archive folder: %w", err)
	}
	known, manifest, err := openManifest(options.Dir)
	if err != nil {
		return progress, err
	}
	defer func() { err = errors.Join(err, manifest.Close()) }()

	if now := options.Now(); options.Span.End.After(now) {
		options.Span.End = now.Truncate(time.Second)
	}
	var service breaker
	service.begin()
	progress.Total = int((options.Span.Duration() + options.Chunk - 1) / options.Chunk)
	began := options.Now()
	for start := options.Span.Start; start.Before(options.Span.End); start = start.Add(options.Chunk) {
		window := orchestrator.Span{Start: start, End: earlier(start.Add(options.Chunk), options.Span.End)}
		if _, ok := known[window.Start.UnixMilli()]; ok {
			progress.Skipped++
		} else if err := options.archive(ctx, manifest, &service, window, &progress); err != nil {
			return progress, err
		}
		progress.Done++
		if asked := progress.Done - progress.Skipped; asked > 0 {
			pace := options.Now().Sub(began) / time.Duration(asked)
			progress.Remaining = pace * time.Duration(progress.Total-progress.Done)
		}
		if options.Progress != nil {
			options.Progress(progress)
		}
	}
	return progress, nil
}

// archive does one window. Its error ends the archive.
func (o *ArchiveOptions) archive(ctx context.Context, manifest *os.File, service *breaker, window orchestrator.Span, progress *ArchiveProgress) error {
	free, err := o.Free(o.Dir)
	if err != nil {
		return fmt.Errorf("look how much of the disk is free: %w", err)
	}
	if free < o.KeepFree {
		return fmt.Errorf("archive %s: %d MB are free: %w", window.Start.Format(time.RFC3339), free/1e6, ErrDiskFull)
	}
	line := ManifestLine{Start: window.Start.UTC(), End: window.End.UTC()}
	name := originalName(line.Start)
	path := filepath.Join(o.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make archive folder: %w", err)
	}
	part := path + ".part" // the folder source passes it over
	line.SHA256, err = o.Client.Download(ctx, window, part)
	service.note(err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrBadKey), errors.Is(err, errKeep):
		return err
	case errors.Is(err, ErrNoAudio):
		progress.Empty++
		if o.Now().Sub(window.End) <= time.Duration(o.EmptyNights)*24*time.Hour {
			return nil
		}
	case err != nil:
		progress.Failed++
		if service.open() {
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
		return nil
	default:
		if line.Bytes, err = settle(part, path); err != nil {
			return err
		}
		line.File = filepath.ToSlash(name)
		progress.Files++
		progress.Bytes += line.Bytes
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if _, err := manifest.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return manifest.Sync()
}

// settle syncs a finished download and gives it its name.
func settle(part, path string) (size int64, err error) {
	file, err := os.Open(part)
	if err != nil {
		return 0, fmt.Errorf("archive file: %w", err)
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return 0, fmt.Errorf("archive file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("archive file: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return 0, fmt.Errorf("archive file: %w", err)
	}
	return info.Size(), nil
}

// openManifest returns the windows of an archive, by their start, whose file is there as it was
// written, and the manifest ready for the next line. A last line that a crash cut off does not count.
func openManifest(dir string) (map[int64]ManifestLine, *os.File, error) {
	path := filepath.Join(dir, ManifestName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("read manifest: %w", err)
	}
	known := map[int64]ManifestLine{}
	for text := range bytes.Lines(text) {
		var line ManifestLine
		if json.Unmarshal(text, &line) != nil {
			continue
		}
		if line.File != "" {
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(line.File)))
			if err != nil || info.Size() != line.Bytes {
				continue
			}
		}
		known[line.Start.UnixMilli()] = line
	}
	manifest, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open manifest: %w", err)
	}
	if err := syscall.Flock(int(manifest.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("lock %s: %w; is another archive under way?", path, err), manifest.Close())
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		if _, err := manifest.WriteString("\n"); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("write manifest: %w", err), manifest.Close())
		}
	}
	return known, manifest, nil
}
