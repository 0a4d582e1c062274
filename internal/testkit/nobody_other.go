//go:build !linux

package testkit

import (
	"os"
	"testing"
)

// AsNobody runs f, and skips the test for root, who may read everything.
func AsNobody(t testing.TB, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	f()
}
