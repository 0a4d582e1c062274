package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// content is what a folder holds, hidden files too: name to content.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("read folder: %v", err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatalf("read file: %v", err)
		}
		found[entry.Name()] = string(data)
	}
	return found
}

func TestWriteReplacesAsAWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Write(path, 0o664, func(file *os.File) error {
		if _, err := file.WriteString("new"); err != nil {
			return err
		}
		if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
			t.Errorf("a reader finds %q, %v while the file is written, want the old content", old, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, Temporary)); len(left) != 1 {
			t.Errorf("%d files match Temporary while the file is written, want 1", len(left))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	if got := content(t, dir); len(got) != 1 || got["a.txt"] != "new" {
		t.Errorf("got %q, want a.txt with new content and nothing beside it", got)
	}
	// 0664 has a bit that the usual umask takes away.
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o664 {
		t.Errorf("mode is %v (%v), want 0664", info.Mode(), err)
	}
}

func TestWriteThatFailsKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := WriteData(path, 0o600, []byte("old")); err != nil {
		t.Fatalf("write: %v", err)
	}
	broken := errors.New("broken")
	err := Write(path, 0o600, func(file *os.File) error {
		_, _ = file.WriteString("half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the writer's error", err)
	}
	if got := content(t, dir); len(got) != 1 || got["a.txt"] != "old" {
		t.Errorf("got %q, want the old file alone", got)
	}
}

func TestWriteRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "folder"), os.DevNull, filepath.Join(dir, "missing", "a.txt")} {
		if err := WriteData(path, 0o600, []byte("x")); err == nil {
			t.Errorf("write %s: it was written, want an error", path)
		}
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().Type()&fs.ModeDevice == 0 {
		t.Fatalf("%s is no device any more: %v, %v", os.DevNull, info, err)
	}
}

func TestWriteReplacesALinkAndNotItsTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := WriteData(target, 0o600, []byte("target")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteData(link, 0o600, []byte("new")); err != nil {
		t.Fatalf("write: %v", err)
	}
	if got := content(t, dir); got["target"] != "target" || got["link"] != "new" {
		t.Errorf("got %q, want the link replaced and its target untouched", got)
	}
}

func TestSettleThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := Stage(root, "staged", 0o600, func(*os.File) error { return nil }); err != nil {
		t.Fatalf("stage: %v", err)
	}
	if err := Stage(root, "staged", 0o600, func(*os.File) error { return nil }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("stage under a taken name: got %v, want ErrExist", err)
	}
	if err := Settle(root, "staged", "missing/final"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("settle in a missing folder: got %v, want ErrNotExist", err)
	}
	if got := content(t, dir); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for path, text := range map[string]string{from: "new", to: "old"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Rename(from, to); err != nil {
		t.Fatalf("rename: %v", err)
	}
	if got := content(t, dir); len(got) != 1 || got["to"] != "new" {
		t.Errorf("got %q, want the renamed file alone", got)
	}
	if err := Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename a missing file: got %v, want ErrNotExist", err)
	}
}
