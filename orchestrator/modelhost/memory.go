package modelhost

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/internal/footprint"
	"github.com/chortle-audio/chortle/orchestrator"
)

// sampler measures the memory of the process tree again and again while a model runs.
type sampler struct {
	every time.Duration
	limit int64 // of the model's group, in bytes; 0: none
	over  func()

	memory orchestrator.Memory
	model  int // pid
	quit   chan struct{}
	done   chan struct{}
}

// settledMemory measures the tree after what this process does not use any more was given back, so
// that figures from before and after a model can be compared.
func settledMemory() int64 {
	footprint.Release()
	total, _ := treeMemory(os.Getpid(), 0)
	return total
}

// start measures every so often until stop is called. Where the model exceeds the limit, over is
// called, which must not wait for the sampler.
func (s *sampler) start(model int) {
	s.model = model
	s.quit, s.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		ticker := time.NewTicker(s.every)
		defer ticker.Stop()
		for {
			s.sample()
			select {
			case <-s.quit:
				return
			case <-ticker.C:
			}
		}
	}()
}

func (s *sampler) sample() {
	total, model := treeMemory(os.Getpid(), s.model)
	s.memory.Peak = max(s.memory.Peak, total)
	s.memory.Model = max(s.memory.Model, model)
	if s.limit > 0 && model > s.limit {
		s.over()
	}
}

// stop ends the measuring, after one last time where the model still runs.
func (s *sampler) stop(running bool) {
	if s.quit == nil {
		return
	}
	close(s.quit)
	<-s.done
	if running {
		s.sample()
	}
}

// treeMemory sums the proportional set sizes, in bytes, of a process and all its descendants, and of
// the part of them that model and its descendants are. 0 where the system does not tell.
func treeMemory(root, model int) (total, ofModel int64) {
	of := children
	if !listsChildren() {
		parents := byParent()
		of = func(pid int) []int { return parents[pid] }
	}
	return memoryBelow(root, model, of)
}

func memoryBelow(root, model int, children func(pid int) []int) (total, ofModel int64) {
	total = pss(root)
	for _, child := range children(root) {
		sum, part := memoryBelow(child, model, children)
		total += sum
		ofModel += part
	}
	if root == model {
		ofModel = total
	}
	return total, ofModel
}

// pss is the proportional set size of one process: its own pages, and its share of those that it
// shares with others.
func pss(pid int) int64 {
	rollup, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	return parsePSS(rollup)
}

// parsePSS reads the line "Pss:    1234 kB".
func parsePSS(rollup []byte) int64 {
	_, rest, _ := bytes.Cut(rollup, []byte("\nPss:"))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kib, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// listsChildren tells whether the kernel lists the children of a thread (CONFIG_PROC_CHILDREN), as some for small
// boards do not.
var listsChildren = sync.OnceValue(func() bool {
	_, err := os.Stat("/proc/thread-self/children")
	return err == nil
})

// byParent lists all processes by their parents. It looks at every process of the machine.
func byParent() map[int][]int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int][]int{}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		if pid, parent, ok := parseStat(stat); ok {
			parents[parent] = append(parents[parent], pid)
		}
	}
	return parents
}

// parseStat reads "pid (name) state parent …"; the name may hold anything.
func parseStat(stat []byte) (pid, parent int, ok bool) {
	number, _, _ := bytes.Cut(stat, []byte(" "))
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(string(number))
	parent, other := strconv.Atoi(string(fields[1]))
	return pid, parent, err == nil && other == nil
}

// children lists the processes that any thread of a process started.
func children(pid int) []int {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return nil
	}
	var pids []int
	for _, thread := range threads {
		list, err := os.ReadFile(tasks + "/" + thread.Name() + "/children")
		if err != nil {
			continue // the thread ended meanwhile
		}
		for field := range bytes.FieldsSeq(list) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
