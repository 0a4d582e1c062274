package modelhost

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledHost: nobody is there to stop the process, so the kernel does; and the next start clears away the
// folder, and the socket where there was one yet.
func TestKilledHost(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"good", "hang in description"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t, "good")
			host := exec.Command(config.Command[0])
			host.Env = []string{modeVar + "=host", "MODE=" + mode, "SOCKETS=" + config.SocketDir}
			host.Stderr = os.Stderr
			stdout, err := host.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = host.Process.Kill() }) // where the test ends before
			var handles []int
			if mode == "good" {
				handles = append(handles, readHandle(t, stdout))
			} else {
				for sockets := []string(nil); len(sockets) == 0; {
					sockets, _ = filepath.Glob(filepath.Join(config.SocketDir, "*", "s", "plugin[0-9]*"))
				}
			}
			if err := host.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = host.Wait()
			for _, handle := range handles {
				awaitEnd(t, handle)
				_ = unix.Close(handle)
			}
			if left, err := os.ReadDir(config.SocketDir); err != nil || len(left) != 1 {
				t.Errorf("the killed host left %v (%v); want a folder", left, err)
			}
			spawn(t, config)
			if left, err := os.ReadDir(config.SocketDir); err != nil || len(left) != 1 {
				t.Errorf("there is %v (%v); want the new process's folder", left, err)
			}
		})
	}
}

// readHandle opens the process whose id is the next line.
func readHandle(t *testing.T, from io.Reader) int {
	t.Helper()
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("model process %d does not run: %v", pid, err)
	}
	return handle
}

// awaitEnd waits for the end of a process.
func awaitEnd(t *testing.T, handle int) {
	t.Helper()
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, -1); err == nil {
			return
		} else if err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

func TestModelsGiveWay(t *testing.T) {
	t.Parallel()
	niceness := func(pid int) int {
		t.Helper()
		priority, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
		if err != nil {
			t.Fatal(err)
		}
		return 20 - priority
	}
	p := spawn(t, testConfig(t, "good"))
	if got, want := niceness(p.PID()), min(niceness(0)+5, 19); got != want {
		t.Errorf("its niceness is %d; want %d", got, want)
	}
}
