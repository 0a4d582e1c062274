package cli_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
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

// hashOf is the SHA-256 of a file of the place.
func (p *place) hashOf(name string) string {
	p.Helper()
	content, err := os.ReadFile(p.path(name))
	if err != nil {
		p.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// tree lists the files below a folder of the place.
func (p *place) tree(name string) (files []string) {
	p.Helper()
	root := p.path(name)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		p.Fatal(err)
	}
	return files
}

// twoUsers have six minutes of sound between them, with a gap that lies inside a window.
var twoUsers = map[string][]recorded{
	"alice": {{9 * time.Hour, 2 * time.Minute}, {9*time.Hour + 10*time.Minute, time.Minute}},
	"bob":   {{22 * time.Hour, 3 * time.Minute}},
}

// laughsIn is how many laughs recordings hold, one every twenty seconds.
func laughsIn(sound []recorded) (n int) {
	for _, r := range sound {
		n += int(r.length / (20 * time.Second))
	}
	return n
}

func TestLimitlessDay(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	var most int
	a.Fault = func(limitlesstest.Call) limitlesstest.Fault {
		most = max(most, len(a.tree("data/users")))
		return nil
	}
	run := a.json(0, day...)
	for i, user := range []string{"alice", "bob"} {
		if got := at(run, "users", i, "user"); got != user {
			t.Fatalf("user %d is %v", i, got)
		}
		want := 0.0
		for _, r := range twoUsers[user] {
			want += r.length.Seconds()
		}
		if got := at(run, "users", i, "audio_seconds").(float64); got < want-1 || got > want+1 {
			t.Errorf("%s: %v s of audio, want %v", user, got, want)
		}
		if got := at(run, "users", i, "laughs", "new"); got != float64(laughsIn(twoUsers[user])) {
			t.Errorf("%s: %v laughs, want %d", user, got, laughsIn(twoUsers[user]))
		}
		if calls := at(run, "users", i, "source_calls", "total").(float64); calls < 48 || at(run, "users", i, "source_calls", "failed") != 0.0 {
			t.Errorf("%s: calls %v", user, at(run, "users", i, "source_calls"))
		}
	}
	// Behind the gap of eight minutes, too, a laugh is where it was.
	document := a.json(0, "laughs", "list", "--user", "alice")
	for i := range laughsIn(twoUsers["alice"]) {
		want := apiDay.Add(9*time.Hour + 5*time.Second + time.Duration(i)*20*time.Second)
		if i >= 6 {
			want = want.Add(8 * time.Minute)
		}
		start, err := time.Parse(time.RFC3339, fmt.Sprint(at(document, "laughs", i, "start")))
		if off := start.Sub(want); err != nil || off < -time.Second || off > time.Second {
			t.Errorf("laugh %d starts at %v, %v; want %v", i, start, err, want)
		}
	}
	if most > 1 || len(a.tree("data/users")) > 0 {
		t.Errorf("at most %d downloads were on disk, in the end %v", most, a.tree("data/users"))
	}
	if spans := a.results("alice"); strings.Contains(spans, "failed") || !strings.HasPrefix(spans, "span 00:00:00 09:00:00 empty") {
		t.Errorf("the ledger:\n%s", spans)
	}
	before := len(a.Calls())
	again := a.json(0, append(day, "--user", "alice")...)
	if at(again, "users", 0, "recordings", "found") != 0.0 || at(again, "users", 0, "laughs", "new") != 0.0 {
		t.Errorf("what is read is read again: %v", again)
	}
	for _, call := range a.Calls()[before:] {
		if call.Status != 404 {
			t.Errorf("asked again for %v, which is read", call.Span)
		}
	}
	dry := a.json(0, append(day, "--reprocess", "--dry-run")...)
	if n := len(a.Calls()); at(dry, "users", 0, "recordings", "processed") != 48.0 || n != before+len(a.Calls()[before:]) {
		t.Errorf("a dry run: %v", at(dry, "users", 0))
	}
	wanted := a.results("alice")
	redone := a.json(0, append(day, "--reprocess", "--user", "alice")...)
	if at(redone, "users", 0, "audio_seconds") == 0.0 || at(redone, "users", 0, "laughs", "new") != 0.0 {
		t.Errorf("again, as told: %v", redone)
	}
	if diff := cmp.Diff(wanted, a.results("alice")); diff != "" {
		t.Errorf("reading it again changed it:\n%s", diff)
	}
}

// A night on which calls fail: all is read in the end, and nothing twice.
func TestLimitlessStorms(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	faults := []limitlesstest.Fault{limitlesstest.Status(500), limitlesstest.Truncate, limitlesstest.Status(502), limitlesstest.Reset,
		limitlesstest.HTML, limitlesstest.RetryInBody(`"0"`), limitlesstest.Status(504), limitlesstest.WrongLength, limitlesstest.RetryInHeader("0"), limitlesstest.Empty}
	for _, storm := range []struct {
		name   string
		share  float64
		nights int
	}{{"a tenth fails", 0.1, 1}, {"half fails", 0.5, 10}, {"four of five fail", 0.8, 100}} {
		t.Run(storm.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, twoUsers)
			random := rand.New(rand.NewPCG(1, 2))
			a.Fault = func(limitlesstest.Call) limitlesstest.Fault { // one call at a time: users are read one by one
				if random.Float64() < storm.share {
					return faults[random.IntN(len(faults))]
				}
				return nil
			}
			nights := 1
			for ; nights <= storm.nights; nights++ {
				r := a.run(day...)
				if !strings.Contains(r.stderr, `"attempt":1`) || !strings.Contains(r.stderr, "call failed, and is made again") {
					t.Errorf("the log does not tell of the calls that failed:\n%s", r.stderr)
				}
				if r.code == 0 {
					break
				}
				if r.code != orchestrator.ExitIncomplete {
					t.Fatalf("exit code %d\n%s", r.code, r.stderr)
				}
			}
			t.Logf("%d nights, %d calls", nights, len(a.Calls()))
			if nights > storm.nights {
				t.Fatal("gaps are left")
			}
			for _, user := range []string{"alice", "bob"} {
				if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
					t.Errorf("%s (-calm +storm):\n%s", user, diff)
				}
			}
		})
	}
}

