package owned

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const me, other = 1000, 1001
	for name, c := range map[string]struct {
		mode     fs.FileMode
		uid, gid uint32
		want     error
	}{
		"mine":                             {0o600, me, me, nil},
		"root's":                           {0o644, 0, 0, nil},
		"root's, for a group to read":      {0o640, 0, me, nil},
		"another's":                        {0o644, other, other, ErrForeign},
		"another's, that only it may read": {0o600, other, me, ErrForeign},
		"mine, for everybody to write":     {0o666, me, me, ErrExposed},
		"mine, for my private group":       {0o664, me, me, nil},
		"mine, for a group of others":      {0o664, me, 50, ErrExposed},
		"root's, for a group of others":    {0o775, 0, me, ErrExposed},
		"a folder for everybody":           {fs.ModeDir | 0o777, 0, 0, ErrExposed},
		"a folder such as /tmp":            {fs.ModeDir | fs.ModeSticky | 0o777, 0, 0, nil},
		"a sticky file is no such folder":  {fs.ModeSticky | 0o777, 0, 0, ErrExposed},
	} {
		if err := judge(c.mode, c.uid, c.gid, me); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path, 100); err != nil || string(got) != "content" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Read(path, 3); err == nil {
		t.Error("a file over the limit is no error")
	}
	if _, err := Read(filepath.Join(dir, "missing"), 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(fifo, 3); !errors.Is(err, ErrNotRegular) { // and it does not block
		t.Errorf("fifo: %v", err)
	}
	if err := Check(dir); !errors.Is(err, ErrNotRegular) {
		t.Errorf("folder: %v", err)
	}
	if err := CheckFolder(path); err == nil {
		t.Error("a file is a folder")
	}
}

// TestAFolderOnThePathCounts exposes a folder above the file, by its own name and behind a link.
func TestAFolderOnThePathCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	path := filepath.Join(open, "below", "program")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		if err := Check(p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		if err := Check(p); !errors.Is(err, ErrExposed) {
			t.Errorf("%s: got %v, want ErrExposed", p, err)
		}
	}
	if err := CheckFolder(filepath.Dir(path)); !errors.Is(err, ErrExposed) {
		t.Errorf("folder: got %v, want ErrExposed", err)
	}
}
