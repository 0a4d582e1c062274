package modelhost

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledHostTakesModelAlong: nobody is there to stop the process, so the kernel does.
func TestKilledHostTakesModelAlong(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self)
	host.Env = []string{modeVar + "=host", "SOCKETS=" + shortDir(t)} // which must be empty afterwards
	host.Stderr = os.Stderr
	stdout, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	model, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	handle, err := unix.PidfdOpen(model, 0)
	if err != nil {
		t.Fatalf("model process %d does not run: %v", model, err)
	}
	defer unix.Close(handle)

	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	awaitEnd(t, handle)
}

func TestOOMWords(t *testing.T) {
	t.Parallel()
	if got := unifiedGroup("12:memory:/x\n0::/system.slice/chortle.service\n"); got != "/system.slice/chortle.service" {
		t.Errorf("control group is %q", got)
	}
	if got := unifiedGroup(""); got != "/" {
		t.Errorf("control group of nothing is %q", got)
	}
	events := "low 0\nhigh 0\nmax 13\noom 2\noom_kill 5\noom_group_kill 0\n"
	if got := parseOOMKills([]byte(events)); got != 5 {
		t.Errorf("%d kills; want 5", got)
	}
	if got := parseOOMKills([]byte("oom_kill x")); got != 0 {
		t.Errorf("%d kills; want 0", got)
	}
	if kernelNames(1) {
		t.Error("the kernel's log says that it killed the first process")
	}
}
