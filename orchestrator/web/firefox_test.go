package web_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// fox is a Firefox, spoken to by its own protocol, Marionette, which needs no driver: each message is its length, a colon and JSON.
type fox struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
	n    int
}

// firefox starts a headless Firefox with a profile of its own; it ends with the test.
func firefox(t *testing.T) *fox {
	t.Helper()
	program := testkit.Firefox(t)
	profile, err := os.MkdirTemp("", "fox") // not t.TempDir: Firefox may still write while it is removed
	if err != nil {
		t.Fatal(err)
	}
	settings := `user_pref("marionette.port", 0);
user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("media.volume_scale", "0.0");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
`
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--headless", "--no-remote", "--marionette", "--profile", profile)
	command.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // its content processes, too
		<-ended
		_ = os.RemoveAll(profile)
	})
	// It writes the port that it chose into its profile.
	var port []byte
	for deadline := time.Now().Add(patience); len(port) == 0; time.Sleep(50 * time.Millisecond) {
		port, _ = os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		select {
		case <-ended:
			t.Fatal("firefox ended before it listened")
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("firefox does not listen")
		}
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f := &fox{t: t, conn: conn, read: bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	f.message() // its greeting
	f.call("WebDriver:NewSession", map[string]any{"strictFileInteractability": true}, nil)
	f.call("WebDriver:SetTimeouts", map[string]any{"script": patience.Milliseconds(), "pageLoad": patience.Milliseconds()}, nil)
	return f
}

func (f *fox) message() []byte {
	f.t.Helper()
	head, err := f.read.ReadString(':')
	if err != nil {
		f.t.Fatal(err)
	}
	length, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil {
		f.t.Fatal(err)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(f.read, body); err != nil {
		f.t.Fatal(err)
	}
	return body
}

func (f *fox) call(name string, params map[string]any, result any) {
	f.t.Helper()
	f.n++
	data, err := json.Marshal([]any{0, f.n, name, params})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(data), data); err != nil {
		f.t.Fatal(err)
	}
	var answer []json.RawMessage
	if err := json.Unmarshal(f.message(), &answer); err != nil || len(answer) != 4 {
		f.t.Fatal(errors.Join(err, fmt.Errorf("%s: answer %s", name, answer)))
	}
	if string(answer[2]) != "null" {
		f.t.Fatalf("%s: %s", name, answer[2])
	}
	if result != nil {
		if err := json.Unmarshal(answer[3], &struct{ Value any }{result}); err != nil {
			f.t.Fatalf("%s: %v in %s", name, err, answer[3])
		}
	}
}

// until waits until an expression of the page is true; it looks again after every change of page.
func (f *fox) until(expression string) {
	f.t.Helper()
	var done bool
	f.call("WebDriver:ExecuteAsyncScript", map[string]any{"args": []any{}, "script": `const done = arguments[arguments.length - 1];
		const look = () => { let ok = false; try { ok = Boolean(` + expression + `); } catch {} if (ok) done(true); else setTimeout(look, 20); }; look();`}, &done)
}

func (f *fox) run(script string, result any) {
	f.t.Helper()
	f.call("WebDriver:ExecuteScript", map[string]any{"args": []any{}, "script": script, "sandbox": nil}, result)
}

// TestInFirefox plays a clip of each form and walks the review.
func TestInFirefox(t *testing.T) {
	f := firefox(t)
	h := build(t, "dan")
	f.call("WebDriver:Navigate", map[string]any{"url": h.url + "/healthz"}, nil)
	f.call("WebDriver:AddCookie", map[string]any{"cookie": map[string]any{"name": "chortle", "value": "test", "path": "/"}}, nil)
	clip := h.laughs(t, "dan", orchestrator.LaughFilter{Limit: 1})[0]
	for _, form := range []string{"/clip", "/clip.wav"} {
		f.call("WebDriver:Navigate", map[string]any{"url": h.url + "/u/dan"}, nil)
		f.run(`const a = document.createElement("audio"); a.id = "try"; a.src = "/l/`+clip.ID+form+`"; document.body.append(a); a.play();`, nil)
		f.until(`document.getElementById("try").currentTime > 0.3`)
		var loud float64
		f.call("WebDriver:ExecuteAsyncScript", map[string]any{"args": []any{}, "script": `const done = arguments[arguments.length - 1];
			fetch("/l/` + clip.ID + form + `").then((r) => r.arrayBuffer()).then((b) => new OfflineAudioContext(1, 1, 16000).decodeAudioData(b)).then((s) => {
				const x = s.getChannelData(0); let sum = 0; for (const v of x) sum += v * v; done(Math.sqrt(sum / x.length)); }, (e) => done(-1));`}, &loud)
		if loud < 0.005 {
			t.Errorf("%s is silent in Firefox: %v", form, loud)
		}
	}
	f.call("WebDriver:Navigate", map[string]any{"url": h.url + "/u/dan/review"}, nil)
	var first string
	f.run(`return document.querySelector(".card").dataset.laugh`, &first)
	key := func(k string) {
		f.call("WebDriver:PerformActions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keys", "actions": []any{
			map[string]any{"type": "keyDown", "value": k}, map[string]any{"type": "keyUp", "value": k}}}}}, nil)
	}
	key("n")
	f.until(`document.querySelector(".card")?.dataset.laugh !== "` + first + `"`)
	if got := h.laugh(t, "dan", first).Mark; got != orchestrator.MarkWrong {
		t.Errorf("after n: %q", got)
	}
	key("u")
	f.until(`document.querySelector(".card")?.dataset.laugh === "` + first + `"`)
	if got := h.laugh(t, "dan", first).Mark; got != orchestrator.MarkNone {
		t.Errorf("after undo: %q", got)
	}
}
