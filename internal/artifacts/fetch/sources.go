package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// source is one place where the published file of an artifact may be had.
type source interface {
	name() string
	// get brings the published file, whole and checked, to a path. cleanUp removes what it made there.
	get(ctx context.Context) (path string, cleanUp func(), err error)
}

// fetcher brings one artifact.
type fetcher struct {
	Options
	artifact artifacts.Artifact
	tried    []Attempt
}

const defaultStall = 30 * time.Second

func newFetcher(artifact artifacts.Artifact, options Options) (*fetcher, error) {
	if options.Client == nil {
		options.Client = &http.Client{}
	}
	if options.Progress == nil {
		options.Progress = func(Progress) {}
	}
	if options.Python == nil {
		options.Python = []string{"python3", "python"}
	}
	if options.pause == nil {
		options.pause = pause
	}
	if options.stall == 0 {
		options.stall = defaultStall
	}
	if err := os.MkdirAll(options.Dir, 0o755); err != nil { //nolint:gosec // what is fetched is for everybody
		return nil, remedy(options.Dir, fmt.Errorf("make folder: %w", err))
	}
	return &fetcher{Options: options, artifact: artifact}, nil
}

// published is the published file, as an artifact to check it by.
func (f *fetcher) published() artifacts.Artifact {
	if wheel := f.artifact.Wheel; wheel != nil {
		return artifacts.Artifact{Title: f.artifact.Title, Size: wheel.Size, SHA256: wheel.SHA256}
	}
	return f.artifact
}

func (f *fetcher) sources() (all []source) {
	file, _ := f.artifact.Published()
	for _, mirror := range f.Mirrors {
		if isAddress(mirror) {
			all = append(all, &address{f, strings.TrimRight(mirror, "/") + "/" + url.PathEscape(file)})
		} else {
			all = append(all, &folder{f, filepath.Join(mirror, file)})
		}
	}
	for _, public := range f.artifact.URLs {
		all = append(all, &address{f, public})
	}
	if f.artifact.Wheel != nil {
		all = append(all, &pip{f})
		if f.Index != "" {
			all = append(all, &index{f, f.Index})
		}
	}
	return all
}

func isAddress(mirror string) bool {
	return strings.HasPrefix(mirror, "https://") || strings.HasPrefix(mirror, "http://")
}

// folder has the file where this machine can read it.
type folder struct {
	*fetcher
	path string
}

func (s *folder) name() string { return s.path }

func (s *folder) get(context.Context) (string, func(), error) {
	published := s.published()
	s.Progress(Progress{Title: s.artifact.Title, Source: s.path, Total: published.Size})
	if err := published.Check(s.path); err != nil {
		return "", nil, err
	}
	return s.path, func() {}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// redacted is an address as it may be shown: without user and password.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "an address that cannot be read"
	}
	if u.User != nil {
		u.User = url.User("…")
	}
	return strings.ReplaceAll(u.String(), "%E2%80%A6", "…")
}
