package keeping_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/service/keeping"
)

// TestSweep: clips that no laugh has go once they are settled; others' files, and rows, stay; and where too many have none,
// nothing goes.
func TestSweep(t *testing.T) {
	t.Parallel()
	h := open(t)
	user := h.user(t, "alice")
	h.add(t, user, "kept", heard{days: 3})
	h.add(t, user, "lost", heard{days: 3})
	if err := h.clips.Delete(t.Context(), "alice/lost.opus"); err != nil {
		t.Fatal(err)
	}
	orphan := func(i, daysAgo int) string {
		start := now.AddDate(0, 0, -i)
		key := clips.Key("alice", start, "8f3a91c2", orchestrator.Model{}, ".opus")
		at := now.AddDate(0, 0, -daysAgo)
		if err := h.clips.Put(t.Context(), key, []byte("xxxx")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(h.dir, "clips", key), at, at); err != nil {
			t.Fatal(err)
		}
		return key
	}
	old, young := orphan(1, 2), orphan(2, 0)
	if err := h.clips.Put(t.Context(), "alice/music.opus", []byte("a song")); err != nil {
		t.Fatal(err)
	}
	for _, dryRun := range []bool{true, false} {
		swept, err := keeping.SweepClips(t.Context(), h.Store, h.clips, now, dryRun)
		if want := map[bool]int{true: 0, false: 1}[dryRun]; err != nil || swept.Orphans != 1 || swept.OrphanBytes != 4 || swept.Deleted != want || swept.Held != "" {
			t.Errorf("%+v, %v", swept, err)
		}
	}
	var left []string
	for key, err := range h.clips.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, key)
	}
	if slices.Contains(left, old) || !slices.Contains(left, young) || len(left) != 3 {
		t.Errorf("left: %v", left)
	}
	if missing, example, err := keeping.Missing(t.Context(), h.Store, h.clips); err != nil || missing != 1 || example != "alice/lost.opus" || h.count(t) != 2 {
		t.Errorf("%d missing, such as %s, %v", missing, example, err)
	}
	for i := range 150 {
		orphan(10+i, 2)
	}
	swept, err := keeping.SweepClips(t.Context(), h.Store, h.clips, now, false)
	if err != nil || swept.Deleted != 0 || swept.Held == "" {
		t.Errorf("%+v, %v", swept, err)
	}
}
