package modelhost

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
)

// endFamily kills every process of this user that has a socket folder in its environment, whatever
// group or session it moved to, and reports whether none was left within groupGrace. A process that
// threw its environment away as well is not found.
func endFamily(socketDir string) bool {
	f := familyMark{setting: []byte("\x00" + plugin.EnvUnixSocketDir + "=" + socketDir + "\x00")}
	deadline := time.Now().Add(groupGrace)
	for {
		found := 0
		for _, pid := range processes() {
			if pid != os.Getpid() && f.on(pid) && f.end(pid, deadline) {
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

// familyMark is the setting in the environment by which a family is known.
type familyMark struct {
	setting     []byte // with what parts it from others
	environment []byte // that was read last; reused
}

// end kills a process and waits until it is gone. It reports whether it was still the one that was seen.
func (f *familyMark) end(pid int, deadline time.Time) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = process.Release() }()
	if !f.on(pid) { // from here on the handle is known to be that process's, and no later one's
		return false
	}
	if errors.Is(process.Signal(os.Kill), os.ErrProcessDone) {
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

// on reports whether a process is this user's and was started with the mark.
func (f *familyMark) on(pid int) bool {
	folder := "/proc/" + strconv.Itoa(pid)
	f.environment = appendFile(append(f.environment[:0], 0), folder+"/environ") // nothing where it has ended
	if !bytes.Contains(f.environment, f.setting) {
		return false
	}
	var owner unix.Stat_t
	return unix.Stat(folder, &owner) == nil && int(owner.Uid) == os.Geteuid()
}

// appendFile appends what a file holds, as far as it may be read. For hundreds of small files it is much cheaper
// than os.ReadFile.
func appendFile(b []byte, name string) []byte {
	file, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return b
	}
	defer func() { _ = unix.Close(file) }()
	for {
		b = slices.Grow(b, 8<<10)
		n, err := unix.Read(file, b[len(b):cap(b)])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return b
		}
		b = b[:len(b)+n]
	}
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
