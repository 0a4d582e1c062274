//go:build !linux

package sandbox

import "os/exec"

// Supported tells what this system offers: nothing but on Linux.
func Supported() Support { return Support{} }

// Start starts cmd, confined where the system can: nowhere but on Linux. release is to be called when the process has ended.
func Start(cmd *exec.Cmd, box Box) (release func(), err error) {
	if box.Mode == Require {
		return nil, ErrUnsupported
	}
	return func() {}, cmd.Start()
}
