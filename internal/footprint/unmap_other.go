//go:build !linux

package footprint

// unmap does nothing: only Linux tells what is mapped and how.
func unmap() {}
