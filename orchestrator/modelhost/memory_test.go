package modelhost

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestParsePSS(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"5648-7ffe ---p 0 00:00 0 [rollup]\nRss:    1788 kB\nPss:     306 kB\nPss_Dirty: 116 kB\n": 306 << 10,
		"":                  0,
		"x\nPss: many kB\n": 0,
		"x\nPss: 12":        12 << 10,
	} {
		if got := parsePSS([]byte(text)); got != want {
			t.Errorf("%q has %d; want %d", text, got, want)
		}
	}
}

// TestTreeMemory: a child counts as a part of the tree, and by itself.
func TestTreeMemory(t *testing.T) {
	t.Parallel()
	if pss(os.Getpid()) == 0 {
		t.Skip("this system does not tell the proportional set size")
	}
	child := exec.Command("cat")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close(); _ = child.Wait() }()
	if !slices.Contains(children(os.Getpid()), child.Process.Pid) {
		t.Errorf("children are %d; want %d among them", children(os.Getpid()), child.Process.Pid)
	}
	total, part := treeMemory(os.Getpid(), child.Process.Pid)
	if part <= 0 || total <= part {
		t.Errorf("tree has %d, child %d", total, part)
	}
	if total, part := treeMemory(1<<30, 1<<30); total != 0 || part != 0 {
		t.Errorf("no process has %d, %d", total, part)
	}
}
