// Package settings reads the orchestrator's settings: flag before environment before .env file before
// default, each remembered with where it came from. Nothing else in this half reads the environment.
package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// Config holds the settings as the program uses them. Paths are absolute.
type Config struct {
	// DataDir holds what is kept: the database and the clips, unless their addresses say otherwise, and
	// the lock of a run.
	DataDir string
	// DatabaseURL is "sqlite:PATH" or "postgres://…"; ClipsURL is "folder:PATH" or "s3://BUCKET/PREFIX".
	DatabaseURL, ClipsURL string
	// OtherService is the folder of a service that is installed on this machine, whose settings this user cannot read and
	// beside which no data folder or database was named; empty where there is none.
	OtherService string
	// S3 is the store of an s3 address.
	S3 S3
	// CacheDir holds what setup fetched; PackagedDir what an installed package brought, empty where there is none.
	CacheDir, PackagedDir string
	// Mirrors are folders and addresses that setup tries first; PackageIndex is the address of the package index
	// that it asks where no Python has pip. Both may be empty.
	Mirrors      []string
	PackageIndex string
	// Weights is a path, or "fake". The libraries and FFmpeg are paths; empty means that there is none.
	Weights, TFLiteLibrary, OpusLibrary, FFmpeg string
	// WeightsSHA256 is that of a file of weights to accept instead of the known one; empty means none.
	WeightsSHA256 string
	// Model is the command that starts a model, program first, or the name of one in ModelsFile; empty means that
	// none was found.
	Model []string
	// ModelChosen says that Model was given by its flag: it then goes before users' own models.
	ModelChosen bool
	// ModelEnv holds the variables of our environment, as NAME=value, that a model may see: what a program needs in
	// order to find programs and files, and nothing that could be a secret.
	ModelEnv []string
	// ModelsFile is the file of named models; empty means that there is none.
	ModelsFile string
	// ModelThreads is the number of interpreters side by side; 0 means one for each usable core.
	ModelThreads int
	// Sandbox says how decoders and models are confined.
	Sandbox sandbox.Mode
	// ModelMemoryLimit in bytes; 0 means none.
	ModelMemoryLimit int64
	// Threshold from which a score is a laugh, in (0, 1].
	Threshold float64
	// OneThreshold says that somebody set Threshold: it then replaces the default policy.
	OneThreshold bool
	// MaxRecording is the most sound that a recording may have.
	MaxRecording time.Duration
	// Silence is the peak below which sound is taken for silence; 0: none is.
	Silence float64
	// Settle is how long a file must have been left alone before it is read.
	Settle time.Duration
	// CatchUpDays is how many days before yesterday are looked through for late recordings.
	CatchUpDays int
	// Late is how much sound of days before those is read in one run of each user.
	Late time.Duration
	// UsersAtOnce is how many users a run reads side by side.
	UsersAtOnce int
	// StoreRetry is how long a database that does not answer is tried again.
	StoreRetry time.Duration
	// SecretKey seals the secrets of users; empty where there is none.
	SecretKey string
	// LimitlessURL is the address of the Limitless API.
	LimitlessURL string
	// LimitlessChunk is the length of audio that one call asks for.
	LimitlessChunk time.Duration
	// LimitlessPause is the wait before a failed call is made again; LimitlessStall how long an answer may
	// go without a byte.
	LimitlessPause, LimitlessStall time.Duration
	// LimitlessCalls is how many calls a minute one key may make.
	LimitlessCalls int
	// EmptyNights is for how many nights a span without audio is asked for again.
	EmptyNights int
	// LogLevel is "debug", "info", "warn" or "error"; LogFormat is "text" or "json".
	LogLevel, LogFormat string
	// LogDir is a path; empty means that the log goes to stderr only. LogKeepDays is for how long its
	// files are kept; 0 means for ever.
	LogDir      string
	LogKeepDays int
	Alerts      Alerts
	Keep        Keep
	Backup      Backup
	Letters     Letters
	Page        Page
	Giggles     Giggles
}

// Value is one setting with where it came from.
type Value struct {
	*Definition
	// Text is the value as it was given. It may hold a secret: print Shown instead.
	Text string
	// Source is "flag --NAME", "environment", the path of a .env file, or "default".
	Source string
	// Problem says why what was given cannot be used; Text is then the default. Else nil.
	Problem error
}

