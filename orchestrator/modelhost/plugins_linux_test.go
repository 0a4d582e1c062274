package modelhost

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chortle-audio/chortle/internal/plugintest"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// python starts a module of our Python packages.
func python(t testing.TB, arguments ...string) Config {
	t.Helper()
	return Config{
		Command: append([]string{testkit.Python(t), "-m"}, arguments...), SocketDir: shortDir(t),
		Env: []string{"CHORTLE_MODEL=" + testkit.Model(t), "CHORTLE_CACHE_DIR=" + filepath.Dir(filepath.Dir(testkit.Model(t))), "PATH=" + os.Getenv("PATH")},
	}
}

func example(name string) string { return filepath.Join(testkit.Root(), "python", "examples", name) }

// TestPlugins holds every plugin that is ours to the same contract; another one adds a line.
func TestPlugins(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(t testing.TB) Config{
		"inferd, fake":    func(t testing.TB) Config { return inferd(t, "CHORTLE_MODEL=fake") },
		"inferd, YAMNet":  yamnet,
		"Python, YAMNet":  func(t testing.TB) Config { return python(t, "chortle_yamnet") },
		"generic, YAMNet": func(t testing.TB) Config { return python(t, "chortle_plugin.runner", example("yamnet.toml")) },
		"generic, ONNX":   func(t testing.TB) Config { return python(t, "chortle_plugin.runner", example("loudness.toml")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugintest.Run(t, func(t *testing.T) orchestrator.Process { return spawn(t, configure(t)) })
			t.Run("three hours", func(t *testing.T) { plugintest.ThreeHours(t, spawn(t, configure(t))) })
			t.Run("wire", func(t *testing.T) { testWire(t, configure(t)) })
			t.Run("under a shell", func(t *testing.T) { testUnderShell(t, configure(t)) })
			t.Run("killed host", func(t *testing.T) { testKilledHost(t, configure(t)) })
			t.Run("memory is given back", func(t *testing.T) { testGivenBack(t, configure(t)) })
		})
	}
}

// testWire talks to a live plugin beside its host.
func testWire(t *testing.T, config Config) {
	config.KeepSocket = true
	p := spawn(t, config).(*process)
	conn, err := grpc.NewClient("unix:"+p.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(16<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	plugintest.Wire(t, conn)
}

// behindShell puts a shell, which stays, between the host and the plugin, as `uv run` and its like do.
func behindShell(config Config) Config {
	config.Command = append([]string{"sh", "-c", `"$@"; exit $?`, "sh"}, config.Command...)
	if !slices.ContainsFunc(config.Env, func(setting string) bool { return strings.HasPrefix(setting, "PATH=") }) {
		config.Env = append(config.Env, "PATH="+os.Getenv("PATH"))
	}
	return config
}

// testUnderShell: the plugin is a grandchild, and dies with the shell.
func testUnderShell(t *testing.T, config Config) {
	p := spawn(t, behindShell(config))
	if err := failure(p); err != nil {
		t.Fatal(err)
	}
	family := descendants(p.PID())
	if len(family) == 0 {
		t.Fatal("the shell has no child")
	}
	exit := p.Stop()
	for _, pid := range family {
		if running(pid) {
			t.Errorf("process %d outlives the shell", pid)
		}
	}
	if !exit.Gone {
		t.Error("the group is not gone")
	}
}

func descendants(pid int) (all []int) {
	for _, child := range children(pid) {
		all = append(append(all, child), descendants(child)...)
	}
	return all
}

// testKilledHost: nobody is there to stop the plugin, nor the shell around it, and yet they end.
func testKilledHost(t *testing.T, config Config) {
	config = behindShell(config)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self)
	host.Env = []string{modeVar + "=host", "SOCKETS=" + config.SocketDir, "PATH=" + os.Getenv("PATH"),
		"COMMAND=" + strings.Join(config.Command, "\n"), "ENVIRONMENT=" + strings.Join(config.Env, "\n")}
	host.Stderr = os.Stderr
	stdout, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	shell, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	var handles []int
	for _, pid := range append(descendants(shell), shell) {
		handle, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatalf("process %d does not run: %v", pid, err)
		}
		defer unix.Close(handle)
		handles = append(handles, handle)
	}
	if len(handles) < 2 {
		t.Fatal("the shell has no child")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	for _, handle := range handles {
		awaitEnd(t, handle)
	}
}

// testGivenBack: after its end a model holds nothing: neither process, nor pages, nor a file. That the
// orchestrator keeps nothing either is measured where it runs alone (make bench).
func testGivenBack(t *testing.T, config Config) {
	p := spawn(t, config)
	if err := failure(p); err != nil {
		t.Fatal(err)
	}
	if pss(p.PID()) == 0 {
		t.Error("a live model takes no memory")
	}
	exit := p.Stop()
	if !exit.Gone || exit.Memory.Model == 0 || pss(exit.PID) != 0 {
		t.Errorf("exit is %+v; it holds %d bytes", exit, pss(exit.PID))
	}
	if left, _ := os.ReadDir(config.SocketDir); len(left) != 0 {
		t.Errorf("socket folder holds %v", left)
	}
}
