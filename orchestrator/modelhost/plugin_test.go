package modelhost

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
)

// modeVar turns the test binary into a plugin that behaves as its value says.
const modeVar = "CHORTLE_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeVar); mode != "" {
		switch mode {
		case "host":
			beHost()
		case "short host":
			beShortHost()
		}
		bePlugin(mode)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(builtIn)
		os.Exit(code)
	}))
}

// beHost starts a model process, says which, and waits to be killed.
func beHost() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	config := Config{Command: []string{self}, Env: []string{modeVar + "=" + os.Getenv("MODE")}, SocketDir: os.Getenv("SOCKETS")}
	p, err := New(config).Spawn(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(p.PID())
	waitForEnd()
}

// beShortHost lets a model process eat memory, with no limit of our own, and tells how it ended.
func beShortHost() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	p, err := New(Config{Command: []string{self}, Env: []string{modeVar + "=eats memory"}, SocketDir: os.Getenv("SOCKETS")}).Spawn(context.Background())
	if err != nil {
		panic(err)
	}
	told := ""
	if err := failure(p); err != nil {
		told = err.Error()
	}
	exit := p.Stop()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"exit": exit, "error": told}); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// testModel is the plugin's model: three simple measures of each window, zero where it is silent.
type testModel struct {
	inferencev1.UnimplementedInferenceServiceServer
	mode string
}

const (
	testWindow = 400
	testHop    = 160
)