// Shown is the value with secrets masked, also the passwords in an address.
func (v Value) Shown() string {
	if v.Hidden {
		return hide(v.Text)
	}
	return Mask(v.Text)
}

// Settings is the outcome of Load.
type Settings struct {
	Config Config
	// Values of all settings, in the order of the table.
	Values []Value
	// EnvFile is the .env file that was read; empty when there was none.
	EnvFile string
	// EnvFileProblem says why the .env file cannot be used; else nil.
	EnvFileProblem error
	// Warnings name variables that look like settings and are none.
	Warnings []string

	environment map[string]string
	home        string
	executable  string
	dirs        []string // in which our files are looked for, in order
}

// Input is what settings are read from.
type Input struct {
	// Flags holds the flags that were given, by the name of their setting, which may be an old one (Renamed).
	Flags map[string]string
	// Environ is the environment, as of os.Environ.
	Environ []string
	// EnvFile is the file that a person named; empty means the usual places.
	EnvFile string
	// System are the folders of a service that is installed, with its settings and its data; nil means /etc/chortle and
	// /var/lib/chortle.
	System []string
	// WorkingDir and Executable are where this process runs and what it runs.
	WorkingDir, Executable string
}

// Load reads all settings. The Settings are complete also where the error is not nil: a value that
// cannot be used is replaced by its default, and the error names it and the remedy.
func Load(in Input) (*Settings, error) {
	s := &Settings{environment: map[string]string{}, executable: in.Executable}
	for _, entry := range in.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			s.environment[name] = value
		}
	}
	s.home = s.environment["HOME"]
	s.dirs = s.places(in)
	s.Config.PackagedDir = s.folders().Packaged
	s.Config.PackageIndex = s.environment["PIP_INDEX_URL"]
	file, err := s.findEnvFile(in)
	s.EnvFileProblem = err
	problems := []error{err}
	flags := s.renamed("", in.Flags)
	s.passwordInArguments(flags)
	s.environment = s.renamed("the environment", s.environment)
	file = s.renamed(s.EnvFile, file)

	for i := range Table {
		value := s.value(&Table[i], flags, file)
		problems = append(problems, value.Problem)
		s.Values = append(s.Values, value)
	}
	s.Config.ModelChosen = s.FromFlag("CHORTLE_MODEL")
	s.Config.OneThreshold = s.Given("CHORTLE_THRESHOLD")
	for _, name := range inherited {
		if value := s.environment[name]; value != "" {
			s.Config.ModelEnv = append(s.Config.ModelEnv, name+"="+value)
		}
	}
	for name, value := range s.environment { // rclone is set up by them, too
		if strings.HasPrefix(name, "RCLONE_") {
			s.Config.Backup.RcloneEnv = append(s.Config.Backup.RcloneEnv, name+"="+value)
		}
	}
	slices.Sort(s.Config.Backup.RcloneEnv)
	s.Config.Backup.RcloneEnv = append(s.Config.Backup.RcloneEnv, s.Config.ModelEnv...)
	if s.EnvFile == "" && !s.Given("CHORTLE_DATA_DIR") && !s.Given("CHORTLE_DATABASE_URL") {
		s.Config.OtherService = closedService(in.system(), func(path string) error {
			file, err := os.Open(path)
			if err == nil {
				err = file.Close()
			}
			return err
		})
	}
	s.warn("the environment", s.environment)
	s.warn(s.EnvFile, file)
	return s, errors.Join(problems...)
}

// value finds, checks and applies one setting.
func (s *Settings) value(d *Definition, flags, file map[string]string) Value {
	value, err := s.lookUp(d, flags, file)
	if err == nil && value.Source != "" {
		if err = d.set(s, value.Text); err == nil {
			return value
		}
	}
	if err != nil {
		err = fmt.Errorf("check setting %s (%s): %w", d.Name, value.Source, err)
	}
	value = Value{Definition: d, Text: d.fallback(s), Source: "default", Problem: err}
	if err := d.set(s, value.Text); err != nil {
		value.Problem = errors.Join(value.Problem, fmt.Errorf("check setting %s (default): %w", d.Name, err))
	}
	return value
}

