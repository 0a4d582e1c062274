package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// A user is purged while a run reads them: nothing of them is left, and the others are read.
func TestUserPurgedInTheMiddle(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	for _, hour := range []int{2, 9, 10, 23} { // before, within and behind the sound, and at the end
		t.Run(fmt.Sprint(hour), func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, twoUsers)
			a.must("user", "set", "alice", "--keep-originals")
			pings, messages := newWeb(t), newWeb(t)
			a.environ = append(a.environ, "CHORTLE_LOG_DIR="+a.path("data/log"), "CHORTLE_METRICS_FILE="+a.path("data/chortle.prom"),
				"CHORTLE_PING_URL="+pings.URL, "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic", "CHORTLE_ALERT_MEMORY_PEAK=1")
			purged := false
			a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
				if call.Key == apiKeyOf("alice") && call.Span.Start.Hour() == hour && !purged {
					purged = true
					if r := a.run("user", "purge", "alice", "--yes"); r.code != orchestrator.ExitLocked || !strings.Contains(r.stderr, "wait until it ends") {
						t.Errorf("while a run reads the user: %+v", r)
					}
					if r := a.run("user", "purge", "alice", "--yes", "--force"); r.code != 0 {
						t.Errorf("purge: %+v", r)
					}
				}
				return nil
			}
			r := a.run(append(day, "--json")...)
			var run map[string]any
			if err := json.Unmarshal([]byte(r.stdout), &run); err != nil || r.code != orchestrator.ExitIncomplete {
				t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
			}
			if at(run, "users", 0, "status") != "failed" || !strings.Contains(fmt.Sprint(at(run, "users", 0, "errors")), "removed while it was read") || at(run, "users", 1, "status") != "ok" {
				t.Errorf("%v", run)
			}
			if left := append(a.holds("data", "alice"), a.tree("data/users")...); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			// The rest of the night is in the log, and of the other user there is all that stderr tells.
			var logged strings.Builder
			for _, name := range a.tree("data/log") {
				content, err := os.ReadFile(a.path("data/log/" + name))
				if err != nil {
					t.Fatal(err)
				}
				logged.Write(content)
			}
			if told, want := strings.Count(logged.String(), `"user":"bob"`), strings.Count(r.stderr, `"user":"bob"`); told != want || want == 0 || !strings.Contains(logged.String(), `"msg":"run ended"`) {
				t.Errorf("%d of %d lines of bob are in the log:\n%s", told, want, &logged)
			}
			if metrics, err := os.ReadFile(a.path("data/chortle.prom")); err != nil || !strings.Contains(string(metrics), `chortle_day_audio_seconds{user="bob"`) {
				t.Errorf("metrics: %v\n%s", err, metrics)
			}
			if told := fmt.Sprint(pings.hears(), messages.hears()); strings.Contains(told, "alice") || !strings.Contains(told, "bob") {
				t.Errorf("told: %s", told)
			}
			if diff := cmp.Diff(calm.results("bob"), a.results("bob")); diff != "" {
				t.Errorf("bob:\n%s", diff)
			}
		})
	}
}

// The old system deleted a day before it fetched it again: a bad key or an outage left it empty.
func TestDefectAFailedReprocessingFromTheAPIKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	a.must(day...)
	before := a.results("alice")
	for name, fault := range map[string]limitlesstest.Fault{"revoked key": limitlesstest.Status(401), "outage": limitlesstest.Status(503), "audio that expired": limitlesstest.Status(404)} {
		a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return fault }
		r := a.run(append(day, "--reprocess", "--user", "alice")...)
		if want := orchestrator.ExitIncomplete; r.code != want && name != "audio that expired" {
			t.Errorf("%s: exit code %d, want %d\n%s", name, r.code, want, r.stdout)
		}
		a.Fault = nil
		a.must(append(day, "--user", "alice")...) // what was empty is asked for again
		if diff := cmp.Diff(before, a.results("alice")); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// A run that is interrupted while it downloads ends at once, and leaves nothing behind that is not done.
