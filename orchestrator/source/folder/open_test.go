package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// M1: what is opened is what was listed. Whatever lies there by then, a FIFO, a device's link, a link out of the folder
// with the same size and time, a folder on the way that became a link, is refused without waiting.
func TestWhatWasListedIsOpened(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	private := write(t, outside, "2026-11-22_14-30-00.ogg", noon)
	for name, swap := range map[string]func(path string) error{
		"a fifo":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a device":         func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link out of it": func(path string) error { return os.Symlink(private, path) },
		"another file":     func(path string) error { return os.Link(private, path) },
		"a folder":         func(path string) error { return os.Mkdir(path, 0o700) },
		"nothing":          func(string) error { return nil },
		"a folder's link": func(path string) error {
			dir := filepath.Dir(path)
			return errors.Join(os.Remove(dir), os.Symlink(outside, dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "day"), 0o700); err != nil {
				t.Fatal(err)
			}
			path := write(t, filepath.Join(root, "day"), "2026-11-22_14-30-00.ogg", noon)
			var listed []orchestrator.Recording
			from := source(root, nil)
			for rec, err := range from.Recordings(t.Context(), orchestrator.Span{Start: noon.AddDate(0, 0, -1), End: noon.AddDate(0, 0, 1)}) {
				if err != nil {
					t.Fatal(err)
				}
				listed = append(listed, rec)
			}
			if len(listed) != 1 {
				t.Fatalf("listed %v", listed)
			}
			file, err := from.OpenRecording(listed[0])
			if err != nil || file.Close() != nil {
				t.Fatalf("as it was: %v", err)
			}
			if err := errors.Join(os.Remove(path), swap(path)); err != nil {
				t.Fatal(err)
			}
			if file, err := from.OpenRecording(listed[0]); !errors.Is(err, orchestrator.ErrBadRecording) {
				t.Errorf("opened %v, %v", file, err)
			}
		})
	}
}
