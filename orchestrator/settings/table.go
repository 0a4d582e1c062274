package settings

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/vault"
)

// Definition describes one setting.
type Definition struct {
	// Name of the environment variable.
	Name string
	// Flag without its dashes; empty where there is none.
	Flag string
	// Help is one line for a person, with the unit.
	Help string
	// Secret settings may be given by a file that NAME_FILE names.
	Secret bool
	// Hidden settings are secrets as a whole: nothing of the value is ever shown.
	Hidden bool

	fallback func(*Settings) string
	set      func(*Settings, string) error
}

// Table holds all settings. A default may build on the settings above it.
var Table = append([]Definition{
	{Name: "CHORTLE_DATA_DIR", Flag: "data-dir", Help: "folder of what is kept: database, clips, lock",
		fallback: (*Settings).dataDir,
		set: func(s *Settings, v string) (err error) {
			if v == "" {
				return errors.New("neither XDG_DATA_HOME nor HOME is set; name a folder")
			}
			s.Config.DataDir, err = s.path(v)
			return err
		}},
	{Name: "CHORTLE_DATABASE_URL", Flag: "database", Secret: true, Help: "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
		fallback: func(s *Settings) string { return "sqlite:" + filepath.Join(s.Config.DataDir, "chortle.db") },
		set: func(s *Settings, v string) error {
			return s.address(v, &s.Config.DatabaseURL, "sqlite", "postgres", "postgresql")
		}},
	{Name: "CHORTLE_CLIPS_URL", Help: "where the sound of laughs is kept: folder:PATH, or s3://BUCKET/PREFIX",
		fallback: func(s *Settings) string { return "folder:" + filepath.Join(s.Config.DataDir, "clips") },
		set:      func(s *Settings, v string) error { return s.address(v, &s.Config.ClipsURL, "folder", "s3") }},
	{Name: "CHORTLE_CACHE_DIR", Help: "folder of what setup fetched: model, libraries, ffmpeg",
		fallback: func(s *Settings) string { return s.folders().Cache },
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.CacheDir) }},
	{Name: "CHORTLE_MIRROR", Flag: "mirror", Help: "folder or http(s) address where setup looks first for what it fetches",
		fallback: fixed(""),
		set: func(s *Settings, v string) (err error) {
			if v != "" && !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "http://") {
				v, err = s.path(v)
			}
			s.Config.Mirrors = s.mirrors(v)
			return err
		}},
	{Name: "CHORTLE_WEIGHTS", Flag: "weights", Help: "file with the weights of YAMNet, or fake: a model that hears loudness as laughter",
		fallback: func(s *Settings) string { return s.artifact(artifacts.Model) },
		set: func(s *Settings, v string) error {
			if v == artifacts.FakeWeights {
				s.Config.Weights = v
				return nil
			}
			return s.file(v, &s.Config.Weights)
		}},
	{Name: "CHORTLE_WEIGHTS_SHA256", Help: "accept the weights with this sha256 instead of the known ones",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if sum, err := hex.DecodeString(v); err != nil || len(sum) != 0 && len(sum) != 32 {
				return fmt.Errorf("%q is not a sha256: use 64 hexadecimal digits", v)
			}
			s.Config.WeightsSHA256 = strings.ToLower(v)
			return nil
		}},
	{Name: "CHORTLE_TFLITE_LIBRARY", Help: "file of the TensorFlow Lite library",
		fallback: func(s *Settings) string { return s.artifact(artifacts.TFLite) },
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.TFLiteLibrary) }},
	{Name: "CHORTLE_OPUS_LIBRARY", Help: "file of libopus, or its name for the system's loader; without one, Opus is decoded more slowly",
		fallback: func(s *Settings) string { return cmp.Or(s.existing(s.artifact(artifacts.Opus)), artifacts.SystemOpus) },
		set: func(s *Settings, v string) error {
			if !strings.Contains(v, "/") { // a name, not a path
				s.Config.OpusLibrary = v
				return nil
			}
			return s.file(v, &s.Config.OpusLibrary)
		}},
	{Name: "CHORTLE_FFMPEG", Help: "ffmpeg, for everything that is not Ogg Opus",
		fallback: func(s *Settings) string { return s.program("ffmpeg", s.artifact(artifacts.FFmpeg)) },
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.FFmpeg) }},
	{Name: "CHORTLE_MODEL", Flag: "model", Help: "model to use: its name in models.toml, or the command that starts it",
		fallback: func(s *Settings) string { return quote(s.inferd()) },
		set: func(s *Settings, v string) (err error) {
			s.Config.Model, err = SplitCommand(v)
			return err
		}},
	{Name: "CHORTLE_MODELS_FILE", Flag: "models-file", Help: "file of named models: models.toml",
		fallback: (*Settings).modelsFile,
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.ModelsFile) }},
	{Name: "CHORTLE_MODEL_THREADS", Help: "interpreters side by side in a model; 0: one for each core, 4 at most",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.ModelThreads, 0, 256) }},
	{Name: "CHORTLE_SANDBOX", Flag: "sandbox", Help: "confine decoders and models: auto (as far as the kernel can), require (or refuse to start them), off",
		fallback: fixed(string(sandbox.Auto)),
		set: func(s *Settings, v string) error {
			switch mode := sandbox.Mode(v); mode {
			case sandbox.Auto, sandbox.Require, sandbox.Off:
				s.Config.Sandbox = mode
				return nil
			}
			return fmt.Errorf("invalid mode %q: use auto, require or off", v)
		}},
	{Name: "CHORTLE_MODEL_MEMORY_LIMIT", Help: "memory at which a model is killed, such as 512MB; 0: no limit",
		fallback: fixed("0"),
		set: func(s *Settings, v string) (err error) {
			s.Config.ModelMemoryLimit, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_THRESHOLD", Flag: "threshold", Help: "minimum score for a laugh (above 0 and up to 1), in place of the default policy; a user's own threshold takes precedence in runs",
		fallback: fixed(strconv.FormatFloat(detect.DefaultThreshold, 'g', -1, 64)),
		set: func(s *Settings, v string) error {
			threshold, err := strconv.ParseFloat(v, 64)
			if err != nil || orchestrator.ValidateThreshold(threshold) != nil || threshold == 0 {
				return fmt.Errorf("%q is not a valid score: use a number above 0 and up to 1, such as 0.175", v)
			}
			s.Config.Threshold = threshold
			return nil
		}},
	{Name: "CHORTLE_SILENCE", Help: "peak in dB of full scale below which sound is silence that no model looks into, such as -76; off: none is",
		fallback: fixed("-76"),
		set:      func(s *Settings, v string) error { return silence(v, &s.Config.Silence) }},
	{Name: "CHORTLE_MAX_RECORDING", Help: "the most sound that a recording may have, such as 48h; a longer one is a bad recording",
		fallback: fixed("48h"),
		set:      func(s *Settings, v string) error { return length(v, &s.Config.MaxRecording) }},
	{Name: "CHORTLE_SETTLE", Help: "how long a file must have been left alone before it is read, such as 10s",
		fallback: fixed("10s"),
		set:      func(s *Settings, v string) error { return duration(v, &s.Config.Settle) }},
	{Name: "CHORTLE_CATCH_UP_DAYS", Help: "days before yesterday that are looked through for late recordings",
		fallback: fixed("7"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.CatchUpDays, 0, 366) }},
	{Name: "CHORTLE_LATE_HOURS", Help: "hours of sound of days before those that a run reads of each user, the oldest first; 0: none",
		fallback: fixed("24"),
		set: func(s *Settings, v string) error {
			var hours int
			err := whole(v, &hours, 0, 10000)
			s.Config.Late = time.Duration(hours) * time.Hour
			return err
		}},
	{Name: "CHORTLE_USERS_AT_ONCE", Flag: "users-at-once", Help: "users that a run reads side by side",
		fallback: fixed("1"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.UsersAtOnce, 1, 64) }},
	{Name: "CHORTLE_STORE_RETRY", Help: "how long a database that does not answer is tried again, such as 30s",
		fallback: fixed("30s"),
		set:      func(s *Settings, v string) error { return duration(v, &s.Config.StoreRetry) }},
	{Name: "CHORTLE_SECRET_KEY", Secret: true, Hidden: true, Help: "64 hexadecimal digits that encrypt the API keys of users (orchestrator key new FILE)",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			_, err := vault.New(v)
			s.Config.SecretKey = v
			return err
		}},
	{Name: "CHORTLE_LIMITLESS_URL", Help: "address of the Limitless API",
		fallback: fixed("https://api.limitless.ai"),
		set: func(s *Settings, v string) error {
			base, err := url.Parse(v)
			if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
				return fmt.Errorf("%q is not an address: use https://HOST", Mask(v))
			}
			if base.Scheme == "http" && !isLoopback(base.Hostname()) {
				return fmt.Errorf("%q would send API keys and recordings in clear text; want https://HOST (http is for this machine only)", Mask(v))
			}
			s.Config.LimitlessURL = v
			return nil
		}},
	{Name: "CHORTLE_CHUNK_MINUTES", Help: "minutes of audio that one call to the Limitless API asks for",
		fallback: fixed("30"),
		set: func(s *Settings, v string) error {
			var minutes int
			err := whole(v, &minutes, 1, 120)
			s.Config.LimitlessChunk = time.Duration(minutes) * time.Minute
			return err
		}},
	{Name: "CHORTLE_EMPTY_NIGHTS", Help: "nights for which a time without audio is asked for again: pendants sync late",
		fallback: fixed("7"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.EmptyNights, 0, 366) }},
	{Name: "CHORTLE_LIMITLESS_PAUSE", Help: "wait before a failed call to the Limitless API is made again, doubled each time",
		fallback: fixed("1s"),
		set:      func(s *Settings, v string) error { return duration(v, &s.Config.LimitlessPause) }},
	{Name: "CHORTLE_LIMITLESS_STALL", Help: "how long an answer of the Limitless API may go without a byte",
		fallback: fixed("30s"),
		set:      func(s *Settings, v string) error { return duration(v, &s.Config.LimitlessStall) }},
	{Name: "CHORTLE_LIMITLESS_CALLS", Help: "calls a minute to the Limitless API with one key",
		fallback: fixed("180"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.LimitlessCalls, 1, 1<<20) }},
	{Name: "CHORTLE_LOG_LEVEL", Flag: "log-level", Help: "debug, info, warn or error; auto: warn at a terminal, else info",
		fallback: fixed("auto"),
		set: func(s *Settings, v string) error {
			return oneOf(v, &s.Config.LogLevel, "auto", "debug", "info", "warn", "error")
		}},
	{Name: "CHORTLE_LOG_FORMAT", Flag: "log-format", Help: "text or json",
		fallback: fixed("text"),
		set:      func(s *Settings, v string) error { return oneOf(v, &s.Config.LogFormat, "text", "json") }},
}, slices.Concat(alertTable, letterTable, keepTable, backupTable, s3Table, pageTable, gigglesTable)...)

