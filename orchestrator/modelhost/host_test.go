package modelhost

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// testConfig starts the test binary as a plugin that behaves as mode says.
func testConfig(t testing.TB, mode string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Command: []string{self}, Env: []string{modeVar + "=" + mode}, SocketDir: testkit.SocketDir(t)}
}

// spawn starts a process that is stopped at the end of the test.
func spawn(t testing.TB, config Config) orchestrator.Process {
	t.Helper()
	p, err := New(config).Spawn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if exit := p.Stop(); !exit.Gone {
			t.Errorf("process group %d is not gone", exit.PID)
		}
	})
	return p
}

// chunks yields n tenths of a second of sound, each a chunk.
func chunks(n int) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		const size = orchestrator.SampleRateHz / 10
		sound := testkit.Laughter(n * size)
		for i := range n {
			if !yield(orchestrator.Chunk{Offset: int64(i * size), Samples: sound[i*size:][:size]}, nil) {
				return
			}
		}
	}
}

// failure classifies a second of sound and returns the error.
func failure(p orchestrator.Process) error {
	for _, err := range p.Classify(context.Background(), chunks(10)) {
		if err != nil {
			return err
		}
	}
	return nil
}

// wantExit checks that err is an *orchestrator.ExitError and returns its facts.
func wantExit(t *testing.T, err error) orchestrator.Exit {
	t.Helper()
	exit := (*orchestrator.ExitError)(nil)
	if !errors.As(err, &exit) {
		t.Fatalf("error is %v; want an *orchestrator.ExitError", err)
	}
	return exit.Exit
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error is %q; want it to say %q", err, part)
		}
	}
}

// TestFaultsAtStart is one half of the fault table: what a program may do before it is ready.
func TestFaultsAtStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode   string
		is     error  // expected in the chain; nil: none in particular
		exit   bool   // an *orchestrator.ExitError is expected, with
		code   int    // this code and
		signal string // this signal
		says   string
	}{
		{mode: "wrong cookie", exit: true, code: 1, says: "it last wrote: "},
		{mode: "crash at start", exit: true, code: 7, says: "exited with code 7: it wrote no handshake; it last wrote: open weights.bin: no such file"},
		{mode: "panic at start", exit: true, code: 2, says: "it last wrote: panic: boom"},
		{mode: "hang at start", exit: true, code: -1, signal: "killed", says: "it was not ready within 600ms"},
		{mode: "noise", is: orchestrator.ErrBadPlugin, says: "loading model..."},
		{mode: "endless noise", is: orchestrator.ErrBadPlugin, says: "no end of line"},
		{mode: "noise and exit", is: orchestrator.ErrBadPlugin, exit: true, code: 2, says: "usage: tool"},
		{mode: "wrong version", is: orchestrator.ErrBadPlugin, says: "Plugin version: 2, Client versions: [1]"},
		{mode: "tcp", is: orchestrator.ErrBadPlugin, says: `tcp "127.0.0.1:1"`},
		{mode: "foreign socket", is: orchestrator.ErrBadPlugin, says: "/tmp/elsewhere.sock"},
		{mode: "nobody listens", exit: true, code: -1, signal: "killed", says: "connection"},
		{mode: "netrpc", is: orchestrator.ErrBadPlugin, says: "netrpc"},
		{mode: "three fields", is: orchestrator.ErrBadPlugin, says: "1|1|unix"},
		{mode: "four fields", is: orchestrator.ErrBadPlugin, says: "netrpc"},
		{mode: "certificate", is: orchestrator.ErrBadPlugin, says: "cert"},
		{mode: "no service", is: orchestrator.ErrBadPlugin, says: "unknown service chortle.inference.v1"},
		{mode: "no health", is: orchestrator.ErrBadPlugin, says: "unknown service grpc.health.v1"},
		{mode: "not serving", is: orchestrator.ErrBadPlugin, says: "NOT_SERVING"},
		{mode: "crash in description", exit: true, code: 3, says: "exited with code 3"},
		{mode: "hang in description", exit: true, code: -1, signal: "killed", says: "it was not ready within 600ms"},
		{mode: "error in description", is: orchestrator.ErrBadPlugin, says: "weights are damaged"},
		{mode: "huge description", is: orchestrator.ErrBadPlugin, says: "larger than max"},
		{mode: "no name", is: orchestrator.ErrBadPlugin, says: "it has no name"},
		{mode: "wrong rate", is: orchestrator.ErrUnsupportedModel, says: "44100 Hz"},
	} {
		t.Run(test.mode, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t, test.mode)
			if strings.HasPrefix(test.mode, "hang") {
				config.StartTimeout = 600 * time.Millisecond
			}
			p, err := New(config).Spawn(t.Context())
			if err == nil || p != nil {
				t.Fatalf("Spawn returned %v, %v; want an error", p, err)
			}
			wantText(t, err, "start model: ", test.says)
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error is %v; want %v in it", err, test.is)
			}
			if as := (*orchestrator.ExitError)(nil); errors.As(err, &as) != test.exit {
				t.Errorf("error is %T %v; want an *orchestrator.ExitError: %v", err, err, test.exit)
			}
			if test.exit {
				exit := wantExit(t, err)
				if exit.Code != test.code || exit.Signal != test.signal || !exit.Gone || exit.PID == 0 || exit.MaxRSS == 0 {
					t.Errorf("exit is %+v; want code %d, signal %q, gone", exit, test.code, test.signal)
				}
			}
		})
	}
}

