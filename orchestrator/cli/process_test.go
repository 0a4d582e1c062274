package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// patience bounds what a test waits for; nothing takes nearly as long.
const patience = 30 * time.Second

// blocked is a run that has stored its first recording and hangs in its second.
type blocked struct {
	*exec.Cmd
	stderr  *bufio.Reader
	rest    bytes.Buffer // what came of stderr while it was waited for
	ended   chan error
	decoder int
}

// block starts such a run as a process of its own: ffmpeg, which the second recording needs, knows no
// length, tells its process id and then sleeps.
func (p *place) block(args ...string) *blocked {
	p.Helper()
	bin, err := programs()
	if err != nil {
		p.Fatal(err)
	}
	p.file("alice", "2026-11-22T18-00-00Z.wav", []byte("RIFF"))
	fifo := p.path("started")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		p.Fatal(err)
	}
	slow := p.file("", "ffmpeg", []byte("#!/bin/sh\ncase \"$*\" in *'-v info'*) exit 1 ;; esac\necho $$ > "+fifo+"\nexec sleep 600\n"))
	if err := os.Chmod(slow, 0o700); err != nil {
		p.Fatal(err)
	}
	b := &blocked{Cmd: exec.Command(bin+"/orchestrator", append([]string{"run", "--date", "2026-11-22"}, args...)...), ended: make(chan error, 1)}
	b.Env = append(slices.Clone(p.environ), "CHORTLE_FFMPEG="+slow, "CHORTLE_SANDBOX=off") // it writes into the FIFO
	stderr, err := b.StderrPipe()
	if err != nil {
		p.Fatal(err)
	}
	b.stderr = bufio.NewReader(stderr)
	if err := b.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = b.Process.Kill() })
	b.waitFor(p, "recording done")
	pipe, err := os.Open(fifo) // returns when the decoder opens it, too
	if err != nil {
		p.Fatal(err)
	}
	defer pipe.Close()
	if _, err := fmt.Fscan(pipe, &b.decoder); err != nil {
		p.Fatal(err)
	}
	return b
}

// waitFor reads the log up to a message. A process that does not say it in time is asked where all its
// goroutines are.
func (b *blocked) waitFor(t testing.TB, message string) {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = b.Process.Signal(syscall.SIGQUIT) })
	defer late.Stop()
	for {
		line, err := b.stderr.ReadString('\n')
		t.Log(strings.TrimRight(line, "\n"))
		if strings.Contains(line, message) {
			return
		}
		if err != nil {
			t.Fatalf("wait for %q: %v", message, err)
		}
	}
}

// wait returns how the process ended.
func (b *blocked) wait(t testing.TB) *os.ProcessState {
	t.Helper()
	go func() {
		_, _ = io.Copy(&b.rest, b.stderr)
		b.ended <- b.Wait()
	}()
	select {
	case <-b.ended:
	case <-time.After(patience):
		t.Fatal("the process does not end")
	}
	return b.ProcessState
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// A signal does not wait for the recording under way, whose decoder sleeps for ten minutes, nor for anything else that
// has no bound of its own. That it takes two seconds at most is not measured here: a loaded machine may need longer.
func TestSignalEndsARunCleanly(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t).alice()
			b := p.block()
			if err := b.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if state := b.wait(t); state.ExitCode() != orchestrator.ExitInterrupted {
				t.Error(state)
			}
			if alive(b.decoder) {
				t.Error("the decoder is still there")
			}
			run := p.json(0, "runs", "show", "--last")
			if at(run, "status") != "interrupted" || at(run, "exit_code") != 130.0 || at(run, "users", 0, "recordings", "processed") != 1.0 {
				t.Errorf("in the log: %v", run)
			}
			if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0) == nil {
				t.Error("what was stored before is lost")
			}
			// The next run goes on from there: the recording under way was left undone.
			next := p.json(orchestrator.ExitIncomplete, day...)
			if at(next, "users", 0, "recordings", "skipped") != 1.0 || at(next, "users", 0, "recordings", "failed") != 1.0 {
				t.Errorf("the next run: %v", next)
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	b := newPlace(t).alice().block()
	if err := b.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = b.Process.Signal(syscall.SIGTERM) // it may have ended already
	state := b.wait(t)
	status := state.Sys().(syscall.WaitStatus)
	if killed := status.Signaled() && status.Signal() == syscall.SIGTERM; !killed && state.ExitCode() != orchestrator.ExitInterrupted {
		t.Error(state)
	}
}

// One run at a time: the second one ends with 11 and says who holds the lock. The kernel gives it
// back, however the holder ends.
func TestOneRunADataFolder(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	b := p.block("--trigger", "cron", "--log-level", "info")
	for _, args := range [][]string{day, {"rescore", "--threshold", "0.3"}} {
		r := p.run(args...)
		if r.code != orchestrator.ExitLocked || r.stdout != "" {
			t.Errorf("%v: exit code %d\n%s", args, r.code, r.stdout)
		}
		host, _ := os.Hostname()
		for _, want := range []string{fmt.Sprintf("process %d on %s", b.Process.Pid, host), "since 20", "orchestrator run --date 2026-11-22 --trigger cron"} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("%v: %q is not in:\n%s", args, want, r.stderr)
			}
		}
	}
	if lock := find(p.json(0, "doctor"), "run lock"); at(lock, "status") != "WARNING" {
		t.Errorf("doctor: %v", lock)
	}
	p.must("user", "list") // looking is no run
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait(t)
	p.json(orchestrator.ExitIncomplete, day...)
	if last := find(p.json(0, "doctor"), "last run"); at(last, "status") != "WARNING" {
		t.Errorf("doctor: %v", last)
	}
}

// A run that was killed is still in the log, and doctor points it out.
func TestKilledRunIsNoticed(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	b := p.block()
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait(t)
	if last := find(p.json(0, "doctor"), "last run"); at(last, "status") != "WARNING" || !strings.Contains(fmt.Sprint(at(last, "detail")), "has not ended") {
		t.Errorf("doctor: %v", last)
	}
	_ = syscall.Kill(b.decoder, syscall.SIGKILL) // the kernel has done so already where it can
}

func TestLockFileTellsNoPassword(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	r := p.run("run", "--database", "postgres://u:hunter2@127.0.0.1:1/x", "--date", "2026-11-22", "--env-file", p.file("", "env", []byte("CHORTLE_STORE_RETRY=0s\n")))
	if r.code != orchestrator.ExitFailed || strings.Contains(r.stderr, "hunter2") {
		t.Errorf("%+v", r)
	}
	content, err := os.ReadFile(filepath.Join(p.path("data"), "run.lock"))
	if err != nil || len(content) != 0 {
		t.Errorf("a lock that nobody holds says %q, %v", content, err)
	}
}

func TestLogIsJSON(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	r := p.run(day...)
	messages := map[string]int{}
	for line := range strings.Lines(r.stderr) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		messages[fmt.Sprint(entry["msg"])]++
	}
	for _, want := range []string{"day begins", "model ready", "recording done", "model ended", "day done", "run ended"} {
		if messages[want] != 1 {
			t.Errorf("%q is in the log %d times:\n%s", want, messages[want], r.stderr)
		}
	}
}
