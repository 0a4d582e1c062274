// Package service is what the program does, without flags and without printing: it opens the database, clips, audio,
// sources and models that the settings name, reads nights, keeps keys, removes users, and looks after the data. It is
// the only package that knows every adapter; the command line, the page and workers are faces of it.
//
// A Service holds the database open from its first use until Close. Its methods are use cases. They return domain
// values and documents, and errors that Code sorts: *InvalidError for a request that cannot be carried out as it was
// made, orchestrator.ErrLocked where a run or another command is in the way, orchestrator.ErrNotFound,
// orchestrator.ErrStoreUnavailable, and the context's own.
package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/logfile"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/postgres"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

// Options are what a Service is made of. Config, Log and Now must be set.
type Options struct {
	Config settings.Config
	Log    logrus.FieldLogger
	// Kept is what is kept of the log; nil where it only goes to the screen.
	Kept *logfile.Log
	Now  func() time.Time
	// Version is what the build calls itself; backups note it.
	Version string
	// Command is the command line, without secrets: whoever waits for a lock reads it.
	Command string
	// Child makes a command of this program, under these settings, that runs beside this process; nil where there is none.
	Child updates.Command
	// Debug is how somebody who writes a model looks at it.
	Debug Debug
}

// Service carries out the use cases. Safe for concurrent use. Close it after use.
type Service struct {
	Options

	// opening guards what is opened once, on first use; it is a channel so that a caller can give up waiting.
	opening chan struct{}
	opened  *store.Store
	kept    clipStore
	// accounts stands on opened, and goes with it.
	accounts *accounts.Accounts

	// limiters holds a limiter for each API key, as *limitless.Limiter.
	limiters sync.Map
}

// New returns a Service that has opened nothing yet.
func New(o Options) *Service {
	return &Service{Options: o, opening: make(chan struct{}, 1)}
}

// Close gives back the database and the clips. Every change is stored before: nothing hangs on its error.
func (s *Service) Close() error {
	s.opening <- struct{}{}
	defer func() { <-s.opening }()
	var err error
	if s.kept != nil {
		err = s.kept.Close()
	}
	if s.opened != nil {
		err = errors.Join(err, s.opened.Close())
	}
	s.kept, s.opened, s.accounts = nil, nil, nil
	return err
}

// open takes the lock on what is opened once.
func (s *Service) open(ctx context.Context) (done func(), err error) {
	select {
	case s.opening <- struct{}{}:
		return func() { <-s.opening }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// MakeDataDir makes the data folder, for its owner only.
func (s *Service) MakeDataDir() error { return makeDataDir(s.Config.DataDir) }

func makeDataDir(path string) error {
	if err := guardOwner(path, os.Geteuid()); err != nil {
		return err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return orchestrator.WithCode(fmt.Errorf("make data folder: %w", err), orchestrator.CodeFolderUnwritable, "setting", "CHORTLE_DATA_DIR")
	}
	return nil
}

// Store returns the database that the settings name, opened and migrated on first use. The Service closes it. A face
// uses it for the ports that it declares itself; what takes more than one part is a method of the Service.
func (s *Service) Store(ctx context.Context) (*store.Store, error) {
	done, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.opened == nil {
		if s.opened, err = s.openStore(ctx); err != nil {
			return nil, err
		}
	}
	return s.opened, nil
}

func (s *Service) openStore(ctx context.Context) (opened *store.Store, err error) {
	if err := s.refuseEmptyDatabase(); err != nil {
		return nil, err
	}
	if err := s.MakeDataDir(); err != nil {
		return nil, err
	}
	retry := store.RetryFor(max(s.Config.StoreRetry, time.Nanosecond)) // 0 would be the store's own default
	keep := func(c *store.Config) { c.BeforeMigration = s.beforeMigration }
	if path, local := strings.CutPrefix(s.Config.DatabaseURL, "sqlite:"); local {
		opened, err = sqlite.Open(ctx, path, s.Log, retry, keep)
	} else {
		opened, err = postgres.Open(ctx, s.Config.DatabaseURL, s.Log, retry, keep)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", settings.Mask(s.Config.DatabaseURL), err)
	}
	return opened, nil
}

// storeIfOpen returns the database if something opened it, else nil.
func (s *Service) storeIfOpen() *store.Store {
	s.opening <- struct{}{}
	defer func() { <-s.opening }()
	return s.opened
}

// Audio returns what reads and cuts sound.
func (s *Service) Audio() (*audio.Audio, error) {
	return audio.New(audio.Options{FFmpeg: s.Config.FFmpeg, OpusLibrary: s.Config.OpusLibrary, Silence: s.Config.Silence,
		MaxLength: s.Config.MaxRecording, Sandbox: s.Config.Sandbox})
}
