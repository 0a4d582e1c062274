package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// Nothing limited what the old system downloaded: neither how much, nor how long it took. A body without end
// costs its window and a bounded piece of the disk, and the next run has the rest. (That a slow one is given up,
// too, is a test of the client, where no time passes.)
func TestDefectDownloadsAreLimited(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": {{9 * time.Hour, 6 * time.Minute}}}, "CHORTLE_CHUNK_MINUTES=5")
	var most int64
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Hour() == 9 && call.Span.Start.Minute() == 0 {
			most = max(most, a.bytes("data/users"))
			return limitlesstest.Endless
		}
		return nil
	}
	run := a.json(orchestrator.ExitIncomplete, day...)
	gaps := at(run, "users", 0, "gaps")
	if at(gaps, 0, "start") != "2026-11-22T09:00:00.000Z" || at(gaps, 0, "end") != "2026-11-22T09:05:00.000Z" || at(gaps, 1) != nil ||
		!strings.Contains(fmt.Sprint(gaps), "longer than 22 MB, which 5m0s of sound cannot be") {
		t.Errorf("gaps: %v", gaps)
	}
	if left := a.tree("data/users"); most == 0 || most > 22<<20 || len(left) > 0 {
		t.Errorf("%d bytes were on disk when it was asked for again, and in the end %v", most, left)
	}
	a.Fault = nil
	if run = a.json(0, day...); at(run, "users", 0, "audio_seconds") != 300.0 || at(run, "users", 0, "laughs", "new") != 15.0 {
		t.Errorf("the next run: %v", run)
	}
}

// The old system ignored how long the API asked it to wait. A wait that is too long for a night ends the user's
// day after one call, keeps nobody else waiting, and leaves everything for a run after it.
func TestDefect13ALongRefusalIsLeftForALaterRun(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Key == apiKeyOf("alice") {
			return limitlesstest.RetryInBody(`"7200"`)
		}
		return nil
	}
	run := a.json(orchestrator.ExitIncomplete, day...)
	alice := at(run, "users", 0)
	if at(alice, "source_calls", "total") != 1.0 || at(alice, "gaps", 0, "start") != "2026-11-22T00:00:00.000Z" || at(alice, "gaps", 0, "end") != "2026-11-23T00:00:00.000Z" ||
		!strings.Contains(fmt.Sprint(at(alice, "gaps")), "429") || !strings.Contains(fmt.Sprint(at(alice, "errors")), "refuses all calls with this key until 20") {
		t.Errorf("alice: %v", alice)
	}
	if bob := at(run, "users", 1); at(bob, "status") != "ok" || at(bob, "laughs", "new") != float64(laughsIn(twoUsers["bob"])) {
		t.Errorf("bob: %v", bob)
	}
	a.Fault = nil
	if run = a.json(0, day...); at(run, "users", 0, "laughs", "new") != float64(laughsIn(twoUsers["alice"])) {
		t.Errorf("a later run: %v", run)
	}
}

// bytes is how much the files below a folder of the place hold.
func (p *place) bytes(name string) (sum int64) {
	p.Helper()
	err := filepath.WalkDir(p.path(name), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Fatal(err)
	}
	return sum
}
