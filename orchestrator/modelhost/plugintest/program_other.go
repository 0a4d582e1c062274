//go:build !linux

package plugintest

import "testing"

// What a program leaves behind is only seen, and cleared away, on Linux.

func behindShells(t *testing.T, _ Plugin) {
	t.Skip("only Linux tells which processes a program started")
}

func killedHost(t *testing.T, _ Plugin) { t.Skip("only Linux ends a process with its host") }
