package settings_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// place is where a program runs: three folders and an environment that names them.
type place struct{ work, bin, config string }

func newPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{filepath.Join(dir, "work"), filepath.Join(dir, "bin"), filepath.Join(dir, "config")}
}

func (p place) input(environ ...string) settings.Input {
	return settings.Input{Environ: append([]string{"HOME=/home/somebody", "XDG_CONFIG_HOME=" + p.config}, environ...),
		WorkingDir: p.work, Executable: filepath.Join(p.bin, "orchestrator")}
}

func load(t *testing.T, in settings.Input) *settings.Settings {
	t.Helper()
	s, err := settings.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func source(s *settings.Settings, name string) string {
	for _, v := range s.Values {
		if v.Name == name {
			return v.Source
		}
	}
	return ""
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	in := p.input()
	s := load(t, in)
	if s.Config.Threshold != 0.175 || source(s, "CHORTLE_THRESHOLD") != "default" {
		t.Errorf("default: %v from %s", s.Config.Threshold, source(s, "CHORTLE_THRESHOLD"))
	}
	file := write(t, filepath.Join(p.work, ".env"), "CHORTLE_THRESHOLD=0.3\nUNRELATED=1\n")
	if s = load(t, in); s.Config.Threshold != 0.3 || source(s, "CHORTLE_THRESHOLD") != file {
		t.Errorf(".env: %v from %s", s.Config.Threshold, source(s, "CHORTLE_THRESHOLD"))
	}
	in.Environ = append(in.Environ, "CHORTLE_THRESHOLD=0.4")
	if s = load(t, in); s.Config.Threshold != 0.4 || source(s, "CHORTLE_THRESHOLD") != "environment" {
		t.Errorf("environment: %v from %s", s.Config.Threshold, source(s, "CHORTLE_THRESHOLD"))
	}
	in.Flags = map[string]string{"CHORTLE_THRESHOLD": "0.5"}
	if s = load(t, in); s.Config.Threshold != 0.5 || source(s, "CHORTLE_THRESHOLD") != "flag --threshold" || !s.FromFlag("CHORTLE_THRESHOLD") {
		t.Errorf("flag: %v from %s", s.Config.Threshold, source(s, "CHORTLE_THRESHOLD"))
	}
	if s.FromFlag("CHORTLE_DATA_DIR") || s.FromFlag("CHORTLE_NOTHING") {
		t.Error("what was not given comes from a flag")
	}
}

// The old system looked for its .env only after it had read its settings, so that no place but one worked.
func TestDefect4EnvFileIsFoundInEveryPlace(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	places := []string{p.config + "/chortle/.env", p.bin + "/.env", p.work + "/.env", filepath.Join(t.TempDir(), "named.env")}
	for i, path := range places { // from the last place to the first: each goes before those already there
		write(t, path, fmt.Sprintf("CHORTLE_CATCH_UP_DAYS=%d\n", i+1))
		in := p.input()
		if i == len(places)-1 {
			in.EnvFile = path
		}
		s := load(t, in)
		if s.EnvFile != path || s.Config.CatchUpDays != i+1 {
			t.Errorf("with %s: read %q, %d days", path, s.EnvFile, s.Config.CatchUpDays)
		}
	}
}

func TestEnvFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, c := range map[string]struct {
		prepare func(t *testing.T, p place) settings.Input
		want    []string
	}{
		"a folder": {func(t *testing.T, p place) settings.Input {
			write(t, p.work+"/.env/x", "")
			return p.input()
		}, []string{"read settings file", ".env", "--env-file"}},
		"named and missing": {func(t *testing.T, p place) settings.Input {
			in := p.input()
			in.EnvFile = p.work + "/other.env"
			return in
		}, []string{"other.env", "no such file"}},
		"no settings in it": {func(t *testing.T, p place) settings.Input {
			write(t, p.work+"/.env", "CHORTLE_THRESHOLD=0.3\n\nthe password is "+secret+"\n")
			return p.input()
		}, []string{"line 3", "NAME=value"}},
		"far too large": {func(t *testing.T, p place) settings.Input {
			write(t, p.work+"/.env", strings.Repeat("#\n", 1<<20))
			return p.input()
		}, []string{"larger than"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := settings.Load(c.prepare(t, newPlace(t)))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the message tells what is in the file: %v", err)
			}
			if s.Config.Threshold != 0.175 || s.EnvFileProblem == nil {
				t.Errorf("the rest of the settings: %+v", s.Config)
			}
		})
	}
}

