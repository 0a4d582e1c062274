// Package sandbox starts programs that work on bytes from strangers, decoders and models, so that a hole in one of
// them reaches little: no network, no files but those that are named, no signals to others, no new privileges.
//
// It confines the *thread* that starts the program: Landlock rules and a seccomp filter are put on a thread of its
// own, the program inherits them by fork and exec, and the thread ends with the program. Nothing is put between us
// and the program, and starting it costs less than a millisecond more. Where the kernel lacks a part, the others
// still hold; see Supported.
package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Mode says what to do where the kernel cannot confine.
type Mode string

// The modes. The empty one is Auto.
const (
	Auto    Mode = "auto"    // confine as far as the kernel can
	Require Mode = "require" // refuse to start what cannot be confined in full
	Off     Mode = "off"     // do not confine
)

// ErrUnsupported marks a start that was refused in mode Require.
var ErrUnsupported = errors.New("this kernel cannot confine programs; needs Landlock (Linux 5.13) and seccomp, or set CHORTLE_SANDBOX=auto")

// Box says what a program may do. The zero value may read the system's libraries and what it inherits, and nothing else.
type Box struct {
	Mode Mode
	// Read are files and folders that it may read and execute, beside the system's libraries. One that does not
	// exist is passed over.
	Read []string
	// Write are folders in which it may also write and make files and sockets.
	Write []string
	// Files are open files that it inherits and may open again by their descriptor (/dev/fd/N), for reading.
	Files []*os.File
	// Serve lets it listen on a Unix socket. It may never connect anywhere.
	Serve bool
}

// Support is what this kernel offers.
type Support struct {
	// Landlock is the version of its interface; 0 where there is none. 4 confines TCP, 6 signals.
	Landlock int
	// Seccomp tells whether system calls can be filtered.
	Seccomp bool
}

// Full tells whether files, the network and system calls can all be confined.
func (s Support) Full() bool { return s.Landlock > 0 && s.Seccomp }

func (s Support) String() string {
	var parts []string
	if s.Landlock > 0 {
		parts = append(parts, fmt.Sprintf("Landlock %d", s.Landlock))
	}
	if s.Seccomp {
		parts = append(parts, "seccomp")
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// libraries are what a dynamically linked program needs of every system.
var libraries = []string{
	"/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/libexec", "/usr/local/lib", "/usr/local/lib64",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path",
	"/etc/localtime", "/usr/share/zoneinfo", "/proc", "/sys/devices/system", "/sys/fs/cgroup",
}

// devices may be read and written.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// Program lists what has to be readable for a program to start: itself, behind links too, and where it is installed
// below a prefix as an interpreter is (PREFIX/bin/python), the libraries of that prefix.
func Program(path string) []string {
	found, err := exec.LookPath(path)
	if err != nil {
		return []string{path}
	}
	if found, err = filepath.Abs(found); err != nil {
		return []string{path}
	}
	var list []string
	for seen := 0; seen < 16; seen++ { // every link on the way: a venv's python leads to the system's by several
		list = append(list, found)
		if dir := filepath.Dir(found); filepath.Base(dir) == "bin" || filepath.Base(dir) == "sbin" {
			prefix := filepath.Dir(dir)
			for _, name := range []string{"bin", "lib", "lib64", "libexec", "share", "include", "pyvenv.cfg"} {
				list = append(list, filepath.Join(prefix, name))
			}
		}
		next, err := os.Readlink(found)
		if err != nil {
			return append(list, interpreter(found)...)
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(found), next)
		}
		found = next
	}
	return list
}

// interpreter lists what a script needs beside itself: the program of its first line, and the system's programs.
func interpreter(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(file, head)
	line, isScript := strings.CutPrefix(string(head[:n]), "#!")
	words := strings.Fields(strings.SplitN(line, "\n", 2)[0])
	if !isScript || len(words) == 0 {
		return nil
	}
	return append(words[:1], "/bin", "/usr/bin")
}
