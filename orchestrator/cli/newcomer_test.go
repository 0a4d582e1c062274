package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli"
)

// A run of a day that has not come, and one of a day without recordings, leave the alerts of earlier days standing.
func TestEmptyRunsHideNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.file("alice", "2026-11-22_11-00-00.ogg", []byte("OggS and no more"))
	p.run(day...)
	for _, args := range []string{"run --date 2999-11-22", "run --from 2026-11-23 --to 2026-11-24", "run --from 2026-11-24 --to 2999-01-01"} {
		if r := p.run(strings.Fields(args)...); r.code != 0 || strings.Contains(r.stdout, "2999") {
			t.Errorf("%s: %+v", args, r)
		}
		if status := p.run("status"); status.code != orchestrator.ExitFailed || !strings.Contains(status.stdout, "alert: alice, 2026-11-22: a part could not be read") {
			t.Errorf("after %s: %+v", args, status)
		}
	}
}

// A recording that is gone is not given up any more, nor is one whose place a known recording took.
func TestGivenUpEnds(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	good := p.path("alice/2026-11-22T14-30-00Z.ogg")
	gone, known := p.file("alice", "2026-11-22T10-00-00Z.ogg", []byte("none")), p.file("alice", "2026-11-22T11-00-00Z.ogg", []byte("nor this"))
	for range orchestrator.MaxAttempts {
		p.run(day...)
	}
	if out := p.run("status").stdout; strings.Count(out, "given up:") != 2 || strings.Contains(out, "no run has succeeded") {
		t.Errorf("at first:\n%s", out)
	}
	content, err := os.ReadFile(good)
	if err == nil {
		err = os.WriteFile(known, content, 0o600)
	}
	if err = errors.Join(err, os.Remove(gone)); err != nil {
		t.Fatal(err)
	}
	p.must(day...)
	if out := p.must("status"); strings.Contains(out, "given up:") || !strings.Contains(out, "All is well") {
		t.Errorf("at last:\n%s", out)
	}
}

// What is no backup, and no export of the same form, is overwritten only when told to.
func TestForeignFilesStay(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	for _, c := range [][]string{{"backup", "FILE"}, {"laughs", "export", "--format", "csv", "-o", "FILE"}, {"laughs", "export", "--format", "audacity", "-o", "FILE"}} {
		name := strings.Join(c, "-")
		diary := p.file("", name, []byte("my own notes"))
		args := append([]string{}, c...)
		args[len(args)-1] = diary
		if r := p.run(args...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "--force") {
			t.Errorf("%v: %+v", c, r)
		}
		if content, err := os.ReadFile(diary); err != nil || string(content) != "my own notes" {
			t.Errorf("%v: %q, %v", c, content, err)
		}
		p.must(append(args, "--force")...)
		p.must(args...) // its own it replaces
	}
}

// A restoration that deletes something asks first; without a terminal, --yes must say it.
func TestReplaceAsks(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("backup", p.path("one.tar"))
	if r := p.run("restore", "--replace", p.path("one.tar")); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "permanently deletes 1 user") || !strings.Contains(r.stderr, "--yes") {
		t.Errorf("%+v", r)
	}
	if r := p.run("user", "purge", "alice"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "0 laughs of alice with their clips, and the user") {
		t.Errorf("purge: %+v", r)
	}
	p.must("user", "show", "alice")
}

