package footprint

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unmap takes the pages of all files that are mapped, read-only and as the files have them, out of this
// process. Where the system does not tell what is mapped, or will not let go, nothing happens.
func unmap() {
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close()
	var found []region
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		line := lines.Bytes()
		if r, ok := parseRegion(line); ok {
			found = append(found, r)
		} else if last := len(found) - 1; last >= 0 && found[last].file && (changed(line) || absent(line)) {
			found[last].file = false // a library's relocations, say: the file does not have them
		}
	}
	for _, r := range found {
		if r.file {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.start, r.length, unix.MADV_DONTNEED)
		}
	}
}

// region is a line of smaps that begins a mapping. file is true where it is private, cannot be written
// to, and shows a file.
type region struct {
	start, length uintptr
	file          bool
}

// parseRegion reads "start-end perms offset device inode path"; ok is false for every other line.
func parseRegion(line []byte) (r region, ok bool) {
	fields := bytes.Fields(line)
	if len(fields) < 5 {
		return region{}, false
	}
	from, to, ok := bytes.Cut(fields[0], []byte("-"))
	if !ok {
		return region{}, false
	}
	start, err := strconv.ParseUint(string(from), 16, int(8*unsafe.Sizeof(r.start)))
	if err != nil {
		return region{}, false
	}
	end, err := strconv.ParseUint(string(to), 16, int(8*unsafe.Sizeof(r.start)))
	if err != nil || end < start {
		return region{}, false
	}
	permissions := string(fields[1])
	file := (permissions == "r--p" || permissions == "r-xp") && string(fields[4]) != "0"
	return region{uintptr(start), uintptr(end - start), file}, true
}

// absent tells of a line of smaps whether nothing of the mapping lies in memory: there is nothing to give back then. An
// emulator (qemu-user) says that of every mapping, also of those that hold pages which differ from the file's.
func absent(line []byte) bool {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	return string(name) == "Rss" && string(bytes.TrimSpace(rest)) == "0 kB"
}

// changed tells of a line of smaps whether the mapping holds pages that differ from the file's.
func changed(line []byte) bool {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	if s := string(name); s != "Anonymous" && s != "Swap" && s != "Locked" {
		return false
	}
	return string(bytes.TrimSpace(rest)) != "0 kB"
}
