package artifacts

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ebitengine/purego"
)

// Open finds out whether the system's loader can load a library, by loading it. The error names the remedy. A file
// that was cut off is not loaded; one that is damaged within may crash the process: compare a pinned one by its hash
// first.
func Open(path string) error {
	if strings.Contains(path, "/") {
		if err := complete(path); err != nil {
			return Unloadable(path, err)
		}
	}
	runtime.LockOSThread() // the loader keeps the cause of an error for the thread that asked
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return Unloadable(path, err)
	}
	return purego.Dlclose(handle)
}

// complete finds a file that is no library, or lacks its end.
func complete(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	library, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer library.Close()
	for _, part := range library.Progs {
		if part.Off+part.Filesz > uint64(info.Size()) {
			return fmt.Errorf("read %s: the file is cut off", path)
		}
	}
	return nil
}

// Unloadable adds a remedy to what the loader says of a library that it could not load.
func Unloadable(path string, cause error) error {
	said := cause.Error()
	remedy := "run orchestrator setup to fetch the library for this machine"
	switch {
	case strings.Contains(said, "GLIBCXX_") && strings.Contains(said, "not found"),
		strings.Contains(said, "CXXABI_") && strings.Contains(said, "not found"):
		remedy = "this system's libstdc++ is too old: GCC 12's or newer is needed (Debian 12, Ubuntu 22.04, Fedora 36 or newer)"
	case strings.Contains(said, "GLIBC_") && strings.Contains(said, "not found"):
		remedy = "this system's C library is too old: glibc 2.34 or newer is needed (Debian 12, Ubuntu 22.04, Fedora 35 or newer)"
	case strings.Contains(said, "libstdc++.so"):
		remedy = "install the C++ library: apt install libstdc++6, or dnf install libstdc++"
	case strings.Contains(said, "libgcc_s.so"):
		remedy = "install GCC's runtime library: apt install libgcc-s1, or dnf install libgcc"
	}
	return fmt.Errorf("load %s: %w; %s", filepath.Base(path), cause, remedy)
}