// lookUp finds who sets a setting; the Source of the answer is empty when nobody does. An empty value is none.
func (s *Settings) lookUp(d *Definition, flags, file map[string]string) (Value, error) {
	if text, given := flags[d.Name]; given {
		return Value{Definition: d, Text: text, Source: "flag --" + d.Flag}, nil
	}
	layers := []struct {
		source string
		values map[string]string
	}{{"environment", s.environment}, {s.EnvFile, file}}
	for _, layer := range layers {
		text, path := layer.values[d.Name], ""
		if d.Secret {
			path = layer.values[d.Name+"_FILE"]
		}
		switch {
		case text != "" && path != "":
			return Value{Source: layer.source}, fmt.Errorf("%s_FILE is set too; keep one of the two", d.Name)
		case path != "":
			secret, err := readSecret(path)
			return Value{Definition: d, Text: secret, Source: layer.source + ", from " + path}, err
		case text != "":
			return Value{Definition: d, Text: text, Source: layer.source}, nil
		}
	}
	return Value{Definition: d}, nil
}

// inherited are the variables of our environment that a model may see.
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME"}

// others are variables of our name that are no settings of the orchestrator.
var others = []string{handshake.CookieKey}

// warn notes variables of a layer that look like settings and are none: most likely a slip of the pen.
func (s *Settings) warn(layer string, values map[string]string) {
	var names []string
	for i := range Table {
		names = append(names, Table[i].Name)
	}
	for name := range values {
		known := slices.Contains(names, name) || slices.Contains(others, name) || strings.HasPrefix(name, "CHORTLE_TEST_")
		if base, isFile := strings.CutSuffix(name, "_FILE"); isFile {
			i := slices.Index(names, base)
			known = known || i >= 0 && Table[i].Secret
		}
		known = known || slices.ContainsFunc(Renamed, func(r Renaming) bool { return r.Old == name })
		if known || !strings.HasPrefix(name, "CHORTLE_") {
			continue
		}
		warning := fmt.Sprintf("%s in %s is no setting", name, layer)
		if near := Nearest(name, names); len(near) > 0 {
			warning += "; did you mean " + near[0] + "?"
		}
		s.Warnings = append(s.Warnings, warning)
	}
	slices.Sort(s.Warnings)
}

// path makes a path of a setting absolute, with a leading ~ for the home folder.
func (s *Settings) path(text string) (string, error) {
	if rest, ok := strings.CutPrefix(text, "~/"); ok && s.home != "" {
		text = filepath.Join(s.home, rest)
	}
	return filepath.Abs(text)
}

// artifact is the path of a file that a package brought or setup fetched, or would fetch to.
func (s *Settings) artifact(place string) string { return s.Config.Folders().Path(place) }

// Folders is where the files lie that Chortle needs beside its programs.
func (c *Config) Folders() artifacts.Folders {
	return artifacts.Folders{Packaged: c.PackagedDir, Cache: c.CacheDir}
}

func (s *Settings) folders() artifacts.Folders {
	return artifacts.Locate(s.executable, func(name string) string { return s.environment[name] })
}

// mirrors adds the folder shared/models beside a checkout to the mirror that a person named.
func (s *Settings) mirrors(named string) (all []string) {
	if named != "" {
		all = append(all, named)
	}
	if bin := dirOf(s.executable); filepath.Base(bin) == "bin" {
		beside := filepath.Join(bin, "..", "..", "shared", "models")
		if info, err := os.Stat(beside); err == nil && info.IsDir() {
			all = append(all, beside)
		}
	}
	return all
}

func (s *Settings) dataDir() string {
	if dir := s.environment["XDG_DATA_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "chortle")
	}
	if s.home != "" {
		return filepath.Join(s.home, ".local", "share", "chortle")
	}
	return ""
}

// Given reports whether a setting was given, by a flag, the environment or a file.
func (s *Settings) Given(name string) bool {
	return slices.ContainsFunc(s.Values, func(v Value) bool { return v.Name == name && v.Source != "default" && v.Problem == nil })
}

// FromFlag reports whether a setting was given by its flag.
func (s *Settings) FromFlag(name string) bool {
	for _, value := range s.Values {
		if value.Name == name {
			return value.Source == "flag --"+value.Flag
		}
	}
	return false
}

// Path makes a path that a person typed absolute, with a leading ~ for the home folder.
func (s *Settings) Path(text string) (string, error) { return s.path(text) }

// Policy is what the settings say of what a laugh is.
func (c *Config) Policy() orchestrator.PolicySettings {
	policy := orchestrator.PolicySettings{Default: detect.DefaultPolicy()}
	if c.OneThreshold {
		policy.Threshold = c.Threshold
	}
	return policy
}
