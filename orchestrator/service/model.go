package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/internal/owned"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
	"github.com/chortle-audio/chortle/orchestrator/service/models"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Debug is how somebody who writes a model looks at it. Its zero value changes nothing.
type Debug struct {
	// Attach is the address of a model that runs already, unix:PATH or HOST:PORT: none is started.
	Attach string
	// Trace gets a line for every message to and from the model; nil for none.
	Trace io.Writer
	// Keep, unless nil, has every model live until the run is interrupted. It is told of each twice: when it is
	// ready, and when it is done and kept.
	Keep func(KeptModel)
}

// KeptModel is a model that is kept for somebody to look at.
type KeptModel struct {
	PID    int
	Socket string
	// Done is true once the run needs the model no more.
	Done bool
}

// Check returns an *InvalidError where the address to attach to cannot be one.
func (d Debug) Check() error {
	if d.Attach == "" {
		return nil
	}
	if _, err := modelhost.Attach(d.Attach, modelhost.Config{}); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// findModel finds what a command names: an entry of models.toml, else a program.
func (s *Service) findModel(command []string) (models.Entry, error) {
	entry := models.Entry{Command: command}
	if len(command) == 0 {
		return entry, orchestrator.WithCode(errors.New("find model: inferd is neither beside this program nor in PATH"), orchestrator.CodeModelMissing)
	}
	if len(command) > 1 || strings.Contains(command[0], "/") {
		return entry, nil // no name
	}
	entries, err := models.Read(s.Config.ModelsFile)
	if err != nil {
		return entry, err
	}
	if named, ok := models.Find(entries, command); ok {
		return named, nil
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
		}
		where := " (and there is no models.toml)"
		if path := s.Config.ModelsFile; path != "" {
			where = advice.DidYouMean(settings.Nearest(command[0], names))
		}
		return entry, orchestrator.WithCode(fmt.Errorf("find model: no model or program is called %q%s", command[0], where), orchestrator.CodeUnknownModel)
	}
	return entry, nil
}

// Spawner starts models by a command, or by the name of one.
func (s *Service) Spawner(command []string) (orchestrator.Spawner, error) {
	var entry models.Entry
	if s.Debug.Attach == "" {
		var err error
		if entry, err = s.findModel(command); err != nil {
			return nil, err
		}
	}
	env := []string{
		"CHORTLE_WEIGHTS=" + s.Config.Weights,
		"CHORTLE_WEIGHTS_SHA256=" + s.Config.WeightsSHA256,
		"CHORTLE_TFLITE_LIBRARY=" + s.Config.TFLiteLibrary,
		"CHORTLE_CACHE_DIR=" + s.Config.CacheDir,
	}
	if s.Config.ModelThreads > 0 {
		env = append(env, "CHORTLE_MODEL_THREADS="+strconv.Itoa(s.Config.ModelThreads))
	}
	env = append(env, s.Config.ModelEnv...)
	env = settings.ForModels(append(env, entry.Env...)) // the last of a name counts
	if err := s.believe(entry); err != nil {
		return nil, err
	}
	sound, err := s.Audio()
	if err != nil {
		return nil, err
	}
	start := modelhost.Config{Resample: sound.Resample, Command: entry.Command, Env: env, Dir: entry.Dir, WeightsSHA256: entry.SHA256,
		MemoryLimitBytes: s.Config.ModelMemoryLimit, Sandbox: s.Config.Sandbox, Log: s.Log, Trace: s.Debug.Trace}
	if s.Debug.Attach != "" {
		return modelhost.Attach(s.Debug.Attach, start)
	}
	start.KeepSocket = s.Debug.Keep != nil
	host := modelhost.New(start)
	if s.Debug.Keep != nil {
		return keeper{host, s.Debug.Keep}, nil
	}
	return host, nil
}

// userSpawner starts the model of a user: the one chosen for this call goes before the user's own, and that before
// the setting's.
func (s *Service) userSpawner(user orchestrator.User) (orchestrator.Spawner, error) {
	command := s.Config.Model
	if user.Model != "" && !s.Config.ModelChosen {
		words, err := settings.SplitCommand(user.Model)
		if err != nil {
			return nil, fmt.Errorf("read model command of user %s: %w", user.Name, err)
		}
		command = words
	}
	return s.Spawner(command)
}

// TryModel starts the model that the settings name, once, and stops it.
func (s *Service) TryModel(ctx context.Context) error {
	spawner, err := s.Spawner(s.Config.Model)
	if err != nil {
		return err
	}
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return fmt.Errorf("start model: %w", err)
	}
	process.Stop()
	return nil
}

// keeper starts models that live until the run is interrupted.
type keeper struct {
	orchestrator.Spawner
	tell func(KeptModel)
}

// Spawn implements orchestrator.Spawner.
func (k keeper) Spawn(ctx context.Context) (orchestrator.Process, error) {
	process, err := k.Spawner.Spawn(ctx)
	if err != nil {
		return nil, err
	}
	open, ok := process.(interface {
		Socket() string
		Ended() <-chan struct{}
	})
	if !ok {
		process.Stop()
		return nil, errors.New("keep model: its socket is not known")
	}
	model := KeptModel{PID: process.PID(), Socket: open.Socket()}
	k.tell(model)
	return &kept{process, ctx, open.Ended(), model, k.tell}, nil
}

// kept is a process whose end is put off.
type kept struct {
	orchestrator.Process
	interrupted context.Context
	ended       <-chan struct{}
	model       KeptModel
	tell        func(KeptModel)
}

// Stop waits until the run is interrupted or the process ends by itself, and then does what it should.
func (k *kept) Stop() orchestrator.Exit {
	if k.interrupted.Err() == nil {
		k.model.Done = true
		k.tell(k.model)
	}
	select {
	case <-k.interrupted.Done():
	case <-k.ended:
	}
	return k.Process.Stop()
}

// believe refuses a model whose program, weights or library another user could have put there or changed. What is not
// there is left to whoever starts it.
func (s *Service) believe(entry models.Entry) error {
	paths := []string{s.Config.Weights, s.Config.TFLiteLibrary, s.Config.OpusLibrary, s.Config.FFmpeg}
	if len(entry.Command) > 0 {
		if program, err := exec.LookPath(entry.Command[0]); err == nil {
			paths = append(paths, program)
		}
	}
	for _, path := range paths {
		if !filepath.IsAbs(path) { // the fake model, or a name for the system's loader
			continue
		}
		if err := owned.Check(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, owned.ErrNotRegular) {
			return fmt.Errorf("check %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}
