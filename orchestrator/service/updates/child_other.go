//go:build unix && !linux

package updates

import "syscall"

// child keeps a terminal's interrupt from a run: the page that started it ends it.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
