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
	if !listsChildren() {
		t.Log("this kernel does not list the children of a thread")
	} else if !slices.Contains(children(os.Getpid()), child.Process.Pid) {
		t.Errorf("children are %d; want %d among them", children(os.Getpid()), child.Process.Pid)
	}
	byParent := byParent()
	if !slices.Contains(byParent[os.Getpid()], child.Process.Pid) {
		t.Errorf("children by parent are %d; want %d among them", byParent[os.Getpid()], child.Process.Pid)
	}
	if total, part := memoryBelow(os.Getpid(), child.Process.Pid, func(pid int) []int { return byParent[pid] }); part <= 0 || total <= part {
		t.Errorf("by parent, the tree has %d, the child %d", total, part)
	}
	total, part := treeMemory(os.Getpid(), child.Process.Pid)
	if part <= 0 || total <= part {
		t.Errorf("tree has %d, child %d", total, part)
	}
	if total, part := treeMemory(1<<30, 1<<30); total != 0 || part != 0 {
		t.Errorf("no process has %d, %d", total, part)
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]int{
		"42 (cat) S 7 42 42 0":       {42, 7},
		"43 (a) b (c) S 1) R 8 43 9": {43, 8},
		"44 (cut off":                {0, 0},
		"45 (x) S":                   {0, 0},
		"":                           {0, 0},
	} {
		pid, parent, ok := parseStat([]byte(text))
		if got := [2]int{pid, parent}; ok != (want[0] != 0) || ok && got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, ok, want)
		}
	}
}
