package modelhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// oomKills counts the processes that the kernel has killed for want of memory in our control group,
// and below it; 0 where it does not tell.
func oomKills() int64 {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	events, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", unifiedGroup(string(groups)), "memory.events"))
	if err != nil {
		return 0
	}
	return parseOOMKills(events)
}

// unifiedGroup finds the path of the unified control group, in a line such as "0::/system.slice".
func unifiedGroup(groups string) string {
	for line := range strings.Lines(groups) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(path)
		}
	}
	return "/"
}

// parseOOMKills reads the line "oom_kill 3" of memory.events.
func parseOOMKills(events []byte) int64 {
	for line := range bytes.Lines(events) {
		if count, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			kills, _ := strconv.ParseInt(string(bytes.TrimSpace(count)), 10, 64)
			return kills
		}
	}
	return 0
}

// kernelNames reports whether the kernel's log, where we may read it, says that it killed the process.
func kernelNames(pid int) bool {
	log, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(log)
	killed := fmt.Appendf(nil, "Killed process %d (", pid)
	record := make([]byte, 8<<10) // one read gives one record
	for {
		n, err := unix.Read(log, record)
		switch {
		case errors.Is(err, unix.EPIPE): // a record was overwritten before we read it
		case err != nil || n <= 0:
			return false
		case bytes.Contains(record[:n], killed):
			return true
		}
	}
}
