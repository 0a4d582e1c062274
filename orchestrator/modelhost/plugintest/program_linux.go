package plugintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

// shells stand between the host and the plugin, as `uv run` and its like do, and start a helper in the group and
// another in a session of its own, whose parent ends at once. The file "$0" gets the helpers' process ids.
const shells = `sleep 1000 & echo $! >"$0"
	(setsid sleep 1000 & echo $! >>"$0")
	sh -c '"$@"; exit $?' sh "$@"
	exit $?`

// family opens the processes behind a host's child: who hang on it, and the helpers.
func family(t *testing.T, child int, file string) (line, helpers []handle) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		helpers = append(helpers, open(t, pid))
	}
	if len(helpers) != 2 {
		t.Fatalf("helpers are %q; want two", text)
	}
	line = append(line, open(t, child))
	for _, pid := range descendants(t, child) {
		if pid != helpers[0].pid && pid != helpers[1].pid {
			line = append(line, open(t, pid))
		}
	}
	if len(line) < 3 { // two shells, and the plugin
		t.Fatalf("processes are %v; want two shells and the plugin", line)
	}
	return line, helpers
}

// behindShells: the plugin is no child of the host's, and has company; everything ends together.
func behindShells(t *testing.T, p Plugin) {
	file := filepath.Join(t.TempDir(), "helpers")
	process := p.start(t, p.wrapped(shells, file))
	if err := drain(process.Classify(t.Context(), cut(testkit.Laughter(int(2*process.Model().Window))))); err != nil {
		t.Fatal(err)
	}
	line, helpers := family(t, process.PID(), file)
	if exit := process.Stop(); !exit.Gone {
		t.Error("the family is not gone")
	}
	for _, member := range append(line, helpers...) {
		if !member.ended(t, 0) {
			t.Errorf("process %d outlives the model", member.pid)
		}
	}
}

// killedHost: nobody is there to stop anything. The plugin and the shells end by themselves, and the next host
// clears away the helpers and the folder.
func killedHost(t *testing.T, p Plugin) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sockets, file := testkit.SocketDir(t), filepath.Join(t.TempDir(), "helpers")
	config := modelhost.Config{Env: p.Env, SocketDir: sockets}
	p.wrapped(shells, file)(&config)
	order, err := json.Marshal(hostOrder{config.Command, config.Env, config.Write, config.SocketDir})
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self)
	host.Args[0] = hostName
	host.Stderr = os.Stderr
	stdin, err := host.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Process.Kill(); _ = host.Wait() })
	if _, err := stdin.Write(order); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil {
		t.Fatal(err)
	}
	line, helpers := family(t, child, file)

	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	for _, member := range line {
		if !member.ended(t, patience) {
			t.Errorf("process %d outlives the host that was killed", member.pid)
		}
	}
	p.start(t, func(c *modelhost.Config) { c.SocketDir = sockets })
	for _, helper := range helpers {
		if !helper.ended(t, 0) {
			t.Errorf("helper %d outlives the start of the next model", helper.pid)
		}
	}
}

// handle is an open process: its id may be another's later.
type handle struct{ pid, fd int }

func open(t *testing.T, pid int) handle {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d does not run: %v", pid, err)
	}
	t.Cleanup(func() {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) // where the test failed
		_ = unix.Close(fd)
	})
	return handle{pid, fd}
}

// ended waits for the end of the process.
func (h handle) ended(t *testing.T, patience time.Duration) bool {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		switch {
		case err == nil:
			return n == 1
		case !errors.Is(err, unix.EINTR):
			t.Fatal(err)
		}
	}
}

// descendants lists the children of a process, theirs, and so on.
func descendants(t *testing.T, of int) (all []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // gone meanwhile
		}
		// pid (name) state parent …; the name may hold anything.
		var pid, parent int
		var state string
		_, err = fmt.Sscan(string(stat[:bytes.IndexByte(stat, ' ')]), &pid)
		if _, more := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent); err == nil && more == nil && parent == of {
			all = append(append(all, pid), descendants(t, pid)...)
		}
	}
	return all
}
