package stamp

import (
	"path"
	"slices"
	"strings"
	"time"
)

// InName reads the start of a recording in its name: a path below its source's root, with slashes.
func InName(name string, o Options) (Stamp, bool) {
	dir, base := path.Split(name)
	stem, extension := plain(Original(strings.TrimSuffix(base, path.Ext(base)))), strings.ToLower(path.Ext(base))
	folders := strings.Split(plain(strings.Trim(dir, "/")), "/")
	if s, ok := find(stem, o); ok && (!isPhone(stem) || !slices.Contains(calls, extension)) {
		return s, true
	}
	if extension == ".wav" {
		if s, ok := hexTime(stem); ok && !o.late(s.Wall) {
			return s, true
		}
	}
	if s, ok := inFolderOfHour(folders, stem, o); ok {
		return s, true
	}
	if s, ok := inFolderOfDay(folders, stem, o); ok {
		return s, true
	}
	if unnumbered(stem) {
		return inFolder(folders, o)
	}
	return Stamp{}, false
}

// calls are the extensions of recorded calls.
var calls = []string{".amr", ".awb", ".3gp", ".3ga"}

// isPhone tells a name that may be the number of the other end of a call: ten digits.
func isPhone(stem string) bool { return len(stem) == 10 && digitsAt(stem, 0) == 10 }

// unnumbered tells a name that may belong to a whole folder: audio, audio_only, zoom_0, audio1234567890. A small number
// tells one of several parts, which did not all begin together.
func unnumbered(stem string) bool {
	if strings.EqualFold(stem, "zoom_0") {
		return true
	}
	i := strings.IndexFunc(stem, func(r rune) bool { return '0' <= r && r <= '9' })
	return i < 0 || digitsAt(stem, i) >= 7 && !hasDigit(stem[i+digitsAt(stem, i):])
}

// inFolder reads a whole moment in the name of the folder, or of one above it where the names between have no digits.
func inFolder(folders []string, o Options) (Stamp, bool) {
	for i := len(folders) - 1; i >= 0; i-- {
		if s, ok := find(folders[i], o); ok {
			return s, true
		}
		if hasDigit(folders[i]) {
			break
		}
	}
	return Stamp{}, false
}

// inFolderOfDay reads a time of day in the name, and its day in the folder's.
func inFolderOfDay(folders []string, stem string, o Options) (Stamp, bool) {
	clock, ok := clockIn(stem)
	if !ok {
		return Stamp{}, false
	}
	for end := len(folders); end > 0; end-- {
		if date, begun, ok := dayOf(folders[:end], o); ok {
			m := clock
			m.value[year], m.value[month], m.value[day] = date.value[year], date.value[month], date.value[day]
			s := stamped(m, 0, o)
			if begun != nil && !s.Zoned && !begun.Zoned && s.Wall.Before(begun.Wall.Add(-12*time.Hour)) {
				s.Wall = s.Wall.AddDate(0, 0, 1) // a session over midnight
			}
			return s, true
		}
		if hasDigit(folders[end-1]) && folders[end-1] != fourDigits(clock.value[hour])[2:] {
			break
		}
	}
	return Stamp{}, false
}

// clockIn reads a time of day at the beginning of a name, or a whole one behind a prefix. 1430 alone may be anything,
// and so may six digits behind a prefix that are less than an hour: they are counted.
func clockIn(stem string) (match, bool) {
	for i := range len(stem) {
		if i > 0 && (isDigit(stem[i-1]) || !isDigit(stem[i])) {
			continue
		}
		m := match{text: stem, at: i}
		m.value[year], m.value[month], m.value[day] = 2000, 1, 1
		clock, ok := clockAt(m)
		whole := clock.strict || clock.compact && clock.at-i >= 6
		if ok && (i == 0 && (whole || !clock.compact) || i > 0 && whole && (!clock.compact || clock.value[hour] != 0)) {
			return clock, true
		}
	}
	return match{}, false
}

// dayOf reads the day that the last folders are named after: 2026-11-22 at the sea, 2026/11/22, 2026-11/22. Where one
// of them holds a whole moment, that is begun.
func dayOf(folders []string, o Options) (date match, begun *Stamp, ok bool) {
	last := folders[len(folders)-1]
	for i := range len(last) {
		if m, ok := dateAt(last, i, o); ok && m.end() {
			if s, ok := find(last, o); ok {
				begun = &s
			}
			return m, begun, true
		}
	}
	for n := 2; n <= min(3, len(folders)); n++ {
		text := strings.Join(folders[len(folders)-n:], "/")
		if m, ok := first(dayPaths, match{text: text}, func(m match) bool { _, ok := m.wall(); return ok && m.at == len(m.text) }); ok {
			return m, nil, true
		}
	}
	return match{}, nil, false
}

// dayPaths are days over several folders.
var dayPaths = []form{
	{year4, separator("/-_."), month1, separator("/-_."), day1},                    // 2026/11/22, 2026-11/22, 2026/11-22
	{year4, month2, separator("/"), day1},                                          // 202611/22
	{year4, separator("/"), year4, separator("-_."), month1, separator("/"), day1}, // 2026/2026-11/22
	{year4, gap(gaps, 3), monthName, gap(gaps, 3), day1},                           // 2026/November/22
}

// inFolderOfHour reads minutes and seconds in the name, and the hour in the folder's: 2026/11/22/14/30-00.
func inFolderOfHour(folders []string, stem string, o Options) (Stamp, bool) {
	m, ok := first(minutes, match{text: stem}, func(m match) bool { return m.end() })
	if clock, isClock := clockIn(stem); !ok || isClock && clock.strict {
		return Stamp{}, false
	}
	for end := len(folders); end > 1; end-- {
		h, ok := form{whole(hour, 2, 0, 23)}.read(match{text: folders[end-1]})
		if ok && h.at == len(h.text) {
			date, _, ok := dayOf(folders[:end-1], o)
			if !ok {
				break
			}
			m.value[year], m.value[month], m.value[day], m.value[hour] = date.value[year], date.value[month], date.value[day], h.value[hour]
			return stamped(m, 0, o), true
		}
		if hasDigit(folders[end-1]) {
			break
		}
	}
	return Stamp{}, false
}

var minutes = []form{
	{whole(minute, 2, 0, 59), separator(colons), whole(second, 2, 0, 59), fraction},
	{whole(minute, 2, 0, 59), func(m *match) bool { return m.at == len(m.text) }},
}
