package testkit

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// AsNobody runs f without root's right to every file, also where the tests run as root: on a thread
// that ends with it. What f starts on other goroutines keeps that right.
func AsNobody(t testing.TB, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)      // also where f ends the goroutine by t.Fatal
		runtime.LockOSThread() // for good: the thread must not serve others
		const nobody = 65534
		if _, err = unix.SetfsuidRetUid(nobody); err == nil {
			f()
		}
	}()
	<-done
	if err != nil {
		t.Fatal(err)
	}
}
