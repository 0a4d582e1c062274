package updates

import "syscall"

// child has a run end, cleanly, with the page that started it.
func child() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
