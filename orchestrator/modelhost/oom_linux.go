package modelhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// controlGroups is where the control groups' files are, of either version.
const controlGroups = "/sys/fs/cgroup"

// oomKills counts the processes that the kernel has killed for want of memory in our control group,
// and, where it is of the second version, below it; 0 where it does not tell.
func oomKills() (kills int64) {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for _, file := range oomCounters(string(groups)) {
		if counter, err := os.ReadFile(filepath.Join(controlGroups, file)); err == nil {
			kills += parseOOMKills(counter)
		}
	}
	return kills
}

// oomCounters names the files that count kills, below controlGroups, of the groups that lines such as
// "0::/system.slice" (second version) or "4:memory:/user" (first) name.
func oomCounters(groups string) (files []string) {
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[0] == "0":
			files = append(files, filepath.Join(fields[2], "memory.events"))
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			files = append(files, filepath.Join("memory", fields[2], "memory.oom_control"))
		}
	}
	return files
}

// parseOOMKills reads the line "oom_kill 3" of such a file.
func parseOOMKills(counter []byte) int64 {
	for line := range bytes.Lines(counter) {
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
	record := make([]byte, 8<<10) // one read gives one record
	for {
		n, err := unix.Read(log, record)
		switch {
		case errors.Is(err, unix.EPIPE): // a record was overwritten before we read it
		case err != nil || n <= 0:
			return false
		case namesKilled(record[:n], pid):
			return true
		}
	}
}

// namesKilled reports whether a record of the kernel's log says that it killed the process.
func namesKilled(record []byte, pid int) bool {
	return bytes.Contains(record, fmt.Appendf(nil, "Killed process %d (", pid))
}
