package service

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips/folder"
	"github.com/chortle-audio/chortle/orchestrator/clips/s3"
	"github.com/chortle-audio/chortle/orchestrator/export"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// clipStore keeps clips, until it is closed.
type clipStore interface {
	orchestrator.Clips
	io.Closer
	// Sweep removes what writers that died before a time left behind.
	Sweep(before time.Time) error
}

// clipKind is a kind of place for clips.
type clipKind struct {
	// scheme begins its addresses: "folder" of "folder:/srv/clips".
	scheme string
	// open opens the place that an address names behind its scheme.
	open func(ctx context.Context, s *Service, rest string) (clipStore, error)
	// local says that what stands behind the scheme is a folder of this machine.
	local bool
}

// clipKinds are all kinds of places for clips: a new one is an entry here.
var clipKinds = []clipKind{
	{scheme: "s3", open: func(_ context.Context, s *Service, rest string) (clipStore, error) {
		return s3.Open(rest, s3.Config(s.Config.S3))
	}},
	{scheme: "folder", local: true, open: func(_ context.Context, _ *Service, rest string) (clipStore, error) { return folder.Open(rest) }},
}

// clipKind finds the kind of the place that the settings name, and what its address has behind the scheme.
func (s *Service) clipKind() (kind clipKind, rest string, err error) {
	return clipKindOf(s.Config.ClipsURL)
}

// clipKindOf finds the kind of an address.
func clipKindOf(address string) (kind clipKind, rest string, err error) {
	scheme, rest, _ := strings.Cut(address, ":")
	for _, kind := range clipKinds {
		if kind.scheme == scheme {
			return kind, rest, nil
		}
	}
	return kind, rest, fmt.Errorf("open clips at %s: unknown kind of address", settings.Mask(address))
}

// Clips returns the clips that the settings name, opened on first use. The Service closes them.
func (s *Service) Clips(ctx context.Context) (orchestrator.Clips, error) { return s.openClips(ctx) }

func (s *Service) openClips(ctx context.Context) (clipStore, error) {
	done, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.kept != nil {
		return s.kept, nil
	}
	kind, rest, err := s.clipKind()
	if err != nil {
		return nil, err
	}
	if kind.local {
		if err := guardOwner(rest, os.Geteuid()); err != nil {
			return nil, err
		}
	}
	opened, err := kind.open(ctx, s, rest)
	if err != nil {
		return nil, err
	}
	s.kept = opened
	return opened, nil
}

// ClipsPlace is where the clips are, for a person: a folder, or an address without secrets.
func (s *Service) ClipsPlace() string {
	if kind, rest, err := s.clipKind(); err == nil && kind.local {
		return rest
	}
	return settings.Mask(s.Config.ClipsURL)
}

// Places say where a reader of an exported file finds the page and the clips.
func (s *Service) Places() export.Places {
	places := export.Places{Page: s.Config.Page.BaseURL}
	if kind, rest, err := s.clipKind(); err == nil && kind.local {
		places.Clips = rest
	}
	return places
}