// A key that is revoked in the middle fails its user at once and nobody else; what is left is a gap, which a
// good key fills.
func TestDefect13KeyRevokedInTheMiddle(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers)
	revoked := true
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if revoked && call.Key == apiKeyOf("alice") && call.N > 20 {
			return limitlesstest.Status(401)
		}
		return nil
	}
	run := a.json(orchestrator.ExitIncomplete, day...)
	if at(run, "users", 0, "status") != "failed" || at(run, "users", 0, "source_calls", "total") != 21.0 || at(run, "users", 1, "status") != "ok" {
		t.Errorf("%v", run)
	}
	if message := fmt.Sprint(at(run, "users", 0, "errors")); !strings.Contains(message, "refused the key") || !strings.Contains(message, "--api-key-file") || at(run, "users", 0, "errors", 1) != nil {
		t.Errorf("it says: %s", message)
	}
	if start := at(run, "users", 0, "gaps", 0, "start"); start == nil || at(run, "users", 0, "gaps", 0, "end") != "2026-11-23T00:00:00.000Z" || at(run, "users", 0, "gaps", 1) != nil {
		t.Errorf("gaps: %v", at(run, "users", 0, "gaps"))
	}
	if r := a.run("user", "key", "test", "alice"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "refused the key") {
		t.Errorf("key test: %+v", r)
	}
	revoked = false
	if out := a.must("user", "key", "test", "alice"); !strings.Contains(out, "accepts") {
		t.Errorf("key test: %s", out)
	}
	a.must(day...)
	for _, user := range []string{"alice", "bob"} {
		if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
			t.Errorf("%s:\n%s", user, diff)
		}
	}
}

// The network goes away in the middle: the run does not wait for it all night, and the next one fills the gap.
func TestNetworkAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers)
	away := true
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if away && call.N > 25 {
			return limitlesstest.Reset
		}
		return nil
	}
	run := a.json(orchestrator.ExitIncomplete, day...)
	const windows, attempts, mayDouble = 3, 6, 2 // for each user; the HTTP client repeats what a broken connection swallowed
	if calls := len(a.Calls()); calls > 25+2*windows*attempts*mayDouble {
		t.Errorf("%d calls to a service that is away", calls)
	}
	if at(run, "users", 0, "status") != "incomplete" || at(run, "users", 0, "gaps", 0) == nil || !strings.Contains(fmt.Sprint(at(run, "users", 0, "gaps")), "in a row") {
		t.Errorf("%v", at(run, "users", 0))
	}
	away = false
	a.must(day...)
	for _, user := range []string{"alice", "bob"} {
		if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
			t.Errorf("%s:\n%s", user, diff)
		}
	}
}

