package stamp

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Colons that file systems let through in place of the one they refuse, and the percent signs of web downloads.
var aliases = strings.NewReplacer(
	"%3A", ":", "%3a", ":", "%20", " ", "%2B", "+", "%2b", "+", "%2C", ",", "%2c", ",", "%2D", "-", "%2d", "-", "%2F", "/", "%2f", "/",
	"꞉", ":", "∶", ":", "ː", ":", "˸", ":", "։", ":", "׃", ":", "−", "-", "⁄", "/", "∕", "/", "／", "/", "⧸", "/", "、", ",", "،", ",", "؍", "/",
)

// Plain is the spelling of a text in which Options.Sibling is asked.
func Plain(text string) string { return plain(text) }

// plain spells a text the simple way: digits of any script and width as ASCII, letters without their accents, however
// they are composed, every space and dash as the one of ASCII. What is invisible goes.
func plain(text string) string {
	if isASCII(text) && !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(aliases.Replace(text)) {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digitValue(r))
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Pd, r):
			b.WriteByte('-')
		default:
			b.WriteRune(r)
		}
	}
	return aliases.Replace(b.String())
}

// digitValue is the value of a decimal digit: Unicode lists them in runs of ten.
func digitValue(r rune) byte {
	if r < utf8.RuneSelf {
		return byte(r - '0')
	}
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return byte((r - rune(in.Lo)) % 10)
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return byte((r - rune(in.Lo)) % 10)
		}
	}
	return 0
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func hasDigit(text string) bool { return strings.ContainsAny(text, "0123456789") }

// digitsAt is how many digits begin at an index.
func digitsAt(text string, i int) int {
	n := 0
	for i+n < len(text) && isDigit(text[i+n]) {
		n++
	}
	return n
}

// lettersAt is how many bytes of letters begin at an index.
func lettersAt(text string, i int) int {
	for n, r := range text[i:] {
		if !unicode.IsLetter(r) {
			return n
		}
	}
	return len(text) - i
}

// letterBefore tells whether a letter ends at an index.
func letterBefore(text string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return unicode.IsLetter(r)
}
