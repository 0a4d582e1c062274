//go:build unix && !linux

package audio

import (
	"os/exec"
	"syscall"
)

// contain puts a program into a process group of its own, which dies as a whole.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
