package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
)

// day is the day of alice's recording.
var day = []string{"run", "--date", "2026-11-22"}

func TestRunFindsLaughsOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	first := p.json(0, day...)
	for _, c := range []struct {
		way  []any
		want any
	}{
		{[]any{"status"}, "ok"},
		{[]any{"exit_code"}, 0.0},
		{[]any{"trigger"}, "manual"},
		{[]any{"model", "name"}, "fake"},
		{[]any{"model", "plugin"}, "inferd"},
		{[]any{"users", 0, "user"}, "alice"},
		{[]any{"users", 0, "date"}, "2026-11-22"},
		{[]any{"users", 0, "timezone"}, "Europe/London"},
		{[]any{"users", 0, "recordings", "found"}, 1.0},
		{[]any{"users", 0, "recordings", "processed"}, 1.0},
		{[]any{"users", 0, "audio_seconds"}, 25.0},
		{[]any{"users", 0, "laughs", "new"}, 1.0},
		{[]any{"users", 0, "memory", "model_gone"}, true},
	} {
		if got := at(first, c.way...); got != c.want {
			t.Errorf("%v: got %v, want %v", c.way, got, c.want)
		}
	}
	memory := at(first, "users", 0, "memory")
	before, peak, after := at(memory, "before_bytes").(float64), at(memory, "peak_bytes").(float64), at(memory, "after_bytes").(float64)
	// The models of the tests beside this one are in the sums too: which is larger does not follow.
	if model := at(memory, "model_peak_bytes").(float64); before <= 0 || peak <= model || after <= 0 || model <= 0 {
		t.Errorf("memory before %v, at peak %v, of the model %v, after %v", before, peak, model, after)
	}

	laughs := p.json(0, "laughs", "list")
	if got := at(laughs, "laughs", 0, "start"); got != "2026-11-22T14:30:05.000Z" && !strings.HasPrefix(fmt.Sprint(got), "2026-11-22T14:30:0") {
		t.Errorf("the laugh starts at %v", got)
	}
	clip := filepath.Join(p.path("data/clips"), fmt.Sprint(at(laughs, "laughs", 0, "clip")))
	if info, err := os.Stat(clip); err != nil || info.Size() == 0 {
		t.Errorf("clip: %v", err)
	}

	second := p.json(0, day...)
	if at(second, "users", 0, "recordings", "skipped") != 1.0 || at(second, "users", 0, "laughs", "new") != 0.0 || at(second, "users", 0, "memory", "model_pid") != 0.0 {
		t.Errorf("the second run: %v", second)
	}
	if diff := cmp.Diff(laughs, p.json(0, "laughs", "list")); diff != "" {
		t.Errorf("the second run changed laughs:\n%s", diff)
	}
	if third := p.json(0, append(day, "--reprocess")...); at(third, "users", 0, "recordings", "processed") != 1.0 {
		t.Errorf("with --reprocess: %v", third)
	}
	if diff := cmp.Diff(at(laughs, "laughs", 0, "start"), at(p.json(0, "laughs", "list"), "laughs", 0, "start")); diff != "" {
		t.Errorf("reprocessing moved the laugh:\n%s", diff)
	}
}

