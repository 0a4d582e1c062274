package plugintest

import (
	"errors"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

// killed ends the program from outside in the middle of a recording: nobody's limit is blamed.
func killed(t *testing.T, p orchestrator.Process) {
	err := drain(p.Classify(t.Context(), endless(testkit.Laughter(int(2*p.Model().Window)), func(i int) error {
		if i != 3 {
			return nil
		}
		return syscall.Kill(p.PID(), syscall.SIGKILL)
	})))
	exit := (*orchestrator.ExitError)(nil)
	if !errors.As(err, &exit) {
		t.Fatalf("error is %v; want an *orchestrator.ExitError", err)
	}
	if e := exit.Exit; e.Signal != syscall.SIGKILL.String() || e.OverLimit != 0 || e.OutOfMemory || !e.Gone {
		t.Errorf("exit is %+v; want it killed, by nobody's limit", e)
	}
}

// givenBack: after its end a model holds nothing. That the orchestrator keeps nothing either is measured where it
// runs alone (make bench).
func givenBack(t *testing.T, p orchestrator.Process) {
	if err := drain(p.Classify(t.Context(), cut(testkit.Laughter(int(4*p.Model().Window))))); err != nil {
		t.Fatal(err)
	}
	pid := p.PID()
	held := resident(pid)
	exit := p.Stop()
	if held > 0 && exit.Memory.Model == 0 || !exit.Gone || resident(pid) != 0 {
		t.Errorf("exit is %+v; it held %d bytes, and holds %d", exit, held, resident(pid))
	}
}

// wrapped puts a shell before the program, which runs a script and finds its command in "$@".
func (p Plugin) wrapped(script, name string) func(*modelhost.Config) {
	return func(c *modelhost.Config) {
		c.Command = append([]string{"sh", "-c", script, name}, p.Command...)
		if filepath.IsAbs(name) { // a file that the script writes
			c.Write = []string{filepath.Dir(name)}
		}
	}
}

// oddLog: whatever is written to standard error harms neither the host nor the scores, and holds up neither.
func oddLog(t *testing.T, p Plugin) {
	quiet := p.start(t)
	sound := testkit.Laughter(int(8 * quiet.Model().Window))
	want := classify(t, quiet, quiet.Model(), cut(sound))

	const script = `printf '%s\n' '{"@message":7,"@level":["x"],"@timestamp":{},"n":null}' '{"@level":"warn","@message":"careful","n":3}' '{"@message":"cut' >&2
		head -c 1000000 /dev/zero | tr '\0' x >&2; echo >&2
		yes flood | head -n 20000 >&2
		yes 'flood without end' >&2 &
		exec "$@"`
	hook := &logtest.Hook{}
	loud := p.start(t, logged(hook), p.wrapped(script, "sh"))
	same(t, want, classify(t, loud, loud.Model(), cut(sound)))
	loud.Stop()
	entries := hook.AllEntries()
	for _, line := range []struct {
		level   logrus.Level
		message string
	}{
		{logrus.DebugLevel, "7"},
		{logrus.WarnLevel, "careful"},
		{logrus.DebugLevel, `{"@message":"cut`},
		{logrus.DebugLevel, "flood"},
		{logrus.WarnLevel, "model process writes too many lines; some were left away"},
	} {
		if !slices.ContainsFunc(entries, func(e *logrus.Entry) bool { return e.Level == line.level && e.Message == line.message }) {
			t.Errorf("%d lines were logged, and none is %q at level %v", len(entries), line.message, line.level)
		}
	}
}
