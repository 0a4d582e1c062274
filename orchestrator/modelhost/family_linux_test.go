package modelhost

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-plugin"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// sleeper starts a process in a session of its own, which has a socket folder in its environment.
func sleeper(t *testing.T, socketDir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = []string{"A=B", plugin.EnvUnixSocketDir + "=" + socketDir, "C=D"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestEndFamily: who has the folder's name is ended, and nobody whose folder is only called alike.
func TestEndFamily(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "s")
	member, other := sleeper(t, dir), sleeper(t, dir+"2")
	if !endFamily(dir) {
		t.Error("the family is not gone")
	}
	if running(member.Process.Pid) || !running(other.Process.Pid) {
		t.Errorf("member runs: %v; another's runs: %v", running(member.Process.Pid), running(other.Process.Pid))
	}
}

// TestSweep: what nobody has is cleared away with its processes; everything else stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	below := t.TempDir()
	folder := func(name string) string {
		path := filepath.Join(below, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "plugin1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	left := folder("chortle-plugin1")
	orphan := sleeper(t, filepath.Join(left, "s"))
	for _, name := range []string{"chortle-plugin", "chortle-plugin2x", "chortle-plugins", "plugin-dir3"} {
		folder(name)
	}
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(below, "chortle-plugin4")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(below, "chortle-plugin5"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine, err := makeSocketDir(below)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mine.remove() }()
	neighbour := sleeper(t, mine.sockets())
	want := []string{"chortle-plugin", "chortle-plugin2x", "chortle-plugin4", "chortle-plugin5", "chortle-plugins", filepath.Base(mine.path), "plugin-dir3"}
	if os.Geteuid() == 0 { // who else could make another user's
		if err := os.Chown(folder("chortle-plugin6"), 65534, -1); err != nil {
			t.Fatal(err)
		}
		want = append(want, "chortle-plugin6")
	}
	slices.Sort(want)

	log, logged := logtest.NewNullLogger()
	sweep(below, log)
	if entries := logged.AllEntries(); len(entries) != 1 || entries[0].Data[keyFolder] != left {
		t.Errorf("logged %v; want that %s was cleared away", entries, left)
	}

	entries, err := os.ReadDir(below)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("after the sweep there is %s; want %s", strings.Join(got, " "), strings.Join(want, " "))
	}
	if running(orphan.Process.Pid) || !running(neighbour.Process.Pid) {
		t.Errorf("orphan runs: %v; one whose host lives runs: %v", running(orphan.Process.Pid), running(neighbour.Process.Pid))
	}
}

// BenchmarkEndFamily is what looking for a process's family costs, once a user.
func BenchmarkEndFamily(b *testing.B) {
	before := testkit.CPU(b)
	for b.Loop() {
		endFamily("/no/such/folder")
	}
	b.ReportMetric(float64((testkit.CPU(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(len(processes())), "processes")
}
