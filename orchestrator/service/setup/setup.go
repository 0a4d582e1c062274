// Package setup brings what Chortle needs beside its programs, checks what is there, and fetches again what is
// missing or damaged: the model, TensorFlow Lite, libopus and ffmpeg. Where all of it is there, nothing goes over the
// network.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/artifacts/fetch"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// State is what became of a part.
type State string

// The states. Named is one that a setting names, or the system has: it is not ours to fetch.
const (
	Present State = "present"
	Fetched State = "fetched"
	Named   State = "named"
	Missing State = "missing"
	Skipped State = "skipped"
)

// Part is one thing that is needed.
type Part struct {
	// Name is short: model, tensorflow-lite, libopus or ffmpeg; Title is for people.
	Name, Title string
	State       State
	// Path where it lies, or would lie.
	Path string
	// Source it was fetched from; empty unless it was.
	Source string
	// Note says more where there is more to know, such as what goes without it.
	Note string
	// Err says why it is missing; it names the remedy. Nil unless State is Missing.
	Err error
	// Required is false for what Chortle does without, more slowly or with fewer formats.
	Required bool
}

// Setup is one set-up, for this machine.
type Setup struct {
	Settings *settings.Settings
	// CheckOnly fetches nothing.
	CheckOnly bool
	// WithoutFFmpeg leaves ffmpeg out: only Ogg Opus can be read then.
	WithoutFFmpeg bool
	// Progress is called during a fetch, Waiting where another set-up is under way; both may be nil.
	Progress func(fetch.Progress)
	Waiting  func()
}

// ErrIncomplete says that a required part is missing; its Part says why.
var ErrIncomplete = errors.New("something that is needed is missing")

// Run checks every part, and fetches what is missing or damaged. The parts are complete also where there is an
// error. Errors: ErrIncomplete; *artifacts.UnsupportedError; that of the cache folder or of ctx.
func (s *Setup) Run(ctx context.Context) (parts []Part, err error) {
	pinned, err := artifacts.For(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	if !s.CheckOnly && s.Settings.Config.CacheDir != "" {
		release, err := fetch.Lock(ctx, s.Settings.Config.CacheDir, s.Waiting)
		switch {
		case err == nil:
			defer release()
		case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS): // what is there can be checked all the same
		default:
			return nil, err
		}
	}
	for _, artifact := range pinned {
		part := s.part(ctx, artifact)
		if ctx.Err() != nil {
			return parts, ctx.Err()
		}
		parts = append(parts, part)
		if part.Required && part.State == Missing {
			err = ErrIncomplete
		}
	}
	return parts, err
}

func (s *Setup) part(ctx context.Context, artifact artifacts.Artifact) Part {
	switch artifact.Place {
	case artifacts.Model:
		return s.model(ctx, artifact)
	case artifacts.TFLite:
		return s.tflite(ctx, artifact)
	case artifacts.Opus:
		return s.opus(ctx, artifact)
	}
	return s.ffmpeg(ctx, artifact)
}

func (s *Setup) model(ctx context.Context, artifact artifacts.Artifact) Part {
	part := Part{Name: "model", Title: artifact.Title, Required: true}
	if s.Settings.Given("CHORTLE_WEIGHTS") {
		if s.Settings.Config.Weights == "fake" {
			part.State, part.Path, part.Note = Named, "fake", "it hears no laughter"
			return part
		}
		return named(part, "CHORTLE_WEIGHTS", s.Settings.Config.Weights, exists)
	}
	return s.ensure(ctx, part, artifact)
}

func (s *Setup) tflite(ctx context.Context, artifact artifacts.Artifact) Part {
	part := Part{Name: "tensorflow-lite", Title: artifact.Title, Required: true}
	if s.Settings.Given("CHORTLE_TFLITE_LIBRARY") {
		return named(part, "CHORTLE_TFLITE_LIBRARY", s.Settings.Config.TFLiteLibrary, artifacts.Open)
	}
	return loadable(s.ensure(ctx, part, artifact))
}

