package audio

import (
	"os/exec"
	"syscall"
)

// contain puts a program into a process group of its own, which dies as a whole, also when this
// process is killed. The kernel watches the starting thread, which package sandbox keeps until the end.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