// Root is refused where it would leave files that the service cannot change, and doctor finds those that it left.
func TestRootKeepsOut(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be kept out")
	}
	const nobody = 65534
	p := newPlace(t).alice()
	own := func(uid int) {
		t.Helper()
		if err := filepath.WalkDir(p.path("data"), func(path string, _ os.DirEntry, _ error) error { return os.Lchown(path, uid, uid) }); err != nil {
			t.Fatal(err)
		}
	}
	own(nobody)
	p.environ = append(p.environ, "CHORTLE_LOG_DIR="+p.path("data/log"))
	for _, args := range []string{"run --date 2026-11-22", "user list", "status", "user add bob --timezone UTC --source folder:/x", "backup " + p.path("data/b.tar")} {
		if r := p.run(strings.Fields(args)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "sudo -u nobody orchestrator") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if _, err := os.Stat(p.path("data/log")); err == nil {
		t.Error("root made the folder of the log")
	}
	own(0)
	if err := os.Chown(p.file("data", "clips/alice/x.opus", nil), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if out := p.run("doctor").stdout; !strings.Contains(out, "clips/alice/x.opus (nobody)") || !strings.Contains(out, "sudo chown -R root: ") {
		t.Errorf("doctor:\n%s", out)
	}
}

// A pipe whose reader is gone ends a run as a signal does: it is in the log as interrupted, and the next one resumes.
func TestClosedPipeEndsARun(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	run := p.command("orchestrator", "run", "--date", "2026-11-22", "--trace-grpc")
	run.Stderr, run.Stdout = writer, writer
	if err := run.Run(); err == nil || run.ProcessState.ExitCode() == -1 {
		t.Errorf("%v", run.ProcessState)
	}
	writer.Close()
	if run := p.json(0, "runs", "show", "--last"); at(run, "status") != "interrupted" && at(run, "status") != "ok" {
		t.Errorf("%v", run)
	}
	p.must(day...)
	if out := p.must("status"); strings.Contains(out, "alert") {
		t.Errorf("%s", out)
	}
}

// A folder that is not there is one line, one alert and one message, not one for each day; a slip of the keyboard is none.
func TestOneCauseIsReportedOnce(t *testing.T) {
	t.Parallel()
	messages := newWeb(t)
	p := newPlace(t, "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic")
	p.must("user", "add", "alice", "--timezone", "Europe/London", "--source", "folder:"+p.path("nowhere"))
	if r := p.run("run", "--user", "alcie"); r.code != orchestrator.ExitUsage || strings.Contains(r.stderr, "alert") || len(messages.hears()) != 0 {
		t.Errorf("a slip: %+v, %q", r, messages.hears())
	}
	r := p.run("run", "--from", "2026-11-15", "--to", "2026-11-22")
	if r.code != orchestrator.ExitIncomplete || strings.Count(r.stdout, "error:") != 1 || strings.Count(r.stderr, `"level":"error"`) != 1 || strings.Count(r.stderr, `"alert":"user_failed"`) != 1 {
		t.Errorf("%+v", r)
	}
	if told := messages.hears(); len(told) != 1 || strings.Count(told[0], "nowhere") > 2 || !strings.Contains(told[0], "2026-11-22") {
		t.Errorf("told %q", told)
	}
	if status := p.run("status"); strings.Count(status.stdout, "alert: alice, 2026-11-22") != 1 || strings.Contains(status.stdout, "alert: alice, 2026-11-21") {
		t.Errorf("%s", status.stdout)
	}
}

// The address of a database is shown whole, without its password.
func TestDoctorShowsAddresses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_STORE_RETRY=0s", "CHORTLE_DATABASE_URL=postgres://chortle:hunter2@127.0.0.1:1/chortle")
	out := p.run("doctor").stdout
	if !strings.Contains(out, "postgres://chortle:****@127.0.0.1:1/chortle") || strings.Contains(out, "%20") || strings.Contains(out, "hunter2") {
		t.Errorf("%s", out)
	}
}

// A log folder that cannot be written, and a ping address that is none, cost a warning and no run.
func TestBadLogFolderAndPing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_PING_URL=hc-ping.com/uuid").alice()
	p.environ = append(p.environ, "CHORTLE_LOG_DIR="+filepath.Join(p.file("", "file", nil), "log"), "CHORTLE_LOG_LEVEL=warn")
	r := p.run(day...)
	if r.code != 0 || strings.Count(r.stderr, "keep log") != 1 || !strings.Contains(r.stderr, "check ping address") || strings.Contains(r.stderr, "hook") {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C at a question ends the command at once.
func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	screen, reader := openTerminal(t)
	run := p.command("orchestrator", "user", "purge", "alice")
	run.Stdin, run.Stdout, run.Stderr = screen, screen, screen
	run.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 4096)
	for n := 0; !strings.Contains(string(seen[:n]), "to confirm: "); {
		more, err := reader.Read(seen[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	interrupted := time.Now()
	if _, err := reader.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	_ = run.Wait()
	screen.Close()
	if code, took := run.ProcessState.ExitCode(), time.Since(interrupted); code != cli.ExitInterrupted || took > 1500*time.Millisecond {
		t.Errorf("exit code %d after %v", code, took)
	}
	p.must("user", "show", "alice")
}