// docs/json.md promises these fields: they are added to, never removed.
func TestFieldsOfDocuments(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.file("alice", "2026-11-22T15-00-00Z.ogg", []byte("no sound"))
	var run any
	for range orchestrator.MaxAttempts { // so that status tells that it is given up
		run = p.json(orchestrator.ExitIncomplete, day...)
	}
	documented := documentedFields(t)
	for name, document := range map[string]any{
		"run": run, "runs show": p.json(0, "runs", "show", "--last"), "runs list": p.json(0, "runs", "list"),
		"detect":    p.json(0, "detect", p.path("alice/2026-11-22T14-30-00Z.ogg")),
		"user show": p.json(0, "user", "show", "alice"), "user list": p.json(0, "user", "list"),
		"laughs list": p.json(0, "laughs", "list"), "config": p.json(0, "config"), "doctor": p.json(0, "doctor"),
		"rescore": p.json(0, "rescore", "--threshold", "0.9", "--dry-run"), "version": p.json(0, "version"),
		"prune":  p.json(0, "prune", "--dry-run"),
		"backup": p.json(0, "backup", p.path("all.tar")), "restore": p.json(0, "restore", "--replace", "--yes", p.path("all.tar")),
		"status":      p.json(orchestrator.ExitFailed, "status"), // there was no good run yet
		"models list": p.json(0, "models", "list"), "models check": p.json(0, "models", "check"),
		"models bench": p.json(0, "models", "bench", "--length", "10s"),
		"policy show":  p.json(0, "policy", "show"), "policy learn": p.json(orchestrator.ExitIncomplete, "policy", "learn", "--user", "alice"),
		"policy explain":        p.json(0, "policy", "explain", "--user", "alice", "--at", "2026-11-22T14:30:05Z"),
		"policy history":        p.json(0, "policy", "history", "--user", "alice"),
		"models bench --labels": p.json(0, "models", "bench", "--labels", p.labels(), p.path("alice"), "--policy", "0.95", "--against", "0.175", "--curve"),
		"laughs diff":           p.withSecondModel().json(0, "laughs", "diff", "fake", "loud"),
	} {
		got := fieldsOf("", document)
		for _, field := range documented[name] {
			// these lists are empty here
			empty := slices.ContainsFunc([]string{"gaps[]", "against[]", "changes[]", "notes[]", "false_by_class[]", "commands_left_out[]"}, func(list string) bool { return strings.Contains(field, list+".") })
			if !slices.Contains(got, field) && !empty {
				t.Errorf("%s --json lacks %s", name, field)
			}
		}
		for _, field := range got {
			// these fields are the model's labels, HTTP statuses and tables
			open := strings.HasPrefix(field, "policy.") || strings.Contains(field, "class_scores.") || strings.Contains(field, "by_status.") || strings.Contains(field, ".by_rule.") || strings.Contains(field, ".kept.") ||
				strings.HasPrefix(field, "tables.") || strings.HasPrefix(field, "backup.tables.") || strings.HasPrefix(field, "restored.")
			if !slices.Contains(documented[name], field) && !open {
				t.Errorf("%s --json has %s, which docs/json.md does not describe", name, field)
			}
		}
	}
}

func TestRunsShowTellsWhatRunTold(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.file("alice", "2026-11-22T15-00-00Z.ogg", nil)
	run := p.json(orchestrator.ExitIncomplete, day...)
	if diff := cmp.Diff(run, p.json(0, "runs", "show", "--last")); diff != "" {
		t.Errorf("runs show differs from run:\n%s", diff)
	}
	id := fmt.Sprint(at(run, "run_id"))
	if diff := cmp.Diff(run, p.json(0, "runs", "show", id[:20])); diff != "" {
		t.Errorf("runs show by the beginning of the id:\n%s", diff)
	}
	if out := p.must("runs", "show"); !strings.Contains(out, "2026-11-22T15-00-00Z.ogg") || !strings.Contains(out, "error:") {
		t.Errorf("runs show:\n%s", out)
	}
	if out := p.must("runs", "list"); !strings.Contains(out, id) || !strings.Contains(out, "incomplete") {
		t.Errorf("runs list:\n%s", out)
	}
}

// Each bad recording costs itself and nothing else, and its error is in the document, the log and the report.
func TestBadRecordings(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	bad := map[string][]byte{
		"2026-11-22T15-00-00Z.ogg":                    nil,
		"2026-11-22T15-01-00Z.ogg":                    []byte("this is text"),
		"2026-11-22T15-02-00Z.wav":                    []byte("RIFF"),
		"2026-11-22T15-03-00Z " + "new\nline\x1b.ogg": []byte("x"),
	}
	for name, content := range bad {
		p.file("alice", name, content)
	}
	r := p.run(append(day, "--log-format", "text")...)
	if r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stdout, "1 read, 4 failed") {
		t.Errorf("exit code %d:\n%s", r.code, r.stdout)
	}
	if strings.Count(r.stdout, "error:") != len(bad) || strings.Contains(r.stdout, "\x1b") {
		t.Errorf("the report:\n%q", r.stdout)
	}
	if strings.Count(r.stderr, "recording failed") != len(bad) {
		t.Errorf("the log:\n%s", r.stderr)
	}
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0) == nil {
		t.Error("the good recording's laugh is lost")
	}
}

