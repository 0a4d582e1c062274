package folder_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/clips/clipstest"
	"github.com/chortle-audio/chortle/orchestrator/clips/folder"
)

const key = "alice/2026/11/22/143002.120-8f3a91c2-81dd.opus"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *folder.Folder {
	t.Helper()
	kept, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	return kept
}

func put(t testing.TB, kept *folder.Folder, key, data string) {
	t.Helper()
	if err := kept.Put(t.Context(), key, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, kept *folder.Folder, key string) string {
	t.Helper()
	file, _, err := kept.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files lists everything below dir but folders.
func files(t testing.TB, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPutOpenDelete(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	kept := open(t, dir)
	put(t, kept, key, "ha")
	put(t, kept, key, "haha")
	put(t, kept, "alice/2026/11/22/150000.000-8f3a91c2.opus", "ho")
	if got := read(t, kept, key); got != "haha" {
		t.Errorf("clip: got %q", got)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("files: %v", got)
	}
	for range 2 { // the second time it is gone already
		if err := kept.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := kept.Open(t.Context(), key); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("open after delete: %v", err)
	}
	if err := kept.Delete(t.Context(), "alice/2026/11/22/150000.000-8f3a91c2.opus"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "alice")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folders are left: %v", err)
	}
	if _, _, err := kept.Open(t.Context(), "alice/2026"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("open a kept: %v", err)
	}
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "clips")
	put(t, open(t, dir), key, "ha")
	for path := filepath.Join(dir, filepath.FromSlash(key)); path != filepath.Dir(dir); path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
	}
}

func TestTheFolderMayBeMoved(t *testing.T) {
	t.Parallel()
	before, after := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	kept := open(t, before)
	put(t, kept, key, "ha")
	if err := os.Rename(before, after); err != nil {
		t.Fatal(err)
	}
	put(t, kept, "bob/2026/x.opus", "ho") // also while it is open
	if got := read(t, open(t, after), key) + read(t, open(t, after), "bob/2026/x.opus"); got != "haho" {
		t.Errorf("clips after the move: %q", got)
	}
}

func TestNoKeyLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := open(t, filepath.Join(dir, "clips"))
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Symlink(dir, filepath.Join(dir, "clips", "out")),
		os.Symlink(secret, filepath.Join(dir, "clips", "link.opus")),
	); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", "/", "..", "../secret", "a/../../secret", secret, "a//b", "a/", "./a", "a/.",
		".incoming/x", "a/.hidden", "a\x00b", "a\nb", "a\u202eb", "a\\b", "a\xffb"} {
		errs := []error{kept.Put(t.Context(), bad, nil), kept.Delete(t.Context(), bad)}
		_, _, err := kept.Open(t.Context(), bad)
		for _, err := range append(errs, err) {
			if !errors.Is(err, clips.ErrBadKey) {
				t.Errorf("key %q: %v", bad, err)
			}
		}
	}
	for _, linked := range []string{"out/secret", "link.opus"} {
		if _, _, err := kept.Open(t.Context(), linked); err == nil {
			t.Errorf("opened %s", linked)
		}
	}
	if err := kept.Put(t.Context(), "out/new", []byte("x")); err == nil {
		t.Error("put over a link out of the kept")
	}
	if err := kept.Delete(t.Context(), "out/secret"); err == nil {
		t.Error("deleted over a link out of the kept")
	}
	put(t, kept, "link.opus", "new") // replaces the link, not what it leads to
	if data, err := os.ReadFile(secret); err != nil || string(data) != "s" {
		t.Errorf("what lies outside was touched: %q, %v", data, err)
	}
}

func TestSweepRemovesWhatDeadWritersLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := open(t, dir)
	if err := kept.Sweep(time.Now()); err != nil {
		t.Fatalf("nothing to sweep: %v", err)
	}
	put(t, kept, key, "ha")
	now := time.Now()
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "young": time.Minute} {
		path := filepath.Join(dir, ".incoming", name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.Sweep(now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{".incoming/young", key}) {
		t.Errorf("files: %v", got)
	}
}

func TestFailedPutLeavesTheOldClip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := open(t, dir)
	put(t, kept, "alice/clip.opus", "old")
	if err := kept.Put(t.Context(), "alice/clip.opus/below", []byte("new")); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("put below a clip: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := kept.Put(canceled, "alice/clip.opus", []byte("new")); !errors.Is(err, context.Canceled) {
		t.Errorf("put when canceled: %v", err)
	}
	if err := kept.Delete(canceled, "alice/clip.opus"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete when canceled: %v", err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"alice/clip.opus"}) || read(t, kept, "alice/clip.opus") != "old" {
		t.Errorf("files: %v", got)
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Open(filepath.Join(file, "clips")); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("folder below a file: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "clips")
	kept := open(t, dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := kept.Put(t.Context(), key, nil); err == nil || !strings.Contains(err.Error(), "bring "+dir+" back") {
		t.Errorf("folder that was removed: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	kept := open(t, t.TempDir())
	var workers sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		workers.Go(func() {
			for range 50 {
				key := "alice/2026/" + name
				if err := errors.Join(kept.Put(t.Context(), key, []byte(name)), kept.Delete(t.Context(), key)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}

func TestConformance(t *testing.T) {
	t.Parallel()
	clipstest.Run(t, func(t *testing.T) orchestrator.Clips { return open(t, filepath.Join(t.TempDir(), "clips")) })
}

func FuzzKeysStayBelowTheFolder(f *testing.F) {
	for _, seed := range []string{key, "..", "/etc/passwd", "a/../b", ".", "a\x00", "ä/ö", strings.Repeat("a", 300)} {
		f.Add(seed)
	}
	dir := f.TempDir()
	kept := open(f, filepath.Join(dir, "clips"))
	f.Fuzz(func(t *testing.T, key string) {
		if err := kept.Put(t.Context(), key, []byte("x")); err == nil {
			if !filepath.IsLocal(key) || read(t, kept, key) != "x" {
				t.Errorf("key %q", key)
			}
			if err := kept.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the kept: %v, %v", entries, err)
		}
	})
}
