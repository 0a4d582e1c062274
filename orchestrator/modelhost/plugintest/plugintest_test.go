package plugintest_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/fake"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/modelhost/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestInProcessFake needs no process: the suite talks to a server of this one.
func TestInProcessFake(t *testing.T) {
	t.Parallel()
	service, err := inferd.NewServer("inferd", fake.Model{}, fake.Model{})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.ForceServerCodecV2(inferd.Codec()),
		grpc.MaxRecvMsgSize(handshake.MaxMessageBytes), grpc.MaxSendMsgSize(handshake.MaxMessageBytes))
	pb.RegisterInferenceServiceServer(server, service)
	status := health.NewServer()
	status.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, status)
	reflection.Register(server)

	folder, err := os.MkdirTemp("", "pt") // t.TempDir's path may be too long for a socket's
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "fake")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(folder)
	})
	plugintest.Run(t, plugintest.Plugin{Address: "unix:" + socket})
}

// TestInferd runs the program as it is built.
func TestInferd(t *testing.T) {
	t.Parallel()
	inferd := filepath.Join(t.TempDir(), "inferd")
	build := exec.Command("go", "build", "-o", inferd, "./cmd/inferd")
	build.Dir = testkit.Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build inferd: %v\n%s", err, out)
	}
	for name, configure := range map[string]func(t *testing.T) []string{
		"fake": func(*testing.T) []string { return []string{"CHORTLE_WEIGHTS=fake"} },
		"YAMNet": func(t *testing.T) []string {
			return []string{"CHORTLE_WEIGHTS=" + testkit.Model(t), "CHORTLE_TFLITE_LIBRARY=" + testkit.TFLite(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugintest.Run(t, plugintest.Plugin{Command: []string{inferd}, Env: append(configure(t), path)})
		})
	}
}

// TestPython runs modules of our Python packages: a model written for the SDK, and models that the generic runner
// knows by a description alone.
func TestPython(t *testing.T) {
	t.Parallel()
	examples := filepath.Join(testkit.Root(), "python", "examples")
	for name, arguments := range map[string][]string{
		"YAMNet":                 {"chortle_yamnet"},
		"generic runner, YAMNet": {"chortle_plugin.runner", filepath.Join(examples, "yamnet.toml")},
		"generic runner, ONNX":   {"chortle_plugin.runner", filepath.Join(examples, "loudness.toml")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := testkit.Model(t)
			plugintest.Run(t, plugintest.Plugin{
				Command: append([]string{testkit.Python(t), "-m"}, arguments...),
				Env:     []string{"CHORTLE_WEIGHTS=" + model, "CHORTLE_CACHE_DIR=" + filepath.Dir(filepath.Dir(model)), path},
			})
		})
	}
}

var path = "PATH=" + os.Getenv("PATH")
