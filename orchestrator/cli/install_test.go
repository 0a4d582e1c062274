package cli_test

import (
	"bytes"
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

func TestInstall(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join(testkit.Root(), "bin", "inferd")); err != nil {
		testkit.Missing(t, "bin/inferd")
	}
	testkit.Model(t)
	root := t.TempDir()
	install := func() string {
		t.Helper()
		command := exec.CommandContext(t.Context(), filepath.Join(testkit.Root(), "scripts", "install"), "--no-systemd")
		command.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + root, "DESTDIR=" + root, "CHORTLE_CACHE_DIR=" + artifacts.Dir(os.Getenv)}
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	install()
	settings := filepath.Join(root, "etc/chortle/.env")
	for path, want := range map[string]os.FileMode{settings: 0o600, filepath.Join(root, "etc/chortle"): 0o700, filepath.Join(root, "var/lib/chortle"): 0o700,
		filepath.Join(root, "usr/local/bin/orchestrator"): 0o755, filepath.Join(root, "usr/local/bin/inferd"): 0o755} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v, %v", path, info, want, err)
		}
	}
	before, err := os.ReadFile(settings)
	key := regexp.MustCompile(`(?m)^CHORTLE_SECRET_KEY=([0-9a-f]{64})$`).FindSubmatch(before)
	if err != nil || key == nil {
		t.Fatalf("%v\n%s", err, before)
	}
	if out := install(); !strings.Contains(out, "kept "+settings) || !strings.Contains(out, "/usr/local/bin/orchestrator run --trigger cron") {
		t.Errorf("the second time:\n%s", out)
	}
	if after, err := os.ReadFile(settings); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the settings were changed: %v\n%s", err, after)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(root, "usr/local/bin/orchestrator"), "config", "--env-file", settings)
	command.Env = []string{"HOME=" + root}
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "/var/lib/chortle/cache") || bytes.Contains(out, key[1]) {
		t.Errorf("%v\n%s", err, out)
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
	for name, content := range map[string][]byte{"chortle.service": bytes.ReplaceAll(service, []byte("/usr/local/bin/orchestrator"), []byte("/bin/true")), "chortle.timer": timer} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), tool, "verify", filepath.Join(dir, "chortle.service"), filepath.Join(dir, "chortle.timer")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), tool, "security", "--offline=true", filepath.Join(dir, "chortle.service")).CombinedOutput()
	level := regexp.MustCompile(`Overall exposure level for chortle\.service: ([0-9.]+)`).FindSubmatch(out)
	if err != nil || level == nil {
		t.Logf("this systemd-analyze does not judge files: %v", err)
		return
	}
	if exposure, err := strconv.ParseFloat(string(level[1]), 64); err != nil || exposure >= 3 {
		t.Errorf("exposure %s, %v", level[1], err)
	}
}
