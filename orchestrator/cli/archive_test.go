package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.N <= 60 && call.Span.Start.Hour() == 9 {
			return limitlesstest.Status(500)
		}
		return nil
	}
	dir := a.path("past")
	args := []string{"archive", "--user", "alice", "--from", "2026-11-22", "--to", "2026-11-22", "--output", dir, "--keep-free", "1MB"}
	first := a.json(orchestrator.ExitIncomplete, args...)
	if at(first, "windows") != 48.0 || at(first, "failed") != 2.0 || at(first, "files") != 0.0 || at(first, "folder") != dir {
		t.Errorf("first: %v", first)
	}
	second := a.json(0, args...)
	if at(second, "files") != 4.0 || at(second, "failed") != 0.0 || at(second, "bytes").(float64) < 1000 {
		t.Errorf("second: %v", second)
	}
	if files := a.tree("past"); !slices.Equal(files, []string{"2026-11-22/2026-11-22T09-00-00Z.ogg", "2026-11-22/2026-11-22T09-01-52.500Z.ogg",
		"2026-11-22/2026-11-22T09-10-00Z.ogg", "2026-11-22/2026-11-22T09-10-18.750Z.ogg", "manifest.jsonl"}) {
		t.Errorf("files: %v", files)
	}
	if got := fieldsOf("", second); !cmp.Equal(got, slices.Sorted(slices.Values(documentedFields(t)["archive"]))) {
		t.Errorf("fields %v are not those in docs/json.md", got)
	}
	// A folder source reads it.
	a.must("user", "add", "heir", "--timezone", "UTC", "--source", "folder:"+dir)
	if run := a.json(0, append(day, "--user", "heir")...); at(run, "users", 0, "laughs", "new") != float64(laughsIn(twoUsers["alice"])) {
		t.Errorf("read from the archive: %v", run)
	}
	if r := a.run("archive", "--user", "alice", "--from", "2026-11-21", "--to", "2026-11-21", "--output", dir, "--keep-free", "1000000GB"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "too little space") {
		t.Errorf("a full disk: %+v", r)
	}
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.RetryInBody(`"7200"`) }
	if r := a.run("archive", "--user", "bob", "--from", "2026-01-01", "--keep-free", "1MB"); r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stderr, "refuses all calls with this key until 20") {
		t.Errorf("a key that is refused for two hours: %+v", r)
	}
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Reset }
	before := len(a.Calls())
	if r := a.run("archive", "--user", "bob", "--from", "2026-01-01", "--keep-free", "1MB"); r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stderr, "does not answer") || len(a.Calls())-before > 2*3*6 {
		t.Errorf("a network that is away: %d calls, %+v", len(a.Calls())-before, r)
	}
}

// What is read from the API and what is read from its archive are the same laughs at the same times, wherever
// within a window sound is missing.
func TestArchiveKeepsTheTimes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": {
		{2*time.Hour + 18*time.Minute, 3 * time.Minute}, // the answer for 02:00 is short, and its beginning is missing
		{2*time.Hour + 26*time.Minute, 2 * time.Minute}, // and so is something in the middle
		{7*time.Hour + 59*time.Minute, 2 * time.Minute}, // over the border of two windows
		{11*time.Hour + 47*time.Second, time.Minute},
		{23*time.Hour + 58*time.Minute, 2 * time.Minute},
	}})
	a.must(day...)
	a.must("archive", "--user", "alice", "--from", "2026-11-22", "--to", "2026-11-22", "--output", a.path("past"), "--keep-free", "1MB")
	a.must("user", "add", "heir", "--timezone", "UTC", "--source", "folder:"+a.path("past"))
	a.must(append(day, "--user", "heir")...)
	starts := map[string][]string{}
	uncertain := 0
	for _, user := range []string{"alice", "heir"} {
		laughs, _ := at(a.json(0, "laughs", "list", "--user", user), "laughs").([]any)
		for i := range laughs {
			starts[user] = append(starts[user], fmt.Sprint(at(laughs, i, "start")))
			if seconds, _ := at(laughs, i, "uncertain_s").(float64); seconds > 0 {
				uncertain++
			}
		}
	}
	if diff := cmp.Diff(starts["alice"], starts["heir"]); diff != "" || len(starts["alice"]) < 25 {
		t.Errorf("%d laughs (-API +archive):\n%s", len(starts["alice"]), diff)
	}
	if uncertain == 0 {
		t.Error("no sound lies beside a gap, where its time is less than certain")
	}
}

// Everybody's recordings, in one command: what fails is told with its reason, and what is damaged is had again.
func TestArchiveOfAllUsers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	a.must("user", "add", "carol", "--timezone", "UTC", "--source", "folder:"+a.path("carol"))
	args := []string{"archive", "--all-users", "--from", "2026-11-22", "--to", "2026-11-22", "--output", a.path("all"), "--keep-free", "1MB"}
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Hour() == 9 {
			return limitlesstest.Status(500)
		}
		return nil
	}
	r := a.run(args...)
	if r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stdout, "missing: 2026-11-22 09:00Z to 2026-11-22 09:30Z") || !strings.Contains(r.stdout, "500") ||
		strings.Contains(r.stdout, "carol") {
		t.Errorf("with failures: %+v", r)
	}
	a.Fault = nil
	r = a.run(append(args, "--json")...)
	var all []map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != 0 || len(all) != 2 || all[0]["user"] != "alice" || all[0]["verified"] == 0.0 || all[0]["error"] != "" {
		t.Fatalf("again: %v, %+v", err, r)
	}
	file := filepath.Join(a.path("all"), "alice", "2026-11-22", "2026-11-22T09-00-00Z.ogg")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := a.run(args...); r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stdout, "1 damaged") {
		t.Errorf("a damaged file: %+v", r)
	}
	if r := a.run(args...); r.code != 0 || !strings.Contains(r.stdout, "1 new file") {
		t.Errorf("it is had again: %+v", r)
	}
	if r := a.run("status"); !strings.Contains(r.stdout, "2026-12-31") || !strings.Contains(r.stdout, "archive --all-users") {
		t.Errorf("status does not warn: %+v", r)
	}
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Status(410) }
	before := len(a.Calls())
	if r := a.run("run", "--user", "alice", "--date", "2026-11-21"); !strings.Contains(r.stdout, "the API has ended") || len(a.Calls())-before > 2 {
		t.Errorf("an API that has ended: %d calls, %+v", len(a.Calls())-before, r)
	}
}