func (s *Setup) opus(ctx context.Context, artifact artifacts.Artifact) Part {
	part := Part{Name: "libopus", Title: artifact.Title}
	if s.Settings.Given("CHORTLE_OPUS_LIBRARY") {
		return named(part, "CHORTLE_OPUS_LIBRARY", s.Settings.Config.OpusLibrary, artifacts.Open)
	}
	part = loadable(s.ensure(ctx, part, artifact))
	if part.State == Missing && artifacts.Open(artifacts.SystemOpus) == nil {
		part.State, part.Path, part.Note, part.Err = Named, artifacts.SystemOpus, "the system's", nil
	} else if part.State == Missing {
		part.Note = "until then Opus is decoded without it, at half the speed"
	}
	return part
}

func (s *Setup) ffmpeg(ctx context.Context, artifact artifacts.Artifact) Part {
	part := Part{Name: "ffmpeg", Title: artifact.Title, Required: true}
	config := s.Settings.Config
	fetched := config.Folders().Path(artifact.Place)
	if s.Settings.Given("CHORTLE_FFMPEG") {
		return named(part, "CHORTLE_FFMPEG", config.FFmpeg, func(path string) error { return runnable(ctx, path) })
	}
	note := ""
	if found := config.FFmpeg; found != "" && found != fetched {
		if writesOpus(ctx, found) {
			part.State, part.Path = Named, found
			return part
		}
		note = fmt.Sprintf("%s cannot write Opus; to use the fetched one, set CHORTLE_FFMPEG=%s", found, fetched)
	}
	if s.WithoutFFmpeg {
		part.State, part.Note, part.Required = Skipped, "only Ogg Opus can be read without it", false
		return part
	}
	part = s.ensure(ctx, part, artifact)
	if part.Note == "" {
		part.Note = note
	}
	if part.State == Missing {
		part.Note = "install ffmpeg by the system's packages, or go without it by --without-ffmpeg: only Ogg Opus can be read then"
	}
	return part
}

// named is a part that a setting names.
func named(part Part, setting, path string, check func(path string) error) Part {
	part.State, part.Path, part.Note = Named, path, "by "+setting
	if err := check(path); err != nil {
		part.State, part.Required = Missing, true
		part.Err = fmt.Errorf("check %s: %w; correct %s, or remove it to have the part fetched", part.Title, err, setting)
	}
	return part
}

func exists(path string) error {
	_, err := os.Stat(path)
	return err
}

// loadable is the part where the loader can load its library.
func loadable(part Part) Part {
	if part.State == Missing {
		return part
	}
	if err := artifacts.Open(part.Path); err != nil {
		part.State, part.Err = Missing, err
	}
	return part
}

// ensure checks the part, and fetches it where that is asked for.
func (s *Setup) ensure(ctx context.Context, part Part, artifact artifacts.Artifact) Part {
	config := s.Settings.Config
	part.State, part.Path = Present, config.Folders().Path(artifact.Place)
	err := artifact.Check(part.Path)
	packaged := config.PackagedDir != "" && strings.HasPrefix(part.Path, config.PackagedDir+string(filepath.Separator))
	switch {
	case err == nil:
		return part
	case packaged:
		err = fmt.Errorf("%w; install the package again", err)
	case part.Path == "":
		err = errors.New("no folder to fetch into: set CHORTLE_CACHE_DIR, XDG_CACHE_HOME or HOME")
	case s.CheckOnly && errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("find %s: %s is missing; run orchestrator setup", part.Title, part.Path)
	case s.CheckOnly:
		err = fmt.Errorf("%w; run orchestrator setup to fetch it again", err)
	default:
		part.Source, err = fetch.Ensure(ctx, artifact, fetch.Options{Dir: config.CacheDir, Mirrors: config.Mirrors,
			Index: config.PackageIndex, Progress: s.Progress})
		part.State = Fetched
	}
	if err != nil {
		part.State, part.Err = Missing, err
	}
	return part
}

// ffmpegTime is more than any ffmpeg needs to say what it can do.
const ffmpegTime = 30 * time.Second

func runnable(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, ffmpegTime)
	defer cancel()
	command := exec.CommandContext(ctx, path, "-version")
	command.Env = []string{} // it gets none of our secrets
	if err := command.Run(); err != nil {
		return fmt.Errorf("run %s -version: %w", path, err)
	}
	return nil
}

func writesOpus(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, ffmpegTime)
	defer cancel()
	command := exec.CommandContext(ctx, path, "-hide_banner", "-encoders")
	command.Env = []string{}
	said, err := command.Output()
	return err == nil && strings.Contains(string(said), " libopus ")
}