// bePlugin serves testModel, well or badly.
func bePlugin(mode string) {
	cookie, version := handshake.CookieValue, uint(handshake.ProtocolVersion)
	switch mode {
	case "wrong cookie":
		cookie = "another host's"
	case "wrong version":
		version++
	case "noise":
		fmt.Println("loading model...")
	case "endless noise":
		for {
			fmt.Print("no end of line ")
		}
	case "noise and exit":
		fmt.Println("usage: tool [flags]")
		os.Exit(2)
	case "crash at start":
		fmt.Fprintln(os.Stderr, "open weights.bin: no such file")
		os.Exit(7)
	case "panic at start":
		panic("boom")
	case "hang at start":
		waitForEnd()
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc|")
		waitForEnd()
	case "foreign socket":
		fmt.Println("1|1|unix|/tmp/elsewhere.sock|grpc|")
		waitForEnd()
	case "nobody listens":
		fmt.Printf("1|1|unix|%s/none|grpc|\n", os.Getenv(plugin.EnvUnixSocketDir))
		waitForEnd()
	case "netrpc":
		fmt.Printf("1|1|unix|%s/none|netrpc|\n", os.Getenv(plugin.EnvUnixSocketDir))
		waitForEnd()
	case "three fields":
		fmt.Println("1|1|unix")
		waitForEnd()
	case "four fields":
		fmt.Printf("1|1|unix|%s/none\n", os.Getenv(plugin.EnvUnixSocketDir))
		waitForEnd()
	case "certificate":
		fmt.Printf("1|1|unix|%s/none|grpc|%s\n", os.Getenv(plugin.EnvUnixSocketDir), strings.Repeat("=", 60))
		waitForEnd()
	case "no health", "not serving", "bare", "five fields", "multiplexed":
		serveBare(mode)
	case "grandchild":
		startSleeper(nil, nil)
	case "runaway grandchild":
		startSleeper(&syscall.SysProcAttr{Setsid: true}, nil)
	case "nameless grandchild":
		startSleeper(&syscall.SysProcAttr{Setsid: true}, []string{"A=B"})
	case "odd log":
		fmt.Fprintln(os.Stderr, `{"@message":7,"@level":["x"],"@timestamp":{},"n":null}`)
		fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"careful","n":3}`)
	case "flood":
		go func() {
			for {
				fmt.Fprintln(os.Stderr, strings.Repeat("flood ", 2000))
			}
		}()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: version,
			MagicCookieKey: handshake.CookieKey, MagicCookieValue: cookie},
		Plugins: plugin.PluginSet{handshake.PluginName: served{model: &testModel{mode: mode}}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(handshake.MaxMessageBytes))...)
		},
	})
}

// serveBare serves without go-plugin: with no health service, or a word from it, and nothing else.
func serveBare(mode string) {
	listener, err := net.Listen("unix", filepath.Join(os.Getenv(plugin.EnvUnixSocketDir), "bare"))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	inferencev1.RegisterInferenceServiceServer(server, &testModel{})
	if mode != "no health" {
		word, said := health.NewServer(), grpc_health_v1.HealthCheckResponse_SERVING
		if mode == "not serving" {
			said = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		word.SetServingStatus(plugin.GRPCServiceName, said)
		grpc_health_v1.RegisterHealthServer(server, word)
	}
	ending := map[string]string{"five fields": "", "multiplexed": "||true"}
	end, known := ending[mode]
	if !known {
		end = "|"
	}
	fmt.Printf("1|1|unix|%s|grpc%s\n", listener.Addr(), end)
	_ = server.Serve(listener)
}

// waitForEnd blocks until the process is killed.
func waitForEnd() {
	for {
		time.Sleep(time.Hour) // a select without cases would be a deadlock where nothing else runs
	}
}

// startSleeper starts a process that holds the plugin's pipes and outlives it where it can.
func startSleeper(attr *syscall.SysProcAttr, env []string) {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr, cmd.Env = os.Stdout, os.Stderr, attr, env
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "sleeper %d\n", cmd.Process.Pid)
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	model *testModel
}

func (s served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	if s.model.mode != "no service" {
		inferencev1.RegisterInferenceServiceServer(server, s.model)
	}
	return nil
}

func (served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	panic("not the host")
}

func (m *testModel) GetModel(context.Context, *inferencev1.GetModelRequest) (*inferencev1.GetModelResponse, error) {
	model := &inferencev1.GetModelResponse{Name: "test", Version: "1", SampleRateHz: 16000, Plugin: "testplugin",
		WindowSamples: testWindow, HopSamples: testHop,
		Labels: []string{"Speech", "Laughter", "Giggle", "Music", "Chuckle"}, Laughter: []uint32{1, 2, 4}}
	switch m.mode {
	case "crash in description":
		os.Exit(3)
	case "hang in description":
		waitForEnd()
	case "error in description":
		return nil, status.Error(codes.Internal, "weights are damaged")
	case "wrong rate":
		model.SampleRateHz = 44100
	case "no name":
		model.Name = ""
	case "stdout after handshake":
		_, _ = syscall.Write(1, []byte(strings.Repeat("x", 1<<20)))
		_, _ = syscall.Write(2, []byte("from C\n"))
		fmt.Fprintln(os.Stderr, "from Go")
	case "environment":
		model.Version = strings.Join(os.Environ(), "  ")
		if _, err := os.Stdin.Read(make([]byte, 1)); err != io.EOF {
			model.Version = "stdin is not empty"
		}
	case "huge description":
		model.Version = strings.Repeat("v", 5<<20)
	}
	return model, nil
}

func (m *testModel) Classify(stream inferencev1.InferenceService_ClassifyServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	wanted := len(first.GetConfig().GetLabels())
	switch m.mode {
	case "error at once":
		return status.Error(codes.Internal, "interpreter is broken")
	case "end at once":
		return nil
	case "answer before":
		return stream.Send(&inferencev1.ClassifyResponse{Final: true})
	case "hang before reading":
		waitForEnd()
	}
	var samples []float32
	var frame, chunks int64
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		for pcm := request.GetChunk().GetPcm(); len(pcm) > 0; pcm = pcm[2:] {
			samples = append(samples, float32(int16(binary.LittleEndian.Uint16(pcm)))/32768)
		}
		answer := &inferencev1.ClassifyResponse{ChunkIndex: request.GetChunk().GetIndex()}
		for ; frame+testWindow <= int64(len(samples)); frame += testHop {
			answer.Frames = append(answer.Frames, measure(frame, samples[frame:frame+testWindow], wanted))
		}
		if chunks++; chunks == 2 {
			if end, err := m.misbehave(answer); end {
				return err
			}
		}
		answer.Frames = withoutSilence(answer.Frames, first.GetConfig().GetScoreFloor())
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
	final := &inferencev1.ClassifyResponse{ChunkIndex: uint64(chunks), Final: true}
	if n := int64(len(samples)); n > 0 && (frame == 0 || frame-testHop+testWindow < n) {
		final.Frames = append(final.Frames, measure(frame, samples[min(frame, n):], wanted))
	}
	final.Frames = withoutSilence(final.Frames, first.GetConfig().GetScoreFloor())
	switch m.mode {
	case "no final":
		return nil
	case "hang at end":
		waitForEnd()
	case "two finals":
		_ = stream.Send(final)
	case "hang after final":
		_ = stream.Send(final)
		waitForEnd()
	case "wrong final index":
		final.ChunkIndex++
	case "frame behind the end":
		final.Frames = []*inferencev1.Frame{{FirstSample: 1000 * testHop, Scores: make([]float32, wanted)}}
	}
	return stream.Send(final)
}

// misbehave spoils the answer to a chunk, or ends the stream with it.
func (m *testModel) misbehave(answer *inferencev1.ClassifyResponse) (end bool, err error) {
	if len(answer.Frames) == 0 {
		return false, nil
	}
	scores := answer.Frames[0].Scores
	switch m.mode {
	case "killed mid-stream":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		waitForEnd()
	case "crash mid-stream":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		waitForEnd()
	case "exit mid-stream":
		os.Exit(9)
	case "hang mid-stream":
		waitForEnd()
	case "error mid-stream":
		return true, status.Error(codes.Internal, "tensor went missing")
	case "end mid-stream":
		return true, nil
	case "final mid-stream":
		answer.Final = true
	case "NaN":
		scores[0] = float32(math.NaN())
	case "score above 1":
		scores[1] = 1.5
	case "negative score":
		scores[1] = -0.1
	case "too few scores":
		answer.Frames[0].Scores = scores[:1]
	case "wrong index":
		answer.ChunkIndex++
	case "between hops":
		answer.Frames[0].FirstSample++
	case "frame twice":
		answer.Frames[1].FirstSample = answer.Frames[0].FirstSample
	case "frame of the past":
		answer.Frames[0].FirstSample = 0
	case "frame of the future":
		answer.Frames[len(answer.Frames)-1].FirstSample += 100 * testHop
	case "huge answer":
		answer.Frames[0].Scores = make([]float32, 5<<20/4)
	case "eats memory":
		for hoard := [][]byte{}; ; {
			block := make([]byte, 1<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			if hoard = append(hoard, block); len(hoard) == 400 {
				signal.Ignore(syscall.SIGTERM)
				waitForEnd()
			}
		}
	}
	return false, nil
}

func measure(at int64, window []float32, scores int) *inferencev1.Frame {
	var sum, peak, above float32
	for _, v := range window {
		sum += max(v, -v)
		peak = max(peak, v, -v)
		if v > 0.25 {
			above++
		}
	}
	all := make([]float32, max(3, scores)) // what is asked for beside laughter is never heard
	copy(all, []float32{sum / testWindow, peak, above / testWindow})
	return &inferencev1.Frame{FirstSample: at, Scores: all[:scores]}
}

func withoutSilence(frames []*inferencev1.Frame, floor float32) []*inferencev1.Frame {
	var kept []*inferencev1.Frame
	for _, f := range frames {
		for _, score := range f.Scores {
			if score >= floor || score != score || len(f.Scores) < 3 || score < 0 {
				kept = append(kept, f)
				break
			}
		}
	}
	return kept
}