// TestNoProgram: what cannot even be started is reported with its code.
func TestNoProgram(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config Config
		is     error
		says   string
		code   orchestrator.Code
	}{
		"no command":      {Config{}, nil, "no command", orchestrator.CodeModelMissing},
		"not in PATH":     {Config{Command: []string{"chortle-no-such-program"}}, exec.ErrNotFound, "find program", orchestrator.CodeModelMissing},
		"no such file":    {Config{Command: []string{"/no/such/inferd"}}, fs.ErrNotExist, "find program", orchestrator.CodeModelMissing},
		"a folder":        {Config{Command: []string{t.TempDir()}}, nil, "is a directory", orchestrator.CodeModelMissing},
		"not executable":  {Config{Command: []string{"/etc/passwd"}}, fs.ErrPermission, "find program", orchestrator.CodeModelMissing},
		"no program":      {Config{Command: []string{text}}, syscall.ENOEXEC, "exec format error", ""},
		"no room":         {Config{Command: []string{"true"}, SocketDir: "/" + strings.Repeat("x", 90)}, nil, "TMPDIR", ""},
		"no such tempdir": {Config{Command: []string{"true"}, SocketDir: "/no/such"}, fs.ErrNotExist, "/no/such", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(test.config).Spawn(t.Context())
			if err == nil || p != nil {
				t.Fatalf("Spawn returned %v, %v; want an error", p, err)
			}
			wantText(t, err, "start model: ", test.says)
			if code, _ := orchestrator.CodeOf("", err); test.code != "" && code != test.code {
				t.Errorf("the code is %q, want %q", code, test.code)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error is %v; want %v in it", err, test.is)
			}
		})
	}
}

