package serve

import (
	"runtime"
	"testing"
)

func TestThreads(t *testing.T) {
	t.Parallel()
	usual := min(runtime.GOMAXPROCS(0), usefulThreads)
	for given, want := range map[string]int{"": usual, "0": usual, "1": 1, "16": 16} {
		s, err := parse(nil, func(name string) string {
			return map[string]string{"CHORTLE_MODEL_THREADS": given}[name]
		})
		if err != nil || s.threads != want {
			t.Errorf("%q makes %d threads, %v; want %d", given, s.threads, err, want)
		}
	}
}
