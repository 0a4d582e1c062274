package modelhost

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
)

// endFamily kills every process of this user that has a socket folder in its environment, whatever
// group or session it moved to, and reports whether none was left within groupGrace. A process that
// threw its environment away as well is not found.
func endFamily(socketDir string) bool {
	mark := []byte("\x00" + plugin.EnvUnixSocketDir + "=" + socketDir + "\x00")
	deadline := time.Now().Add(groupGrace)
	for {
		found := 0
		for _, pid := range processes() {
			if pid != os.Getpid() && carries(pid, mark) && endCarrier(pid, mark, deadline) {
				found++
			}
		}
		if found == 0 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// endCarrier kills a process and waits until it is gone. It reports whether it was still the one that was seen.
func endCarrier(pid int, mark []byte, deadline time.Time) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = process.Release() }()
	if !carries(pid, mark) { // from here on the handle is known to be that process's, and no later one's
		return false
	}
	if process.Signal(os.Kill) != nil {
		return false
	}
	_ = process.WithHandle(func(handle uintptr) {
		for {
			left := max(0, int(time.Until(deadline).Milliseconds()))
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, left); err != unix.EINTR {
				return
			}
		}
	})
	return true
}

// carries reports whether a process is this user's and has a setting in the environment with which it was started.
func carries(pid int, mark []byte) bool {
	folder := "/proc/" + strconv.Itoa(pid)
	var owner syscall.Stat_t
	if syscall.Stat(folder, &owner) != nil || int(owner.Uid) != os.Geteuid() {
		return false
	}
	environment, err := os.ReadFile(folder + "/environ") // empty where it has ended
	return err == nil && bytes.Contains(append([]byte{0}, environment...), mark)
}

// processes lists all process ids.
func processes() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = folder.Close() }()
	names, _ := folder.Readdirnames(-1)
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
