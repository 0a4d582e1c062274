package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// unset is a place without the model of the other tests, with a cache of its own and the real model on a mirror.
func unset(t *testing.T) (p *place, mirror string) {
	t.Helper()
	p = newPlace(t, "CHORTLE_WEIGHTS=", "CHORTLE_CACHE_DIR="+filepath.Join(t.TempDir(), "cache"))
	model, err := os.ReadFile(testkit.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return p, filepath.Dir(p.file("mirror", "yamnet.tflite", model))
}

// give lays the real libraries into the cache, which come from the network else.
func (p *place) give() {
	p.Helper()
	for place, path := range map[string]string{artifacts.TFLite: testkit.TFLite(p), artifacts.Opus: testkit.Opus(p)} {
		library, err := os.ReadFile(path)
		if err != nil {
			p.Fatal(err)
		}
		to := p.cached(place)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			p.Fatal(err)
		}
		if err := atomicfile.WriteData(to, 0o700, library); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *place) cached(place string) string {
	return filepath.Join(artifacts.Dir(func(name string) string { return value(p.environ, name) }), place)
}

// value is what an environment has of a name: the last counts.
func value(environ []string, name string) (last string) {
	for _, entry := range environ {
		if text, ok := strings.CutPrefix(entry, name+"="); ok {
			last = text
		}
	}
	return last
}

// states are those of the parts in a document of setup, by name.
func states(document any) map[string]string {
	found := map[string]string{}
	for _, part := range at(document, "parts").([]any) {
		found[fmt.Sprint(at(part, "name"))] = fmt.Sprint(at(part, "state"))
	}
	return found
}

func wantStates(t *testing.T, document any, model, tflite, opus, ffmpeg string) {
	t.Helper()
	got := states(document)
	for name, want := range map[string]string{"model": model, "tensorflow-lite": tflite, "libopus": opus, "ffmpeg": ffmpeg} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
}

func TestSetupFetchesAndRepairs(t *testing.T) {
	t.Parallel()
	p, mirror := unset(t)
	if got := states(p.json(1, "setup", "--check")); got["model"] != "missing" || got["tensorflow-lite"] != "missing" || got["ffmpeg"] != "named" {
		t.Errorf("with an empty cache: %v", got)
	}
	if _, err := os.Stat(p.cached("")); err == nil {
		t.Error("setup --check made the cache folder")
	}
	p.give()

	wantStates(t, p.json(0, "setup", "--mirror", mirror), "fetched", "present", "present", "named")
	wantStates(t, p.json(0, "setup"), "present", "present", "present", "named")

	for _, name := range []string{artifacts.Model, artifacts.TFLite} {
		damage(t, p.cached(name))
	}
	if r := p.run("setup", "--check"); r.code != 1 || strings.Count(r.stderr, "orchestrator setup to fetch it again") != 2 {
		t.Errorf("damaged: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if finding := find(p.json(1, "doctor"), "model file"); at(finding, "status") != "ERROR" || !strings.Contains(fmt.Sprint(at(finding, "remedy")), "orchestrator setup") {
		t.Errorf("doctor says of a damaged model: %v", finding)
	}
	p.give()
	p.environ = append(p.environ, "CHORTLE_MIRROR="+mirror)
	if finding := find(p.json(0, "doctor", "--fix"), "model file"); at(finding, "status") != "OK" {
		t.Errorf("doctor --fix left the model damaged: %v", finding)
	}
	if out := p.must("setup"); !strings.Contains(out, "Everything is there.") {
		t.Errorf("for people:\n%s", out)
	}
	if out := p.must("setup", "--quiet"); out != "" {
		t.Errorf("setup --quiet says, where all is there: %q", out)
	}
}

// damage replaces a file. To write into a library that this very process has loaded would crash it.
func damage(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[1000:], "damaged")
	if err := atomicfile.WriteData(path, 0o700, content); err != nil {
		t.Fatal(err)
	}
}

func TestSetupSaysWhatASettingNames(t *testing.T) {
	t.Parallel()
	p, mirror := unset(t)
	p.give()
	for _, c := range []struct {
		setting, part string
	}{
		{"CHORTLE_TFLITE_LIBRARY=/nowhere.so", "tensorflow-lite"},
		{"CHORTLE_OPUS_LIBRARY=/nowhere.so", "libopus"},
		{"CHORTLE_FFMPEG=/bin/false", "ffmpeg"},
		{"CHORTLE_WEIGHTS=/nowhere.tflite", "model"},
	} {
		before := p.environ
		p.environ = append(p.environ, c.setting)
		document := p.json(1, "setup", "--mirror", mirror)
		name, _, _ := strings.Cut(c.setting, "=")
		for _, part := range at(document, "parts").([]any) {
			wrong := at(part, "state") == "missing"
			if named := at(part, "name") == c.part; named != wrong || named && !strings.Contains(fmt.Sprint(at(part, "error")), name) {
				t.Errorf("%s: %v", c.setting, part)
			}
		}
		p.environ = before
	}
	wantStates(t, p.json(0, "setup", "--mirror", mirror, "--without-ffmpeg"), "present", "present", "present", "named")
	p.environ = append(p.environ, "CHORTLE_FFMPEG=", "PATH=")
	wantStates(t, p.json(0, "setup", "--mirror", mirror, "--without-ffmpeg"), "present", "present", "present", "skipped")
}
