//go:build unix && !linux

package modelhost

import (
	"os/exec"
	"syscall"
)

// groupLeader cannot tie the process's life to its parent's: only Linux can.
func groupLeader() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func giveWay(int) {}

func preferForOOM(int) {}

// awaitExit reaps as well: there is no portable way to wait without that.
func awaitExit(cmd *exec.Cmd) { _ = cmd.Wait() }

func onlyZombies(int) bool { return false }

// endFamily knows of no process's environment here: the group is the family.
func endFamily(string) bool { return true }

func oomKills() int64 { return 0 }

func kernelNames(int) bool { return false }
