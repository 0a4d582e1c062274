package stamp

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// field is a part of a moment.
type field int

const (
	year field = iota
	month
	day
	hour
	minute
	second
	nanos
	fields
)

// match is how far a text was read, and what it said.
type match struct {
	text  string
	at    int
	value [fields]int
	mark  byte // what separates the fields of the form under way
	half  half
	// compact: a time of day without separators. strict: one that leaves no doubt that it is one.
	compact, strict bool
	behindT         bool
}

// step reads a piece of a form; false where the text says something else.
type step func(*match) bool

// form is a way to write a date or a time of day.
type form []step

// read reads a form where m stands.
func (f form) read(m match) (match, bool) {
	m.mark = 0
	for _, step := range f {
		if !step(&m) {
			return match{}, false
		}
	}
	return m, true
}

// first reads the first of the forms that fits and that a condition accepts.
func first(forms []form, m match, accept func(match) bool) (match, bool) {
	for _, form := range forms {
		if read, ok := form.read(m); ok && accept(read) {
			return read, true
		}
	}
	return match{}, false
}

func (m *match) rest() string { return m.text[m.at:] }

// end tells whether no digit follows.
func (m *match) end() bool { return m.at == len(m.text) || !isDigit(m.text[m.at]) }

// take reads n digits as a field.
func (m *match) take(f field, n, least, most int) bool {
	value := 0
	for _, c := range m.text[m.at : m.at+n] {
		value = 10*value + int(c-'0')
	}
	m.value[f] = value
	m.at += n
	return least <= value && value <= most
}

// exactly reads a field of n digits, whatever follows.
func exactly(f field, n, least, most int) step {
	return func(m *match) bool { return digitsAt(m.text, m.at) >= n && m.take(f, n, least, most) }
}

// upTo reads a field that is a whole run of one or two digits.
func upTo(f field, least, most int) step {
	const n = 2
	return func(m *match) bool {
		run := digitsAt(m.text, m.at)
		return run >= 1 && run <= n && m.take(f, run, least, most)
	}
}

// whole reads a field that is a whole run of n digits.
func whole(f field, n, least, most int) step {
	return func(m *match) bool { return digitsAt(m.text, m.at) == n && m.take(f, n, least, most) }
}

// century adds 2000 to a year of two digits.
func century(m *match) bool { m.value[year] += 2000; return true }

// separator reads one of the marks; again reads the same one.
func separator(marks string) step {
	return func(m *match) bool {
		if m.at == len(m.text) || strings.IndexByte(marks, m.text[m.at]) < 0 {
			return false
		}
		m.mark = m.text[m.at]
		m.at++
		return true
	}
}

func again(m *match) bool {
	if m.at == len(m.text) || m.text[m.at] != m.mark {
		return false
	}
	m.at++
	return true
}

// literal reads one of the texts.
func literal(texts ...string) step {
	return func(m *match) bool {
		for _, text := range texts {
			if strings.HasPrefix(m.rest(), text) {
				m.at += len(text)
				return true
			}
		}
		return false
	}
}

// maybe reads a form where it is there.
func maybe(f ...step) step {
	return func(m *match) bool {
		if read, ok := form(f).read(*m); ok {
			read.mark = m.mark
			*m = read
		}
		return true
	}
}

// gap reads at most so many of the marks.
func gap(marks string, most int) step {
	return func(m *match) bool {
		for n := 0; n < most && m.at < len(m.text) && strings.IndexByte(marks, m.text[m.at]) >= 0; n++ {
			m.at++
		}
		return true
	}
}

// word reads letters that the table has.
func word(table map[string]bool) step {
	return func(m *match) bool {
		n := lettersAt(m.text, m.at)
		if n == 0 || !table[strings.ToLower(m.text[m.at:m.at+n])] {
			return false
		}
		m.at += n
		return true
	}
}

// monthName reads the name of a month, perhaps with the dot of a short one.
func monthName(m *match) bool {
	n := lettersAt(m.text, m.at)
	value, ok := months[strings.ToLower(m.text[m.at:m.at+n])]
	if !ok {
		return false
	}
	m.value[month] = value
	m.at += n
	return true
}

// fraction reads the fraction of a second: up to nine digits behind a point, or exactly three.
func fraction(m *match) bool {
	point := 0
	if m.at < len(m.text) && strings.IndexByte(".,:-_", m.text[m.at]) >= 0 {
		point = 1
	}
	n := digitsAt(m.text, m.at+point)
	decimal := point == 1 && (m.text[m.at] == '.' || m.text[m.at] == ',')
	if n == 0 || n > 9 || !decimal && n != 3 {
		return true // none
	}
	m.at += point
	m.take(nanos, n, 0, 0)
	for ; n < 9; n++ {
		m.value[nanos] *= 10
	}
	return true
}

// halfBehind reads AM, p.m., 下午 or one of their kind, unless there is none.
func halfBehind(m *match) bool {
	at := m.at
	if at < len(m.text) && strings.IndexByte(" _.-", m.text[at]) >= 0 {
		at++
	}
	for _, h := range halves {
		end, ok := spelled(m.text, at, h.word)
		r, _ := utf8.DecodeRuneInString(m.text[end:])
		if ok && (m.text[end-1] == '.' || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			m.at, m.half = end, h.half
			return true
		}
	}
	return true
}

// halfBefore reads 下午 or one of its kind, unless there is none.
func halfBefore(m *match) bool {
	for _, h := range halves {
		if end, ok := spelled(m.text, m.at, h.word); ok && h.before {
			m.at, m.half = end, h.half
			return gap(" ", 1)(m)
		}
	}
	return true
}

// spelled reads the letters of a word, with a dot and a space behind each where they are there. The last space is left.
func spelled(text string, at int, letters string) (end int, ok bool) {
	for i, want := range letters {
		r, size := utf8.DecodeRuneInString(text[at:])
		if unicode.ToLower(r) != want {
			return at, false
		}
		at += size
		if strings.HasPrefix(text[at:], ".") {
			at++
		}
		if i+utf8.RuneLen(want) < len(letters) && strings.HasPrefix(text[at:], " ") {
			at++
		}
	}
	return at, true
}

// wall makes a moment of the fields, unless no calendar or clock has it.
func (m *match) wall() (time.Time, bool) {
	v := m.value
	if m.half != noHalf {
		if v[hour] < 1 || v[hour] > 12 {
			return time.Time{}, false
		}
		v[hour] %= 12
		if m.half == afternoon {
			v[hour] += 12
		}
	}
	date := time.Date(v[year], time.Month(v[month]), v[day], 0, 0, 0, 0, time.UTC)
	if date.Day() != v[day] || neverSet(date) {
		return time.Time{}, false
	}
	return date.Add(time.Duration(v[hour])*time.Hour + time.Duration(v[minute])*time.Minute +
		time.Duration(v[second])*time.Second + time.Duration(v[nanos])), true
}

// neverSet tells a day on which clocks begin that nobody has set.
func neverSet(date time.Time) bool {
	return date.YearDay() == 1 && (date.Year() == 1904 || date.Year() == 1970)
}
