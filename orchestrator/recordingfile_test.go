package orchestrator

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// byPath is a source that opens what it is asked for.
type byPath struct{ Source }

func (byPath) OpenRecording(rec Recording) (*os.File, error) { return OpenRecording(rec.Path) }

// M1: a recording is opened once; no link is followed, nothing that would wait or never end is read.
func TestRecordingsAreRegularFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ogg")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	for _, odd := range []string{fifo, link, dir, "/dev/zero", filepath.Join(dir, "none")} {
		rec := Recording{Path: odd}
		if err := rec.hash(t.Context(), nil); !errors.Is(err, ErrBadRecording) || rec.File != nil {
			t.Errorf("%s: %v", odd, err)
		}
	}

	rec := Recording{Path: path, Size: 3}
	if err := rec.hash(t.Context(), nil); err != nil || rec.SHA256 != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Fatalf("%s, %v", rec.SHA256, err)
	}
	defer rec.File.Close()
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("xyz"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := rec.open(nil); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 3)
	if _, err := rec.File.ReadAt(content, 0); err != nil || string(content) != "abc" {
		t.Errorf("read %q of what lies there now, %v", content, err)
	}
	changed := Recording{Path: path, Size: 4}
	if code, _ := CodeOf(StageDecode, changed.open(byPath{})); code != CodeRecordingChanged || changed.File != nil {
		t.Errorf("a changed file: %v", code)
	}
}
