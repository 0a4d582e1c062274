package notify_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func day(bend func(*orchestrator.UserDay)) orchestrator.Run {
	d := orchestrator.UserDay{User: "alice", Date: orchestrator.Date{Year: 2026, Month: 11, Day: 22}}
	bend(&d)
	return orchestrator.Run{Days: []orchestrator.UserDay{d}, StartedAt: now.Add(-time.Minute), FinishedAt: now}
}

// listener is a real server that writes down what it is sent.
type listener struct {
	mu       sync.Mutex
	requests []string
	status   int
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r.Method+" "+r.URL.Path+" "+string(body))
	w.WriteHeader(max(200, l.status))
}

func TestPingsTellStartSuccessAndFailure(t *testing.T) {
	t.Parallel()
	l := &listener{}
	web := httptest.NewServer(l)
	t.Cleanup(web.Close)
	n := notify.Notifier{PingURL: web.URL + "/uuid-which-is-secret/", HTTP: web.Client()}
	ctx := t.Context()
	long := strings.Repeat("x", 20<<10) + "the last line"
	for _, err := range []error{n.Start(ctx), n.End(ctx, orchestrator.Run{}, []byte("log")), n.End(ctx, orchestrator.Run{ExitCode: 3}, []byte(long))} {
		if err != nil {
			t.Error(err)
		}
	}
	if len(l.requests) != 3 || l.requests[0] != "POST /uuid-which-is-secret/start " || l.requests[1] != "POST /uuid-which-is-secret " {
		t.Fatalf("requests %.200q", l.requests)
	}
	if fail := l.requests[2]; !strings.HasPrefix(fail, "POST /uuid-which-is-secret/fail ") || !strings.HasSuffix(fail, "the last line") || len(fail) > 11<<10 {
		t.Errorf("failure of %d bytes: %.80q", len(fail), fail)
	}
	l.status = 500
	web.CloseClientConnections()
	if err := n.Start(ctx); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a ping that fails: %v", err)
	}
	web.Close()
	if err := n.Start(ctx); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestAlertsGoToAShoutrrrAddress(t *testing.T) {
	t.Parallel()
	l := &listener{}
	web := httptest.NewServer(l)
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	address := "generic+" + web.URL + "/topic-which-is-secret"
	n := notify.Notifier{Addresses: []string{address}, Timeout: 5 * time.Second}
	if err := n.Check(); err != nil {
		t.Fatal(err)
	}
	alerts := []string{"alice, 2026-11-22: the kernel killed the model. Give the machine swap."}
	if err := n.Send(t.Context(), alerts); err != nil {
		t.Fatal(err)
	}
	if len(l.requests) != 1 || !strings.Contains(l.requests[0], "alice, 2026-11-22: the kernel killed the model") {
		t.Errorf("requests %q", l.requests)
	}
	l.status = 500
	if err := n.Send(t.Context(), alerts); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an address that refuses: %v", err)
	}
	if err := n.Send(t.Context(), nil); err != nil || len(l.requests) != 2 {
		t.Errorf("nothing to tell: %v, %d requests", err, len(l.requests))
	}
	bad := notify.Notifier{Addresses: []string{"nonsense://token-which-is-secret"}}
	if err := bad.Check(); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad address: %v", err)
	}
}

func TestMetricsAreWrittenWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "chortle.prom")
	run := day(func(d *orchestrator.UserDay) {
		d.AudioSamples, d.Laughs = 16000*3600, 5
		d.Calls.Add(200)
		d.Calls.Add(504)
	})
	status := orchestrator.ServiceStatus{LastGoodRun: now, Users: []orchestrator.UserStatus{{User: orchestrator.User{Name: "alice"},
		Gaps: []orchestrator.LedgerSpan{{Span: orchestrator.Span{Start: now.Add(-time.Hour), End: now}}}}}}
	if err := notify.WriteMetrics(path, run, status, []orchestrator.Alert{{Kind: orchestrator.AlertOldGap, User: "alice"}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"chortle_run_seconds 60\n", "chortle_run_exit_code 0\n",
		`chortle_day_audio_seconds{user="alice",date="2026-11-22"} 3600` + "\n",
		`chortle_day_source_calls{user="alice",date="2026-11-22",status="504"} 1` + "\n",
		`chortle_gap_seconds{user="alice"} 3600` + "\n",
		`chortle_alert{kind="old_gap",user="alice"} 1` + "\n",
		"# TYPE chortle_day_laughs gauge\n",
	} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files beside the metrics", len(files)-1)
	}
	if err := notify.WriteMetrics(filepath.Join(dir, "absent", "chortle.prom"), run, status, nil); err == nil {
		t.Error("a folder that is not there is no error")
	}
}
