package flock

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestTryLockExcludesAnotherOpenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	if err := TryLock(first); err != nil {
		t.Fatalf("lock a free file: %v", err)
	}
	if err := TryLock(second); !errors.Is(err, ErrLocked) {
		t.Fatalf("lock a locked file: got %v, want ErrLocked", err)
	}
	if err := Close(first); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := TryLock(second); err != nil {
		t.Errorf("lock a file whose holder closed it: %v", err)
	}
}

func TestTryShareExcludesTryLockOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, second, third := open(t, path), open(t, path), open(t, path)
	for _, file := range []*os.File{first, second} {
		if err := TryShare(file); err != nil {
			t.Fatalf("share a lock: %v", err)
		}
	}
	if err := TryLock(third); !errors.Is(err, ErrLocked) {
		t.Fatalf("lock a shared file: got %v, want ErrLocked", err)
	}
	for _, file := range []*os.File{first, second} {
		if err := Close(file); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if err := TryLock(third); err != nil {
		t.Fatalf("lock a file that nobody shares any more: %v", err)
	}
	if err := TryShare(open(t, path)); !errors.Is(err, ErrLocked) {
		t.Errorf("share a locked file: got %v, want ErrLocked", err)
	}
}

// A child that is between fork and exec holds a copy of the descriptor, as dup makes one here.
func TestCloseUnlocksDespiteACopyOfTheDescriptor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	if err := TryLock(first); err != nil {
		t.Fatalf("lock: %v", err)
	}
	inherited, err := syscall.Dup(int(first.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	if err := Close(first); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := TryLock(second); err != nil {
		t.Errorf("the copy of a closed file's descriptor still holds the lock: %v", err)
	}
}

func TestTryLockOfAClosedFileIsNotLocked(t *testing.T) {
	t.Parallel()
	file := open(t, filepath.Join(t.TempDir(), "lock"))
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := TryLock(file); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want an error that is not ErrLocked", err)
	}
}
