package modelhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

func TestOOMEvidence(t *testing.T) {
	t.Parallel()
	for groups, want := range map[string][]string{
		"0::/system.slice/chortle.service\n":                     {"/system.slice/chortle.service/memory.events"},
		"12:memory:/x\n1:name=systemd:/\n0::/\n":                 {"memory/x/memory.oom_control", "/memory.events"},
		"5:cpu,memory:/a:b\n4:memory2:/c\n3:cpuset:/memory\nodd": {"memory/a:b/memory.oom_control"},
		"": nil,
	} {
		if got := oomCounters(groups); !slices.Equal(got, want) {
			t.Errorf("%q is counted in %q; want %q", groups, got, want)
		}
	}
	for counter, want := range map[string]int64{
		"low 0\nhigh 0\nmax 13\noom 2\noom_kill 5\noom_group_kill 0\n": 5, // memory.events of Linux 6.1
		"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n":                3, // memory.oom_control of the same
		"oom_kill x": 0,
		"":           0,
	} {
		if got := parseOOMKills([]byte(counter)); got != want {
			t.Errorf("%q counts %d kills; want %d", counter, got, want)
		}
	}
	for record, want := range map[string]bool{ // of /dev/kmsg
		"3,1187,90316,-;Out of memory: Killed process 4711 (inferd) total-vm:1259384kB, anon-rss:97304kB, file-rss:128kB, shmem-rss:0kB, UID:1000 pgtables:352kB oom_score_adj:800\n SUBSYSTEM=x\n": true,
		"3,1190,90400,-;Memory cgroup out of memory: Killed process 4711 (python3) total-vm:412kB, anon-rss:9kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:52kB oom_score_adj:800\n":              true,
		"3,1191,90401,-;Memory cgroup out of memory: Killed process 47112 (python3) total-vm:412kB\n":                                                                                               false,
		"6,1192,90402,-;oom_reaper: reaped process 4711 (inferd), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n":                                                                                  false,
		"": false,
	} {
		if got := namesKilled([]byte(record), 4711); got != want {
			t.Errorf("%q names process 4711: %v; want %v", record, got, want)
		}
	}
	if kernelNames(1) {
		t.Error("the kernel's log says that it killed the first process")
	}
}

// memoryGroup makes a control group, of whichever version there is, whose processes may have so many bytes and
// no swap. Where none can be made, the test is skipped.
func memoryGroup(t *testing.T, bytes int) string {
	t.Helper()
	parent, limit, swap, ofSwap := controlGroups, "memory.max", "memory.swap.max", 0
	if _, err := os.Stat(filepath.Join(controlGroups, "cgroup.controllers")); err != nil {
		parent, limit, swap, ofSwap = filepath.Join(controlGroups, "memory"), "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes
	}
	group := filepath.Join(parent, fmt.Sprintf("chortle-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skip("no control group can be made here: ", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(group); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(group, limit), fmt.Append(nil, bytes), 0o644); err != nil {
		t.Skip("no memory limit can be set here: ", err)
	}
	if _, err := os.Stat(filepath.Join(group, swap)); err == nil {
		if err := os.WriteFile(filepath.Join(group, swap), fmt.Append(nil, ofSwap), 0o644); err != nil {
			t.Skip("swap cannot be forbidden here: ", err)
		}
	}
	return group
}

// TestKernelKill: a model that the kernel really kills for want of memory is told from one that anybody else
// killed. Its host shares its control group, as under systemd or in a container.
func TestKernelKill(t *testing.T) {
	t.Parallel()
	group := memoryGroup(t, 160<<20)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sockets := testkit.SocketDir(t)
	var out []byte
	for range 20 { // the kernel may take the host as well, before the model's memory is free: then once more
		host := exec.Command("sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, group, self)
		host.Env = []string{modeVar + "=short host", "SOCKETS=" + sockets}
		host.Stderr = os.Stderr
		out, err = host.Output()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.String() != "signal: killed" {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Exit  orchestrator.Exit
		Error string
	}
	if err := json.Unmarshal(out, &told); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e := told.Exit; !e.OutOfMemory || e.OverLimit != 0 || e.Signal != "killed" || !e.Gone {
		t.Errorf("exit is %+v; want it killed for want of memory", e)
	}
	if !strings.Contains(told.Error, "was killed by the kernel: the machine is out of memory") {
		t.Errorf("error is %q", told.Error)
	}
}
