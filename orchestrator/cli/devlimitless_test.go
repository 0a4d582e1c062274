package cli_test

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// The server for trying things out serves what it says, in the words that it prints.
func TestDevLimitless(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_LIMITLESS_PAUSE=1ms", "CHORTLE_LIMITLESS_CALLS=1000000")
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
		if r := p.run(append([]string{"dev-limitless"}, strings.Fields(args)...)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(bin+"/orchestrator", "dev-limitless", "--listen", "127.0.0.1:0", "--minutes", "5", "--fail", "10", "--fault", "502,cut,reset", "--date", "2026-11-22")
	server.Env = p.with("CHORTLE_DATA_DIR=" + p.path("dev")).environ
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
