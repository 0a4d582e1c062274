package health_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/health"
)

// limits are those that the settings start with.
var limits = health.Limits{
	FailedCalls: 0.10,
	MemoryAfter: 64e6,
	MemoryPeak:  256e6,
	Quiet:       7 * 24 * time.Hour,
	GapAge:      3 * 24 * time.Hour,
	LastGoodRun: 36 * time.Hour,
}

func ofRun(run orchestrator.Run, limits health.Limits) []orchestrator.Alert {
	return health.Alerts(health.Facts{Run: &run}, limits, now)
}

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func day(bend func(*orchestrator.UserDay)) orchestrator.Run {
	d := orchestrator.UserDay{User: "alice", Date: orchestrator.Date{Year: 2026, Month: 11, Day: 22}}
	bend(&d)
	return orchestrator.Run{Days: []orchestrator.UserDay{d}, StartedAt: now.Add(-time.Minute), FinishedAt: now}
}

func kinds(alerts []orchestrator.Alert) (kinds []string) {
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
		alerts := ofRun(run, limits)
		if len(alerts) != want || want == 1 && (alerts[0].Kind != orchestrator.AlertFailedCalls || alerts[0].User != "") {
			t.Errorf("%d of 20 calls failed: %v", failed, alerts)
		}
		if want == 1 && (advice.OfAlert(advice.Terminal, alerts[0]) == "" || len(ofRun(run, health.Limits{})) != 0) {
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
		{orchestrator.AlertMemoryAfter,
			func(d *orchestrator.UserDay) { d.Memory.After = 64e6 },
			func(d *orchestrator.UserDay) { d.Memory.After = 65e6 }},
		{orchestrator.AlertMemoryPeak,
			func(d *orchestrator.UserDay) { d.Memory.Peak = 256e6 },
			func(d *orchestrator.UserDay) { d.Memory.Peak = 257e6 }},
		{orchestrator.AlertOutOfMemory,
			func(d *orchestrator.UserDay) {},
			func(d *orchestrator.UserDay) { d.OutOfMemory = true }},
		{orchestrator.AlertUserFailed,
			func(d *orchestrator.UserDay) {
				d.Status, d.Errors = orchestrator.StatusIncomplete, []orchestrator.RunError{{Message: "x", Code: orchestrator.CodeOther}}
			},
			func(d *orchestrator.UserDay) {
				d.Status, d.Errors = orchestrator.StatusFailed, []orchestrator.RunError{{Message: "x", Code: orchestrator.CodeOther}}
			}},
	} {
		if got := ofRun(day(test.below), limits); len(got) != 0 {
			t.Errorf("%s below its limit: %v", test.kind, got)
		}
		got := ofRun(day(test.over), limits)
		if !slices.Equal(kinds(got), []string{test.kind}) || got[0].User != "alice" || advice.OfAlert(advice.Terminal, got[0]) == "" {
			t.Errorf("%s over its limit: %v", test.kind, got)
		}
		if test.kind != orchestrator.AlertOutOfMemory && test.kind != orchestrator.AlertUserFailed && len(ofRun(day(test.over), health.Limits{})) != 0 {
			t.Errorf("%s was raised though it is off", test.kind)
		}
	}
}

