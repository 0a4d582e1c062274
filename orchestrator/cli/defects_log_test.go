package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// The old system's requirements could not be installed, for one of them was not pinned by what it needed.
// Everything that is fetched is pinned by hash.
func TestDefect5EverythingThatIsFetchedIsPinned(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testkit.Root(), "python", "requirements-*.txt"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	pinned := regexp.MustCompile(`(?m)^[A-Za-z0-9][^=\n]*==[^\n]*\\$`)
	loose := regexp.MustCompile(`(?m)^[A-Za-z0-9][^\n]*[^\\]$`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !pinned.Match(content) || loose.Match(content) {
			t.Errorf("%s: not every package has a hash: %q", filepath.Base(file), loose.Find(content))
		}
	}
}

// The old system's lines about memory could not be reached any more. Here the memory that is held after a user
// is in the log, one line a user, and in the processing log.
func TestDefect9TheMemoryOfEveryUserIsInTheLog(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("bob", "2026-11-22_20-00-00.ogg")
	p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "folder:"+p.path("bob"))
	r := p.run(day...)
	told := map[string]int{}
	for line := range strings.Lines(r.stderr) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if after, ok := entry["memory_after_bytes"].(float64); ok && after > 0 {
			told[fmt.Sprint(entry["user"])]++
		}
	}
	if len(told) != 2 || told["alice"] != 1 || told["bob"] != 1 {
		t.Errorf("lines: %v", told)
	}
	last := p.json(0, "runs", "show", "--last")
	for i := range 2 {
		if after, _ := at(last, "users", i, "memory", "after_bytes").(float64); after <= 0 {
			t.Errorf("user %d: %v", i, at(last, "users", i, "memory"))
		}
	}
}

// The old system wrote down the last outcome of a call only: neither what was tried again, nor a refused key,
// nor a limit that was reached.
func TestDefectEveryCallIsInTheLog(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": twoUsers["alice"]}, "CHORTLE_CHUNK_MINUTES=120")
	var n atomic.Int64
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault {
		switch n.Add(1) {
		case 1:
			return limitlesstest.RetryInBody(`"0"`)
		case 2, 3:
			return limitlesstest.Status(504)
		}
		return nil
	}
	a.json(0, day...)
	calls := at(a.json(0, "runs", "show", "--last"), "users", 0, "source_calls")
	total, _ := at(calls, "total").(float64)
	sum := 0.0
	for code, want := range map[string]float64{"429": 1, "504": 2} {
		if got := at(calls, "by_status", code); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
	for _, count := range at(calls, "by_status").(map[string]any) {
		sum += count.(float64)
	}
	if at(calls, "retries") != 3.0 || at(calls, "failed") != 3.0 || sum != total || at(calls, "bytes").(float64) <= 0 {
		t.Errorf("calls: %v", calls)
	}
	if out := a.must("runs", "show", "--last"); !strings.Contains(out, "1 × 429") || !strings.Contains(out, "2 × 504") || !strings.Contains(out, "3 of them again") {
		t.Errorf("for people:\n%s", out)
	}
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Status(401) }
	a.json(orchestrator.ExitIncomplete, append(day, "--reprocess")...)
	if calls := at(a.json(0, "runs", "show", "--last"), "users", 0, "source_calls"); at(calls, "by_status", "401") != 1.0 || at(calls, "total") != 1.0 {
		t.Errorf("a refused key: %v", calls)
	}
}