func fixed(text string) func(*Settings) string { return func(*Settings) string { return text } }

// Find returns the definition of a setting; nil where there is none of that name.
func Find(name string) *Definition {
	i := slices.IndexFunc(Table, func(d Definition) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return &Table[i]
}

// file accepts a path; the empty one means that there is none.
func (s *Settings) file(text string, to *string) (err error) {
	if *to = ""; text != "" {
		*to, err = s.path(text)
	}
	return err
}

// address accepts SCHEME:REST, and makes the path of a local scheme absolute.
func (s *Settings) address(text string, to *string, schemes ...string) error {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !slices.Contains(schemes, scheme) || rest == "" {
		return fmt.Errorf("unsupported address %q%s: use %s", Mask(text), didYouMean(text, schemes), strings.Join(schemes, ":…, ")+":…")
	}
	if strings.HasPrefix(scheme, "postgres") {
		if _, err := url.Parse(text); err != nil {
			return errors.New("not a valid address: write special characters of the password as %XX (@ as %40), as in postgres://USER:PASSWORD@HOST/NAME")
		}
		*to = text
		return nil
	}
	if scheme == "s3" {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		if !strings.HasPrefix(rest, "//") || bucket == "" || strings.ContainsAny(rest, "@?#") {
			return fmt.Errorf("%q is no bucket; want s3://BUCKET or s3://BUCKET/PREFIX", Mask(text))
		}
		*to = text
		return nil
	}
	path, err := s.path(strings.TrimPrefix(rest, "//"))
	*to = scheme + ":" + path
	return err
}

func whole(text string, to *int, low, high int) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return fmt.Errorf("%q is not a valid number: use a whole number from %d to %d", text, low, high)
	}
	*to = n
	return nil
}

