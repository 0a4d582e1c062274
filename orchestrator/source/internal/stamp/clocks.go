package stamp

import (
	"strings"
	"time"
)

const colons = "-_.:"

// The fields of times of day.
var (
	hour1   = upTo(hour, 0, 23)
	hour2   = exactly(hour, 2, 0, 23)
	minute2 = exactly(minute, 2, 0, 59)
	second2 = exactly(second, 2, 0, 60)
)

// clocks are the ways to write a time of day, the longest first.
var clocks = []form{
	{halfBefore, hour1, separator(colons), minute2, again, second2, sure, maybe(literal("s")), fraction, halfBehind}, // 14-30-05.250
	{hour1, separator("hH"), minute2, separator("mM" + colons), second2, sure, maybe(literal("s")), fraction},        // 14h30m05s
	{halfBefore, hour1, literal(cjkHour...), gap(" ", 1), upTo(minute, 0, 59), literal(cjkMinute...),
		maybe(gap(" ", 1), upTo(second, 0, 60), literal("秒", plain("초"))), sure}, // 14时30分05秒
	{halfBefore, hour1, separator(colons + "hH"), minute2, halfBehind}, // 14-30, 2.30 PM
	{hour2, minute2, second2, compact, fraction, halfBehind},           // 143000
	{hour2, minute2, compact, halfBehind},                              // 1430
}

var (
	cjkHour   = []string{"时", "時", "点", "點", plain("시")}
	cjkMinute = []string{"分", plain("분")}
)

func compact(m *match) bool { m.compact = true; return true }
func sure(m *match) bool    { m.strict = true; return true }

// leapSecond lets a second 60 through where there may be one.
func leapSecond(m match) bool {
	return m.value[second] < 60 || m.value[minute] == 59 || m.value[minute] == 29
}

// clockAt reads a time of day where m stands.
func clockAt(m match) (match, bool) {
	m.compact, m.strict, m.half = false, false, noHalf
	return first(clocks, m, func(m match) bool {
		_, ok := m.wall()
		return ok && m.end() && leapSecond(m)
	})
}

// joint reads what stands between a date and a time of day, and returns where the time may begin.
func joint(m match) []match {
	var ways []match
	if m.at < len(m.text) && (m.text[m.at] == 'T' || m.text[m.at] == 't') {
		t := m
		t.at++
		t.behindT = true
		ways = append(ways, t)
	}
	gap(" _-.,()[]@+", 3)(&m)
	ways = append(ways, m)
	for range 2 { // a las
		if !word(between)(&m) {
			return ways
		}
		gap(" _-.", 3)(&m)
		ways = append(ways, m)
	}
	return ways
}

// zoneAt reads a zone behind a time of day, as its offset ahead of UTC.
func zoneAt(m match, wall time.Time, o Options) (offset time.Duration, ok bool) {
	text := m.rest()
	if offset, ok := signed(text, m.behindT); ok {
		return offset, true
	}
	spaced := strings.HasPrefix(text, " ")
	text = strings.TrimPrefix(text, " ")
	if spaced && (strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") && digitsAt(text, 1) == 4) {
		if offset, ok := signed(text, false); ok {
			return offset, true
		}
	}
	text = strings.TrimLeft(text, "_-([")
	n := lettersAt(text, 0)
	name, behind := text[:n], text[n:]
	switch {
	case name == "Z", name == "z" && !spaced:
		return 0, behind == "" || !isDigit(behind[0])
	case strings.EqualFold(name, "UTC"), strings.EqualFold(name, "GMT"):
		if offset, ok := shifted(strings.TrimPrefix(behind, " ")); ok {
			return offset, true
		}
		return 0, behind == "" || !isDigit(behind[0])
	}
	if behind != "" && isDigit(behind[0]) {
		return 0, false
	}
	return zoneNamed(name, wall, o.Location)
}

// signed reads +0100, +01:00, +01, -0500, and -05-00 where a dash cannot be anything else.
func signed(text string, behindT bool) (time.Duration, bool) {
	if text == "" || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	run := digitsAt(text, 1)
	if run != 2 && run != 4 {
		return 0, false
	}
	hours, minutes, mark := text[1:3], "", byte(0)
	switch {
	case run == 4:
		minutes = text[3:5]
	case len(text) > 3 && strings.IndexByte(":_-", text[3]) >= 0 && digitsAt(text, 4) == 2:
		minutes, mark = text[4:6], text[3]
	}
	if dashed := text[0] == '-' && (mark == '-' || mark == '_'); dashed && !behindT {
		return 0, false // 14-30-00-05-00
	}
	if offset, ok := offsetOf(text[0], hours, minutes); ok && minutes != "" {
		return offset, true
	}
	if text[0] == '+' && run == 2 {
		return offsetOf('+', hours, "")
	}
	return 0, false
}

// shifted reads what stands behind UTC or GMT: +1, -5, +05:30, +01-00, +0100.
func shifted(text string) (time.Duration, bool) {
	if text == "" || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	switch run := digitsAt(text, 1); run {
	case 1, 2:
		hours := text[1 : 1+run]
		if behind := text[1+run:]; behind != "" && strings.IndexByte(":.-_", behind[0]) >= 0 && digitsAt(behind, 1) == 2 {
			if offset, ok := offsetOf(text[0], hours, behind[1:3]); ok {
				return offset, true
			}
		}
		return offsetOf(text[0], hours, "")
	case 3, 4:
		return offsetOf(text[0], text[1:run-1], text[run-1:run+1])
	}
	return 0, false
}

// offsetOf makes an offset of digits, unless no zone has it.
func offsetOf(sign byte, hours, minutes string) (time.Duration, bool) {
	m := match{text: hours + minutes}
	if !m.take(hour, len(hours), 0, 14) {
		return 0, false
	}
	m.take(minute, len(minutes), 0, 0)
	if m.value[minute]%15 != 0 || m.value[minute] > 45 {
		return 0, false
	}
	offset := time.Duration(m.value[hour])*time.Hour + time.Duration(m.value[minute])*time.Minute
	if sign == '-' {
		offset = -offset
	}
	return offset, true
}
