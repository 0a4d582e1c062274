package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// night runs in the early hours of a day of November 2026, and returns the document and the dates that it has.
func (a *api) night(of int, args ...string) (run map[string]any, dates []string) {
	a.Helper()
	now := func() time.Time { return time.Date(2026, 11, of, 4, 10, 0, 0, time.UTC) }
	r := a.runAt(a.Context(), now, "", append([]string{"run", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.stdout), &run); err != nil {
		a.Fatalf("%v\n%s", err, r.stderr)
	}
	for i := range at(run, "users").([]any) {
		dates = append(dates, fmt.Sprint(at(run, "users", i, "date"))[len("2026-"):])
	}
	return run, dates
}

// Nights that were missed for longer than late recordings are looked for are read all the same, the oldest first,
// once: a source that keeps a ledger knows what nobody asked for.
func TestMissedNightsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": twoUsers["alice"]}, "CHORTLE_CHUNK_MINUTES=120", "CHORTLE_EMPTY_NIGHTS=0")
	a.night(20, "--date", "2026-11-10")
	run, dates := a.night(26)
	if got, want := strings.Join(dates, " "), "11-11 11-12 11-13 11-14 11-15 11-16 11-17 11-18 11-19 11-20 11-21 11-22 11-23 11-24 11-25"; got != want {
		t.Errorf("it reads %s, want %s", got, want)
	}
	if at(run, "exit_code") != 0.0 || at(run, "users", 11, "laughs", "new") != float64(laughsIn(twoUsers["alice"])) {
		t.Errorf("%v", run)
	}
	before := len(a.Calls())
	if _, dates = a.night(26); strings.Join(dates, " ") != "11-25" || len(a.Calls()) != before {
		t.Errorf("the next run reads %s, with %d calls", dates, len(a.Calls())-before)
	}
	if _, dates = a.night(27, "--date", "2026-11-24"); strings.Join(dates, " ") != "11-24" {
		t.Errorf("a run that names its day reads %s", dates)
	}
}

// What is empty is asked for again for as long as the setting says, however few days late recordings are looked for.
func TestEmptyNightsMayBeMoreThanCatchUpDays(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": nil}, "CHORTLE_CHUNK_MINUTES=120", "CHORTLE_CATCH_UP_DAYS=0", "CHORTLE_EMPTY_NIGHTS=5")
	a.night(20, "--from", "2026-11-10", "--to", "2026-11-18")
	if _, dates := a.night(20); strings.Join(dates, " ") != "11-15 11-16 11-17 11-18 11-19" {
		t.Errorf("it reads %s", dates)
	}
}

// Whatever nights are missed, and whatever fails: after every plain run nothing between the first day and the last is
// unknown.
func TestNoDayIsLeftOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			a := newAPI(t, map[string][]recorded{"alice": nil}, "CHORTLE_CHUNK_MINUTES=120",
				fmt.Sprint("CHORTLE_CATCH_UP_DAYS=", random.IntN(3)), fmt.Sprint("CHORTLE_EMPTY_NIGHTS=", random.IntN(4)))
			a.must("user", "set", "alice", "--timezone", []string{"UTC", "America/Los_Angeles", "Asia/Kolkata"}[random.IntN(3)])
			a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
				if random.IntN(10) == 0 {
					return limitlesstest.Status(400)
				}
				return nil
			}
			for of := 2; of < 30; of += 1 + random.IntN(7) {
				if random.IntN(4) == 0 {
					a.night(of, "--date", fmt.Sprintf("2026-11-%02d", 1+random.IntN(of-1)))
				}
				a.night(of)
				a.expectNoHole(time.Date(2026, 11, of, 4, 10, 0, 0, time.UTC))
			}
		})
	}
}

// expectNoHole demands that alice's ledger goes without a hole from its first span up to her last midnight.
func (a *api) expectNoHole(now time.Time) {
	a.Helper()
	s := a.openStore()
	defer s.Close()
	alice, err := s.User(a.Context(), "alice")
	if err != nil {
		a.Fatal(err)
	}
	location, err := alice.Location()
	if err != nil {
		a.Fatal(err)
	}
	spans, err := s.Ledger(a.Context(), alice.ID, orchestrator.Span{Start: now.AddDate(-1, 0, 0), End: now})
	if err != nil || len(spans) == 0 {
		a.Fatalf("%d spans, %v", len(spans), err)
	}
	today := orchestrator.Yesterday(now, location).Add(1).Span(location).Start
	spans = slices.DeleteFunc(spans, func(s orchestrator.LedgerSpan) bool { return !s.Start.Before(today) })
	for i, span := range spans[1:] {
		if !span.Start.Equal(spans[i].End) {
			a.Errorf("at %v: nothing is known between %v and %v", now, spans[i].End, span.Start)
		}
	}
	if end := spans[len(spans)-1].End; end.Before(today) {
		a.Errorf("at %v: nothing is known from %v to %v", now, end, today)
	}
}
