package updates_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
)

// TestMain is also the run that tests start: CHORTLE_TEST_RUN says what it does.
func TestMain(m *testing.M) {
	if kind := os.Getenv("CHORTLE_TEST_RUN"); kind != "" {
		os.Exit(run(kind))
	}
	goleak.VerifyTestMain(m)
}

func run(kind string) int {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	report := updates.NewReporter(os.Stdout, time.Now)
	minute := int64(60 * orchestrator.SampleRateHz)
	report.Observe(orchestrator.Event{Kind: orchestrator.EventRecording, Recording: "a.ogg", Length: 2 * minute})
	report.Observe(orchestrator.Event{Kind: orchestrator.EventRecordingDone, Recording: "a.ogg", Length: 2 * minute, Laughs: 3})
	report.Observe(orchestrator.Event{Kind: orchestrator.EventRecordingDone, Recording: "b.ogg", Err: errors.New("no sound")})
	fmt.Println("what is no JSON", strings.Repeat("x", 100_000))
	switch kind {
	case "crash":
		return 1
	case "long":
		<-ended
		report.End(orchestrator.Run{ID: "r1", ExitCode: orchestrator.ExitInterrupted})
		return orchestrator.ExitInterrupted
	}
	report.End(orchestrator.Run{ID: "r1", ExitCode: orchestrator.ExitIncomplete})
	return orchestrator.ExitIncomplete
}

// starting returns Updates whose runs are of a kind, and where the arguments of the last one stand.
func starting(kind string) (*updates.Updates, *[]string) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	var last []string
	return updates.New(func(args ...string) *exec.Cmd {
		last = args
		process := exec.Command(os.Args[0])
		process.Env = append(os.Environ(), "CHORTLE_TEST_RUN="+kind)
		return process
	}, time.Now, log), &last
}

var request = updates.Request{User: orchestrator.User{ID: 7, Name: "alice"}, From: orchestrator.Date{Year: 2026, Month: 11, Day: 21}, To: orchestrator.Date{Year: 2026, Month: 11, Day: 22},
	Again: true, Sound: 4 * time.Minute}

// ended waits for the end of a user's update.
func ended(t *testing.T, u *updates.Updates) updates.State {
	t.Helper()
	return waitFor(t, u, func(s updates.State) bool { return !s.FinishedAt.IsZero() })
}

func waitFor(t *testing.T, u *updates.Updates, is func(updates.State) bool) updates.State {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if state, ok := u.State(7); !ok || is(state) {
			return state
		}
		select {
		case <-t.Context().Done():
			t.Fatal("it does not come")
		case <-tick.C:
		}
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]updates.State{
		"whole": {RunID: "r1", ExitCode: orchestrator.ExitIncomplete, Done: 1, Failed: 1, Laughs: 3},
		"crash": {ExitCode: 1, Done: 1, Failed: 1, Laughs: 3},
	} {
		u, args := starting(kind)
		if err := u.Begin(request); err != nil {
			t.Fatal(err)
		}
		got := ended(t, u)
		if got.RunID != want.RunID || got.ExitCode != want.ExitCode || got.Done != want.Done || got.Failed != want.Failed || got.Laughs != want.Laughs || got.Heard != 2*time.Minute || got.Share() != 0.5 {
			t.Errorf("%s: %+v", kind, got)
		}
		if line := strings.Join(*args, " "); line != "run --user alice --from 2026-11-21 --to 2026-11-22 --trigger manual --events --reprocess" {
			t.Errorf("%s: %s", kind, line)
		}
		if err := u.Begin(request); err != nil {
			t.Errorf("another one afterwards: %v", err)
		}
		u.Close()
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	u, _ := starting("long")
	if err := u.Begin(request); err != nil {
		t.Fatal(err)
	}
	other := request
	other.User.ID = 8
	for _, r := range []updates.Request{request, other} {
		if err := u.Begin(r); !errors.Is(err, orchestrator.ErrLocked) {
			t.Errorf("a second one at the same time: %v", err)
		}
	}
	waitFor(t, u, func(s updates.State) bool { return s.Done > 0 }) // it listens for signals from then on
	u.Stop(8)
	if state, ok := u.State(8); ok || state.Stopping {
		t.Errorf("somebody else's: %+v", state)
	}
	u.Stop(7)
	if got := ended(t, u); !got.Stopping || got.ExitCode != orchestrator.ExitInterrupted || got.RunID != "r1" {
		t.Errorf("%+v", got)
	}
	if err := u.Begin(request); err != nil {
		t.Fatal(err)
	}
	u.Close()
	if err := u.Begin(request); !errors.Is(err, updates.ErrNoCommand) {
		t.Errorf("after the end: %v", err)
	}
}

func TestWithoutACommand(t *testing.T) {
	t.Parallel()
	u := updates.New(nil, time.Now, logrus.New())
	if err := u.Begin(request); !errors.Is(err, updates.ErrNoCommand) {
		t.Errorf("%v", err)
	}
	u.Stop(7)
	u.Close()
	if _, ok := u.State(7); ok {
		t.Error("a state of nothing")
	}
}
