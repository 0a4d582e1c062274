package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// A packager's installation holds the programs and what they need, and nothing that differs between machines: no user,
// no settings, and above all no secret key.
func TestInstall(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join(testkit.Root(), "bin", "inferd")); err != nil {
		testkit.Missing(t, "bin/inferd")
	}
	testkit.Model(t)
	root := t.TempDir()
	install := func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), filepath.Join(testkit.Root(), "scripts", "install"), args...)
		command.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + root, "DESTDIR=" + root, "CHORTLE_CACHE_DIR=" + artifacts.Dir(os.Getenv)}
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	at := func(path string) string { return filepath.Join(root, path) }
	programs := []string{"usr/local/bin/orchestrator", "usr/local/bin/inferd", "usr/local/lib/chortle/models/yamnet.tflite",
		"usr/local/lib/chortle/lib/libtensorflowlite_c.so", "usr/local/lib/chortle/settle"}
	for range 2 { // the second time it replaces what is there
		if out := install(); !strings.Contains(out, "lib/chortle/settle") {
			t.Errorf("it does not name what prepares the machine:\n%s", out)
		}
		for _, path := range programs {
			if info, err := os.Stat(at(path)); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%s: %v, %v", path, info, err)
			}
		}
		for _, path := range []string{"etc/chortle", "var/lib/chortle"} {
			if _, err := os.Stat(at(path)); err == nil {
				t.Errorf("%s was made", path)
			}
		}
	}
	// What lies beside the programs is found without any settings.
	command := exec.CommandContext(t.Context(), at("usr/local/bin/orchestrator"), "setup", "--check", "--without-ffmpeg")
	command.Env = []string{"HOME=" + root}
	if out, err := command.CombinedOutput(); err != nil || strings.Count(string(out), at("usr/local/lib/chortle")) != 3 {
		t.Errorf("%v\n%s", err, out)
	}

	// A file that is in use keeps its content: a link is replaced, not written through.
	private := filepath.Join(t.TempDir(), "private")
	if err := os.WriteFile(private, []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(at(programs[0])), os.Symlink(private, at(programs[0]))); err != nil {
		t.Fatal(err)
	}
	install()
	if content, err := os.ReadFile(private); err != nil || string(content) != "private" {
		t.Errorf("it wrote through a link: %d bytes, %v", len(content), err)
	}
	if info, err := os.Lstat(at(programs[0])); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the link is still there: %v, %v", info, err)
	}

	install("uninstall")
	for _, path := range programs {
		if _, err := os.Lstat(at(path)); err == nil {
			t.Errorf("%s is still there after uninstall", path)
		}
	}
}

// The unit files are right, and give the service little to do harm with. Without systemd's own tool only what
// the rest hangs on is looked at.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(testkit.Root(), "scripts", "systemd")
	service, err := os.ReadFile(filepath.Join(folder, "chortle.service"))
	if err != nil {
		t.Fatal(err)
	}
	timer, err := os.ReadFile(filepath.Join(folder, "chortle.timer"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Persistent=true", "RandomizedDelaySec=", "MemoryMax=", "OOMPolicy=continue", "User=chortle", "NoNewPrivileges=yes"} {
		if !strings.Contains(string(service)+string(timer), "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here")
		return
	}
	// The program is not installed here: another one stands for it.
	dir := t.TempDir()
	page, err := os.ReadFile(filepath.Join(folder, "chortle-serve.service"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"chortle.service": service, "chortle-serve.service": page, "chortle.timer": timer} {
		content = bytes.ReplaceAll(content, []byte("/usr/local/bin/orchestrator"), []byte("/bin/true"))
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"chortle.service", "chortle-serve.service", "chortle.timer"} {
		if out, err := exec.CommandContext(t.Context(), tool, "verify", filepath.Join(dir, name)).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("verify %s: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"chortle.service", "chortle-serve.service"} {
		out, err := exec.CommandContext(t.Context(), tool, "security", "--offline=true", filepath.Join(dir, name)).CombinedOutput()
		level := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
		if err != nil || level == nil {
			t.Logf("this systemd-analyze does not judge files: %v", err)
			return
		}
		if exposure, err := strconv.ParseFloat(string(level[1]), 64); err != nil || exposure > 1.0 {
			t.Errorf("%s: exposure %s, %v; want at most 1.0", name, level[1], err)
		}
	}
}
