package testkit

import (
	"syscall"
	"testing"
	"time"
)

// CPU is what this process has taken of processors so far: on a busy machine it tells more than the clock.
func CPU(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