// TestFaultsMidStream is the other half of the fault table.
func TestFaultsMidStream(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode   string
		exit   bool // else orchestrator.ErrBadPlugin is expected
		code   int
		signal string
		says   string
	}{
		{"killed mid-stream", true, -1, "killed", "was ended by a signal (killed)"},
		{"crash mid-stream", true, 2, "", "it last wrote: SIGSEGV: segmentation violation"},
		{"exit mid-stream", true, 9, "", "exited with code 9"},
		{"hang mid-stream", true, -1, "killed", "it gave no answer for 400ms"},
		{"hang before reading", true, -1, "killed", "it gave no answer for 400ms"},
		{"hang at end", true, -1, "killed", "it gave no answer for 400ms"},
		{"hang after final", true, -1, "killed", "it gave no answer for 400ms"},
		{"error at once", false, 0, "", "interpreter is broken"},
		{"error mid-stream", false, 0, "", "tensor went missing"},
		{"end at once", false, 0, "", "ended the stream"},
		{"end mid-stream", false, 0, "", "ended the stream"},
		{"no final", false, 0, "", "without a final response"},
		{"two finals", false, 0, "", "after its final response"},
		{"answer before", false, 0, "", "final response came before"},
		{"final mid-stream", false, 0, "", "answered"},
		{"wrong final index", false, 0, "", "answered chunk 11"},
		{"frame behind the end", false, 0, "", "its final response has 1 frames, the first at 160000"},
		{"NaN", false, 0, "", "NaN"},
		{"score above 1", false, 0, "", "the score 1.5"},
		{"negative score", false, 0, "", "the score -0.1"},
		{"too few scores", false, 0, "", "has 1 scores; want 5"},
		{"wrong index", false, 0, "", "answered chunk 2; want 1"},
		{"between hops", false, 0, "", "want a multiple of 160"},
		{"frame twice", false, 0, "", "want a multiple of 160 from"},
		{"frame of the past", false, 0, "", "frame at 0 is not complete with"},
		{"frame of the future", false, 0, "", "is not complete with"},
		{"huge answer", false, 0, "", "larger than max"},
	} {
		t.Run(test.mode, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t, test.mode)
			if strings.HasPrefix(test.mode, "hang") {
				config.StallTimeout = 400 * time.Millisecond
			}
			err := failure(spawn(t, config))
			if err == nil {
				t.Fatal("no error")
			}
			wantText(t, err, "classify: ", test.says)
			if !test.exit {
				if !errors.Is(err, orchestrator.ErrBadPlugin) {
					t.Errorf("error is %v; want %v in it", err, orchestrator.ErrBadPlugin)
				}
				return
			}
			exit := wantExit(t, err)
			if exit.Code != test.code || exit.Signal != test.signal || !exit.Gone {
				t.Errorf("exit is %+v; want code %d, signal %q, gone", exit, test.code, test.signal)
			}
			if want := test.mode == "killed mid-stream"; exit.Killed != want || exit.Blameless() != want {
				t.Errorf("killed by somebody else: %v, want %v", exit.Killed, want)
			}
		})
	}
}

// TestCrashIsNoCancellation: a stream that was canceled because its process ended tells of the process, whichever
// of the two the receiver saw first.
func TestCrashIsNoCancellation(t *testing.T) {
	t.Parallel()
	p := spawn(t, testConfig(t, "exit mid-stream")).(*process)
	if err := failure(p); err == nil {
		t.Fatal("no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &stream{p: p, ctx: t.Context(), rpc: canceledStream{ctx: ctx}, received: make(chan response)}
	close(s.received) // the receiver went away before it saw the end
	err := s.explain(s.take(s.next()))
	if exit := wantExit(t, err); exit.Code != 9 {
		t.Errorf("exit is %+v; want code 9", exit)
	}
	if errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "cancel") {
		t.Errorf("error is %v; want nothing of a cancellation", err)
	}
}

// canceledStream is a stream whose context has ended.
type canceledStream struct {
	inferencev1.InferenceService_ClassifyClient
	ctx context.Context
}

func (s canceledStream) Context() context.Context { return s.ctx }

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	config := testConfig(t, "eats memory")
	config.MemoryLimitBytes = 200e6
	config.SampleEvery = 5 * time.Millisecond
	p := spawn(t, config)
	err := failure(p)
	exit := wantExit(t, err)
	if exit.OverLimit != config.MemoryLimitBytes || exit.Killed || !exit.Blameless() || exit.Memory.Model <= config.MemoryLimitBytes || exit.Signal != "killed" {
		t.Errorf("exit is %+v; want it killed over the limit of %d", exit, config.MemoryLimitBytes)
	}
	wantText(t, err, "limit of 200 MB")
	if code, facts := orchestrator.CodeOf(orchestrator.StageModel, err); code != orchestrator.CodeModelOverLimit || facts["limit_bytes"] == "" {
		t.Errorf("the code is %q %v", code, facts)
	}
}

func TestMemoryIsMeasured(t *testing.T) {
	t.Parallel()
	p := spawn(t, testConfig(t, "good"))
	if err := failure(p); err != nil {
		t.Fatal(err)
	}
	m := p.Stop().Memory
	const megabyte = 1 << 20
	if m.Before < megabyte || m.After < megabyte || m.Model < megabyte || m.Peak < m.Model {
		t.Errorf("memory is %+v; want something of everything", m)
	}
}

