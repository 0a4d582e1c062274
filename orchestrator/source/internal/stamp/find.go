package stamp

import (
	"strings"
	"time"
)

// Find reads the first moment in a text that holds a date and a time of day, or an instant in Unix time.
func Find(text string, o Options) (Stamp, bool) { return find(plain(text), o) }

func find(text string, o Options) (Stamp, bool) {
	for i := range len(text) {
		date, ok := dateAt(text, i, o)
		if !ok {
			continue
		}
		for _, m := range joint(date) {
			if clock, ok := clockAt(m); ok && !counter(clock, o) {
				return stamped(clock, i, o), true
			}
		}
	}
	if s, ok := findShort(text, o); ok {
		return s, true
	}
	return findUnix(text, o)
}

// stamped makes a Stamp of a date that begins at an index, with its time of day.
func stamped(m match, i int, o Options) Stamp {
	wall, _ := m.wall()
	s := Stamp{Wall: wall}
	if s.Offset, s.Zoned = zoneAt(m, wall, o); !s.Zoned {
		s.Zoned = inUTC(m.text, i)
	}
	return s
}

// inUTC tells a date that stands behind GMT or UTC, as in names of Zoom's cloud, and names of Pixel phones.
func inUTC(text string, i int) bool {
	before := strings.TrimRight(text[:i], " _-")
	if strings.HasPrefix(text, "PXL_") {
		return true
	}
	for _, zone := range []string{"GMT", "UTC"} {
		if rest, ok := strings.CutSuffix(before, zone); ok && !letterBefore(rest, len(rest)) && len(text[:i])-len(before) <= 1 {
			return true
		}
	}
	return false
}

// counter tells a number behind a date that only looks like a time of day: 261122_0001 is a counter more often than a
// minute past midnight. The names beside it tell: a counter has neighbours, and a clock has no minute 60.
func counter(m match, o Options) bool {
	if !m.compact || m.value[hour] != 0 || m.value[second] != 0 || m.at < 4 || digitsBefore(m.text, m.at) != 4 {
		return false
	}
	n := m.value[minute]
	if o.Sibling == nil {
		return 1 <= n && n <= 9
	}
	beside := func(n int) bool { return n >= 0 && o.Sibling(m.text[:m.at-4]+fourDigits(n)+m.text[m.at:]) }
	switch {
	case beside(60):
		return true
	case beside(100):
		return false
	case n == 0:
		return beside(1)
	}
	return n <= 9 || beside(n-1) || beside(n+1)
}

// findShort reads a date whose year has two digits.
func findShort(text string, o Options) (Stamp, bool) {
	for i := range len(text) {
		if !isDigit(text[i]) || i > 0 && isDigit(text[i-1]) {
			continue
		}
		if m, ok := counted.read(match{text: text, at: i}); ok {
			if wall, ok := m.wall(); ok && !o.late(wall) {
				return Stamp{Wall: wall}, true
			}
		}
		date, ok := first(shortDates, match{text: text, at: i}, func(m match) bool { _, ok := m.wall(); return ok })
		if !ok {
			continue
		}
		if at := date.at; at < len(text) && strings.IndexByte("_-", text[at]) >= 0 {
			date.at++
		} else if digitsAt(text, i) != 12 {
			continue
		}
		clock, ok := clockAt(date)
		if !ok || !clock.compact || clock.half != noHalf || counter(clock, o) {
			continue
		}
		if s := stamped(clock, i, o); !o.late(s.Wall) {
			return s, true
		}
	}
	return Stamp{}, false
}

// late tells a moment behind the last one that a short form may tell. A day more, for zones.
func (o Options) late(wall time.Time) bool {
	return !o.Latest.IsZero() && wall.After(o.Latest.AddDate(0, 0, 1))
}

func fourDigits(n int) string {
	return string([]byte{byte('0' + n/1000%10), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)})
}

// digitsBefore is how many digits end at an index.
func digitsBefore(text string, i int) int {
	n := 0
	for n < i && isDigit(text[i-n-1]) {
		n++
	}
	return n
}
