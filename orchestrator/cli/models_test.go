package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// withSecondModel gives the place a models.toml with a model in Python, and lets it read the day of
// alice, which the first one has read before.
func (p *place) withSecondModel() *place {
	p.Helper()
	example, err := filepath.Abs(filepath.Join(testkit.Root(), "python", "examples", "loud.py"))
	if err != nil {
		p.Fatal(err)
	}
	file := p.file("", "models.toml", fmt.Appendf(nil, "[loud-python]\nabout = \"hears noise\"\ncommand = [%q, %q]\nenv = { TOKEN = \"secret\" }\n",
		testkit.Python(p), example))
	p.environ = append(p.environ, "CHORTLE_MODELS_FILE="+file)
	p.run(append(day, "--reprocess", "--model", "loud-python")...)
	return p
}

// TestTwoModels: what a second model hears stands beside what the first one heard.
func TestTwoModels(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	first := p.json(0, "laughs", "list")
	p.withSecondModel()
	both := p.json(0, "laughs", "list")
	if a, b := at(first, "laughs").([]any), at(both, "laughs").([]any); len(a) != 1 || len(b) != 2 {
		t.Fatalf("%d laughs before, %d afterwards:\n%v", len(a), len(b), both)
	}
	clips := map[any]bool{}
	for i := range 2 {
		clips[at(both, "laughs", i, "clip")] = true
		if sum := at(both, "laughs", i, "model_version"); at(both, "laughs", i, "model") == "fake" && sum != "1" {
			t.Errorf("version is %v", sum)
		}
	}
	if len(clips) != 2 || clips[""] {
		t.Errorf("clips are %v; want one each", clips)
	}

	diff := p.json(0, "laughs", "diff", "fake", "loud")
	if at(diff, "counts", "agreed") != 1.0 || at(diff, "counts", "only_a") != 0.0 || at(diff, "recordings") != 1.0 || at(diff, "b", "name") != "loud" {
		t.Errorf("diff is %v", diff)
	}
	p.recording("alice", "2026-11-22_16-00-00.ogg")
	p.must(day...) // by the first model alone
	out := p.run("laughs", "diff", "loud", "fake@1")
	if !strings.Contains(out.stdout, "both heard 1, only loud 0, only fake 0") || !strings.Contains(out.stderr, "1 recording of only one") {
		t.Errorf("diff says\n%s%s", out.stdout, out.stderr)
	}
	// The flags choose recordings, too. A model is no choice here: it would take the other's laughs out.
	for _, c := range []struct {
		args []string
		want [2]float64 // recordings, laughs on which they agree
	}{
		{[]string{"--date", "2026-11-22"}, [2]float64{1, 1}},
		{[]string{"--date", "2026-11-20"}, [2]float64{0, 0}},
		{[]string{"--recording", "2026-11-22T14-30-00Z.ogg"}, [2]float64{1, 1}},
		{[]string{"--recording", "2026-11-22_16-00-00.ogg"}, [2]float64{0, 0}},
	} {
		diff := p.json(0, append([]string{"laughs", "diff", "fake", "loud"}, c.args...)...)
		if got := [2]any{at(diff, "recordings"), at(diff, "counts", "agreed")}; got != [2]any{c.want[0], c.want[1]} {
			t.Errorf("diff %v: %v, want %v", c.args, got, c.want)
		}
	}
	for _, args := range [][]string{{"fake", "loud", "--model", "fake"}, {"fake", "loud", "--user", "nobody"}, {"fake"}, {"fake", "fake"}, {"fake", "lud"}, {"fake", "loud@7"}} {
		if got := p.run(append([]string{"laughs", "diff"}, args...)...); got.code != orchestrator.ExitUsage {
			t.Errorf("diff %v: exit %d: %s", args, got.code, got.stderr)
		}
	}
}

func TestModelsByName(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Repeat("a", 64)
	p.environ = append(p.environ, "CHORTLE_MODELS_FILE="+p.file("", "models.toml", fmt.Appendf(nil, `
[gone]
command = "./gone"
[named]
command = "%s/inferd"
env = { CHORTLE_WEIGHTS = "fake", TOKEN = "secret" }
[other-weights]
command = ["%[1]s/inferd"]
sha256 = %q
`, bin, other)))

	list := p.run("models", "list")
	for _, part := range []string{"gone", "no such file", "named", "other-weights"} {
		if !strings.Contains(list.stdout, part) {
			t.Errorf("models list lacks %q:\n%s", part, list.stdout)
		}
	}
	if document := p.json(0, "models", "list"); strings.Contains(fmt.Sprint(document), "secret") || at(document, "models", 2, "env", 1) != "TOKEN" {
		t.Errorf("models list is %v", document)
	}
	for name, want := range map[string]struct {
		code int
		says string
	}{
		"named":              {0, "keeps the contract"},
		bin + "/inferd":      {0, "keeps the contract"},
		"gone":               {1, "no such file"},
		"other-weights":      {1, "want " + other},
		"nmaed":              {1, "did you mean named?"},
		"echo hello":         {1, "hello"},
		"sh -c 'echo >&2 x'": {1, "it last wrote: x"},
	} {
		if got := p.run("models", "check", name); got.code != want.code || !strings.Contains(got.stdout+got.stderr, want.says) {
			t.Errorf("models check %s: exit %d, want %d and %q:\n%s%s", name, got.code, want.code, want.says, got.stdout, got.stderr)
		}
	}
	if out := p.must("models", "bench", "named", "--length", "20s"); !strings.Contains(out, "times real time") {
		t.Errorf("models bench says %s", out)
	}
	// Of a user, of the setting, and of the flag.
	p.must("user", "set", "alice", "--model", "named")
	if run := p.json(0, day...); at(run, "users", 0, "model", "name") != "fake" {
		t.Errorf("run by a named model: %v", run)
	}
	p.environ = append(p.environ, "CHORTLE_MODEL=named")
	p.must("user", "set", "alice", "--model", "")
	if run := p.json(0, append(day, "--reprocess")...); at(run, "users", 0, "model", "name") != "fake" {
		t.Errorf("run by the setting's named model: %v", run)
	}
	if got := p.run(append(day, "--reprocess", "--model", "gone")...); got.code == 0 {
		t.Error("a run with a model that is not there ends well")
	}
}
