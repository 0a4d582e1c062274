package modelhost

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// standalone starts the test binary as a plugin that somebody else started, and returns the address at which it
// listens.
func standalone(t *testing.T, mode string) (address string, process *exec.Cmd) {
	t.Helper()
	config := testConfig(t, mode)
	process = exec.Command(config.Command[0])
	process.Env = slices.Concat(config.Env, []string{handshake.CookieKey + "=" + handshake.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=1",
		plugin.EnvUnixSocketDir + "=" + config.SocketDir})
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4<<10)
	n, err := stdout.Read(line)
	fields := strings.Split(string(line[:n]), "|")
	if err != nil || len(fields) < 4 {
		t.Fatalf("handshake is %q (%v)", fields, err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		_ = os.Remove(fields[3])
	})
	return "unix:" + fields[3], process
}

// attach connects to a process that is let go of at the end of the test.
func attach(t *testing.T, address string, config Config) orchestrator.Process {
	t.Helper()
	a, err := Attach(address, config)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Spawn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	return p
}

// TestAttachedFaults: what goes wrong with a process that is not ours is told with its address, and whose fault
// it is.
func TestAttachedFaults(t *testing.T) {
	t.Parallel()
	for mode, says := range map[string]string{
		"exit mid-stream":     "code = Unavailable",
		"error mid-stream":    "tensor went missing",
		"hang mid-stream":     "it gave no answer for 400ms",
		"NaN":                 "NaN",
		"hang before reading": "it gave no answer for 400ms",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			address, _ := standalone(t, mode)
			var config Config
			if strings.HasPrefix(mode, "hang") {
				config.StallTimeout = 400 * time.Millisecond
			}
			err := failure(attach(t, address, config))
			if !errors.Is(err, orchestrator.ErrBadPlugin) {
				t.Fatalf("error is %v; want %v in it", err, orchestrator.ErrBadPlugin)
			}
			wantText(t, err, "classify: model (attached at "+address+"): ", says)
		})
	}
}

// TestAttachToNobody: who is not there broke nothing.
func TestAttachToNobody(t *testing.T) {
	t.Parallel()
	address := "unix:" + filepath.Join(testkit.SocketDir(t), "none")
	a, err := Attach(address, Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Spawn(t.Context())
	if err == nil || errors.Is(err, orchestrator.ErrBadPlugin) {
		t.Fatalf("error is %v; want one that blames no plugin", err)
	}
	wantText(t, err, "start model: model (attached at "+address+"): ", "no such file")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Spawn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Spawn with a canceled context returned %v", err)
	}
}

// TestAttachedStopped: one that we let go of is not blamed, and lives on.
func TestAttachedStopped(t *testing.T) {
	t.Parallel()
	address, process := standalone(t, "good")
	p := attach(t, address, Config{})
	if exit := p.Stop(); !exit.Gone || exit.PID != 0 {
		t.Errorf("exit is %+v", exit)
	}
	if err := failure(p); err == nil || errors.Is(err, orchestrator.ErrBadPlugin) {
		t.Errorf("error is %v; want one that blames no plugin", err)
	}
	if !running(process.Process.Pid) {
		t.Error("the process was ended")
	}
	if err := failure(attach(t, address, Config{})); err != nil {
		t.Error(err)
	}
}
