package cli_test

import (
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Nouns are understood in both numbers, flags under their old names, and the version by a flag.
func TestOtherNames(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	for _, c := range []struct{ args, stdout, stderr string }{
		{"users list", "alice", ""},
		{"user list", "alice", ""},
		{"laugh list", "", "No laughs found"},
		{"laughs list --heard-by fake", "", "--heard-by is called --model now"},
		{"laughs list --model fake", "", "No laughs found"},
		{"model list --models " + p.file("", "models.toml", []byte("[loud]\ncommand = \"loud\"\n")), "loud", "--models is called --models-file now"},
		{"config --inferd python", "python", "--inferd is called --model now"},
		{"config --model fake", "fake", "use --weights for it; --model chooses the model"},
		{"--version", "orchestrator test\n", ""},
		{"user set alice --inferd loud", "loud", "--inferd is called --model now"},
	} {
		r := p.run(strings.Fields(c.args)...)
		if r.code != 0 || !strings.Contains(r.stdout, c.stdout) || !strings.Contains(r.stderr, c.stderr) || strings.Count(r.stderr, "called") > 1 {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}

// A command or flag that there is not is refused, with what may have been meant, also where its help is asked for.
func TestMeantCommands(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for args, want := range map[string]string{
		"user delete": "did you mean purge?", "laughs remove": "did you mean forget?", "users ls": "did you mean list?",
		"laughs playy --help": "did you mean play?", "user key set --help": `unknown command "set" for orchestrator user key`,
		"run --dat 2026-11-22": "or --date?", "user add --enable": "did you mean --enabled?", "user add --api-key x": "did you mean --api-key-",
	} {
		if r := p.run(strings.Fields(args)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// Every command stands under a heading of the help.
func TestHelpHasGroups(t *testing.T) {
	t.Parallel()
	help := newPlace(t).must("--help")
	for _, want := range []string{"Every day:", "Set-up:", "Models:", "Data:", "--quiet", "--verbose"} {
		if !strings.Contains(help, want) {
			t.Errorf("%q is not in:\n%s", want, help)
		}
	}
	_, others, _ := strings.Cut(help, "Additional Commands:")
	others, _, _ = strings.Cut(others, "Flags:")
	for _, line := range strings.Split(strings.TrimSpace(others), "\n") {
		if name := strings.Fields(line)[0]; name != "help" && name != "completion" && name != "version" {
			t.Errorf("%s is in no group: name it in groups", name)
		}
	}
}

// A run of cron's prints nothing unless something needs a person; --quiet makes others as silent.
func TestQuietRuns(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("alice", "2026-11-22_10-00-00.ogg")
	p.must("user", "set", "alice", "--threshold", "0.175")
	for _, args := range []string{"run --date 2026-11-22 --trigger cron", "run --date 2026-11-22 --quiet"} {
		if r := p.run(strings.Fields(args)...); r.code != 0 || r.stdout != "" || r.stderr != "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if r := p.run("run", "--date", "2026-11-22", "--trigger", "cron", "--quiet=false"); r.stdout == "" {
		t.Errorf("loud: %+v", r)
	}
	p.file("alice", "2026-11-22_11-00-00.ogg", []byte("OggS and no more"))
	if r := p.run("run", "--date", "2026-11-22", "--trigger", "cron"); r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stdout, "11-00-00") {
		t.Errorf("with a broken file: %+v", r)
	}
}