// What is left of a damaged recording is read and stored; the run tells of it once.
func TestDamagedRecordings(t *testing.T) {
	t.Parallel()
	original, err := os.ReadFile(newPlace(t).recording("", "x-one.ogg"))
	if err != nil {
		t.Fatal(err)
	}
	pages := regexp.MustCompile("OggS").FindAllIndex(original, -1) // two of headers, then one a second
	flipped := slices.Clone(original)
	for i := range 50 {
		flipped[pages[17][0]+100+i] ^= 0x5a
	}
	for name, test := range map[string]struct {
		content []byte
		message string
		seconds float64
	}{
		"truncated":     {original[:pages[17][0]+100], "damaged: some of its sound is lost, the first at 0:00:1", 15},
		"flipped bytes": {flipped, "damaged: 1s of its sound is lost, the first at 0:00:1", 25},
		"lost pages":    {slices.Concat(original[:pages[17][0]], original[pages[19][0]:]), "damaged: 2s of its sound is lost, the first at 0:00:1", 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const recording = "2026-11-22T15-00-00Z.ogg"
			p := newPlace(t)
			path := p.file("alice", recording, test.content)
			p.must("user", "add", "alice", "--timezone", "Europe/London", "--source", "folder:"+p.path("alice"))
			r := p.run(append(day, "--json")...)
			if r.code != orchestrator.ExitIncomplete || strings.Count(r.stderr, "recording damaged") != 1 || !strings.Contains(r.stderr, test.message) || strings.Contains(r.stderr, "recording failed") {
				t.Errorf("exit code %d, log:\n%s", r.code, r.stderr)
			}
			run := p.json(0, "runs", "show", "--last")
			var said map[string]any
			if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || cmp.Diff(said, run) != "" {
				t.Errorf("runs show differs from run: %v\n%s", err, cmp.Diff(said, run))
			}
			user := at(run, "users", 0)
			if at(user, "status") != "incomplete" || at(user, "recordings", "processed") != 1.0 || at(user, "recordings", "failed") != 0.0 || at(user, "laughs", "new") != 1.0 {
				t.Errorf("%v", user)
			}
			if got := at(user, "audio_seconds").(float64); got < test.seconds-1 || got > test.seconds+1 {
				t.Errorf("%v s were read", got)
			}
			if message := fmt.Sprint(at(user, "errors", 0, "message")); !strings.HasPrefix(message, test.message) || at(user, "errors", 0, "stage") != "decode" ||
				at(user, "errors", 0, "recording") != recording || !strings.Contains(fmt.Sprint(at(user, "errors", 0, "remedy")), "--reprocess") || at(user, "errors", 1) != nil {
				t.Errorf("%v", at(user, "errors"))
			}
			if clip := at(p.json(0, "laughs", "list"), "laughs", 0, "clip"); clip == "" {
				t.Error("its laugh has no clip")
			}
			if again := p.json(0, day...); at(again, "users", 0, "recordings", "skipped") != 1.0 || at(again, "users", 0, "errors", 0) != nil {
				t.Errorf("the next run: %v", again)
			}
			found := p.json(orchestrator.ExitIncomplete, "detect", path)
			if message := fmt.Sprint(at(found, "files", 0, "error")); !strings.HasPrefix(message, test.message) || at(found, "files", 0, "laughs", 0) == nil {
				t.Errorf("detect: %v", found)
			}
		})
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("user", "add", "aaron", "--timezone", "Asia/Tokyo", "--source", "folder:"+p.path("gone"), "--priority", "1")
	run := p.json(orchestrator.ExitIncomplete, day...)
	if at(run, "users", 0, "user") != "aaron" || at(run, "users", 0, "status") != "failed" || at(run, "users", 0, "errors", 0, "stage") != "source" {
		t.Errorf("aaron: %v", at(run, "users", 0))
	}
	if at(run, "users", 1, "laughs", "new") != 1.0 {
		t.Errorf("alice: %v", at(run, "users", 1))
	}
}

func TestBrokenModels(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"missing":            "/nowhere/inferd",
		"exits at once":      "/bin/false",
		"prints other words": "/bin/sh -c 'echo hello; exec sleep 60'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t).alice()
			run := p.json(orchestrator.ExitIncomplete, append(day, "--model", command)...)
			if at(run, "users", 0, "status") != "failed" || at(run, "users", 0, "errors", 0, "stage") != "model" {
				t.Errorf("%v", at(run, "users", 0))
			}
			if again := p.json(0, day...); at(again, "users", 0, "laughs", "new") != 1.0 {
				t.Errorf("with a good one: %v", again)
			}
		})
	}
}