func TestInterruptedInTheMiddleOfADownload(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers)
	ctx, interrupt := context.WithCancel(t.Context())
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if ctx.Err() != nil || call.Span.Start.Hour() != 9 || call.Span.Duration() > time.Minute {
			return nil
		}
		return func(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
			interrupt()
			limitlesstest.Stall(w, r, answer)
		}
	}
	if r := a.runAt(ctx, time.Now, "", day...); r.code != orchestrator.ExitInterrupted {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	if left := a.tree("data/users"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if last := a.json(0, "runs", "show", "--last"); at(last, "users", 0, "status") != "interrupted" || at(last, "users", 0, "recordings", "processed") == 0.0 {
		t.Errorf("%v", last)
	}
	a.must(day...)
	for _, user := range []string{"alice", "bob"} {
		if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
			t.Errorf("%s:\n%s", user, diff)
		}
	}
}

// onSmallDisk runs a command as a process for which a folder is a disk of 64 KiB, after a line of shell in the
// folder. It returns the exit code, and what was printed.
func (p *place) onSmallDisk(folder, first string, args ...string) (int, string) {
	p.Helper()
	bin, err := programs()
	if err != nil {
		p.Fatal(err)
	}
	disk := p.path(folder)
	if err := os.MkdirAll(disk, 0o700); err != nil {
		p.Fatal(err)
	}
	const script = `mount -t tmpfs -o size=64k,mode=700 none "$1" && (cd "$1" && eval "$2") && shift 2 && exec "$@"`
	run := exec.Command("/bin/sh", append([]string{"-c", script, "sh", disk, first, bin + "/orchestrator"}, args...)...)
	run.Env = slices.Concat(os.Environ(), p.environ)
	run.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	p.meet()
	output, err := run.CombinedOutput()
	p.meet()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		p.Skipf("this machine does not let its users have namespaces: %v", err)
	}
	return run.ProcessState.ExitCode(), string(output)
}

// The disk is full in the middle of a download: the user has failed with the reason, the others are read, and
// the next run has the rest.
func TestDiskFullInTheMiddleOfADownload(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers)
	code, output := a.onSmallDisk("data/users/1", "true", day...)
	if code != orchestrator.ExitIncomplete || !strings.Contains(output, "no space left on device\n  → free some space") {
		t.Fatalf("exit code %d\n%s", code, output)
	}
	first := a.json(0, "runs", "show", "--last")
	if at(first, "users", 0, "status") != "failed" || at(first, "users", 0, "errors", 1) != nil || at(first, "users", 1, "status") != "ok" {
		t.Errorf("%v", first)
	}
	a.must(day...)
	for _, user := range []string{"alice", "bob"} {
		if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
			t.Errorf("%s:\n%s", user, diff)
		}
	}
}

// Clocks that are set back, or that differ between here and there, cost nothing and double nothing.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers, "CHORTLE_CATCH_UP_DAYS=1")
	a.Now = func() time.Time { return apiDay.Add(-1000 * time.Hour) }
	for i, step := range []struct {
		now   time.Duration // since the day began
		args  []string
		laugh int // how many alice has then
	}{
		{9*time.Hour + time.Minute, []string{"run", "--date", "2026-11-22"}, 3}, // the day has not ended: its first minute of sound
		{8 * time.Hour, []string{"run", "--date", "2026-11-22"}, 3},
		{-30 * time.Hour, []string{"run", "--date", "2026-11-22"}, 3}, // the day has not come
		{27 * time.Hour, []string{"run"}, 9},
		{10 * time.Hour, []string{"run", "--date", "2026-11-22"}, 9},
		{20 * time.Hour, []string{"run"}, 9},
		{51 * time.Hour, []string{"run"}, 9},
	} {
		r := a.runAt(t.Context(), func() time.Time { return apiDay.Add(step.now) }, "", step.args...)
		laughs, _ := at(a.json(0, "laughs", "list", "--user", "alice"), "laughs").([]any)
		if r.code != 0 || len(laughs) != step.laugh {
			t.Fatalf("step %d: exit code %d, %d laughs, want %d\n%s\n%s", i, r.code, len(laughs), step.laugh, r.stdout, r.stderr)
		}
	}
	if got := a.results("alice"); strings.Contains(got, "failed") {
		t.Errorf("gaps:\n%s", got)
	}
}
