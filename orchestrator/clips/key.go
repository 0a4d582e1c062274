package clips

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode"
)

// ErrBadKey marks a key that no clip can have.
var ErrBadKey = errors.New("bad clip key")

// Key names the clip of a laugh that starts at start, such as
// "alice/2026/11/22/143002.120-8f3a91c2.opus": the user, the laugh's start in UTC to the millisecond,
// and the beginning of its recording's SHA-256. A user's keys sort by time, the same laugh always has
// the same key, and different laughs have different ones. extension comes with its dot.
func Key(user string, start time.Time, recordingSHA256, extension string) string {
	return user + start.UTC().Format("/2006/01/02/150405.000-") + recordingSHA256[:min(8, len(recordingSHA256))] + extension
}

// check accepts slash-separated paths that stay below the folder, hide nothing and can be printed.
func check(key string) error {
	bad := func(why string) error { return fmt.Errorf("%w: %q %s", ErrBadKey, key, why) }
	if !fs.ValidPath(key) || key == "." {
		return bad("is not a path below the clip folder")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }) {
		return bad("has a character that does not belong into a file's name")
	}
	for name := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(name, ".") {
			return bad("has a hidden part")
		}
	}
	return nil
}
