package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/chortle-audio/chortle/inferd/serve"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// role makes the test's program play another one: "inferd", or "parent" of one.
const role = "CHORTLE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "inferd":
		os.Exit(serve.Run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
	case "parent":
		parent()
	}
	goleak.VerifyTestMain(m)
}

// parent starts an inferd as a plugin, which inherits its stdout, and waits to be killed.
func parent() {
	child := exec.Command(os.Args[0])
	child.Env = []string{role + "=inferd", handshake.CookieKey + "=" + handshake.CookieValue, "CHORTLE_WEIGHTS=fake"}
	child.Stdout = os.Stdout
	if child.Start() != nil {
		os.Exit(1)
	}
	_ = child.Wait()
	os.Exit(0)
}

const asPlugin = handshake.CookieKey + "=" + handshake.CookieValue

// inferd is a running one.
type inferd struct {
	*exec.Cmd
	pipe   io.Closer // our end of its stdout
	stdout *bufio.Reader
	stderr *bytes.Buffer // to be read after Wait
}

func start(t *testing.T, env []string, args ...string) *inferd {
	t.Helper()
	i := &inferd{Cmd: exec.Command(os.Args[0], args...), stderr: new(bytes.Buffer)}
	i.Env = append([]string{role + "=inferd"}, env...)
	i.Stderr = i.stderr
	stdout, err := i.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	i.pipe, i.stdout = stdout, bufio.NewReader(stdout)
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = i.Process.Kill()
		_ = i.Wait()
	})
	return i
}

// line reads one of stdout.
func (i *inferd) line(t *testing.T) string {
	t.Helper()
	line, err := i.stdout.ReadString('\n')
	if err != nil {
		_ = i.Wait()
		t.Fatalf("no line on stdout: %v; stderr: %s", err, i.stderr)
	}
	return strings.TrimSuffix(line, "\n")
}

// run runs one that ends by itself, and returns its exit code and what it wrote.
func run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	i := start(t, env, args...)
	out, err := io.ReadAll(i.stdout)
	if err != nil {
		t.Fatal(err)
	}
	_ = i.Wait()
	return i.ProcessState.ExitCode(), string(out), i.stderr.String()
}

func dial(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func checkHealth(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	health, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: "plugin"})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health is %v, %v", health.GetStatus(), err)
	}
}

func checkReflection(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	}); err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range response.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	if !slices.Contains(names, "chortle.inference.v1.InferenceService") {
		t.Errorf("reflection lists %v", names)
	}
	_ = stream.CloseSend()
	_, _ = stream.Recv()
}

func modelName(t *testing.T, conn *grpc.ClientConn) string {
	t.Helper()
	model, err := pb.NewInferenceServiceClient(conn).GetModel(t.Context(), &pb.GetModelRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return model.GetName()
}

// TestPlugin plays the host: handshake, socket, services, and the way to say stop.
func TestPlugin(t *testing.T) {
	t.Parallel()
	sockets := t.TempDir()
	i := start(t, []string{asPlugin, "CHORTLE_WEIGHTS=fake", "PLUGIN_UNIX_SOCKET_DIR=" + sockets, "PLUGIN_PROTOCOL_VERSIONS=1"})
	fields := strings.Split(i.line(t), "|")
	if len(fields) != 6 || fields[0] != "1" || fields[1] != strconv.Itoa(handshake.ProtocolVersion) || fields[2] != "unix" ||
		filepath.Dir(fields[3]) != sockets || fields[4] != "grpc" || fields[5] != "" {
		t.Fatalf("handshake is %q", fields)
	}
	conn := dial(t, "unix:"+fields[3])
	checkHealth(t, conn)
	checkReflection(t, conn)
	if name := modelName(t, conn); name != "fake" {
		t.Errorf("model is %q", name)
	}
	// The answer may be lost, for the connection ends with it.
	_ = conn.Invoke(t.Context(), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	if err := i.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, i.stderr)
	}
	if _, err := os.Stat(fields[3]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	checkLog(t, i.stderr.String())
}

// checkLog wants lines of JSON that hold nothing but strings.
func checkLog(t *testing.T, stderr string) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(stderr) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("stderr has %q", line)
		}
		for key, value := range fields {
			if _, ok := value.(string); !ok {
				t.Errorf("field %s of %q is no string", key, line)
			}
		}
		lines++
	}
	if lines == 0 {
		t.Error("nothing was logged")
	}
}

