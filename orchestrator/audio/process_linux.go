package audio

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// contain puts a program into a process group of its own, which dies as a whole, also when this
// process is killed. The kernel watches the starting thread: the caller keeps it locked until the end.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// scratchFile returns a file that is in memory only and has no name.
func scratchFile() (*os.File, error) {
	descriptor, err := unix.MemfdCreate("chortle-clip", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(descriptor), "chortle-clip"), nil
}