// length reads how long a recording may be.
func length(v string, to *time.Duration) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < time.Minute || d > 720*time.Hour {
		return fmt.Errorf("%q is no length of a recording; want one from 1m to 720h, such as 48h", v)
	}
	*to = d
	return nil
}

func duration(text string, to *time.Duration) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 24*time.Hour {
		return fmt.Errorf("%q is not a valid duration: use 0s to 24h, with a unit, such as 10s", text)
	}
	*to = d
	return nil
}

// silence reads a level of sound. Above -60 dB there are laughs that would be lost.
func silence(text string, to *float64) error {
	if text == "off" {
		*to = 0
		return nil
	}
	decibels, err := strconv.ParseFloat(text, 64)
	if err != nil || !(decibels >= -120 && decibels <= -60) {
		return fmt.Errorf("%q is no level that fits; want one from -120 to -60, such as -76, or off", text)
	}
	*to = math.Pow(10, decibels/20)
	return nil
}

func oneOf(text string, to *string, words ...string) error {
	if !slices.Contains(words, text) {
		return fmt.Errorf("%q is not known: use one of %s", text, strings.Join(words, ", "))
	}
	*to = text
	return nil
}

// didYouMean proposes a scheme for a path that was given without one.
func didYouMean(text string, schemes []string) string {
	for _, scheme := range []string{"sqlite", "folder"} {
		if strings.ContainsAny(text[:min(1, len(text))], "/~.") && slices.Contains(schemes, scheme) {
			return ", did you mean " + scheme + ":" + text + "?"
		}
	}
	return ""
}
