package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chortle-audio/chortle/orchestrator/cli"
)

// openTerminal makes a terminal of 120 columns: what is written to screen is read from keyboard's side.
func openTerminal(t *testing.T) (screen, reader *os.File) {
	t.Helper()
	reader, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { reader.Close() })
	number, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(reader.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(reader.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120})
	}
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine's pseudo terminals cannot be opened: %v", err)
	}
	return screen, reader
}

// onTerminal runs a command with both its outputs at a terminal and returns what appeared.
func (p *place) onTerminal(t *testing.T, args ...string) string {
	screen, reader := openTerminal(t)
	shown := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, reader) // ends with an error when nobody has the terminal any more
		shown <- b.String()
	}()
	code := cli.Run(t.Context(), "test", args, p.environ, screen, screen, cli.Faces{})
	screen.Close()
	out := <-shown
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	return out
}

func TestTerminalGetsColourAndProgress(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "TERM=xterm").alice()
	out := p.onTerminal(t, day...)
	for _, want := range []string{"\x1b[32mok\x1b[0m", "\r\x1b[K", "alice 2026-11-22  2026-11-22T14-30-00Z.ogg", " of 0:00:25"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q did not appear:\n%q", want, out)
		}
	}
	if strings.Contains(out, `"level":"info"`) {
		t.Errorf("the log is in the way:\n%s", out)
	}
	if !strings.HasSuffix(strings.TrimSpace(out), "orchestrator laughs list") || strings.Contains(out[strings.LastIndex(out, "\r\x1b[K"):], "real time") {
		t.Errorf("the progress was left standing:\n%q", out)
	}
}

func TestTerminalWithoutColour(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"NO_COLOR=1", "TERM=dumb"} {
		p := newPlace(t, "TERM=xterm", setting)
		if out := p.onTerminal(t, "config"); strings.Contains(out, "\x1b[") {
			t.Errorf("%s: %q", setting, out)
		}
	}
}
