package modelhost

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func groupLeader() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// giveWay puts the group behind whoever else wants the processor, a little: behind decoding, which it waits for
// anyway, and behind the other services of the machine. Where that is not allowed, nothing is lost.
func giveWay(group int) {
	const nicer = 5
	if own, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil { // 20 less the niceness, as the kernel counts
		_ = unix.Setpriority(unix.PRIO_PGRP, group, 20-own+nicer)
	}
}

// preferForOOM asks the kernel to take this process first when memory runs out, rather than a
// database. Where that is not allowed, nothing is lost.
func preferForOOM(pid int) {
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("800"), 0)
}

// awaitExit returns when the process has ended, and leaves it unreaped.
func awaitExit(cmd *exec.Cmd) {
	for errors.Is(unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// onlyZombies reports whether nothing is left of a group but ended processes that their new parent
// has not waited for: in a container whose first process waits for nobody, they stay for ever.
func onlyZombies(group int) bool {
	pids := processes()
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue // gone meanwhile
		}
		// pid (name) state parent group …; the name may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 2 && string(fields[2]) == strconv.Itoa(group) && fields[0][0] != 'Z' && fields[0][0] != 'X' {
			return false
		}
	}
	return len(pids) > 0
}
