package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/orchestrator"
)

// command starts one of our programs as a process of its own.
func (p *place) command(program string, args ...string) *blocked {
	p.Helper()
	bin, err := programs()
	if err != nil {
		p.Fatal(err)
	}
	b := &blocked{Cmd: exec.Command(bin+"/"+program, args...), ended: make(chan error, 1)}
	b.Env = p.environ
	stderr, err := b.StderrPipe()
	if err != nil {
		p.Fatal(err)
	}
	b.stderr = bufio.NewReader(stderr)
	return b
}

// TestKeptModel: others can talk to a live model, and it is gone after Ctrl-C.
func TestKeptModel(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	run := p.command("orchestrator", "run", "--date", "2026-11-22", "--keep-model")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() })
	var pid int
	var address string
	for address == "" {
		line, err := run.stderr.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Sscanf(line, "model process %d listens at %s", &pid, &address)
	}
	run.waitFor(t, "is kept; Ctrl-C ends it")

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	model, err := inferencev1.NewInferenceServiceClient(conn).GetModel(t.Context(), &inferencev1.GetModelRequest{})
	if err != nil || model.GetName() != "fake" {
		t.Errorf("GetModel: %v, %v", model, err)
	}
	if err := run.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if state := run.wait(t); state.ExitCode() != orchestrator.ExitInterrupted {
		t.Errorf("ended with %v", state)
	}
	if path := strings.TrimPrefix(address, "unix:"); alive(pid) || exists(path) {
		t.Errorf("process %d or its socket %s is left", pid, path)
	}
	if laughs := p.json(0, "laughs", "list"); len(at(laughs, "laughs").([]any)) != 1 {
		t.Errorf("laughs are %v", laughs)
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// TestAttach: a model that somebody else started is used, is traced, and lives on.
func TestAttach(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	model := p.command("inferd", "serve", "--listen", "127.0.0.1:0")
	model.Stderr = io.Discard
	stdout, err := model.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = model.Process.Kill(); _ = model.Wait() })
	var address string
	if _, err := fmt.Fscanf(stdout, "listening on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	p.environ = append(p.environ, "CHORTLE_MODEL=/no/such/program")
	for range 2 {
		got := p.run(append(day, "--reprocess", "--attach", address, "--trace-grpc")...)
		if got.code != 0 {
			t.Fatalf("exit %d: %s", got.code, got.stderr)
		}
		for _, part := range []string{"InferenceService/GetModel  ← model \"fake\"", "→ chunk 1 at sample ", "← final answer after ", "← end"} {
			if !strings.Contains(got.stderr, part) {
				t.Errorf("trace lacks %q:\n%s", part, got.stderr)
			}
		}
	}
	if laughs := p.json(0, "laughs", "list"); len(at(laughs, "laughs").([]any)) != 1 {
		t.Errorf("laughs are %v", laughs)
	}
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"--attach 4711":                      {orchestrator.ExitUsage, "want unix:PATH"},
		"--attach example.org:7070":          {orchestrator.ExitUsage, "on this machine"},
		"--attach unix:/no/such/socket":      {orchestrator.ExitIncomplete, "no such file"},
		"--attach unix:/x.sock --keep-model": {orchestrator.ExitUsage, "--keep-model goes without --attach"},
	} {
		if got := p.run(append(append(day[:len(day):len(day)], "--reprocess"), strings.Fields(args)...)...); got.code != want.code || !strings.Contains(got.stderr+got.stdout, want.says) {
			t.Errorf("%s: exit %d: %s%s", args, got.code, got.stdout, got.stderr)
		}
	}
}
