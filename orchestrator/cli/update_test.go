package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestReadFromThePage: who signs in has days read by a run of its own, under the settings of the page.
func TestReadFromThePage(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("account", "add", "alice", "--user", "alice", "--password-file", p.file("", "password", []byte("a sentence to sign in\n")))
	serve := p.command("orchestrator", "serve", "--listen", "127.0.0.1:0", "--data-dir", p.path("data"))
	serve.Stderr = io.Discard
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = serve.Process.Kill()
			_ = serve.Wait()
		}
	})
	var address string
	if _, err := fmt.Fscanf(stdout, "The page is at %s\n", &address); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	defer client.CloseIdleConnections()
	ask := func(method, path string, form url.Values) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(address, "/")+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if method == "POST" {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", strings.TrimSuffix(address, "/"))
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d, %v: %s", method, path, response.StatusCode, err, body)
		}
		return string(body)
	}
	ask("POST", "/login", url.Values{"name": {"alice"}, "password": {"a sentence to sign in"}})
	ask("POST", "/u/alice/update", url.Values{"again": {"1"}, "from": {"2026-11-22"}, "to": {"2026-11-22"}})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	page := ""
	for !strings.Contains(page, `id="result"`) {
		<-tick.C
		page = ask("GET", "/u/alice/update", nil)
	}
	if !strings.Contains(page, "1 recording was read: 1 laugh new.") {
		t.Errorf("the page says %s", page)
	}
	if run := p.json(0, "runs", "show"); at(run, "trigger") != string(orchestrator.TriggerManual) || at(run, "status") != "ok" {
		t.Errorf("the run is %v", run)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended = true
	if err := serve.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}
