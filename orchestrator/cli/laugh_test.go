package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestOneLaugh goes through all that a person can do to one laugh.
func TestOneLaugh(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.recording("alice", "2026-11-22_14-50-00 b.ogg")
	p.must("run", "--date", "2026-11-22")
	var listed struct {
		Laughs []struct {
			ID   string
			Mark string
			Star bool
			Note string
			Clip string
		}
	}
	list := func(args ...string) int {
		t.Helper()
		listed.Laughs = nil
		if err := json.Unmarshal([]byte(p.must(append([]string{"laughs", "list", "--json"}, args...)...)), &listed); err != nil {
			t.Fatal(err)
		}
		return len(listed.Laughs)
	}
	total := list()
	if total < 2 {
		t.Fatalf("%d laughs; want at least two", total)
	}
	id, other := listed.Laughs[0].ID, listed.Laughs[1].ID
	p.must("laughs", "mark", "wrong", strings.ToUpper(id))
	p.must("laughs", "star", id)
	p.must("laughs", "note", id, "the goose")
	list("--mark", "wrong")
	if len(listed.Laughs) != 1 || listed.Laughs[0].ID != id || !listed.Laughs[0].Star || listed.Laughs[0].Note != "the goose" {
		t.Errorf("after mark, star and note: %+v", listed.Laughs)
	}
	if shown := p.must("laughs", "show", id); !strings.Contains(shown, "the goose") || !strings.Contains(shown, "22 November 2026") {
		t.Errorf("show: %s", shown)
	}
	p.must("laughs", "star", "--off", id)
	p.must("laughs", "mark", "none", id)
	if list("--starred") != 0 || list("--mark", "none") != total {
		t.Error("star or mark is still there")
	}
	if list("--limit", "1", "--order", "newest") != 1 || listed.Laughs[0].ID == id {
		t.Errorf("the newest: %+v", listed.Laughs)
	}

	folder := p.path("collected")
	p.must("laughs", "collect", folder)
	if again := p.must("laughs", "collect", folder); !strings.Contains(again, "Copied 0 clips") {
		t.Errorf("the second time: %s", again)
	}
	files, err := filepath.Glob(filepath.Join(folder, "2026-11-22 14.*"+id+".opus"))
	if err != nil || len(files) != 1 {
		t.Errorf("collected: %v, %v", files, err)
	}
	list2, err := os.ReadFile(filepath.Join(folder, "laughs.m3u8"))
	if err != nil || strings.Count(string(list2), "#EXTINF") != total {
		t.Errorf("playlist: %s, %v", list2, err)
	}

	p.must("laughs", "forget", "--yes", other)
	p.must("run", "--date", "2026-11-22", "--reprocess")
	if n := list(); n != total-1 {
		t.Errorf("%d laughs after one of %d was forgotten and the day read again", n, total)
	}
	for _, args := range [][]string{
		{"laughs", "show"}, {"laughs", "show", "zzz"}, {"laughs", "show", other}, {"laughs", "mark", id}, {"laughs", "mark", "good", id},
		{"laughs", "note", id}, {"laughs", "note", id, strings.Repeat("x", orchestrator.MaxNote+1)}, {"laughs", "forget", id}, {"laughs", "list", "--order", "x"},
	} {
		if r := p.run(args...); r.code != orchestrator.ExitUsage || r.stderr == "" {
			t.Errorf("%v: exit %d, %s", args, r.code, r.stderr)
		}
	}
}
