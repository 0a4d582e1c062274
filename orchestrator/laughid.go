package orchestrator

import (
	"crypto/sha256"
	"strings"
)

const (
	// laughAlphabet is Crockford's base32 in lower case: no letter in it looks like a digit.
	laughAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	laughIDLength = 10
)

// LaughID makes the public ID of a laugh from what tells it from all others: ten characters of Crockford's
// base32 (50 bits), the same for the same parts. Two laughs may get the same one; the store then adds a part.
func LaughID(parts ...string) string {
	hash := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	id := make([]byte, laughIDLength)
	for i := range id {
		id[i] = laughAlphabet[hash[i]&31]
	}
	return string(id)
}

// ParseLaughID reads an ID as a person types it: capitals, O for 0, I or L for 1, and hyphens are accepted. ok is
// false where the text cannot be an ID.
func ParseLaughID(text string) (id string, ok bool) {
	id = strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return -1
		case r == 'o':
			return '0'
		case r == 'i', r == 'l':
			return '1'
		case r < 128 && strings.ContainsRune(laughAlphabet, r):
			return r
		}
		return '?'
	}, strings.ToLower(strings.TrimSpace(text)))
	return id, len(id) == laughIDLength && !strings.Contains(id, "?")
}
