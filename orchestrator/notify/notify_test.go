package notify_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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

func kinds(alerts []notify.Alert) (kinds []string) {
	for _, alert := range alerts {
		kinds = append(kinds, alert.Kind)
	}
	return kinds
}

// The share of failed calls is that of the whole run: one user with few calls raises no alarm.
func TestFailedCallsAreThoseOfTheRun(t *testing.T) {
	t.Parallel()
	for failed, want := range map[int]int{2: 0, 3: 1} {
		run := orchestrator.Run{Days: []orchestrator.UserDay{
			{User: "alice", Calls: orchestrator.Calls{Total: 4, Failed: failed}}, {User: "bob", Calls: orchestrator.Calls{Total: 16}}}}
		alerts := notify.CheckRun(run, notify.DefaultLimits)
		if len(alerts) != want || want == 1 && (alerts[0].Kind != notify.KindFailedCalls || alerts[0].User != "") {
			t.Errorf("%d of 20 calls failed: %v", failed, alerts)
		}
		if want == 1 && (alerts[0].Remedy == "" || len(notify.CheckRun(run, notify.Limits{})) != 0) {
			t.Errorf("without a remedy, or raised though it is off: %v", alerts)
		}
	}
}

func TestEveryAlertHasItsThreshold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind        string
		below, over func(*orchestrator.UserDay)
	}{
		{notify.KindMemoryAfter,
			func(d *orchestrator.UserDay) { d.Memory.After = 64e6 },
			func(d *orchestrator.UserDay) { d.Memory.After = 65e6 }},
		{notify.KindMemoryPeak,
			func(d *orchestrator.UserDay) { d.Memory.Peak = 256e6 },
			func(d *orchestrator.UserDay) { d.Memory.Peak = 257e6 }},
		{notify.KindOutOfMemory,
			func(d *orchestrator.UserDay) {},
			func(d *orchestrator.UserDay) { d.OutOfMemory = true }},
		{notify.KindUserFailed,
			func(d *orchestrator.UserDay) {
				d.Status, d.Errors = orchestrator.StatusIncomplete, []orchestrator.RunError{{Message: "x", Remedy: "y"}}
			},
			func(d *orchestrator.UserDay) {
				d.Status, d.Errors = orchestrator.StatusFailed, []orchestrator.RunError{{Message: "x", Remedy: "y"}}
			}},
	} {
		if got := notify.CheckRun(day(test.below), notify.DefaultLimits); len(got) != 0 {
			t.Errorf("%s below its limit: %v", test.kind, got)
		}
		got := notify.CheckRun(day(test.over), notify.DefaultLimits)
		if !slices.Equal(kinds(got), []string{test.kind}) || got[0].User != "alice" || got[0].Remedy == "" {
			t.Errorf("%s over its limit: %v", test.kind, got)
		}
		if test.kind != notify.KindOutOfMemory && test.kind != notify.KindUserFailed && len(notify.CheckRun(day(test.over), notify.Limits{})) != 0 {
			t.Errorf("%s was raised though it is off", test.kind)
		}
	}
}

func TestARunThatFailedIsTold(t *testing.T) {
	t.Parallel()
	got := notify.CheckRun(orchestrator.Run{Status: orchestrator.StatusFailed, Error: "database unavailable"}, notify.Limits{})
	if !slices.Equal(kinds(got), []string{notify.KindRunFailed}) || !strings.Contains(got[0].Message, "database unavailable") {
		t.Errorf("%v", got)
	}
	if alert := notify.Unfinished(orchestrator.Run{StartedAt: now}); !strings.Contains(alert.Message, "2026-11-23 03:00 UTC") {
		t.Errorf("%v", alert)
	}
}