// TestGrandchildren: what the process started dies with it, also where it left the group. Only one that left
// its environment too lives on, and does not hold up the end.
func TestGrandchildren(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"grandchild", "runaway grandchild", "nameless grandchild"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t, mode)
			config.Env = append(config.Env, "PATH="+os.Getenv("PATH"))
			p := spawn(t, config)
			if err := failure(p); err != nil {
				t.Fatal(err)
			}
			exit := p.Stop()
			if !exit.Gone {
				t.Error("the family is not gone")
			}
			sleeper := sleeperOf(t, exit.Stderr)
			if lives := running(sleeper); lives != (mode == "nameless grandchild") {
				t.Errorf("grandchild %d is still running: %v", sleeper, lives)
			}
			if mode == "nameless grandchild" { // it held the pipes, and Stop did not wait for it
				if err := syscall.Kill(sleeper, syscall.SIGKILL); err != nil {
					t.Errorf("end nameless grandchild: %v", err)
				}
			}
		})
	}
}

// TestShellAroundPlugin: a shell may start helpers beside the plugin that it becomes.
func TestShellAroundPlugin(t *testing.T) {
	t.Parallel()
	config := testConfig(t, "good")
	config.Command = []string{"sh", "-c", `sleep 1000 & echo sleeper $! >&2; exec "$0"`, config.Command[0]}
	config.Env = append(config.Env, "PATH="+os.Getenv("PATH"))
	p := spawn(t, config)
	if err := failure(p); err != nil {
		t.Fatal(err)
	}
	exit := p.Stop()
	if sleeper := sleeperOf(t, exit.Stderr); running(sleeper) {
		t.Errorf("helper %d is still running", sleeper)
	}
}

// TestGrandchildDiesWithCrash: also a process that ends by itself takes its group with it.
func TestGrandchildDiesWithCrash(t *testing.T) {
	t.Parallel()
	config := testConfig(t, "crash in description")
	config.Command = []string{"sh", "-c", `sleep 1000 & echo sleeper $! >&2; exec "$0"`, config.Command[0]}
	config.Env = append(config.Env, "PATH="+os.Getenv("PATH"))
	_, err := New(config).Spawn(t.Context())
	exit := wantExit(t, err)
	if sleeper := sleeperOf(t, exit.Stderr); !exit.Gone || running(sleeper) {
		t.Errorf("helper %d is still running", sleeper)
	}
}

func sleeperOf(t *testing.T, stderr []string) int {
	t.Helper()
	for _, line := range stderr {
		if rest, ok := strings.CutPrefix(line, "sleeper "); ok {
			if pid, err := strconv.Atoi(rest); err == nil {
				return pid
			}
		}
	}
	t.Fatalf("no sleeper in %q", stderr)
	return 0
}

// running reports whether a process exists and has not ended.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

// TestSocket: nobody else can reach the socket while there is one, and none is left while the process
// runs.
func TestSocket(t *testing.T) {
	t.Parallel()
	config := testConfig(t, "hang in description")
	ctx, cancel := context.WithCancel(t.Context())
	spawned := make(chan struct{})
	go func() {
		defer close(spawned)
		if _, err := New(config).Spawn(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Spawn returned %v; want %v", err, context.Canceled)
		}
	}()
	var sockets []string
	for len(sockets) == 0 {
		select {
		case <-spawned:
			t.Fatal("there was no socket")
		default:
			sockets, _ = filepath.Glob(filepath.Join(config.SocketDir, "*", "s", "plugin[0-9]*"))
		}
	}
	if info, err := os.Stat(filepath.Dir(sockets[0])); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder has the mode %v (%v); want 0700", info.Mode(), err)
	}
	cancel()
	<-spawned

	config = testConfig(t, "good")
	spawn(t, config)
	folders, _ := os.ReadDir(config.SocketDir)
	if left, _ := filepath.Glob(filepath.Join(config.SocketDir, "*", "*")); len(folders) != 1 || len(left) != 0 {
		t.Errorf("%v holds %v while the process runs", folders, left)
	}
}

