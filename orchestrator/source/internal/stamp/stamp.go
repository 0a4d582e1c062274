package stamp

import "time"

// Order says how dates with the year last are meant whose day and month could be either.
type Order int

// The orders.
const (
	OrderUnknown Order = iota // such dates are not read
	DayFirst                  // 05-06-2026 is in June
	MonthFirst                // 05-06-2026 is in May
)

// Options say how to read.
type Options struct {
	// Location is the zone of what tells none, and tells which of its namesakes an abbreviation such as CST is.
	Location *time.Location
	Order    Order
	// Latest, unless zero, is the last moment that short forms (261122_1430) may tell: what lies behind it is no time.
	Latest time.Time
	// Sibling tells whether the folder of a name holds another recording whose name, less its extension and in the
	// spelling of Plain, is stem. nil means that nobody knows.
	Sibling func(stem string) bool
}

// Stamp is a moment as somebody wrote it.
type Stamp struct {
	// Wall is what the clock showed, as if it had shown UTC.
	Wall time.Time
	// Zoned is true where the zone was written, too: Offset ahead of UTC.
	Zoned  bool
	Offset time.Duration
	// Day is true where only the day was written; Wall is its midnight.
	Day bool
}

// at is an instant that is known.
func at(t time.Time) Stamp { return Stamp{Wall: t.UTC(), Zoned: true} }

// Instant returns the moment in UTC. loc is the zone of one that tells none; where its clocks showed the time twice,
// it is the first of the two.
func (s Stamp) Instant(loc *time.Location) time.Time {
	first, _ := s.Instants(loc)
	return first
}

// Instants returns the moment in UTC, and the second one where clocks showed it twice; the second is zero elsewhere.
// A time that they skipped is read as if they had not been put forward: 02:30 is then half an hour after the change.
func (s Stamp) Instants(loc *time.Location) (first, second time.Time) {
	if s.Zoned {
		return s.Wall.Add(-s.Offset), time.Time{}
	}
	// No zone is more than 15 hours from UTC, and none changes twice in 30 hours.
	before, after := atOffsetOf(s.Wall, s.Wall.Add(-15*time.Hour).In(loc)), atOffsetOf(s.Wall, s.Wall.Add(15*time.Hour).In(loc))
	shows := func(t time.Time) bool { return atOffsetOf(s.Wall, t.In(loc)).Equal(t) }
	switch both := shows(before) && shows(after); {
	case both && before.Before(after):
		return before, after
	case both && after.Before(before):
		return after, before
	case shows(after) && !shows(before):
		return after, time.Time{}
	}
	return before, time.Time{}
}

// atOffsetOf reads wall as local time at the offset that holds at the given instant.
func atOffsetOf(wall, at time.Time) time.Time {
	_, offset := at.Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}