func TestTheServiceIsWatched(t *testing.T) {
	t.Parallel()
	latest := orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	fine := func() orchestrator.ServiceStatus {
		user := func(name string) orchestrator.UserStatus {
			return orchestrator.UserStatus{User: orchestrator.User{Name: name, Timezone: "UTC", Enabled: true}, LastGoodRun: now.Add(-24 * time.Hour),
				FirstDay: latest.Add(-7), Latest: orchestrator.UserDay{User: name, Date: latest, Status: orchestrator.StatusOK},
				LastAudio: now.Add(-12 * time.Hour), LastLaugh: now.Add(-13 * time.Hour)}
		}
		return orchestrator.ServiceStatus{LastGoodRun: now.Add(-24 * time.Hour), Users: []orchestrator.UserStatus{user("alice"), user("bob")}}
	}
	gap := func(age time.Duration) []orchestrator.LedgerSpan {
		return []orchestrator.LedgerSpan{{Span: orchestrator.Span{Start: now.Add(-age - time.Hour), End: now.Add(-age)}, State: orchestrator.SpanFailed, Reason: "it answered 504"}}
	}
	for name, test := range map[string]struct {
		bend func(*orchestrator.ServiceStatus)
		want []string
	}{
		"all is well": {func(*orchestrator.ServiceStatus) {}, nil},
		"never ran": {func(s *orchestrator.ServiceStatus) {
			s.LastGoodRun, s.Users = time.Time{}, []orchestrator.UserStatus{{User: s.Users[0].User}, {User: s.Users[1].User}}
		}, []string{notify.KindNoGoodRun}},
		"ran long ago": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastGoodRun, s.Users[1].LastGoodRun = now.Add(-37*time.Hour), now.Add(-38*time.Hour)
		}, []string{notify.KindNoGoodRun}},
		"long ago for nobody who is there": {func(s *orchestrator.ServiceStatus) {
			s.LastGoodRun, s.Users = now.Add(-37*time.Hour), nil
		}, []string{notify.KindNoGoodRun}},
		"well for others only": {func(s *orchestrator.ServiceStatus) {
			s.LastGoodRun, s.Users[0].LastGoodRun = now, now.Add(-37*time.Hour)
		}, []string{notify.KindNoGoodRun}},
		"not well yet": {func(s *orchestrator.ServiceStatus) { s.Users[0].LastGoodRun = time.Time{} }, []string{notify.KindNoGoodRun}},
		"only just there": {func(s *orchestrator.ServiceStatus) {
			s.Users[0] = orchestrator.UserStatus{User: s.Users[0].User}
		}, nil},
		"failed":     {func(s *orchestrator.ServiceStatus) { s.Users[0].Latest.Status = orchestrator.StatusFailed }, []string{notify.KindUserFailed}},
		"incomplete": {func(s *orchestrator.ServiceStatus) { s.Users[0].Latest.Status = orchestrator.StatusIncomplete }, []string{notify.KindUserFailed}},
		"never any audio": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, time.Time{}, latest.Add(-8)
		}, []string{notify.KindNoAudio}},
		"no audio in the first days": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, time.Time{}, latest.Add(-5)
		}, nil},
		"never any laugh": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, latest.Add(-8)
		}, []string{notify.KindNoLaughs}},
		"no audio":    {func(s *orchestrator.ServiceStatus) { s.Users[0].LastAudio = now.Add(-8 * 24 * time.Hour) }, []string{notify.KindNoAudio}},
		"no laughs":   {func(s *orchestrator.ServiceStatus) { s.Users[0].LastLaugh = now.Add(-8 * 24 * time.Hour) }, []string{notify.KindNoLaughs}},
		"a young gap": {func(s *orchestrator.ServiceStatus) { s.Users[0].Gaps = gap(48 * time.Hour) }, nil},
		"an old gap":  {func(s *orchestrator.ServiceStatus) { s.Users[0].Gaps = gap(96 * time.Hour) }, []string{notify.KindOldGap}},
		"a user put aside": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastGoodRun, s.Users[0].User.Enabled = now.Add(-800*time.Hour), time.Time{}, false
			s.Users[0].Latest.Status = orchestrator.StatusFailed
		}, nil},
	} {
		status := fine()
		test.bend(&status)
		got := notify.CheckService(status, notify.DefaultLimits, now)
		if !slices.Equal(kinds(got), test.want) {
			t.Errorf("%s: %v", name, got)
		}
		if name == "failed" { // the run tells the same
			run := orchestrator.Run{Days: []orchestrator.UserDay{status.Users[0].Latest}}
			if all := notify.Join(notify.CheckRun(run, notify.DefaultLimits), got); len(all) != 1 {
				t.Errorf("told twice: %v", all)
			}
		}
	}
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
	alerts := notify.CheckRun(day(func(d *orchestrator.UserDay) { d.OutOfMemory = true }), notify.DefaultLimits)
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
	if err := notify.WriteMetrics(path, run, status, []notify.Alert{{Kind: notify.KindOldGap, User: "alice"}}); err != nil {
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