func TestPluginWithRealModel(t *testing.T) {
	t.Parallel()
	i := start(t, []string{asPlugin, "CHORTLE_WEIGHTS=" + testkit.Model(t), "CHORTLE_TFLITE_LIBRARY=" + testkit.TFLite(t)})
	fields := strings.Split(i.line(t), "|")
	if len(fields) < 4 {
		t.Fatalf("handshake is %q", fields)
	}
	if name := modelName(t, dial(t, "unix:"+fields[3])); name != "yamnet" {
		t.Errorf("model is %q", name)
	}
}

// TestPluginDiesWithParent kills the parent, which shares its stdout with the plugin: end of file
// comes when both are gone.
func TestPluginDiesWithParent(t *testing.T) {
	t.Parallel()
	parent := start(t, []string{role + "=parent"})
	parent.line(t) // the plugin's handshake
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(parent.stdout); err != nil {
		t.Error(err)
	}
}

// TestPluginDiesWithHost closes the host's end of stdout, as a kill does, while the parent of the plugin lives
// on: it may be one of several shells.
func TestPluginDiesWithHost(t *testing.T) {
	t.Parallel()
	parent := start(t, []string{role + "=parent"})
	parent.line(t) // the plugin's handshake
	if err := parent.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err != nil { // it ends when its child has
		t.Error(err)
	}
}

func TestStandalone(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "inferd.sock")
	for _, address := range []string{"127.0.0.1:0", "unix:" + socket} {
		i := start(t, []string{"CHORTLE_MODEL_THREADS=2"}, "serve", "--model", "fake", "--listen", address)
		target, ok := strings.CutPrefix(i.line(t), "listening on ")
		if !ok {
			t.Fatalf("stdout has %q", target)
		}
		if target == socket {
			target = address
		}
		conn := dial(t, target)
		checkHealth(t, conn)
		checkReflection(t, conn)
		if name := modelName(t, conn); name != "fake" {
			t.Errorf("model is %q", name)
		}
		if err := i.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := i.Wait(); err != nil {
			t.Errorf("%v; stderr: %s", err, i.stderr)
		}
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		want string // on stderr
	}{
		{"no cookie", nil, nil, 1, "An orchestrator starts it"},
		{"wrong cookie", []string{handshake.CookieKey + "=no"}, nil, 1, "An orchestrator starts it"},
		{"no model", []string{asPlugin, "CHORTLE_CACHE_DIR=" + empty}, nil, 1, empty + "/models/yamnet.tflite: no such file; run orchestrator setup"},
		{"no model, by hand", []string{"CHORTLE_CACHE_DIR=" + empty}, []string{"serve"}, 1, "no such file"},
		{"another machine", nil, []string{"serve", "--model", "fake", "--listen", "0.0.0.0:7070"}, 1, "--allow-remote"},
		{"every address", nil, []string{"serve", "--model", "fake", "--listen", ":7070"}, 1, "--allow-remote"},
		{"no address", nil, []string{"serve", "--model", "fake", "--listen", "nowhere"}, 1, "listen on nowhere"},
		{"unknown flag", nil, []string{"serve", "--port", "1"}, 2, "-port"},
		{"unknown command", nil, []string{"score"}, 2, `"score"`},
		{"threads below none", []string{asPlugin, "CHORTLE_MODEL_THREADS=-1"}, nil, 2, "CHORTLE_MODEL_THREADS"},
		{"words for threads", []string{asPlugin, "CHORTLE_MODEL_THREADS=many"}, nil, 2, "CHORTLE_MODEL_THREADS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := run(t, c.env, c.args...)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and %q", code, stdout, stderr, c.code, c.want)
			}
			if help := strings.Contains(c.name, "cookie"); !help && strings.Count(stderr, "\n") != 1 {
				t.Errorf("want one line, got %q", stderr)
			}
		})
	}
}

func TestWrongModel(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, []string{asPlugin, "CHORTLE_WEIGHTS=" + path})
	if code != 1 || stdout != "" || !strings.Contains(stderr, path+": its sha256 is ") || strings.Count(stderr, "\n") < 1 {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	if code, stdout, _ := run(t, nil, "--help"); code != 0 || !strings.Contains(stdout, "CHORTLE_MODEL") {
		t.Errorf("exit %d, stdout %q", code, stdout)
	}
}
