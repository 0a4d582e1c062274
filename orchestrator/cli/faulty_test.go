package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// faulty is a model that does something else once it is asked.
const faulty = `
import os, sys
from chortle_plugin import Description, Model, serve

class Faulty(Model):
    def describe(self):
        return Description(name="faulty", sample_rate_hz=16000, window_samples=16000, hop_samples=8000, labels=["x"], laughter=["x"])

    def predict(self, window):
        print("window", len(window), file=sys.stderr, flush=True)
        %s

serve(Faulty)
`

// TestFaultyPlugins: a plugin costs its own user, is named with what it said, and leaves nothing behind.
func TestFaultyPlugins(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	sockets := p.path("tmp")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		t.Fatal(err)
	}
	python := func(name, body string) string {
		return testkit.Python(t) + " " + p.file("", name+".py", fmt.Appendf(nil, faulty, body))
	}
	users := map[string]struct{ command, stage, says string }{
		"exits":    {"sh -c 'echo weights are missing >&2; exit 7'", orchestrator.StageModel, "exited with code 7: it wrote no handshake; it last wrote: weights are missing"},
		"missing":  {"/no/such/plugin", orchestrator.StageModel, "no such file"},
		"chatty":   {"echo loading", orchestrator.StageModel, "loading"},
		"raises":   {python("raises", "raise ValueError('no such luck')"), orchestrator.StageModel, "ValueError: no such luck"},
		"logits":   {python("logits", "return [7.5]"), orchestrator.StageModel, "want 0..1"},
		"dies":     {python("dies", "os._exit(9)"), orchestrator.StageModel, "exited with code 9"},
		"good":     {"", "", ""},
		"good-too": {"", "", ""},
	}
	for name, user := range users {
		p.recording(name, "2026-11-22T14-30-00Z.ogg")
		p.must("user", "add", name, "--timezone", "UTC", "--source", "folder:"+p.path(name), "--model", user.command)
	}
	p.environ = append(p.environ, "TMPDIR="+sockets)
	run := p.json(orchestrator.ExitIncomplete, day...)
	for i := range at(run, "users").([]any) {
		name := at(run, "users", i, "user").(string)
		want := users[name]
		if want.says == "" {
			if at(run, "users", i, "status") != "ok" || at(run, "users", i, "laughs", "new") != 1.0 {
				t.Errorf("%s: %v", name, at(run, "users", i))
			}
			continue
		}
		message := fmt.Sprint(at(run, "users", i, "errors", 0, "message"))
		if at(run, "users", i, "errors", 0, "stage") != want.stage || !strings.Contains(message, want.says) {
			t.Errorf("%s: the error is %q; want %q", name, message, want.says)
		}
		if words := strings.Fields(want.command); name != "missing" && !strings.Contains(message, words[0]) {
			t.Errorf("%s: %q does not name the plugin", name, message)
		}
		if at(run, "users", i, "memory", "model_gone") != true {
			t.Errorf("%s: its process is left", name)
		}
	}
	if left, err := filepath.Glob(sockets + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left are %v (%v)", left, err)
	}
}
