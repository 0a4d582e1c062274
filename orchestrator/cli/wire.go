package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
	"github.com/chortle-audio/chortle/orchestrator/service/models"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/postgres"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

// makeDataDir makes the data folder, for its owner only.
func makeDataDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w; let this user write there, or set CHORTLE_DATA_DIR", err)
	}
	return nil
}

// openStore opens the database that the settings name; it is migrated where that is needed.
func (a *app) openStore(ctx context.Context) (*store.Store, error) {
	config := a.settings.Config
	if err := makeDataDir(config.DataDir); err != nil {
		return nil, err
	}
	retry := store.RetryFor(max(config.StoreRetry, time.Nanosecond)) // 0 would be the store's own default
	var opened *store.Store
	var err error
	if path, local := strings.CutPrefix(config.DatabaseURL, "sqlite:"); local {
		opened, err = sqlite.Open(ctx, path, a.log, retry)
	} else {
		opened, err = postgres.Open(ctx, config.DatabaseURL, a.log, retry)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", settings.Mask(config.DatabaseURL), err)
	}
	return opened, nil
}

// withStore opens the database for the time of work.
func (a *app) withStore(ctx context.Context, work func(*store.Store) error) error {
	opened, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	return errors.Join(work(opened), opened.Close())
}

func (a *app) openAudio() (*audio.Audio, error) {
	config := a.settings.Config
	return audio.New(audio.Options{FFmpeg: config.FFmpeg, OpusLibrary: config.OpusLibrary, Silence: config.Silence})
}

func (a *app) openClips() (*clips.Folder, error) {
	return clips.NewFolder(strings.TrimPrefix(a.settings.Config.ClipsURL, "folder:"))
}

// inherited are the variables of our environment that a model may see: what a program needs in order
// to find programs and files, and nothing that could be a secret.
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME"}

// findModel finds what a command names: an entry of models.toml, else a program.
func (a *app) findModel(command []string) (models.Entry, error) {
	entry := models.Entry{Command: command}
	if len(command) == 0 {
		return entry, errors.New("find inferd: it is neither beside this program nor in PATH; install it there, or set CHORTLE_INFERD")
	}
	if len(command) > 1 || strings.Contains(command[0], "/") {
		return entry, nil // no name
	}
	entries, err := models.Read(a.settings.Config.Models)
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
		where := "there is no models.toml"
		if path := a.settings.Config.Models; path != "" {
			where = path + " has none of that name" + didYouMean(settings.Nearest(command[0], names))
		}
		return entry, fmt.Errorf("find model %q: %s, and no program in PATH is called so; see orchestrator models list", command[0], where)
	}
	return entry, nil
}

// spawner starts models by a command, or by the name of one.
func (a *app) spawner(command []string) (orchestrator.Spawner, error) {
	var entry models.Entry
	if a.debug.attach == "" {
		var err error
		if entry, err = a.findModel(command); err != nil {
			return nil, err
		}
	}
	config := a.settings.Config
	env := []string{
		"CHORTLE_MODEL=" + config.Model,
		"CHORTLE_MODEL_SHA256=" + config.ModelSHA256,
		"CHORTLE_TFLITE_LIBRARY=" + config.TFLiteLibrary,
		"CHORTLE_CACHE_DIR=" + config.CacheDir,
	}
	if config.InferdThreads > 0 {
		env = append(env, "CHORTLE_INFERD_THREADS="+strconv.Itoa(config.InferdThreads))
	}
	for _, name := range inherited {
		if value := a.getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, entry.Env...) // the last of a name counts
	sound, err := a.openAudio()
	if err != nil {
		return nil, err
	}
	return a.debugged(modelhost.Config{Resample: sound.Resample, Command: entry.Command, Env: env, Dir: entry.Dir, WeightsSHA256: entry.SHA256,
		MemoryLimitBytes: config.ModelMemoryLimit, Log: a.log})
}

// userSpawner starts the model of a user: the flag's goes before the user's own, and that before the setting's.
func (a *app) userSpawner(user orchestrator.User) (orchestrator.Spawner, error) {
	command := a.settings.Config.Inferd
	if user.Inferd != "" && !a.settings.FromFlag("CHORTLE_INFERD") {
		words, err := settings.SplitCommand(user.Inferd)
		if err != nil {
			return nil, fmt.Errorf("read model command of user %s: %w", user.Name, err)
		}
		command = words
	}
	return a.spawner(command)
}

// reading says how a run's sources are to be read: again what is read already, or not at all.
type reading struct{ again, dryRun bool }

// runner puts a Runner together; close gives back what it holds.
func (a *app) runner(ctx context.Context, how reading) (runner *orchestrator.Runner, opened *store.Store, closeAll func() error, err error) {
	opened, err = a.openStore(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	kept, err := a.openClips()
	if err != nil {
		return nil, nil, nil, errors.Join(err, opened.Close())
	}
	closeAll = func() error { return errors.Join(kept.Close(), opened.Close()) }
	if err := kept.Sweep(a.now().Add(-time.Hour)); err != nil { // younger files may be another's who is writing
		a.log.WithError(err).Warn("remove what dead writers left among the clips")
	}
	sound, err := a.openAudio()
	if err != nil {
		return nil, nil, nil, errors.Join(err, closeAll())
	}
	from := &sources{app: a, ctx: ctx, store: opened, audio: sound, again: how.again, dryRun: how.dryRun}
	return &orchestrator.Runner{
		Store: opened, Audio: sound, Clips: kept, ClipKey: clips.Key, Detect: detect.Laughs, Now: a.now,
		NewID:  func() string { return uuid.Must(uuid.NewV7()).String() },
		Source: from.open, Spawner: a.userSpawner,
	}, opened, closeAll, nil
}
