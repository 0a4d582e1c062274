package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// A laugh on the border of two windows, which may be midnight, is one laugh of the day in which it begins: whichever
// of the windows is read first, and however often.
func TestOneLaughOnABorder(t *testing.T) {
	t.Parallel()
	sound := map[string][]recorded{"alice": { // laughs at 5 s and every 20 s from there, each of two seconds
		{9*time.Hour + 30*time.Minute - 6*time.Second, 40 * time.Second},
		{24*time.Hour - 6*time.Second, 40 * time.Second},
	}}
	const first, second = "2026-11-22", "2026-11-23"
	days := func(a *api, code int, args ...string) {
		t.Helper()
		later := func() time.Time { return apiDay.Add(51 * time.Hour) }
		if r := a.runAt(t.Context(), later, "", append([]string{"run"}, args...)...); r.code != code {
			t.Fatalf("%v: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
	calm := newAPI(t, sound)
	days(calm, 0, "--from", first, "--to", second)
	wanted := calm.results("alice")
	document := calm.json(0, "laughs", "list")
	for i, want := range []string{"22T09:29:59", "22T09:30:19", "22T23:59:59", "23T00:00:19", ""} {
		start, err := time.Parse(time.RFC3339, fmt.Sprint(at(document, "laughs", i, "start")))
		if want == "" {
			if err == nil {
				t.Errorf("laugh %d starts at %v: one too many", i, start)
			}
			continue
		}
		wanted, wrong := time.Parse(time.RFC3339, "2026-11-"+want+"Z")
		if off := start.Sub(wanted); err != nil || wrong != nil || off < -time.Second || off > time.Second {
			t.Errorf("laugh %d starts at %v, %v; want %v", i, start, err, want)
		}
		if length := at(document, "laughs", i, "duration_s").(float64); length < 1.5 || length > 3 {
			t.Errorf("laugh %d has %v s", i, length)
		}
	}

	broken := false
	for name, read := range map[string]func(a *api){
		"the days the other way round": func(a *api) {
			days(a, 0, "--date", second)
			days(a, 0, "--date", first)
		},
		"gaps that are filled later": func(a *api) {
			broken = true
			days(a, orchestrator.ExitIncomplete, "--from", first, "--to", second)
			broken = false
			days(a, 0, "--from", first, "--to", second)
		},
	} {
		a := newAPI(t, sound)
		a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
			if clock := call.Span.Start.Format("15:04"); broken && (clock == "09:00" || clock == "23:30") {
				return limitlesstest.Status(500)
			}
			return nil
		}
		read(a)
		if diff := cmp.Diff(wanted, a.results("alice")); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		for _, again := range []string{first, second, first} {
			days(a, 0, "--reprocess", "--date", again)
		}
		if diff := cmp.Diff(wanted, a.results("alice")); diff != "" {
			t.Errorf("%s, and again:\n%s", name, diff)
		}
	}
	if files := strings.Count(wanted, ".opus\n"); files != 4 {
		t.Errorf("%d clips of 4 laughs:\n%s", files, wanted)
	}
}
