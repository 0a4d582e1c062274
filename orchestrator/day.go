package orchestrator

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a calendar day without a zone, such as 2026-11-22.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("parse date %q: want YYYY-MM-DD", s)
	}
	return DateOf(t), nil
}

// DateOf returns the calendar day of t in t's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// DayIn returns the day whose Span in loc has t. Where clocks went back over midnight that is not t's local date, but
// the day that had begun before.
func DayIn(t time.Time, loc *time.Location) Date {
	d := DateOf(t.In(loc))
	if next := d.Add(1); !t.Before(next.start(loc)) {
		return next
	}
	return d
}

// Yesterday returns the day before now's, in loc.
func Yesterday(now time.Time, loc *time.Location) Date { return DateOf(now.In(loc)).Add(-1) }

// String formats the day as YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Add returns the day n days later.
func (d Date) Add(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC))
}

// Before reports whether d comes before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// Compare orders days: below 0 where d comes before e, 0 where they are the same.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Span returns the instants of the day in loc: from the first instant whose local date is d or later
// up to the first whose local date is later. A day is 23 or 25 hours long where clocks change,
// and empty where a zone skipped it altogether. Spans of consecutive days meet exactly.
func (d Date) Span(loc *time.Location) Span {
	return Span{Start: d.start(loc), End: d.Add(1).start(loc)}
}

// start finds the first instant whose local date is not before d. time.Date alone will not do: where
// a zone's clocks jump over midnight it answers an instant on the day before or an hour late.
func (d Date) start(loc *time.Location) time.Time {
	// Local time differs from UTC by less than a day and a half, so the wanted instant lies between.
	noon := time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC)
	low, high := noon.Add(-60*time.Hour).Unix(), noon.Add(60*time.Hour).Unix()
	for low < high {
		middle := low + (high-low)/2
		if DateOf(time.Unix(middle, 0).In(loc)).Before(d) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return time.Unix(low, 0).UTC()
}

// Span is a half-open stretch of time: Start belongs to it, End does not.
type Span struct{ Start, End time.Time }

// Contains reports whether t lies in the span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Duration is the length of the span.
func (s Span) Duration() time.Duration { return s.End.Sub(s.Start) }