// A command that is run as another user (sudo -u chortle) stands in a folder that is closed to that user, and
// a person's own command finds /etc/chortle closed. A file that can be seen must be readable all the same.
func TestEnvFileInAClosedFolder(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	write(t, p.work+"/.env", "CHORTLE_CATCH_UP_DAYS=5\n")
	above := filepath.Dir(filepath.Dir(p.work)) // only root could pass it otherwise
	if err := errors.Join(os.Chmod(above, 0o755), os.Chmod(p.work, 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(p.work, 0o700) })
	testkit.AsNobody(t, func() {
		if s, err := settings.Load(p.input()); err != nil || s.EnvFile == p.work+"/.env" {
			t.Errorf("in a closed folder: %v, %s", err, s.EnvFile)
		}
	})
	if err := errors.Join(os.Chmod(p.work, 0o755), os.Chmod(p.work+"/.env", 0)); err != nil {
		t.Fatal(err)
	}
	testkit.AsNobody(t, func() {
		if _, err := settings.Load(p.input()); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("a closed file: %v", err)
		}
	})
}

func TestBadValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"CHORTLE_THRESHOLD", "1.5", "0.175"},
		{"CHORTLE_THRESHOLD", "0", "above 0"},
		{"CHORTLE_THRESHOLD", "-0.1", "above 0"},
		{"CHORTLE_THRESHOLD", "NaN", "above 0"},
		{"CHORTLE_THRESHOLD", "high", "above 0"},
		{"CHORTLE_DATABASE_URL", "mysql://x", "sqlite:…, postgres:…"},
		{"CHORTLE_DATABASE_URL", "chortle.db", "sqlite:…"},
		{"CHORTLE_DATABASE_URL", "postgres://a:p%ss@h/d", "%XX"},
		{"CHORTLE_CLIPS_URL", "gs://bucket", "folder:…"},
		{"CHORTLE_CLIPS_URL", "folder:", "folder:…"},
		{"CHORTLE_MODEL", "python 'x", "close it"},
		{"CHORTLE_MODEL_THREADS", "many", "from 0 to 256"},
		{"CHORTLE_MODEL_MEMORY_LIMIT", "lots", "512MB"},
		{"CHORTLE_MODEL_MEMORY_LIMIT", "99999999999999999999T", "too large"},
		{"CHORTLE_WEIGHTS_SHA256", "abc", "64 hexadecimal digits"},
		{"CHORTLE_SILENCE", "-30", "-120 to -60"},
		{"CHORTLE_SILENCE", "quiet", "or off"},
		{"CHORTLE_MAX_RECORDING", "0s", "1m to 720h"},
		{"CHORTLE_MAX_RECORDING", "a day", "1m to 720h"},
		{"CHORTLE_SETTLE", "60", "10s"},
		{"CHORTLE_SETTLE", "-1s", "0s to 24h"},
		{"CHORTLE_STORE_RETRY", "soon", "10s"},
		{"CHORTLE_CATCH_UP_DAYS", "-1", "0 to 366"},
		{"CHORTLE_USERS_AT_ONCE", "0", "1 to 64"},
		{"CHORTLE_LOG_LEVEL", "loud", "debug, info"},
		{"CHORTLE_LOG_FORMAT", "xml", "text, json"},
		{"CHORTLE_LOG_KEEP_DAYS", "-1", "from 0"},
		{"CHORTLE_ALERT_FAILED_CALLS", "110%", "10%"},
		{"CHORTLE_ALERT_FAILED_CALLS", "many", "10%"},
		{"CHORTLE_ALERT_MEMORY_PEAK", "lots", "512MB"},
		{"CHORTLE_ALERT_QUIET_DAYS", "a week", "from 0"},
		{"CHORTLE_ALERT_LAST_RUN", "yesterday", "36h"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Parallel()
			s, err := settings.Load(newPlace(t).input(c.name + "=" + c.value))
			if err == nil || !strings.Contains(err.Error(), c.name+" (environment)") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s and %q", err, c.name, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "p%ss") {
				t.Errorf("the message tells the password: %v", err)
			}
			if got := source(s, c.name); got != "default" {
				t.Errorf("the value is from %s", got)
			}
		})
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	_, err := settings.Load(settings.Input{})
	if err == nil || !strings.Contains(err.Error(), "CHORTLE_DATA_DIR") || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("error %v", err)
	}
	s := load(t, settings.Input{Environ: []string{"CHORTLE_DATA_DIR=/data"}})
	if s.Config.DatabaseURL != "sqlite:/data/chortle.db" || s.Config.Weights != "" {
		t.Errorf("config %+v", s.Config)
	}
}