// What failed is asked for first, also when its day is long past, and a window that always fails keeps nothing
// else from being read.
func TestDefect8GapsAreFilledHoweverOld(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers, "CHORTLE_CATCH_UP_DAYS=0", "CHORTLE_EMPTY_NIGHTS=0")
	a.must("user", "set", "bob", "--enabled=false")
	night := func(days int) map[string]any {
		t.Helper()
		now := func() time.Time { return apiDay.Add(time.Duration(days)*24*time.Hour + 3*time.Hour) }
		r := a.runAt(t.Context(), now, "", "run", "--json")
		var run map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &run); err != nil {
			t.Fatalf("%v\n%s", err, r.stderr)
		}
		return run
	}
	broken := []int{9, 3, 14, 18, 21} // hours that the API cannot give
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Day() == 22 && slices.Contains(broken, call.Span.Start.Hour()) {
			return limitlesstest.Status(500)
		}
		return nil
	}
	if first := night(1); at(first, "users", 0, "status") != "incomplete" || len(at(first, "users", 0, "gaps").([]any)) != 10 {
		t.Fatalf("the first night: %v", first)
	}
	broken = broken[1:]
	last := 2
	for n := last; ; n++ {
		last = n
		run := night(n)
		if at(run, "users", 0, "date") != "2026-11-22" || at(run, "users", 1, "status") != "ok" || at(run, "users", 2) != nil {
			t.Fatalf("night %d: %v", n, run)
		}
		if at(run, "users", 0, "recordings", "processed") != 0.0 {
			break
		}
		if n > 5 {
			t.Fatal("windows that always fail keep the others from being read")
		}
	}
	broken = nil
	night(last + 1)
	night(last + 2)
	if run := night(last + 3); at(run, "users", 0, "date") == "2026-11-22" {
		t.Errorf("it is asked for again: %v", run)
	}
	if diff := cmp.Diff(calm.results("alice"), a.results("alice")); diff != "" {
		t.Error(diff)
	}
}

// Two windows may sound the same to the byte, such as silence; and an answer may be no sound at all.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string][]recorded{"alice": {{9 * time.Hour, time.Minute}}}, "CHORTLE_CHUNK_MINUTES=1")
	twice := a.Keys[apiKeyOf("alice")][0]
	twice.Start = twice.Start.Add(time.Hour)
	a.Keys[apiKeyOf("alice")] = append(a.Keys[apiKeyOf("alice")], twice)
	noise := true
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if noise && call.Span.Start.Hour() == 11 && call.Span.Start.Minute() == 0 {
			return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
				fmt.Fprint(w, "OggS and nothing that is Opus")
			}
		}
		return nil
	}
	run := a.json(orchestrator.ExitIncomplete, day...)
	if at(run, "users", 0, "recordings", "processed") != 1.0 || at(run, "users", 0, "recordings", "skipped") != 1.0 || at(run, "users", 0, "gaps", 0, "start") != "2026-11-22T11:00:00.000Z" {
		t.Errorf("%v", run)
	}
	noise = false
	before := len(a.Calls())
	if run = a.json(0, day...); at(run, "users", 0, "recordings", "found") != 0.0 {
		t.Errorf("%v", run)
	}
	for _, call := range a.Calls()[before:] {
		if minute := call.Span.Start.Format("15:04"); minute == "09:00" || minute == "10:00" {
			t.Errorf("asked again for %v, which is read", call.Span)
		}
	}
}

// Slow and silent answers are given up in time, and users who are read side by side do not get in each other's way.
func TestSlowAnswersAndUsersAtOnce(t *testing.T) {
	t.Parallel()
	calm := newAPI(t, twoUsers)
	calm.must(day...)
	a := newAPI(t, twoUsers, "CHORTLE_LIMITLESS_STALL=300ms", "CHORTLE_USERS_AT_ONCE=2")
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if hour := call.Span.Start.Hour(); call.Attempt == 1 && call.Span.Start.Minute() == 0 {
			switch hour {
			case 9, 22:
				return limitlesstest.Stall
			case 3:
				return limitlesstest.Silence
			}
		}
		return nil
	}
	a.must(day...)
	for _, user := range []string{"alice", "bob"} {
		if diff := cmp.Diff(calm.results(user), a.results(user)); diff != "" {
			t.Errorf("%s:\n%s", user, diff)
		}
	}
}