// TestEnvironment: the process sees what it is given and nothing else.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	p := spawn(t, testConfig(t, "environment"))
	var names []string
	for _, setting := range strings.Split(p.Model().Version, "  ") {
		name, _, _ := strings.Cut(setting, "=")
		names = append(names, name)
	}
	want := modeVar + " CHORTLE_PLUGIN PLUGIN_MIN_PORT PLUGIN_MAX_PORT PLUGIN_PROTOCOL_VERSIONS PLUGIN_UNIX_SOCKET_DIR"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("environment has %s; want %s", got, want)
	}
}

func TestOOMScore(t *testing.T) {
	t.Parallel()
	p := spawn(t, testConfig(t, "good"))
	score, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/oom_score_adj")
	if err != nil {
		t.Skip("this system has no such score: ", err)
	}
	if got := strings.TrimSpace(string(score)); got != "800" {
		t.Errorf("oom_score_adj is %s; want 800", got)
	}
}

// TestCanceledContextEndsProcess: Spawn's context is the process's too.
func TestCanceledContextEndsProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := New(testConfig(t, "good")).Spawn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	cancel()
	<-p.(*process).child.ended.Done()
	if err := failure(p); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v; want %v", err, context.Canceled)
	}
	if _, err := New(testConfig(t, "good")).Spawn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Spawn with a canceled context returned %v", err)
	}
}

// TestEndsWhileIdle: a process that ends between two recordings is noticed by the next.
func TestEndsWhileIdle(t *testing.T) {
	t.Parallel()
	p := spawn(t, testConfig(t, "good"))
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := wantExit(t, failure(p)); exit.Signal != "killed" || !exit.Killed || exit.OverLimit != 0 || exit.OutOfMemory || !exit.Gone {
		t.Errorf("exit is %+v; want it killed, by nobody's limit", exit)
	}
}

// TestManyAtOnce: one Host serves several users.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	host := New(testConfig(t, "good"))
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 3 {
				p, err := host.Spawn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if err := failure(p); err != nil {
					t.Error(err)
				}
				if exit := p.Stop(); !exit.Gone || exit.Signal != "killed" {
					t.Errorf("exit is %+v", exit)
				}
			}
		})
	}
	users.Wait()
}

// TestBarePlugin: nothing of go-plugin's own services but health is needed, and none is missed at the end.
func TestBarePlugin(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"bare", "five fields", "multiplexed"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := spawn(t, testConfig(t, mode))
			if err := failure(p); err != nil {
				t.Fatal(err)
			}
			if exit := p.Stop(); !exit.Gone || exit.Signal != syscall.SIGKILL.String() {
				t.Errorf("exit is %+v", exit)
			}
		})
	}
}

// overflowing reports whether lines were left away.
func (l *lineLog) overflowing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left > 0
}

// TestLogs: whatever the process writes neither harms this side nor holds up the process.
func TestLogs(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string][]string{
		"odd log":                {`msg=7`, `level=warning msg=careful n=3`},
		"flood":                  {`msg="flood flood`, `too many lines`},
		"stdout after handshake": {`msg="from C"`, `msg="from Go"`},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := logrus.New()
			log.SetOutput(&out)
			log.SetLevel(logrus.DebugLevel)
			log.SetFormatter(&logrus.TextFormatter{DisableColors: true})
			config := testConfig(t, mode)
			config.Log = log
			p := spawn(t, config)
			if err := failure(p); err != nil {
				t.Fatal(err)
			}
			if mode == "flood" {
				for !p.(*process).lines.overflowing() {
					if err := failure(p); err != nil {
						t.Fatal(err)
					}
				}
			}
			exit := p.Stop()
			for _, part := range want {
				if !strings.Contains(out.String(), part) {
					t.Errorf("log is %.2000s; want %s in it", out.String(), part)
				}
			}
			if len(exit.Stderr) > tailLines || len(strings.Join(exit.Stderr, "")) > tailLines*(maxShownBytes+len(" … ")) {
				t.Errorf("kept %d lines of stderr", len(exit.Stderr))
			}
		})
	}
}