func TestUsersOwnModelAndThreshold(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("user", "set", "alice", "--model", "/nowhere/inferd", "--threshold", "0.99")
	run := p.json(orchestrator.ExitIncomplete, day...)
	if message := fmt.Sprint(at(run, "users", 0, "errors", 0, "message")); !strings.Contains(message, "/nowhere/inferd") {
		t.Errorf("the user's own model was not started: %s", message)
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	run = p.json(0, append(day, "--model", bin+"/inferd")...) // the flag goes before the user's own
	if at(run, "users", 0, "recordings", "processed") != 1.0 || at(run, "users", 0, "laughs", "new") != 0.0 {
		t.Errorf("with the user's threshold: %v", run)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	dry := p.json(0, append(day, "--dry-run")...)
	if at(dry, "dry_run") != true || at(dry, "users", 0, "recordings", "processed") != 1.0 || at(dry, "model", "name") != "" {
		t.Errorf("%v", dry)
	}
	if out := p.must(append(day, "--dry-run")...); !strings.Contains(out, "1 to read") || !strings.Contains(out, "2026-11-22 14:30:00 GMT  from its name  2026-11-22T14-30-00Z.ogg") || !strings.Contains(out, "dry run") {
		t.Errorf("the report:\n%s", out)
	}
	if runs := p.json(0, "runs", "list"); at(runs, "runs", 0) != nil {
		t.Errorf("a dry run is in the log: %v", runs)
	}
	if real := p.json(0, day...); at(real, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("the run after it: %v", real)
	}
}

func TestFromWithoutToGoesUpToYesterday(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	run := p.json(0, "run", "--from", "2001-01-01", "--to", "2001-01-03")
	if days := at(run, "users").([]any); len(days) != 3 {
		t.Errorf("%d days", len(days))
	}
	future := p.run("run", "--from", "2999-01-01")
	if future.code != 0 || !strings.Contains(future.stderr, "has not come yet") || strings.Contains(future.stdout, "2999") {
		t.Errorf("a day to come: %+v", future)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("bob", "2026-11-22_20-00-00.ogg")
	p.must("user", "add", "bob", "--timezone", "America/Los_Angeles", "--source", "folder:"+p.path("bob"))
	p.must(day...)
	file := p.path("laughs.csv")
	p.must("laughs", "export", "--format", "csv", "--output", file)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "alice" || rows[2][0] != "bob" || !strings.HasPrefix(rows[2][1], "2026-11-23T04:00:0") {
		t.Errorf("%v:\n%s", err, content)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"--user", "bob"}, 1},
		{[]string{"--date", "2026-11-22"}, 2}, // each in its own zone: bob's is the 23rd in UTC
		{[]string{"--date", "2026-11-23"}, 0},
		{[]string{"--from", "2026-11-22"}, 2},
		{[]string{"--to", "2026-11-21"}, 0},
		{[]string{"--min-score", "1"}, 0},
		{[]string{"--recording", "2026-11-22_20-00-00.ogg"}, 1},
		{[]string{"--model", "yamnet"}, 0},
	} {
		out := p.must(append([]string{"laughs", "export", "--format", "jsonl"}, c.args...)...)
		if got := strings.Count(out, "\n"); got != c.want {
			t.Errorf("%v: %d laughs, want %d", c.args, got, c.want)
		}
	}
	if out := p.must("laughs", "list"); !strings.Contains(out, "2026-11-22 20:00:0") || !strings.Contains(out, "PST") || !strings.Contains(out, "GMT") {
		t.Errorf("times are not those of the users:\n%s", out)
	}
	if r := p.run("laughs", "export", "--format", "csv", "--output", p.path("no/such/folder.csv")); r.code != orchestrator.ExitFailed {
		t.Errorf("exit code %d", r.code)
	}
	if left, _ := filepath.Glob(p.path(atomicfile.Temporary)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRescore(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	before := p.json(0, "laughs", "list")
	clip := fmt.Sprint(at(before, "laughs", 0, "clip"))
	counts := func(args ...string) string {
		r := p.json(0, append([]string{"rescore"}, args...)...)
		return fmt.Sprint(at(r, "users", 0, "laughs_before"), at(r, "users", 0, "laughs_after"), at(r, "users", 0, "without_clip"))
	}
	if got := counts("--threshold", "0.99", "--dry-run"); got != "1 0 0" {
		t.Errorf("dry: %s", got)
	}
	if got := counts("--threshold", "0.3"); got != "1 1 0" {
		t.Errorf("found again: %s", got)
	}
	if got := at(p.json(0, "laughs", "list"), "laughs", 0, "clip"); got != clip {
		t.Errorf("the clip became %v", got)
	}
	if got := counts("--threshold", "0.99"); got != "1 0 0" {
		t.Errorf("gone: %s", got)
	}
	if _, err := os.Stat(filepath.Join(p.path("data/clips"), clip)); !os.IsNotExist(err) {
		t.Errorf("the clip of a laugh that is gone: %v", err)
	}
	if got := counts("--threshold", "0.3"); got != "0 1 1" {
		t.Errorf("back again: %s", got)
	}
	if r := p.must("run", "--date", "2026-11-22", "--reprocess"); !strings.Contains(r, "1 read") {
		t.Error(r)
	}
	if got := at(p.json(0, "laughs", "list"), "laughs", 0, "clip"); got != clip {
		t.Errorf("after reprocessing the clip is %v", got)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	good := p.recording("", "x-one.ogg")
	bad := p.file("", "bad.ogg", []byte("text"))
	document := p.json(orchestrator.ExitIncomplete, "detect", good, bad, "/nowhere.ogg")
	if start := at(document, "files", 0, "laughs", 0, "start_s").(float64); start < 4.5 || start > 5.5 {
		t.Errorf("the laugh starts at %v", start)
	}
	for i := 1; i <= 2; i++ {
		if at(document, "files", i, "error") == "" {
			t.Errorf("file %d has no error", i)
		}
	}
	if r := p.run("detect", bad); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "bad.ogg") {
		t.Errorf("%+v", r)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.runAt(t.Context(), time.Now, string(content), "detect", "-", "--json"); r.code != 0 || !strings.Contains(r.stdout, `"file": "-"`) || !strings.Contains(r.stdout, `"class": "Laughter"`) {
		t.Errorf("from standard input: %+v", r)
	}
	if r := p.runAt(t.Context(), time.Now, "", "detect", "-"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "the file is empty") {
		t.Errorf("from empty standard input: %+v", r)
	}
	if out := p.must("detect", good, "--threshold", "0.99"); out != "" {
		t.Errorf("under a high threshold:\n%s", out)
	}
	if out := p.must("detect", good); !strings.Contains(out, "0:00:0") || !strings.Contains(out, "Laughter") {
		t.Errorf("for people:\n%s", out)
	}
	if _, err := os.Stat(p.path("data")); !os.IsNotExist(err) {
		t.Error("detect made a data folder")
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("user", "add", "bob", "--timezone", "America/Los_Angeles", "--source", "folder:~/bob", "--priority", "1", "--threshold", "0.4", "--enabled=false")
	bob := p.json(0, "user", "show", "bob")
	want := map[string]any{"user": "bob", "timezone": "America/Los_Angeles", "source": "folder:" + p.path("bob"), "priority": 1.0, "threshold": 0.4, "model": "", "inferd": "", "keep": "", "enabled": false, "keep_originals": false, "api_key_sealed_with": ""}
	if diff := cmp.Diff(want, bob); diff != "" {
		t.Error(diff)
	}
	p.must("user", "set", "bob", "--threshold", "0", "--enabled", "--name", "robert", "--model", "python3 -m chortle_yamnet")
	want = map[string]any{"user": "robert", "timezone": "America/Los_Angeles", "source": "folder:" + p.path("bob"), "priority": 1.0, "threshold": nil, "model": "python3 -m chortle_yamnet", "inferd": "python3 -m chortle_yamnet", "keep": "", "enabled": true, "keep_originals": false, "api_key_sealed_with": ""}
	if diff := cmp.Diff(want, p.json(0, "user", "show", "robert")); diff != "" {
		t.Error(diff)
	}
	list := p.json(0, "user", "list")
	if at(list, "users", 0, "user") != "robert" || at(list, "users", 1, "user") != "alice" {
		t.Errorf("order: %v", list)
	}
	if out := p.must("user", "list"); !strings.Contains(out, "Europe/London") || !strings.Contains(out, "0.175 (default)") {
		t.Errorf("for people:\n%s", out)
	}
}
