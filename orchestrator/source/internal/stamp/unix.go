package stamp

import (
	"strconv"
	"strings"
	"time"
)

// Unix time in seconds has ten digits since 2001, and is believed in a name since 2015: before that, ten digits that
// begin with a 1 are a phone number more often than a time.
const believedSince = 1420070400

// findUnix reads an instant in Unix time: ten digits at one end of the text, or 13, 16 or 19 (milliseconds to
// nanoseconds) anywhere, between separators.
func findUnix(text string, o Options) (Stamp, bool) {
	for i := 0; i < len(text); {
		run := digitsAt(text, i)
		if run == 0 {
			i++
			continue
		}
		if s, ok := unixAt(text, i, run, o); ok {
			return s, true
		}
		i += run
	}
	return Stamp{}, false
}

func unixAt(text string, i, run int, o Options) (Stamp, bool) {
	digits, behind := text[i:i+run], text[i+run:]
	if digits[0] != '1' || i > 0 && strings.IndexByte("-_ .", text[i-1]) < 0 || behind != "" && strings.IndexByte("-_ .", behind[0]) < 0 {
		return Stamp{}, false
	}
	var t time.Time
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil:
		return Stamp{}, false
	case run == 10:
		last := behind == "" || behind[0] == '.' && lettersAt(behind, 1) == len(behind)-1 // ….mic
		if n < believedSince || i > 0 && !last || i > 0 && text[i-1] == '.' {
			return Stamp{}, false
		}
		t = time.Unix(n, 0)
		if point := strings.HasPrefix(behind, "."); point && digitsAt(behind, 1) >= 3 && digitsAt(behind, 1) <= 9 {
			m := match{text: behind}
			fraction(&m)
			t = time.Unix(n, int64(m.value[nanos]))
		}
	case run == 13:
		t = time.UnixMilli(n)
	case run == 16:
		t = time.UnixMicro(n)
	case run == 19:
		t = time.Unix(0, n)
	default:
		return Stamp{}, false
	}
	if o.late(t) {
		return Stamp{}, false
	}
	return at(t), true
}

// hexTime reads the name of a file of an old AudioMoth: the Unix time in eight hexadecimal digits. Digits alone may be
// anything.
func hexTime(stem string) (Stamp, bool) {
	const first = 0x58684680 // 2017: there was none before
	if len(stem) != 8 || !strings.ContainsAny(stem, "ABCDEF") {
		return Stamp{}, false
	}
	n, err := strconv.ParseInt(stem, 16, 64)
	if err != nil || n < first || strings.ToUpper(stem) != stem {
		return Stamp{}, false
	}
	return at(time.Unix(n, 0)), true
}