func TestARunThatFailedIsTold(t *testing.T) {
	t.Parallel()
	got := ofRun(orchestrator.Run{Status: orchestrator.StatusFailed, Error: "database unavailable"}, health.Limits{})
	if !slices.Equal(kinds(got), []string{orchestrator.AlertRunFailed}) || !strings.Contains(got[0].Message, "database unavailable") {
		t.Errorf("%v", got)
	}
	if alert := health.Alerts(health.Facts{Unfinished: []orchestrator.Run{{StartedAt: now}}}, limits, now)[0]; !strings.Contains(alert.Message, "2026-11-23 03:00 UTC") {
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
		}, []string{orchestrator.AlertNoGoodRun}},
		"ran long ago": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastGoodRun, s.Users[1].LastGoodRun = now.Add(-37*time.Hour), now.Add(-38*time.Hour)
		}, []string{orchestrator.AlertNoGoodRun}},
		"long ago for nobody who is there": {func(s *orchestrator.ServiceStatus) {
			s.LastGoodRun, s.Users = now.Add(-37*time.Hour), nil
		}, []string{orchestrator.AlertNoGoodRun}},
		"well for others only": {func(s *orchestrator.ServiceStatus) {
			s.LastGoodRun, s.Users[0].LastGoodRun = now, now.Add(-37*time.Hour)
		}, []string{orchestrator.AlertNoGoodRun}},
		"not well yet": {func(s *orchestrator.ServiceStatus) { s.Users[0].LastGoodRun = time.Time{} }, []string{orchestrator.AlertNoGoodRun}},
		"read in part at first": {func(s *orchestrator.ServiceStatus) {
			for i := range s.Users {
				s.Users[i].LastGoodRun, s.Users[i].Latest.Status, s.Users[i].Latest.Processed = time.Time{}, orchestrator.StatusIncomplete, 1
			}
		}, []string{orchestrator.AlertUserFailed, orchestrator.AlertUserFailed}},
		"only just there": {func(s *orchestrator.ServiceStatus) {
			s.Users[0] = orchestrator.UserStatus{User: s.Users[0].User}
		}, nil},
		"failed":     {func(s *orchestrator.ServiceStatus) { s.Users[0].Latest.Status = orchestrator.StatusFailed }, []string{orchestrator.AlertUserFailed}},
		"incomplete": {func(s *orchestrator.ServiceStatus) { s.Users[0].Latest.Status = orchestrator.StatusIncomplete }, []string{orchestrator.AlertUserFailed}},
		"never any audio": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, time.Time{}, latest.Add(-8)
		}, []string{orchestrator.AlertNoAudio}},
		"no audio in the first days": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, time.Time{}, latest.Add(-5)
		}, nil},
		"never any laugh": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastLaugh, s.Users[0].FirstDay = time.Time{}, latest.Add(-8)
		}, []string{orchestrator.AlertNoLaughs}},
		"no audio":    {func(s *orchestrator.ServiceStatus) { s.Users[0].LastAudio = now.Add(-8 * 24 * time.Hour) }, []string{orchestrator.AlertNoAudio}},
		"no laughs":   {func(s *orchestrator.ServiceStatus) { s.Users[0].LastLaugh = now.Add(-8 * 24 * time.Hour) }, []string{orchestrator.AlertNoLaughs}},
		"a young gap": {func(s *orchestrator.ServiceStatus) { s.Users[0].Gaps = gap(48 * time.Hour) }, nil},
		"an old gap":  {func(s *orchestrator.ServiceStatus) { s.Users[0].Gaps = gap(96 * time.Hour) }, []string{orchestrator.AlertOldGap}},
		"a user put aside": {func(s *orchestrator.ServiceStatus) {
			s.Users[0].LastAudio, s.Users[0].LastGoodRun, s.Users[0].User.Enabled = now.Add(-800*time.Hour), time.Time{}, false
			s.Users[0].Latest.Status = orchestrator.StatusFailed
		}, nil},
	} {
		status := fine()
		test.bend(&status)
		got := health.Alerts(health.Facts{Status: &status}, limits, now)
		if !slices.Equal(kinds(got), test.want) {
			t.Errorf("%s: %v", name, got)
		}
		if name == "failed" { // the run tells the same
			run := orchestrator.Run{Days: []orchestrator.UserDay{status.Users[0].Latest}}
			if all := health.Alerts(health.Facts{Run: &run, Status: &status}, limits, now); len(all) != 1 {
				t.Errorf("told twice: %v", all)
			}
		}
	}
}

// M5: a clock that was ahead is an alert, and silences none.
func TestAClockThatWasAhead(t *testing.T) {
	t.Parallel()
	status := orchestrator.ServiceStatus{LastGoodRun: now.Add(-10 * 24 * time.Hour), Ahead: now.Add(2 * 366 * 24 * time.Hour)}
	got := kinds(health.Alerts(health.Facts{Status: &status}, limits, now))
	if want := []string{orchestrator.AlertClock, orchestrator.AlertNoGoodRun}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// H4: a lock that is held for too long is an alert, also where its time is one of a clock that was wrong.
func TestALockThatIsHeldForTooLong(t *testing.T) {
	t.Parallel()
	limits := health.Limits{Stuck: 8 * time.Hour}
	for since, want := range map[time.Duration]bool{-time.Hour: false, -9 * time.Hour: true, 0: false, 24 * time.Hour: true} {
		alert, ok := health.Stuck("process 7 holds it", now.Add(since), limits, now)
		if ok != want || ok && (alert.Kind != orchestrator.AlertRunStuck || advice.OfAlert(advice.Terminal, alert) == "") {
			t.Errorf("held since %v: %v, %+v", since, ok, alert)
		}
	}
	if _, ok := health.Stuck("it", now.Add(-9*time.Hour), health.Limits{}, now); ok {
		t.Error("raised though it is off")
	}
	if _, ok := health.Stuck("it", time.Time{}, limits, now); ok {
		t.Error("raised though nobody knows since when")
	}
}
