package folder_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// The tests of full and read-only disks need a disk of their own. They run in a copy of the test
// program that has its own user and mount namespaces, where anybody may mount one.
const onDisk = "CHORTLE_TEST_DISK"

// inNamespace runs the calling test again, with a small disk to itself, and returns true in there.
func inNamespace(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if dir := os.Getenv(onDisk); dir != "" {
		if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Fatal(err)
		}
		return dir, true
	}
	dir = t.TempDir()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), onDisk+"="+dir)
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	output, err := command.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("this machine does not let its users have namespaces: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if !bytes.Contains(output, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("the test did not run:\n%s", output)
	}
	return dir, false
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, inside := inNamespace(t)
	if !inside {
		return
	}
	folder := open(t, dir)
	put(t, folder, key, "old")
	err := folder.Put(t.Context(), key, make([]byte, 1<<20))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space where "+dir) {
		t.Errorf("put on a full disk: %v", err)
	}
	if got := read(t, folder, key); got != "old" {
		t.Errorf("the old clip is %q", got)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files left: %v", got)
	}
	put(t, folder, key, "new") // what was half written gave its space back
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir, inside := inNamespace(t)
	if !inside {
		return
	}
	folder := open(t, dir)
	put(t, folder, key, "old")
	if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err := folder.Put(t.Context(), key, []byte("new"))
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "read-only disk") {
		t.Errorf("put on a read-only disk: %v", err)
	}
	if err := folder.Delete(t.Context(), key); !errors.Is(err, syscall.EROFS) {
		t.Errorf("delete on a read-only disk: %v", err)
	}
	if got := read(t, folder, key); got != "old" {
		t.Errorf("the old clip is %q", got)
	}
}
