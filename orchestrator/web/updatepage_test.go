package web

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
)

// runs lets the page start runs that are a script of the shell.
func (w *world) runs(t *testing.T, script string) {
	t.Helper()
	started := updates.New(func(...string) *exec.Cmd { return exec.Command("sh", "-c", script) }, w.clock.now, w.program.Log)
	t.Cleanup(started.Close)
	w.options.Updates = started
}

// until asks for a page of alice's until it says something.
func (w *world) until(t *testing.T, path, want string) string {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		_, text := w.as("member", "GET", path, "")
		if strings.Contains(text, want) {
			return text
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("no %q in %s", want, text)
		case <-tick.C:
		}
	}
}

func TestCostOfReadingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for query, want := range map[string]string{
		"from=2026-11-22&to=2026-11-22": "1 recording with 1 h of sound.",
		"from=2026-11-01&to=2026-11-23": "1 recording with 1 h of sound.",
		"from=2026-11-21&to=2026-11-21": "nothing to read again",
		"from=2026-11-22&to=2026-11-21": "Choose a first",
		"from=2026-11-22&to=2026-11-24": "Choose a first",
		"from=2024-11-22&to=2026-11-22": "Choose a first",
		"from=%3Cscript%3E&to=":         "Choose a first",
	} {
		if status, text := w.as("member", "GET", "/u/alice/update?"+query, ""); status != http.StatusOK || !strings.Contains(text, want) || strings.Contains(text, `"<script>`) {
			t.Errorf("%s: %d", query, status)
		}
	}
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := orchestrator.Run{ID: "r", Trigger: orchestrator.TriggerCron, StartedAt: w.clock.now()}
	if err := opened.BeginRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := opened.SaveDay(t.Context(), "r", orchestrator.UserDay{UserID: w.users["alice"].ID, User: "alice", Date: orchestrator.Date{Year: 2026, Month: 11, Day: 22}, Timezone: "Europe/London",
		Status: orchestrator.StatusOK, AudioSamples: 100 * 60 * orchestrator.SampleRateHz, Took: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, text := w.as("member", "GET", "/u/alice/update?from=2026-11-22&to=2026-11-22", ""); !strings.Contains(text, "about 3 min here") {
		t.Error("what a run measured is not told")
	}
}

func TestUpdateAndReprocess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if status, _ := w.as("member", "POST", "/u/alice/update", "x=1"); status != http.StatusServiceUnavailable {
		t.Errorf("without a command: %d", status)
	}
	w.runs(t, `trap 'echo "{\"kind\":\"end\",\"code\":130}"; exit 130' TERM
		echo '{"kind":"done","recording":"a.wav","length":28800000,"laughs":2}'
		echo '{"kind":"progress","recording":"b.wav","position":9600000,"length":19200000}'
		while :; do sleep 0.01; done`)
	again := "again=1&from=2026-11-22&to=2026-11-22"
	for form, want := range map[string]int{"again=1&from=2026-11-22&to=2026-11-25": 422, again: 303} {
		if status, _ := w.as("member", "POST", "/u/alice/update", form); status != want {
			t.Errorf("%s: %d, want %d", form, status, want)
		}
	}
	text := w.until(t, "/u/alice/update", "1 of 1 recording, 40 min of 1 h; 2 laughs new.")
	for _, want := range []string{`value="66.67"`, `http-equiv="refresh"`, `data-refresh="2"`, "Reading again: yesterday to yesterday"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page at work lacks %q", want)
		}
	}
	for account, path := range map[string]string{"member": "/u/alice/update", "stranger": "/u/mallory/update"} {
		if status, text := w.as(account, "POST", path, "x=1"); status != http.StatusConflict || !strings.Contains(text, "being read already") {
			t.Errorf("a second one: %d", status)
		}
	}
	if status, text := w.as("stranger", "GET", "/u/mallory/update", ""); status != http.StatusOK || strings.Contains(text, "of 1 h") {
		t.Errorf("somebody else sees it: %d", status)
	}
	if status, _ := w.as("member", "POST", "/u/alice/update/stop", ""); status != http.StatusSeeOther {
		t.Errorf("stop: %d", status)
	}
	if text := w.until(t, "/u/alice/update", "It was stopped"); strings.Contains(text, "http-equiv") {
		t.Error("what has ended is loaded anew")
	}
}

func TestHowAnUpdateEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want string }{
		"nothing":     {`echo '{"kind":"end","run":"r"}'`, "There is nothing new."},
		"something":   {`echo '{"kind":"done","length":16000,"laughs":1}'`, "1 recording was read: 1 laugh new."},
		"locked":      {`exit 11`, "Another run is under way"},
		"no database": {`echo '{"kind":"end","code":1}'; exit 1`, "It did not work. Nothing is lost."},
		"incomplete":  {`echo '{"kind":"end","run":"r","code":3}'; exit 3`, "a &lt;b&gt;.wav could not be read in whole."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			opened, err := w.program.Store(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := opened.BeginRun(t.Context(), orchestrator.Run{ID: "r", Trigger: orchestrator.TriggerManual, StartedAt: w.clock.now()}); err != nil {
				t.Fatal(err)
			}
			for _, person := range []string{"alice", "mallory"} {
				if err := opened.SaveDay(t.Context(), "r", orchestrator.UserDay{UserID: w.users[person].ID, User: person, Date: orchestrator.Date{Year: 2026, Month: 11, Day: 22}, Timezone: "Europe/London",
					Status: orchestrator.StatusIncomplete, Errors: []orchestrator.RunError{{Stage: orchestrator.StageDecode, Recording: map[string]string{"alice": "a <b>.wav", "mallory": "secret.wav"}[person],
						Message: "open /srv/somewhere", Code: orchestrator.CodeRecordingDamaged}}}); err != nil {
					t.Fatal(err)
				}
			}
			w.runs(t, c.script)
			if status, _ := w.as("member", "POST", "/u/alice/update", "x=1"); status != http.StatusSeeOther {
				t.Fatalf("begin: %d", status)
			}
			text := w.until(t, "/u/alice/update", `id="result"`)
			if !strings.Contains(text, c.want) || strings.Contains(text, "/srv") || strings.Contains(text, "secret") {
				t.Errorf("%q is not in %s", c.want, text)
			}
			if name == "incomplete" && !strings.Contains(text, "the readable part was processed") {
				t.Errorf("no remedy in %s", text)
			}
		})
	}
}
