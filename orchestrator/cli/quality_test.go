package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// labels writes labels of alice's recording, two of which cannot be used.
func (p *place) labels() string {
	return p.file("labels", "labels.tsv", []byte("file\tonset\toffset\tlabel\tclass\tfrom\n"+
		"2026-11-22T14-30-00Z.ogg\t0\t600\tlaugh\tgiggle\thome\n2026-11-22T14-30-00Z.ogg\t3\t2\tlaugh\tgiggle\thome\nlost.ogg\t\t\tnolaugh\tspeech\thome\n"))
}

// TestQualityOfLabelledSound measures the same sound under two policies, and against labels that say the contrary.
func TestQualityOfLabelledSound(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	out := p.run("models", "bench", "--labels", p.labels(), p.path("alice"), "--policy", "0.95", "--against", "0.175")
	for _, want := range []string{"Policy threshold-1, model fake 1", "2026-11-22T14-30-00Z.ogg", "1 change: 1 better, 0 worse"} {
		if out.code != 0 || !strings.Contains(out.stdout, want) {
			t.Errorf("exit %d, lacks %q:\n%s%s", out.code, want, out.stdout, out.stderr)
		}
	}
	for _, want := range []string{"line 3: 2026-11-22T14-30-00Z.ogg: offset 2 is not behind onset 3", "lost.ogg: the file is missing", "reach beyond the file"} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, out.stderr)
		}
	}
	// Beside the recording, as Audacity writes it: nothing is a laugh.
	p.file("alice", "2026-11-22T14-30-00Z.txt", []byte("0.0\t1.5\tspeech\n"))
	measured := p.json(0, "models", "bench", "--labels", p.path("alice/2026-11-22T14-30-00Z.txt"))
	if at(measured, "results", 0, "all", "labels") != 0.0 || at(measured, "results", 0, "false_by_group", 0, "sure") != 1.0 {
		t.Errorf("measured %v", measured)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{orchestrator.ExitUsage, "policy \"defalt\" is none", []string{"--labels", p.labels(), p.path("alice"), "--policy", "defalt"}},
		{orchestrator.ExitUsage, "go with --labels", []string{"--policy", "default"}},
		{orchestrator.ExitUsage, "threshold", []string{"--labels", p.labels(), p.path("alice"), "--policy", "1.5"}},
		{orchestrator.ExitFailed, "no such file", []string{"--labels", p.path("none.tsv")}},
		{orchestrator.ExitFailed, "none of the labelled files could be read", []string{"--labels", p.labels()}},
	} {
		if got := p.run(append([]string{"models", "bench"}, c.args...)...); got.code != c.code || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%v: exit %d, want %d and %q: %s", c.args, got.code, c.code, c.says, got.stderr)
		}
	}
	if fmt.Sprint(at(p.json(0, "models", "bench", "--labels", p.labels(), p.path("alice"), "--policy", "default-2"), "results", 0, "policy")) != "default-2" {
		t.Error("an earlier policy is not found by its name")
	}
}
