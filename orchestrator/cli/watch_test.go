package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// web is a real server that writes down what it is told.
type web struct {
	*httptest.Server
	mu      sync.Mutex
	told    []string // "POST /path body"
	status  int
	stalled chan struct{} // unless nil, requests for /fail are not answered until it is closed
}

func newWeb(t *testing.T) *web {
	w := &web{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.told = append(w.told, r.Method+" "+r.URL.Path+" "+string(body))
		status, stalled := max(200, w.status), w.stalled
		w.mu.Unlock()
		if stalled != nil && strings.HasSuffix(r.URL.Path, "/fail") {
			<-stalled
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(func() {
		if w.stalled != nil {
			close(w.stalled)
		}
		http.DefaultClient.CloseIdleConnections()
		w.Close()
	})
	return w
}

// hears returns what was told since the last call.
func (w *web) hears() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	w.told = nil
	return told
}

func TestRunTellsThoseWhoWatch(t *testing.T) {
	t.Parallel()
	pings, messages := newWeb(t), newWeb(t)
	metrics := filepath.Join(t.TempDir(), "chortle.prom")
	p := newPlace(t, "CHORTLE_PING_URL="+pings.URL+"/check-hunter2", "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic-hunter2", "CHORTLE_METRICS_FILE="+metrics,
		"CHORTLE_ALERT_QUIET_DAYS=0").alice() // the recording's day is no matter here

	p.must(day...)
	if told := pings.hears(); len(told) != 2 || told[0] != "POST /check-hunter2/start " || told[1] != "POST /check-hunter2 " {
		t.Errorf("pings of a good run: %q", told)
	}
	if told := messages.hears(); len(told) != 0 {
		t.Errorf("messages of a good run: %q", told)
	}
	content, err := os.ReadFile(metrics)
	if err != nil || !strings.Contains(string(content), "chortle_run_exit_code 0\n") || !strings.Contains(string(content), `chortle_day_laughs{user="alice",date="2026-11-22"} 1`) {
		t.Errorf("metrics: %v\n%s", err, content)
	}

	p.must(append(day, "--dry-run")...)
	if told := pings.hears(); len(told) != 0 {
		t.Errorf("pings of a dry run: %q", told)
	}

	p.file("alice", "2026-11-22T15-00-00Z.ogg", []byte("no sound"))
	p.environ = append(p.environ, "CHORTLE_ALERT_MEMORY_PEAK=1")
	p.file("alice", "2026-11-22T16-00-00Z.ogg", []byte("no sound either"))
	r := p.run(day...)
	if r.code != orchestrator.ExitIncomplete || strings.Contains(r.stderr+r.stdout, "hunter2") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	told := pings.hears()
	if len(told) != 2 || !strings.HasPrefix(told[1], "POST /check-hunter2/fail ") || !strings.Contains(told[1], "recording failed") || strings.Contains(told[1], "hunter2 ") {
		t.Errorf("pings of a run that failed in part: %q", told)
	}
	if told := messages.hears(); len(told) != 1 || !strings.Contains(told[0], "alice, 2026-11-22: ") || !strings.Contains(told[0], "MB at peak, the limit is 0 MB") {
		t.Errorf("messages: %q", told)
	}
	if !strings.Contains(r.stderr, `"alert":"memory_peak"`) {
		t.Errorf("the alert is not in the log:\n%s", r.stderr)
	}
	status := p.json(orchestrator.ExitFailed, "status")
	if at(status, "alerts", 0, "kind") != "memory_peak" || at(status, "alerts", 0, "user") != "alice" {
		t.Errorf("status: %v", at(status, "alerts"))
	}
	if content, err = os.ReadFile(metrics); err != nil || !strings.Contains(string(content), `chortle_alert{kind="memory_peak",user="alice"} 1`) {
		t.Errorf("metrics: %v\n%s", err, content)
	}
}

// Whoever is told may fail in every way: the run does not.
func TestFailingToTellFailsNoRun(t *testing.T) {
	t.Parallel()
	refusing, gone := newWeb(t), newWeb(t)
	refusing.status = 500
	gone.Close()
	for name, environ := range map[string][]string{
		"refused": {"CHORTLE_PING_URL=" + refusing.URL + "/hunter2", "CHORTLE_NOTIFY_URLS=generic+" + refusing.URL + "/hunter2"},
		"gone":    {"CHORTLE_PING_URL=" + gone.URL + "/hunter2", "CHORTLE_NOTIFY_URLS=generic+" + gone.URL + "/hunter2"},
		"nowhere": {"CHORTLE_METRICS_FILE=/proc/nowhere/chortle.prom", "CHORTLE_LOG_DIR=/proc/nowhere", "CHORTLE_NOTIFY_URLS=nonsense://hunter2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, append(environ, "CHORTLE_ALERT_MEMORY_PEAK=1")...).alice()
			r := p.run(day...)
			if r.code != 0 || !strings.Contains(r.stderr, "send notification") || strings.Contains(r.stderr, "hunter2") {
				t.Errorf("exit code %d\n%s", r.code, r.stderr)
			}
		})
	}
}

