package cli_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// The server for trying things out serves what it says, in the words that it prints.
func TestDevLimitless(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_LIMITLESS_PAUSE=1ms", "CHORTLE_LIMITLESS_CALLS=1000000")
	program := filepath.Join(t.TempDir(), "limitless")
	build := exec.Command("go", "build", "-o", program, "./bench/limitless")
	build.Dir = testkit.Root()
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for args, want := range map[string]string{
		"--listen 0.0.0.0:0":           "loopback",
		"--listen 127.0.0.1":           "loopback",
		"--minutes 1":                  "--minutes",
		"--fail 101":                   "--fail",
		"--fault 502,nonsense":         "want some of 401, ",
		"--fault=":                     "some --fault",
		"--date yesterday":             "YYYY-MM-DD",
		"--listen 127.0.0.1:0 nothing": "takes no arguments",
	} {
		refused := exec.Command(program, strings.Fields(args)...)
		output, err := refused.CombinedOutput()
		if err == nil || refused.ProcessState.ExitCode() != orchestrator.ExitUsage || !strings.Contains(string(output), want) {
			t.Errorf("%s: %v: %s", args, err, output)
		}
	}
	server := exec.Command(program, "--dir", p.path("dev"), "--ffmpeg", testkit.FFmpeg(t), "--listen", "127.0.0.1:0", "--minutes", "5", "--fail", "10", "--fault", "502,cut,reset", "--date", "2026-11-22")
	server.Env = p.environ
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*patience, func() { _ = server.Process.Kill() })
	defer late.Stop()
	told := ""
	for lines := bufio.NewScanner(stdout); !strings.Contains(told, " run --date ") && lines.Scan(); {
		told += lines.Text() + "\n"
	}
	_, address, _ := strings.Cut(told, "CHORTLE_LIMITLESS_URL=")
	address, _, _ = strings.Cut(address, "\n")
	p.must("key", "new", p.path("dev.key"))
	p.environ = append(p.environ, "CHORTLE_LIMITLESS_URL="+address, "CHORTLE_SECRET_KEY_FILE="+p.path("dev.key"))
	for _, user := range []string{"alice", "bob"} {
		p.must("user", "add", user, "--timezone", "UTC", "--source", "limitless", "--api-key-file", p.file("", user+".key", []byte("dev-"+user)))
	}
	run := p.json(0, day...)
	for i := range 2 {
		if audio, _ := at(run, "users", i, "audio_seconds").(float64); audio < 299 || audio > 301 {
			t.Errorf("%v", at(run, "users", i))
		}
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("the end of the server: %v", err)
	}
}
