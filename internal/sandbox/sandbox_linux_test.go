package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// TestMain plays the confined program where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("SANDBOX_TRY") != "" {
		try()
		return
	}
	goleak.VerifyTestMain(m)
}

// try does what a program that was taken over would, and prints for each attempt its name and error.
func try() {
	say := func(name string, err error) { fmt.Printf("%s: %v\n", name, err) }
	open := func(path string) error {
		file, err := os.Open(path)
		if err == nil {
			_, err = file.Read(make([]byte, 1))
			_ = file.Close()
		}
		return err
	}
	say("secret", open(os.Getenv("SANDBOX_SECRET")))
	say("given", open(os.Getenv("SANDBOX_GIVEN")))
	say("descriptor", open("/dev/fd/3"))
	say("environment of the parent", open("/proc/"+strconv.Itoa(os.Getppid())+"/environ"))
	say("own memory map", open("/proc/self/maps"))
	say("write beside", os.WriteFile(os.Getenv("SANDBOX_SECRET")+".new", nil, 0o600))
	say("write", os.WriteFile(filepath.Join(os.Getenv("SANDBOX_WRITE"), "new"), nil, 0o600))
	for name, family := range map[string]int{"inet": unix.AF_INET, "inet6": unix.AF_INET6, "unix": unix.AF_UNIX, "netlink": unix.AF_NETLINK} {
		fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		if err == nil {
			_ = unix.Close(fd)
		}
		say("socket "+name, err)
	}
	listener, err := net.Listen("unix", filepath.Join(os.Getenv("SANDBOX_WRITE"), "socket"))
	say("listen", err)
	if err == nil {
		_ = listener.Close()
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: os.Getenv("SANDBOX_SOCKET")})
	}
	say("connect", err)
	say("signal to the parent", syscall.Kill(os.Getppid(), 0))
	say("trace the parent", unix.PtraceSeize(os.Getppid()))
	say("namespace", unix.Unshare(unix.CLONE_NEWUSER))
	say("run another program", exec.Command("/bin/true").Run())
	none, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err == nil && none != 1 {
		err = errors.New("it may gain privileges")
	}
	say("no new privileges", err)
}

// attempts starts the program in the box and returns what it said of each attempt.
func attempts(t *testing.T, change func(*sandbox.Box)) map[string]string {
	t.Helper()
	if !sandbox.Supported().Full() {
		testkit.Missing(t, "a kernel with Landlock and seccomp")
	}
	dir := t.TempDir()
	secret, given, write := filepath.Join(dir, "secret"), filepath.Join(dir, "given"), testkit.SocketDir(t)
	defer os.Remove(filepath.Join(write, "new"))
	for _, path := range []string{secret, given} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := testkit.SocketDir(t)
	listener, err := net.Listen("unix", filepath.Join(elsewhere, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	recording, err := os.Open(secret) // open already: only its descriptor is given
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), own)
	cmd.Env = []string{"SANDBOX_TRY=1", "SANDBOX_SECRET=" + secret, "SANDBOX_GIVEN=" + given, "SANDBOX_WRITE=" + write, "SANDBOX_SOCKET=" + filepath.Join(elsewhere, "s")}
	cmd.ExtraFiles = []*os.File{recording}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	box := sandbox.Box{Mode: sandbox.Require, Read: append(sandbox.Program(own), given), Write: []string{write}}
	change(&box)
	release, err := sandbox.Start(cmd, box)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		name, result, _ := strings.Cut(lines.Text(), ": ")
		said[name] = result
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		t.Errorf("confined program: %v", err)
	}
	release()
	if len(said) < 15 {
		t.Fatalf("it said %q", said)
	}
	return said
}

func check(t *testing.T, said map[string]string, allowed ...string) {
	t.Helper()
	may := map[string]bool{"no new privileges": true, "own memory map": true, "given": true, "write": true}
	for _, name := range allowed {
		may[name] = true
	}
	for name, result := range said {
		if (result == "<nil>") != may[name] {
			t.Errorf("%s: %s, want it allowed: %v", name, result, may[name])
		}
	}
}

func TestADecoderReachesOnlyItsFile(t *testing.T) {
	t.Parallel()
	said := attempts(t, func(*sandbox.Box) {})
	check(t, said)
}

// TestAnOpenFileMayBeOpenedAgain, as ffmpeg does by /dev/fd/3; its name leads nowhere else.
func TestAnOpenFileMayBeOpenedAgain(t *testing.T) {
	t.Parallel()
	said := attempts(t, func(box *sandbox.Box) {
		file, err := os.CreateTemp(t.TempDir(), "other")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		box.Files = []*os.File{file}
	})
	check(t, said) // another file does not open the one that is descriptor 3
}

func TestAModelServesItsSocketAndNothingElse(t *testing.T) {
	t.Parallel()
	said := attempts(t, func(box *sandbox.Box) { box.Serve = true })
	check(t, said, "socket unix", "listen")
}

func TestOffConfinesNothing(t *testing.T) {
	t.Parallel()
	said := attempts(t, func(box *sandbox.Box) { box.Mode = sandbox.Off })
	for _, name := range []string{"secret", "descriptor", "write beside", "socket inet", "connect", "signal to the parent", "run another program"} {
		if said[name] != "<nil>" {
			t.Errorf("%s: %s", name, said[name])
		}
	}
}

// TestWeAreNotConfined: the rules stay on the thread that they were put on.
func TestWeAreNotConfined(t *testing.T) {
	t.Parallel()
	attempts(t, func(*sandbox.Box) {})
	for range 64 { // on as many goroutines, so that threads that were confined would show
		done := make(chan error)
		go func() {
			_, err := os.ReadFile("/etc/passwd")
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), filepath.Join(t.TempDir(), "missing"))
	if _, err := sandbox.Start(cmd, sandbox.Box{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkStart compares the start of a program in the box and without.
func BenchmarkStart(b *testing.B) {
	for _, mode := range []sandbox.Mode{sandbox.Off, sandbox.Auto} {
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), "/bin/true")
				release, err := sandbox.Start(cmd, sandbox.Box{Mode: mode, Read: sandbox.Program("/bin/true")})
				if err != nil {
					b.Fatal(err)
				}
				if err := cmd.Wait(); err != nil {
					b.Fatal(err)
				}
				release()
			}
		})
	}
}