func TestDefect7ARunWithoutItsDatabaseIsTold(t *testing.T) {
	t.Parallel()
	pings, messages := newWeb(t), newWeb(t)
	p := newPlace(t, "CHORTLE_PING_URL="+pings.URL, "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic",
		"CHORTLE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x", "CHORTLE_STORE_RETRY=0s")
	if r := p.run("run"); r.code != orchestrator.ExitFailed {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	if told := pings.hears(); len(told) != 2 || !strings.HasPrefix(told[1], "POST /fail ") || !strings.Contains(told[1], "database unavailable") || strings.Contains(told[1], "hunter2") {
		t.Errorf("pings: %q", told)
	}
	if told := messages.hears(); len(told) != 1 || !strings.Contains(told[0], "the run failed") || strings.Contains(told[0], "hunter2") {
		t.Errorf("messages: %q", told)
	}
}

// A signal ends a run within two seconds, also where the one who is told of it does not answer: the run does not
// wait for the answer, nor for as long as one that nobody ended does.
func TestASignalDoesNotWaitForThePing(t *testing.T) {
	t.Parallel()
	pings := newWeb(t)
	pings.stalled = make(chan struct{})
	p := newPlace(t, "CHORTLE_PING_URL="+pings.URL).alice()
	b := p.block()
	if err := b.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state := b.wait(t); state.ExitCode() != orchestrator.ExitInterrupted || !strings.Contains(b.rest.String(), "ping/fail: it did not answer within 400ms") {
		t.Errorf("%v\n%s", state, &b.rest)
	}
	if told := pings.hears(); len(told) != 2 || !strings.HasPrefix(told[1], "POST /fail ") {
		t.Errorf("pings: %q", told)
	}
}

func TestLogGoesToAFileADay(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	dir := p.path("logs")
	p.environ = append(p.environ, "CHORTLE_LOG_DIR="+dir, "CHORTLE_LOG_KEEP_DAYS=3")
	old := p.file("logs", "chortle-2001-01-01.log", []byte("old\n"))
	p.must(day...)
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("an old file is still there: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "chortle-*.log"))
	if err != nil || len(files) < 1 || len(files) > 2 { // two at midnight
		t.Fatalf("%v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(content), `"msg":"recording done"`) {
		t.Errorf("%v\n%s", err, content)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	status := p.json(orchestrator.ExitFailed, "status")
	if at(status, "alerts", 0, "kind") != "no_good_run" || at(status, "last_run") != nil || at(status, "last_good_run") != nil {
		t.Errorf("before the first run: %v", status)
	}
	p.environ = append(p.environ, "CHORTLE_ALERT_QUIET_DAYS=0") // the recording's day is no matter here
	p.must(day...)
	status = p.json(0, "status")
	if at(status, "users", 0, "user") != "alice" || at(status, "users", 0, "last_good_day") != "2026-11-22" ||
		at(status, "last_run", "status") != "ok" || at(status, "users", 0, "last_audio") != "2026-11-22T14:30:25.000Z" {
		t.Errorf("after a good run: %v", status)
	}
	if out := p.must("status"); !strings.Contains(out, "All is well.") || !strings.Contains(out, "2026-11-22 14:30 GMT") {
		t.Errorf("for people:\n%s", out)
	}
	late := p.run("status", "--last-run", "1ms")
	if late.code != orchestrator.ExitFailed || !strings.Contains(late.stdout, "alert: the last good run was ") {
		t.Errorf("with a short limit: %+v", late)
	}
}

// A run that something killed is told of: by status, and by the next run.
func TestAKilledRunIsTold(t *testing.T) {
	t.Parallel()
	messages := newWeb(t)
	p := newPlace(t, "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic").alice()
	b := p.block()
	if has := fmt.Sprint(at(p.json(orchestrator.ExitFailed, "status"), "alerts")); strings.Contains(has, "run_unfinished") {
		t.Errorf("while it is under way: %s", has)
	}
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait(t)
	if has := fmt.Sprint(at(p.json(orchestrator.ExitFailed, "status"), "alerts")); !strings.Contains(has, "run_unfinished") {
		t.Errorf("after it was killed: %s", has)
	}
	p.run(day...)
	if told := messages.hears(); len(told) != 1 || !strings.Contains(told[0], "never ended") {
		t.Errorf("messages: %q", told)
	}
	killed := at(p.json(0, "runs", "list"), "runs", 1)
	if at(killed, "status") != "failed" || at(killed, "exit_code") != 1.0 || at(killed, "error") != "it never ended: something killed it" || at(killed, "finished_at") == nil {
		t.Errorf("in the log: %v", killed)
	}
	p.run(day...)
	if told := fmt.Sprint(messages.hears()); strings.Contains(told, "never ended") {
		t.Errorf("told twice: %s", told)
	}
}

// Two orchestrators share a database, each with a data folder of its own: neither takes the other's run for one
// that was killed, until it is.
func TestTheRunOfAnotherOrchestratorIsNoKilledRun(t *testing.T) {
	t.Parallel()
	messages := newWeb(t)
	p := newPlace(t, "CHORTLE_DATABASE_URL="+pgtest.Start(t).Database(t), "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic").alice()
	other := *p
	other.environ = append(slices.Clone(p.environ), "CHORTLE_DATA_DIR="+p.path("other"))
	b := p.block()
	for range 2 {
		run := other.json(orchestrator.ExitIncomplete, day...)
		if at(run, "users", 0, "status") != "skipped" {
			t.Errorf("beside another run: %v", run)
		}
	}
	status := other.run("status")
	if told := fmt.Sprint(messages.hears(), status.stdout); strings.Contains(told, "never ended") {
		t.Errorf("while it is under way: %s", told)
	}
	if last := find(other.json(0, "doctor"), "last run"); !strings.Contains(fmt.Sprint(at(last, "detail")), "exit code 3") {
		t.Errorf("doctor: %v", last)
	}
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait(t)
	for told := ""; !strings.Contains(told, "never ended"); told = fmt.Sprint(messages.hears()) { // the server may take a moment to see it
		other.run(day...)
	}
	if killed := at(p.json(0, "runs", "list"), "runs").([]any); at(killed[len(killed)-1], "error") != "it never ended: something killed it" {
		t.Errorf("in the log: %v", killed)
	}
}

func TestDoctorLooksAtAlerts(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	good := append(slices.Clone(p.environ), "CHORTLE_LOG_DIR="+p.path("logs"), "CHORTLE_METRICS_FILE="+p.path("chortle.prom"),
		"CHORTLE_NOTIFY_URLS=ntfy://ntfy.sh/hunter2", "CHORTLE_PING_URL=http://127.0.0.1:9/hunter2")
	bad := append(slices.Clone(p.environ), "CHORTLE_LOG_DIR=/proc/nowhere", "CHORTLE_METRICS_FILE=/proc/nowhere/x", "CHORTLE_NOTIFY_URLS=nonsense://hunter2")
	for want, environ := range map[string][]string{"OK": good, "ERROR": bad} {
		p.environ = environ
		r := p.run("doctor", "--json")
		var document map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &document); err != nil {
			t.Fatal(err)
		}
		for _, check := range []string{"alerts", "log folder", "metrics file"} {
			if got := find(document, check); at(got, "status") != want && (want == "ERROR" || at(got, "status") != "WARNING") { // the disk may be nearly full
				t.Errorf("%s: %v, want %s", check, got, want)
			}
		}
		if strings.Contains(r.stdout+r.stderr, "hunter2") {
			t.Errorf("it tells a secret:\n%s", r.stdout)
		}
	}
}

// What stands for days is told by status: no sound, and gaps that nobody fills.
func TestStatusTellsOfWhatStandsForDays(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.recording("alice", "2001-01-01_10-00-00.ogg")
	p.must("user", "add", "alice", "--timezone", "Europe/London", "--source", "folder:"+p.path("alice"))
	p.must("run", "--date", "2001-01-01")
	if status := p.json(orchestrator.ExitFailed, "status"); at(status, "alerts", 0, "kind") != "no_audio" || at(status, "alerts", 1) != nil {
		t.Errorf("no sound for years: %v", at(status, "alerts"))
	}
	p.environ = append(p.environ, "CHORTLE_ALERT_QUIET_DAYS=0")
	p.json(0, "status")

	a := newAPI(t, map[string][]recorded{"alice": nil}, "CHORTLE_CHUNK_MINUTES=120", "CHORTLE_ALERT_QUIET_DAYS=0")
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Status(504) }
	a.json(orchestrator.ExitIncomplete, "run", "--date", "2001-01-01")
	status := a.json(orchestrator.ExitFailed, "status")
	kinds := fmt.Sprint(at(status, "alerts"))
	for _, kind := range []string{"failed_calls", "old_gap", "user_failed"} {
		if !strings.Contains(kinds, "kind:"+kind) {
			t.Errorf("%s is not among %s", kind, kinds)
		}
	}
	if gap := at(status, "users", 0, "gaps", 0); at(gap, "start") != "2001-01-01T00:00:00.000Z" || !strings.Contains(fmt.Sprint(at(gap, "reason")), "504") || at(gap, "attempts") != 1.0 {
		t.Errorf("gap: %v", gap)
	}
	if out := a.run("status").stdout; !strings.Contains(out, "gap: alice, 2001-01-01 00:00:00 to") || !strings.Contains(out, "06:00:00 to 2001-01-02 00:00:00 UTC, tried once") {
		t.Errorf("for people:\n%s", out)
	}
	a.Fault = nil // the API is well again: the gaps are filled, without a laugh, and all is well
	a.json(0, "run", "--date", "2001-01-01")
	if status := a.json(0, "status"); at(status, "users", 0, "gaps", 0) != nil || at(status, "users", 0, "last_good_day") != "2001-01-01" {
		t.Errorf("after it: %v", status)
	}
	a.environ = append(a.environ, "CHORTLE_ALERT_QUIET_DAYS=7") // there never was any sound
	if status := a.json(orchestrator.ExitFailed, "status"); at(status, "alerts", 0, "kind") != "no_audio" {
		t.Errorf("years without any sound: %v", at(status, "alerts"))
	}
}

// A run that does one user's day well does not hide that another user's latest day failed.
func TestAGoodRunOfOneUserHidesNoOther(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_ALERT_QUIET_DAYS=0")
	for _, name := range []string{"ann", "ben"} {
		p.recording(name, "2026-11-22T14-30-00Z.ogg")
		p.must("user", "add", name, "--timezone", "Europe/London", "--source", "folder:"+p.path(name))
	}
	if err := os.Rename(p.path("ben"), p.path("away")); err != nil {
		t.Fatal(err)
	}
	p.json(orchestrator.ExitIncomplete, day...)
	p.json(0, "run", "--user", "ann", "--date", "2020-01-01")
	alerts := func(code int) (told []string) {
		list, _ := at(p.json(code, "status"), "alerts").([]any)
		for _, alert := range list {
			told = append(told, fmt.Sprint(at(alert, "kind"), " ", at(alert, "user")))
		}
		return told
	}
	if told := alerts(orchestrator.ExitFailed); !slices.Equal(told, []string{"no_good_run ben", "user_failed ben"}) {
		t.Errorf("ben has failed: %q", told)
	}
	if err := os.Rename(p.path("away"), p.path("ben")); err != nil {
		t.Fatal(err)
	}
	p.json(0, "run", "--user", "ben", "--date", "2020-01-01") // not the day that failed
	if told := alerts(orchestrator.ExitFailed); !slices.Equal(told, []string{"user_failed ben"}) {
		t.Errorf("ben's latest day has failed: %q", told)
	}
	p.json(0, append(day, "--user", "ben")...)
	if told := alerts(0); told != nil {
		t.Errorf("all is well: %q", told)
	}
}

// Who is purged is in no file of the data folder any more, log and metrics included; whose name is alike stays.
func TestPurgeReachesLogAndMetrics(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("bob", "2026-11-22_20-00-00.ogg")
	p.must("user", "add", "alice-b", "--timezone", "Europe/London", "--source", "folder:"+p.path("bob"))
	p.environ = append(p.environ, "CHORTLE_LOG_DIR="+p.path("data/log"), "CHORTLE_METRICS_FILE="+p.path("data/chortle.prom"))
	p.must(day...)
	p.must("user", "set", "alice", "--name", "zelda") // the log tells of alice
	p.must(append(day, "--reprocess")...)
	p.file("data/clips", "alice/2026/11/21/left-by-a-crash.opus", []byte("x"))
	p.must("user", "purge", "zelda", "--yes")
	named := regexp.MustCompile(`alice($|[^-])|zelda`)
	for _, name := range p.tree("data") {
		content, err := os.ReadFile(p.path("data/" + name))
		if err != nil {
			t.Fatal(err)
		}
		if found := named.Find(content); found != nil {
			t.Errorf("%s tells of her", name)
		}
		if strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".prom") {
			if !strings.Contains(string(content), "alice-b") {
				t.Errorf("%s does not tell of alice-b any more:\n%s", name, content)
			}
		}
	}
}