func TestDefaultsAndPaths(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	bin := write(t, filepath.Join(p.bin, "inferd"), "")
	if err := os.Chmod(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	s := load(t, p.input("XDG_DATA_HOME=/data", "XDG_CACHE_HOME=/cache", "CHORTLE_CLIPS_URL=folder:~/clips",
		"CHORTLE_MODEL_MEMORY_LIMIT=512MB", "CHORTLE_SETTLE=1m30s"))
	c := s.Config
	for what, pair := range map[string][2]any{
		"data":   {c.DataDir, "/data/chortle"},
		"db":     {c.DatabaseURL, "sqlite:/data/chortle/chortle.db"},
		"clips":  {c.ClipsURL, "folder:/home/somebody/clips"},
		"model":  {c.Weights, "/cache/chortle/models/yamnet.tflite"},
		"tflite": {c.TFLiteLibrary, "/cache/chortle/lib/libtensorflowlite_c.so"},
		"opus":   {c.OpusLibrary, "libopus.so.0"}, // the system's, by its name
		"limit":  {c.ModelMemoryLimit, int64(512e6)},
		"settle": {c.Settle, 90 * time.Second},
		"inferd": {fmt.Sprint(c.Model), "[" + bin + "]"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}
	relative := load(t, p.input("CHORTLE_DATA_DIR=here"))
	if here, _ := filepath.Abs("here"); relative.Config.DataDir != here {
		t.Errorf("a relative folder became %s", relative.Config.DataDir)
	}
}

func TestProgramsAreFoundInPath(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, name := range []string{"ffmpeg", "inferd"} {
		if err := os.Chmod(write(t, filepath.Join(p.work, name), ""), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(p.config, "ffmpeg"), "not executable")
	s := load(t, p.input("PATH="+p.config+":"+p.work))
	if s.Config.FFmpeg != filepath.Join(p.work, "ffmpeg") || len(s.Config.Model) != 1 || s.Config.Model[0] != filepath.Join(p.work, "inferd") {
		t.Errorf("ffmpeg %q, inferd %q", s.Config.FFmpeg, s.Config.Model)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const address = "postgres://chortle:hunter2@db/chortle"
	path := write(t, filepath.Join(p.work, "secret"), address+"\n")
	s := load(t, p.input("CHORTLE_DATABASE_URL_FILE="+path))
	if s.Config.DatabaseURL != address || source(s, "CHORTLE_DATABASE_URL") != "environment, from "+path {
		t.Errorf("got %q from %q", s.Config.DatabaseURL, source(s, "CHORTLE_DATABASE_URL"))
	}
	for _, v := range s.Values {
		if strings.Contains(v.Shown(), "hunter2") {
			t.Errorf("%s shows the password: %s", v.Name, v.Shown())
		}
	}
	if len(s.Warnings) != 0 {
		t.Errorf("warnings %v", s.Warnings)
	}
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"both":    {[]string{"CHORTLE_DATABASE_URL=sqlite:x", "CHORTLE_DATABASE_URL_FILE=" + path}, "keep one of the two"},
		"missing": {[]string{"CHORTLE_DATABASE_URL_FILE=/nowhere/x"}, "let this user read the file"},
		"empty":   {[]string{"CHORTLE_DATABASE_URL_FILE=" + write(t, filepath.Join(p.work, "empty"), " \n")}, "is empty"},
	} {
		if _, err := settings.Load(p.input(c.environ...)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "CHORTLE_DATABASE_URL") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	write(t, filepath.Join(p.work, ".env"), "CHORTLE_TRESHOLD=0.3\n")
	s := load(t, p.input("CHORTLE_DATABSE_URL=x", "CHORTLE_THRESHOLD_FILE=x", "CHORTLE_TEST_X=1", "CHORTLE_PLUGIN=x", "CHORTLE_MIRROR=x", "OTHER=1"))
	want := []string{
		"CHORTLE_DATABSE_URL in the environment is no setting; did you mean CHORTLE_DATABASE_URL?",
		"CHORTLE_THRESHOLD_FILE in the environment is no setting; did you mean CHORTLE_THRESHOLD?",
		"CHORTLE_TRESHOLD in " + s.EnvFile + " is no setting; did you mean CHORTLE_THRESHOLD?",
	}
	if fmt.Sprint(s.Warnings) != fmt.Sprint(want) {
		t.Errorf("warnings %q", s.Warnings)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	flags := map[string]bool{}
	for _, d := range settings.Table {
		if !strings.HasPrefix(d.Name, "CHORTLE_") || d.Help == "" {
			t.Errorf("%+v", d.Name)
		}
		if d.Flag != "" && flags[d.Flag] {
			t.Errorf("flag --%s twice", d.Flag)
		}
		flags[d.Flag] = true
		if settings.Find(d.Name).Name != d.Name {
			t.Errorf("%s is not found", d.Name)
		}
	}
	if settings.Find("CHORTLE_NOTHING") != nil {
		t.Error("found what is not there")
	}
}

func TestAlertSettings(t *testing.T) {
	t.Parallel()
	s, err := settings.Load(newPlace(t).input("CHORTLE_ALERT_FAILED_CALLS=5 %", "CHORTLE_ALERT_LAST_RUN=2d", "CHORTLE_ALERT_MEMORY_PEAK=96MB",
		"CHORTLE_NOTIFY_URLS=ntfy://ntfy.sh/hunter2  telegram://hunter2@telegram", "CHORTLE_PING_URL=https://hc-ping.com/hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Config.Alerts
	if got.FailedCalls != 0.05 || got.LastGoodRun != 48*time.Hour || got.MemoryPeak != 96e6 || len(got.NotifyURLs) != 2 || got.Quiet != 7*24*time.Hour {
		t.Errorf("%+v", got)
	}
	for _, value := range s.Values {
		if strings.Contains(value.Shown(), "hunter2") {
			t.Errorf("%s shows %s", value.Name, value.Shown())
		}
	}
}

func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	s, err := settings.Load(newPlace(t).input())
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	want := health.Limits{FailedCalls: 0.1, MemoryAfter: 64e6, MemoryPeak: 256e6, Quiet: 7 * day, GapAge: 3 * day, LastGoodRun: 36 * time.Hour, LastBackup: 72 * time.Hour, DiskFree: 1e9, Stuck: 8 * time.Hour}
	if got := s.Config.Alerts.Limits; got != want {
		t.Errorf("the limits are %+v; want %+v", got, want)
	}
}

// An old name of a setting works in every layer, and says once what replaces it; a new name in the same layer wins.
func TestRenamedSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	weights := filepath.Join(dir, "weights.bin")
	if err := os.WriteFile(weights, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags           map[string]string
		environ         []string
		weights, model  string
		threads, warned int
		says            string
	}{
		"old":           {nil, []string{"CHORTLE_MODEL=fake", "CHORTLE_INFERD=python loud.py", "CHORTLE_INFERD_THREADS=2"}, "fake", "[python loud.py]", 2, 3, "CHORTLE_INFERD in the environment is called CHORTLE_MODEL now"},
		"new":           {nil, []string{"CHORTLE_WEIGHTS=fake", "CHORTLE_MODEL=python loud.py", "CHORTLE_MODEL_THREADS=2"}, "fake", "[python loud.py]", 2, 0, ""},
		"tflite":        {nil, []string{"CHORTLE_MODEL=/x/y.tflite"}, "/x/y.tflite", "[]", 0, 1, "use CHORTLE_WEIGHTS for it"},
		"file":          {nil, []string{"CHORTLE_MODEL=" + weights}, weights, "[]", 0, 1, "use CHORTLE_WEIGHTS for it"},
		"command":       {nil, []string{"CHORTLE_MODEL=/bin/sh"}, filepath.Join(dir, "models/yamnet.tflite"), "[/bin/sh]", 0, 0, ""},
		"name":          {nil, []string{"CHORTLE_MODEL=yamnet-python"}, filepath.Join(dir, "models/yamnet.tflite"), "[yamnet-python]", 0, 0, ""},
		"both":          {nil, []string{"CHORTLE_INFERD=old", "CHORTLE_MODEL=new"}, filepath.Join(dir, "models/yamnet.tflite"), "[new]", 0, 1, "CHORTLE_MODEL now"},
		"flag":          {map[string]string{"CHORTLE_MODEL": "fake"}, []string{"CHORTLE_MODEL=named"}, "fake", "[named]", 0, 1, "use --weights for it; --model chooses the model"},
		"flag over env": {map[string]string{"CHORTLE_MODEL": "mine"}, []string{"CHORTLE_INFERD=old"}, filepath.Join(dir, "models/yamnet.tflite"), "[mine]", 0, 1, "CHORTLE_MODEL now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := settings.Load(settings.Input{Flags: c.flags, Environ: append(c.environ, "HOME=/nowhere", "CHORTLE_CACHE_DIR="+dir), WorkingDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Config; got.Weights != c.weights || fmt.Sprint(got.Model) != c.model || got.ModelThreads != c.threads {
				t.Errorf("weights %q, model %v, %d threads", got.Weights, got.Model, got.ModelThreads)
			}
			if len(s.Warnings) != c.warned || !strings.Contains(strings.Join(s.Warnings, "\n"), c.says) {
				t.Errorf("%d warnings: %q", len(s.Warnings), s.Warnings)
			}
		})
	}
}

// A model that knows only one name of a setting finds it.
func TestForModels(t *testing.T) {
	t.Parallel()
	got := settings.ForModels([]string{"CHORTLE_WEIGHTS=a", "CHORTLE_MODEL_THREADS=1", "CHORTLE_INFERD_THREADS=3"})
	seen := map[string]string{} // the last of a name counts
	for _, entry := range got {
		name, value, _ := strings.Cut(entry, "=")
		seen[name] = value
	}
	for name, want := range map[string]string{"CHORTLE_WEIGHTS": "a", "CHORTLE_MODEL": "a", "CHORTLE_MODEL_THREADS": "3", "CHORTLE_INFERD_THREADS": "3"} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %q", name, seen[name], want)
		}
	}
}
