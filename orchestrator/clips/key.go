// Package clips names clips. Its folders keep them, each in its own way.
package clips

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrBadKey marks a key that no clip can have.
var ErrBadKey = errors.New("bad clip key")

// Key names the clip of a laugh that starts at start, such as
// "alice/2026/11/22/143002.120-8f3a91c2-5d41.opus": the user, the laugh's start in UTC to the
// millisecond, the beginning of its recording's SHA-256, and a mark of the model that heard it. A
// user's keys sort by time, the same laugh always has the same key, and different laughs have
// different ones. extension comes with its dot.
func Key(user string, start time.Time, recordingSHA256 string, model orchestrator.Model, extension string) string {
	mark := sha256.Sum256([]byte(model.Name + "\x00" + model.Version + "\x00" + model.SHA256))
	return fmt.Sprintf("%s%s%s-%x%s", user, start.UTC().Format("/2006/01/02/150405.000-"),
		recordingSHA256[:min(8, len(recordingSHA256))], mark[:2], extension)
}

var madeKey = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}/\d{4}/\d{2}/\d{2}/\d{6}\.\d{3}-[0-9a-f]{0,8}-[0-9a-f]{4}\.[a-z0-9]{1,5}$`)

// Made tells whether a key is one that Key made: what is called otherwise is somebody else's.
func Made(key string) bool { return madeKey.MatchString(key) }

// Check accepts keys: slash-separated paths that stay below the folder, hide nothing and can be printed.
func Check(key string) error {
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
