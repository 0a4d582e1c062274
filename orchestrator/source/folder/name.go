package folder

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// timeInName finds the start of a recording in its name, the path below the root with slashes.
func timeInName(name string, loc *time.Location) (time.Time, bool) {
	found, ok := stamp.InName(name, stamp.Options{Location: loc})
	if !ok {
		return time.Time{}, false
	}
	return found.Instant(loc), true
}

// printable makes a path fit to be shown and stored: valid UTF-8 without control characters. What is
// neither is written as Go does in a string (\xff, \n, \u202e), and a backslash is doubled, so that two
// paths never become the same.
func printable(name string) string {
	safe := func(r rune) bool { return r != '\\' && r != utf8.RuneError && unicode.IsGraphic(r) }
	if strings.IndexFunc(name, func(r rune) bool { return !safe(r) }) < 0 {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if safe(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteToASCII(name[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		name = name[size:]
	}
	return b.String()
}
