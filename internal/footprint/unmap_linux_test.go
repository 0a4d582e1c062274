package footprint

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/ebitengine/purego"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// resident is what of files lies in this process, in KiB.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// TestReleaseTakesPagesOutAndTheyComeBack calls a library with relocations before and after.
func TestReleaseTakesPagesOutAndTheyComeBack(t *testing.T) {
	library, err := purego.Dlopen(testkit.Opus(t), purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	var version func() string
	purego.RegisterLibFunc(&version, library, "opus_get_version_string")
	want := version()

	before := resident(t)
	for range 3 {
		Release()
		if after := resident(t); after >= before {
			t.Errorf("%d KiB of files before, %d KiB after", before, after)
		}
		if got := version(); got != want {
			t.Errorf("the library answers %q, before %q", got, want)
		}
	}
}

func TestParseRegion(t *testing.T) {
	for line, want := range map[string]region{
		"00400000-00d2f000 r-xp 00000000 fe:00 4131 /usr/bin/a program":  {0x400000, 0x92f000, true},
		"01600000-01601000 r--p 00d30000 fe:00 4131 /usr/bin/program":    {0x1600000, 0x1000, true},
		"01601000-01602000 rw-p 00d30000 fe:00 4131 /usr/bin/program":    {0x1601000, 0x1000, false},
		"01602000-01603000 r--s 00d30000 fe:00 4131 /somebody's/journal": {0x1602000, 0x1000, false},
		"7ffff000-80000000 r--p 00000000 00:00 0 [vvar]":                 {0x7ffff000, 0x1000, false},
	} {
		if got, ok := parseRegion([]byte(line)); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "Rss:                 120 kB", "VmFlags: rd ex mr mw me", "x-y r-xp 0 fe:00 1 /a"} {
		if got, ok := parseRegion([]byte(line)); ok {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

func TestAbsent(t *testing.T) {
	for line, want := range map[string]bool{
		"Rss:                   0 kB": true, "Rss:                  64 kB": false, "Pss:                   0 kB": false, "": false,
	} {
		if got := absent([]byte(line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestChanged(t *testing.T) {
	for line, want := range map[string]bool{
		"Anonymous:             0 kB": false, "Anonymous:             4 kB": true, "Swap:                  8 kB": true,
		"Locked:               64 kB": true, "Rss:                  64 kB": false, "": false,
	} {
		if got := changed([]byte(line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
