package settings

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const masked = "****"

var secretParameter = regexp.MustCompile(`(?i)((?:password|passwd|secret|token|key|sslkey)=)[^&\s]+`)

// Mask hides the passwords in an address; other text is returned as it is.
func Mask(text string) string {
	// An address, and what is said of it; an '@' behind the space may belong to a password with a space in it.
	if address, rest, more := strings.Cut(text, " "); more && strings.Contains(address, "://") && !strings.ContainsAny(rest, "@=") {
		return Mask(address) + " " + rest
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return text
	}
	text = secretParameter.ReplaceAllString(text, "${1}"+masked)
	if u, err := url.Parse(text); err == nil {
		if _, has := u.User.Password(); has {
			user := url.User(u.User.Username()).String()
			u.User = nil
			_, tail, _ := strings.Cut(u.String(), "://")
			return scheme + "://" + user + ":" + masked + "@" + tail
		}
		return text
	}
	// No address that can be taken apart: hide everything that may be a password.
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		return scheme + "://" + masked + rest[at:]
	}
	return text
}

var byteSize = regexp.MustCompile(`(?i)^\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?\s*$`)

// ParseBytes reads a size such as "512MB", "1.5G" or "1048576". A kilobyte is 1000 bytes, a KiB 1024.
func ParseBytes(text string) (int64, error) {
	match := byteSize.FindStringSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("%q is not a valid size: use one such as 512MB", text)
	}
	number, err := strconv.ParseFloat(match[1], 64)
	thousand := 1000.
	if match[3] != "" {
		thousand = 1024
	}
	if match[2] != "" {
		number *= math.Pow(thousand, float64(strings.Index("kmgt", strings.ToLower(match[2]))+1))
	}
	if err != nil || number >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too large: use a size such as 512MB", text)
	}
	return int64(number), nil
}

// SplitCommand splits a command into its words, as a shell does: quotes and backslashes keep spaces.
// Nothing is expanded.
func SplitCommand(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, escaped, quote := false, false, rune(0)
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if escaped || quote != 0 {
		return nil, errors.New("a quote or a backslash is left open; close it")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quote writes one word so that SplitCommand reads it back.
func quote(word string) string {
	if word == "" || !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`'"\`, r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Nearest returns the candidates that a person may have meant by a word, the likeliest first and at
// most three: those that differ in few letters, hold the word, or end in it.
func Nearest(word string, candidates []string) []string {
	type match struct {
		name     string
		distance int
	}
	var matches []match
	wanted := strings.ToLower(word)
	for _, name := range candidates {
		lower := strings.ToLower(name)
		distance := min(Distance(wanted, lower), Distance(wanted, lower[strings.LastIndex(lower, "/")+1:]))
		if len(wanted) >= 3 && strings.Contains(lower, wanted) {
			distance = min(distance, 1)
		}
		if distance <= max(1, len(wanted)/4) {
			matches = append(matches, match{name, distance})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, m := range matches[:min(3, len(matches))] {
		names = append(names, m.name)
	}
	return names
}

// Distance counts the letters to insert, delete, replace or swap with their neighbour in order to get from a to b.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			same := 1
			if x[i] == y[j] {
				same = 0
			}
			row[j+1] = min(last[j]+same, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
