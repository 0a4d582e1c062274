// Package footprint keeps both programs small. docs/memory.md says what each part of it saves.
package footprint

import (
	"runtime/debug"
	"time"

	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
)

// every is the time between two Releases: what hours of work come by here and there is not kept.
const every = 5 * time.Second

// Start is called once, before anything else and before any connection is made. It holds for as long as
// the process lives.
func Start() {
	Tune()
	go func() {
		for range time.Tick(every) {
			Release()
		}
	}()
}

// Tune is the part of Start that is done once.
func Tune() {
	// gRPC's own pool has nothing between 32 kB and a megabyte; a chunk of sound takes 108 kB.
	experimental.SetDefaultBufferPool(mem.NewTieredBufferPool(256, 4<<10, 16<<10, 32<<10, 128<<10))
	// Nearly nothing in the heap lives longer than a block of sound, so that collecting more often is cheap.
	debug.SetGCPercent(20)
}

// Release gives back what was needed before and may not be needed again: free memory of Go's heap, and
// the pages of programs and libraries, which come back from the page cache when they are looked at.
// It takes a few milliseconds.
func Release() {
	debug.FreeOSMemory()
	unmap()
}
