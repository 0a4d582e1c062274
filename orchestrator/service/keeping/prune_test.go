package keeping_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus/hooks/test"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips/folder"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/keeping"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// laughAt is a sure laugh from one second of a recording to another.
func laughAt(from, to float64) orchestrator.Laugh {
	return orchestrator.Laugh{Onset: int64(from * orchestrator.SampleRateHz), Offset: int64(to * orchestrator.SampleRateHz), Peak: int64(from * orchestrator.SampleRateHz),
		Score: 0.75, Class: "Laughter", Tier: sure, ClassScores: []float64{0.75}}
}

// recordingOf is a recording whose content is told by its name.
func recordingOf(name string, start time.Time) orchestrator.Recording {
	return orchestrator.Recording{Path: "/x/" + name, Name: name, Start: start, TimeSource: orchestrator.TimeFromName, Size: 1000, ModTime: start.Add(time.Hour), SHA256: "sha-of-" + name}
}

// resultOf is what a model heard in a recording of an hour.
func resultOf(user orchestrator.User, rec orchestrator.Recording, laughs ...orchestrator.Laugh) orchestrator.Result {
	model := orchestrator.Model{Name: "yamnet", Version: "1", SHA256: "abc", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.NewScores(model)
	scores.Close(3600 * orchestrator.SampleRateHz)
	return orchestrator.Result{UserID: user.ID, Recording: rec, Model: model, Scores: scores, Laughs: laughs}
}

// home is a database and a folder of clips.
type home struct {
	*store.Store
	clips *folder.Folder
	dir   string
	added int
}

func open(t testing.TB) *home {
	t.Helper()
	log, _ := test.NewNullLogger()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "chortle.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	clips, err := folder.Open(filepath.Join(dir, "clips"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(clips.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return &home{Store: s, clips: clips, dir: dir}
}

func (h *home) user(t testing.TB, name string) orchestrator.User {
	t.Helper()
	user, err := h.AddUser(t.Context(), orchestrator.User{Name: name, Timezone: "UTC", Source: "folder:/x", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// heard is a laugh that a test wants: how many days ago, its tier, score, class and bytes, and what a person said of it.
type heard struct {
	days  int
	tier  orchestrator.Tier
	score float64
	class string
	bytes int
	mark  orchestrator.Mark
	star  bool
	note  string
	mute  bool
}

// add stores a laugh with its clip, which was written when it was heard, and returns its id.
func (h *home) add(t testing.TB, user orchestrator.User, name string, w heard) string {
	t.Helper()
	h.added++ // laughs of one time would be one
	start := now.Add(-time.Duration(w.days)*day + time.Duration(h.added)*time.Minute)
	laugh := laughAt(1, 2)
	laugh.Tier, laugh.Clip = orchestrator.TierSure, ""
	if w.tier != "" {
		laugh.Tier = w.tier
	}
	if w.score > 0 {
		laugh.Score = w.score
	}
	if w.class != "" {
		laugh.Class = w.class
	}
	if !w.mute {
		laugh.Clip = user.Name + "/" + name + ".opus"
		if err := h.clips.Put(t.Context(), laugh.Clip, []byte(strings.Repeat("x", max(w.bytes, 10)))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(h.dir, "clips", laugh.Clip), start, start); err != nil {
			t.Fatal(err)
		}
	}
	rec := recordingOf(user.Name+name+".ogg", start)
	if _, err := h.SaveRecording(t.Context(), resultOf(user, rec, laugh)); err != nil {
		t.Fatal(err)
	}
	for l, err := range h.Laughs(t.Context(), orchestrator.LaughFilter{Recording: rec.Name}) {
		if err != nil {
			t.Fatal(err)
		}
		of := []int64{user.ID}
		if _, err = h.Mark(t.Context(), of, l.ID, w.mark); err == nil {
			err = errors.Join(h.Star(t.Context(), of, l.ID, w.star), h.Note(t.Context(), of, l.ID, w.note))
		}
		if err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	t.Fatal("it was not stored")
	return ""
}

// left are the names of the clips that are there.
func (h *home) left(t testing.TB) (names []string) {
	t.Helper()
	for key, err := range h.clips.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(filepath.Base(key), ".opus"))
	}
	slices.Sort(names)
	return names
}

// whole fails where a row refers to a clip that is not there, or a clip has no row.
func (h *home) whole(t testing.TB) {
	t.Helper()
	var rows, files []string
	for key, err := range h.ClipKeys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, key)
	}
	for key, err := range h.clips.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, key)
	}
	slices.Sort(rows)
	slices.Sort(files)
	if diff := cmp.Diff(rows, files); diff != "" {
		t.Errorf("rows and clips differ (-rows +clips):\n%s", diff)
	}
}

