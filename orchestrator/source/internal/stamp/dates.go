package stamp

import "strings"

// The fields of dates. A year is of this century or the last one.
var (
	year4  = exactly(year, 4, 1900, 2099)
	year2  = exactly(year, 2, 0, 99)
	month2 = exactly(month, 2, 1, 12)
	day2   = exactly(day, 2, 1, 31)
	month1 = upTo(month, 1, 12)
	day1   = upTo(day, 1, 31)
	dayEnd = func(m *match) bool {
		if digitsAt(m.text, m.at) > 2 { // 2026-11-22143000
			return day2(m)
		}
		return day1(m)
	}
)

// dates are the ways to write a date that nobody can mistake, each with its year.
var dates = []form{
	{year4, separator("-_./"), month1, again, dayEnd},                              // 2026-11-22, 2026-1-5
	{year4, separator(" "), whole(month, 2, 1, 12), again, exactly(day, 2, 1, 31)}, // 2026 11 22
	{year4, month2, day2}, // 20261122
	{year4, literal(cjkYear...), gap(" ", 1), month1, literal(cjkMonth...), gap(" ", 1), day1, literal(cjkDay...)}, // 2026年11月22日
	{day1, ordinal, gap(gaps, 3), inner, monthName, gap(gaps, 3), inner, whole(year, 4, 1900, 2099)},               // 22-Nov-2026, 22 de nov. de 2026
	{monthName, gap(gaps, 3), day1, ordinal, gap(gaps, 3), inner, whole(year, 4, 1900, 2099)},                      // Nov 22, 2026
	{year4, gap(gaps, 3), monthName, gap(gaps, 3), day1},                                                           // 2026-Nov-22
}

// yearLast are dates whose day and month could be either.
var yearLast = []form{
	{upTo(day, 1, 31), separator("-_./ "), upTo(month, 1, 31), again, whole(year, 4, 1900, 2099)}, // 22.11.2026
}

// glued is a date without separators whose day and month could be either; a separator must follow.
var glued = form{exactly(day, 2, 1, 31), exactly(month, 2, 1, 31), whole(year, 4, 1990, 2099)}

// shortDates count their years from 2000, and are dates only before a compact time of day.
var shortDates = []form{
	{year2, century, month2, day2},
}

// counted is what Nextcloud's app calls what it uploads, with a number at the end: 26-11-22 14-30-00 0001.
var counted = form{whole(year, 2, 0, 99), century, separator("-"), whole(month, 2, 1, 12), again, whole(day, 2, 1, 31), literal(" "),
	whole(hour, 2, 0, 23), separator("-"), whole(minute, 2, 0, 59), again, whole(second, 2, 0, 59), literal(" "),
	func(m *match) bool { return digitsAt(m.text, m.at) == 4 && m.at+4 == len(m.text) }}

const gaps = " -_.,/"

var (
	cjkYear  = []string{"年", plain("년")}
	cjkMonth = []string{"月", plain("월")}
	cjkDay   = []string{"日", "号", "號", plain("일")}
	inner    = maybe(word(within), gap(gaps, 2))
	ordinal  = maybe(gap(".", 1), maybe(gap(" ", 1), word(within)))
)

// decide tells the day from the month of a date with the year last, where that is sure or the order is known.
func decide(m match, order Order) (match, bool) {
	a, b := m.value[day], m.value[month] // as they stand
	switch {
	case a > 12 && b > 12:
		return m, false
	case a > 12, a == b:
	case b > 12, order == MonthFirst:
		m.value[day], m.value[month] = b, a
	case order == OrderUnknown:
		return m, false
	}
	return m, true
}

// dateAt reads a date that begins at an index of the text.
func dateAt(text string, i int, o Options) (match, bool) {
	if i > 0 && isDigit(text[i-1]) && isDigit(text[i]) {
		return match{}, false
	}
	m := match{text: text, at: i}
	if !isDigit(text[i]) && letterBefore(text, i) {
		return match{}, false
	}
	valid := func(m match) bool { _, ok := m.wall(); return ok }
	if read, ok := first(dates, m, valid); ok {
		return read, true
	}
	for _, f := range yearLast {
		if read, ok := f.read(m); ok {
			if read, ok = decide(read, o.Order); ok && valid(read) {
				return read, true
			}
		}
	}
	if read, ok := glued.read(m); ok && read.at < len(text) && strings.IndexByte("_- ", text[read.at]) >= 0 {
		if read, ok = decide(read, o.Order); ok && valid(read) {
			return read, true
		}
	}
	return match{}, false
}
