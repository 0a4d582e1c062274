package modelhost

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// pipeGrace is how long the ends of the pipes are still read after the process is gone: a
	// grandchild that left the family may hold them for ever.
	pipeGrace = 200 * time.Millisecond
	// groupGrace is how long the kernel may take to clear away processes that were killed.
	groupGrace = 5 * time.Second
)

// child is one operating-system process and its family: the group that it leads, and whoever has its
// socket folder in the environment. The zero value is not usable.
type child struct {
	// ended is done when the process has been waited for, or could not be started.
	ended context.Context
	end   context.CancelFunc
	// stdout and stderr are our ends of its pipes; nil before launch.
	stdout, stderr *os.File

	mu     sync.Mutex
	pid    int  // 0 until it runs
	killed bool // by us
	reaped bool // from here on the ids belong to others
	state  *os.ProcessState

	familyGone bool // written before ended
}

func newChild() *child {
	c := &child{}
	c.ended, c.end = context.WithCancel(context.Background())
	return c
}

// errKilledBefore is the end of a start that was called off.
var errKilledBefore = errors.New("killed before it was started")

// launch starts cmd as the leader of a new group, with nothing on its stdin and pipes for the rest; cmd
// has socketDir in its environment. It is called at most once.
func (c *child) launch(cmd *exec.Cmd, socketDir string, box sandbox.Box) error {
	stdout, stdoutEnd, err := os.Pipe()
	if err != nil {
		c.end()
		return err
	}
	stderr, stderrEnd, err := os.Pipe()
	if err != nil {
		_ = errors.Join(stdout.Close(), stdoutEnd.Close())
		c.end()
		return err
	}
	c.stdout, c.stderr = stdout, stderr
	cmd.Stdout, cmd.Stderr = stdoutEnd, stderrEnd
	cmd.SysProcAttr = groupLeader()
	started := make(chan error, 1)
	go c.run(cmd, socketDir, box, started)
	err = <-started
	_ = errors.Join(stdoutEnd.Close(), stderrEnd.Close())
	return err
}

// run starts the process in its box and waits for it.
func (c *child) run(cmd *exec.Cmd, socketDir string, box sandbox.Box, started chan<- error) {
	defer c.end()
	release, err := c.begin(cmd, box)
	if err != nil {
		started <- err
		return
	}
	defer release()
	giveWay(c.pid)
	preferForOOM(c.pid)
	started <- nil

	awaitExit(cmd)
	c.mu.Lock()
	// On Linux the process is not reaped yet, so that its id and its group's cannot be another's.
	killGroup(c.pid)
	if cmd.ProcessState == nil {
		_ = cmd.Wait() // its error is a part of the state
	}
	c.state, c.reaped = cmd.ProcessState, true
	c.mu.Unlock()
	c.familyGone = endFamily(socketDir)
	deadline := time.Now().Add(pipeGrace)
	_ = errors.Join(c.stdout.SetReadDeadline(deadline), c.stderr.SetReadDeadline(deadline))
}

func (c *child) begin(cmd *exec.Cmd, box sandbox.Box) (release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return nil, errKilledBefore
	}
	if release, err = sandbox.Start(cmd, box); err != nil {
		return nil, err
	}
	c.pid = cmd.Process.Pid
	return release, nil
}

// id is the process's id; 0 where it was not started.
func (c *child) id() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// kill ends the whole group at once, or keeps it from being started. It does not wait. It reports
// whether there was still something to end.
func (c *child) kill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	if c.reaped {
		return false
	}
	if c.pid != 0 {
		killGroup(c.pid)
	}
	return true
}

// close lets go of the pipes and tells how the process ended. Call it once, when it has.
func (c *child) close() orchestrator.Exit {
	if c.stdout != nil {
		_ = errors.Join(c.stdout.Close(), c.stderr.Close())
	}
	exit := orchestrator.Exit{PID: c.pid, Gone: c.pid == 0 || c.familyGone && awaitGroupGone(c.pid)}
	if c.state == nil {
		return exit
	}
	exit.Code = c.state.ExitCode()
	if status, ok := c.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	if usage, ok := c.state.SysUsage().(*syscall.Rusage); ok {
		exit.MaxRSS = int64(usage.Maxrss) //nolint:unconvert // it is not 64 bits long everywhere
		if runtime.GOOS != "darwin" {     // there it is in bytes, elsewhere in KiB
			exit.MaxRSS *= 1024
		}
	}
	return exit
}

func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

// awaitGroupGone reports whether the last process of the group goes away within groupGrace.
func awaitGroupGone(leader int) bool {
	deadline := time.Now().Add(groupGrace)
	for pause := 250 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if errors.Is(syscall.Kill(-leader, 0), syscall.ESRCH) || onlyZombies(leader) {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}