const (
	sure  = orchestrator.TierSure
	maybe = orchestrator.TierMaybe
	right = orchestrator.MarkRight
	wrong = orchestrator.MarkWrong
)

// TestRules has a row for every rule and every hold. Clips have 10 bytes unless they say otherwise.
func TestRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		laughs map[string]heard
		rules  orchestrator.Retention
		disk   *keeping.Disk
		backup time.Time
		left   string // names, with spaces
		byRule map[string]int
		kept   map[string]int
		over   int64
	}{
		"no rule": {laughs: map[string]heard{"old": {days: 9000}}, left: "old", byRule: map[string]int{}, kept: map[string]int{}},
		"by age, but for what a person holds": {
			laughs: map[string]heard{"a": {days: 31}, "b": {days: 29}, "star": {days: 99, star: true}, "right": {days: 99, mark: right}, "note": {days: 99, note: "x"}, "wrong": {days: 99, mark: wrong}},
			rules:  orchestrator.Retention{Days: 30}, left: "b note right star",
			byRule: map[string]int{"age": 2}, kept: map[string]int{"within_limits": 1, "starred": 1, "marked_right": 1, "noted": 1}},
		"maybes and wrong ones sooner": {
			laughs: map[string]heard{"sure": {days: 20}, "maybe": {days: 20, tier: maybe}, "young": {days: 5, tier: maybe}, "wrong": {days: 20, mark: wrong}, "right": {days: 20, tier: maybe, mark: right}},
			rules:  orchestrator.Retention{MaybeDays: 10}, left: "right sure young",
			byRule: map[string]int{"maybe_age": 2}, kept: map[string]int{"within_limits": 2, "marked_right": 1}},
		"the best of a day and class": {
			laughs: map[string]heard{"low": {days: 9, score: .3}, "mid": {days: 9, score: .5}, "high": {days: 9, score: .9}, "maybe": {days: 9, score: .95, tier: maybe},
				"giggle": {days: 9, score: .1, class: "Giggle"}, "other": {days: 10, score: .1}, "new": {days: 1, score: .1}, "new2": {days: 1, score: .2}, "new3": {days: 1, score: .3}},
			rules: orchestrator.Retention{ADay: 2, Recent: 7}, left: "giggle high mid new new2 new3 other",
			byRule: map[string]int{"number": 2}, kept: map[string]int{"within_limits": 6, "recent": 1}},
		"the held ones count": {
			laughs: map[string]heard{"star": {days: 9, score: .1, star: true}, "high": {days: 9, score: .9}, "mid": {days: 9, score: .5}},
			rules:  orchestrator.Retention{ADay: 2}, left: "high star", byRule: map[string]int{"number": 1}, kept: map[string]int{"within_limits": 1, "starred": 1}},
		"by size: wrong, maybe, the oldest": {
			laughs: map[string]heard{"a": {days: 40}, "b": {days: 30}, "c": {days: 20}, "maybe": {days: 9, tier: maybe}, "wrong": {days: 8, mark: wrong}, "star": {days: 99, star: true}},
			rules:  orchestrator.Retention{Bytes: 30}, left: "b c star", byRule: map[string]int{"size": 3}, kept: map[string]int{"within_limits": 2, "starred": 1}},
		"of one day the lowest score first": {
			laughs: map[string]heard{"low": {days: 9, score: .3}, "high": {days: 9, score: .9}, "mid": {days: 9, score: .5}},
			rules:  orchestrator.Retention{Bytes: 15}, left: "high", byRule: map[string]int{"size": 2}, kept: map[string]int{"within_limits": 1}},
		"a size that cannot be kept": {
			laughs: map[string]heard{"star": {days: 99, star: true, bytes: 100}, "new": {days: 1, bytes: 100}, "old": {days: 9}},
			rules:  orchestrator.Retention{Bytes: 50, Recent: 7}, left: "new star", byRule: map[string]int{"size": 1}, kept: map[string]int{"recent": 1, "starred": 1}, over: 150},
		"age counts before size": {
			laughs: map[string]heard{"a": {days: 40}, "maybe": {days: 9, tier: maybe}, "c": {days: 20}},
			rules:  orchestrator.Retention{Days: 30, Bytes: 20}, left: "c maybe", byRule: map[string]int{"age": 1}, kept: map[string]int{"within_limits": 2}},
		"the disk": {
			laughs: map[string]heard{"a": {days: 40}, "maybe": {days: 9, tier: maybe}, "c": {days: 20}},
			disk:   &keeping.Disk{Size: 100, Used: 95, Limit: 80}, left: "c", byRule: map[string]int{"disk": 2}, kept: map[string]int{"within_limits": 1}},
		"nothing without a backup": {
			laughs: map[string]heard{"old": {days: 40}, "new": {days: 2}},
			rules:  orchestrator.Retention{Days: 1, BackedUp: true}, left: "new old", byRule: map[string]int{}, kept: map[string]int{"not_backed_up": 2}},
		"only what is in the backup": {
			laughs: map[string]heard{"old": {days: 40}, "new": {days: 2}},
			rules:  orchestrator.Retention{Bytes: 1, BackedUp: true}, backup: now.Add(-3 * day), left: "new", byRule: map[string]int{"size": 1}, kept: map[string]int{"not_backed_up": 1}, over: 9},
		"the disk waits for the backup, too": {
			laughs: map[string]heard{"old": {days: 40}},
			rules:  orchestrator.Retention{BackedUp: true}, disk: &keeping.Disk{Size: 100, Used: 95, Limit: 80}, left: "old", byRule: map[string]int{}, kept: map[string]int{"not_backed_up": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			user := h.user(t, "alice")
			for name, laugh := range c.laughs {
				h.add(t, user, name, laugh)
			}
			rows := h.count(t)
			p := keeping.Pruner{Store: h.Store, Clips: h.clips, Now: now, Disk: c.disk, Backup: c.backup, DryRun: true}
			subjects := []keeping.Subject{{User: user, Retention: c.rules}}
			before := h.left(t)
			planned, err := p.Prune(t.Context(), subjects)
			if err != nil {
				t.Fatal(err)
			}
			if after := h.left(t); !slices.Equal(before, after) {
				t.Errorf("a plan deleted: %v, %v", before, after)
			}
			p.DryRun = false
			pruned, err := p.Prune(t.Context(), subjects)
			if err != nil {
				t.Fatal(err)
			}
			planned.DryRun = false
			if diff := cmp.Diff(planned, pruned, cmp.Comparer(func(a, b document.Stamp) bool { return a == b })); diff != "" {
				t.Errorf("the plan was another (-plan +done):\n%s", diff)
			}
			part := pruned.Users[0].Clips
			if got := strings.Join(h.left(t), " "); got != c.left {
				t.Errorf("left are %q, want %q", got, c.left)
			}
			if diff := cmp.Diff([]any{c.byRule, c.kept, c.over}, []any{part.ByRule, part.Kept, pruned.Users[0].Over}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if total := part.Deleted + sum(part.Kept); part.Scanned != total || len(part.Errors) > 0 {
				t.Errorf("%d scanned, %d of them told: %v", part.Scanned, total, part.Errors)
			}
			h.whole(t)
			if got := h.count(t); got != rows {
				t.Errorf("%d rows of %d", got, rows)
			}
			again, err := p.Prune(t.Context(), subjects)
			if err != nil || c.disk == nil && again.Users[0].Clips.Deleted > 0 {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

func (h *home) count(t testing.TB) (rows int) {
	t.Helper()
	for _, err := range h.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	return rows
}

func sum(counts map[string]int) (total int) {
	for n := range maps.Values(counts) {
		total += n
	}
	return total
}

// TestRowsGo: where rows go with their clips, those without one go by their age.
func TestRowsGo(t *testing.T) {
	t.Parallel()
	h := open(t)
	user := h.user(t, "alice")
	h.add(t, user, "old", heard{days: 40})
	h.add(t, user, "mute", heard{days: 40, mute: true})
	h.add(t, user, "young", heard{days: 4, mute: true})
	h.add(t, user, "star", heard{days: 40, star: true})
	p := keeping.Pruner{Store: h.Store, Clips: h.clips, Now: now}
	pruned, err := p.Prune(t.Context(), []keeping.Subject{{User: user, Retention: orchestrator.Retention{Days: 30, Rows: true}}})
	if err != nil || pruned.Users[0].Laughs != 2 || h.count(t) != 2 {
		t.Errorf("%+v, %v; %d rows are left", pruned, err, h.count(t))
	}
	h.whole(t)
}

// TestTheDiskIsSharedByAll: for the disk the least worthy of all users go first.
func TestTheDiskIsSharedByAll(t *testing.T) {
	t.Parallel()
	h := open(t)
	alice, bob := h.user(t, "alice"), h.user(t, "bob")
	h.add(t, alice, "a", heard{days: 40})
	h.add(t, alice, "a-maybe", heard{days: 10, tier: maybe})
	h.add(t, bob, "b", heard{days: 50})
	h.add(t, bob, "b-wrong", heard{days: 9, mark: wrong})
	p := keeping.Pruner{Store: h.Store, Clips: h.clips, Now: now, Disk: &keeping.Disk{Size: 100, Used: 100, Limit: 70}}
	pruned, err := p.Prune(t.Context(), []keeping.Subject{{User: alice}, {User: bob}})
	if err != nil || pruned.Disk.Over != 0 {
		t.Fatalf("%+v, %v", pruned, err)
	}
	if got := h.left(t); !slices.Equal(got, []string{"a"}) {
		t.Errorf("left: %v", got)
	}
	p.Disk.Used = 1000
	if pruned, err = p.Prune(t.Context(), []keeping.Subject{{User: alice}, {User: bob}}); err != nil || pruned.Disk.Over != 920 {
		t.Errorf("%+v, %v", pruned.Disk, err)
	}
}

// stubborn are clips of which one cannot be deleted.
type stubborn struct {
	*folder.Folder
	key string
}

func (s stubborn) Delete(ctx context.Context, key string) error {
	if key == s.key {
		return errors.New("delete clip: input/output error")
	}
	return s.Folder.Delete(ctx, key)
}

// TestAnOddClipKeepsNoOther: a file that cannot be deleted is told, the others go, and no row refers to what may be gone.
func TestAnOddClipKeepsNoOther(t *testing.T) {
	t.Parallel()
	h := open(t)
	user := h.user(t, "alice")
	h.add(t, user, "odd", heard{days: 40})
	h.add(t, user, "old", heard{days: 50})
	p := keeping.Pruner{Store: h.Store, Clips: stubborn{h.clips, "alice/odd.opus"}, Now: now}
	pruned, err := p.Prune(t.Context(), []keeping.Subject{{User: user, Retention: orchestrator.Retention{Days: 30}}})
	if part := pruned.Users[0].Clips; err != nil || part.Deleted != 2 || part.Freed != 10 || len(part.Errors) != 1 {
		t.Errorf("%+v, %v", part, err)
	}
	for key, err := range h.ClipKeys(t.Context()) {
		t.Errorf("a row refers to %s, %v", key, err)
	}
	if got := h.left(t); !slices.Equal(got, []string{"odd"}) {
		t.Errorf("left: %v", got)
	}
}

// TestOriginals: a download goes once it is old, read, and every laugh of it has its sound; the folder's own time does not
// count.
func TestOriginals(t *testing.T) {
	t.Parallel()
	h := open(t)
	user := h.user(t, "alice")
	dir := filepath.Join(h.dir, "originals")
	files := map[string]string{"2026-10-01/2026-10-01T08-00-00Z.ogg": "heard", "2026-10-01/2026-10-01T09-00-00Z.ogg": "unread", "2026-10-02/2026-10-02T08-00-00Z.ogg": "mute",
		"2026-10-03/2026-10-03T08-00-00.500Z.ogg": "absent", "2026-11-27/2026-11-27T08-00-00Z.ogg": "young"}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if content == "unread" {
			continue
		}
		hash := sha256.Sum256([]byte(content))
		laugh := laughAt(1, 2)
		laugh.Clip = "alice/" + content + ".opus"
		if content == "mute" {
			laugh.Clip = ""
		}
		rec := recordingOf(content, now.Add(-30*day+time.Duration(len(content))*time.Minute))
		rec.SHA256 = hex.EncodeToString(hash[:])
		result := resultOf(user, rec, laugh)
		if content == "mute" {
			result.Lost = orchestrator.ClipNoRoom
		}
		if _, err := h.SaveRecording(t.Context(), result); err != nil {
			t.Fatal(err)
		}
		if laugh.Clip != "" && content != "absent" {
			if err := h.clips.Put(t.Context(), laugh.Clip, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := keeping.Pruner{Store: h.Store, Clips: h.clips, Now: now}
	subject := keeping.Subject{User: user, Retention: orchestrator.Retention{OriginalDays: 10}, Originals: []keeping.Original{{Dir: dir}, {Dir: filepath.Join(h.dir, "nowhere")}}}
	pruned, err := p.Prune(t.Context(), []keeping.Subject{subject})
	if err != nil {
		t.Fatal(err)
	}
	part := pruned.Users[0].Originals
	if diff := cmp.Diff(map[string]int{"not_read": 1, "clip_not_there": 2, "within_limits": 1}, part.Kept); diff != "" || part.Deleted != 1 || part.Freed != 5 {
		t.Errorf("%+v: %s", part, diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "2026-10-01/2026-10-01T08-00-00Z.ogg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	// Of a person's own folder only what the archive lists may go.
	subject.Originals = []keeping.Original{{Dir: dir, Files: map[string]time.Time{"2026-11-27/2026-11-27T08-00-00Z.ogg": now.Add(-20 * day)}}}
	pruned, err = p.Prune(t.Context(), []keeping.Subject{subject})
	if part := pruned.Users[0].Originals; err != nil || part.Scanned != 1 || part.Deleted != 1 {
		t.Errorf("%+v, %v", part, err)
	}
}

// BenchmarkPrune measures a sweep by size over 200,000 clips that deletes half of them:
//
//	go test ./orchestrator/service/keeping -run '^$' -bench Prune -benchtime 1x
func BenchmarkPrune(b *testing.B) {
	h := open(b)
	user := h.user(b, "alice")
	days, aDay := 2000, 100
	if fewer, err := strconv.Atoi(os.Getenv("CHORTLE_TEST_DAYS")); err == nil {
		days = fewer
	}
	for d := range days {
		start := now.Add(-time.Duration(d+10) * day)
		laughs := make([]orchestrator.Laugh, aDay)
		for i := range laughs {
			laughs[i] = laughAt(float64(i*10), float64(i*10+1))
			laughs[i].Tier, laughs[i].Clip = sure, fmt.Sprintf("alice/%s/%04d.opus", start.Format("2006/01/02"), i)
			path := filepath.Join(h.dir, "clips", laughs[i].Clip)
			if i == 0 {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					b.Fatal(err)
				}
			}
			if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := h.SaveRecording(b.Context(), resultOf(user, recordingOf(fmt.Sprint(d), start), laughs...)); err != nil {
			b.Fatal(err)
		}
	}
	p := keeping.Pruner{Store: h.Store, Clips: h.clips, Now: now}
	var before, after syscall.Rusage
	for b.Loop() {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
			b.Fatal(err)
		}
		pruned, err := p.Prune(b.Context(), []keeping.Subject{{User: user, Retention: orchestrator.Retention{Bytes: int64(days * aDay * 500), ADay: 90}}})
		if err != nil {
			b.Fatal(err)
		}
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
			b.Fatal(err)
		}
		cpu := time.Duration(after.Utime.Nano() - before.Utime.Nano() + after.Stime.Nano() - before.Stime.Nano())
		b.ReportMetric(cpu.Seconds(), "cpu-s")
		b.ReportMetric(float64(pruned.Users[0].Clips.Scanned), "scanned")
		b.ReportMetric(float64(pruned.Users[0].Clips.Deleted), "deleted")
		if status, err := os.ReadFile("/proc/self/status"); err == nil {
			for line := range strings.Lines(string(status)) {
				var kB float64
				if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kB); n == 1 {
					b.ReportMetric(kB/1000, "peak-MB")
				}
			}
		}
	}
}
