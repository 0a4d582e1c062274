package chart

import (
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Year is a range of days as dots: weeks are columns, Monday on top, and the size of a dot is the number of laughs in
// steps that hold about as many days each. So a single loud day does not flatten all others.
type Year struct {
	Head
	// From and To are the first and the last day.
	From, To orchestrator.Date
	// Today is outlined; later days are left blank.
	Today orchestrator.Date
	// Days by date. A day that is not there had no sound.
	Days map[orchestrator.Date]DayCount
	// Link returns the address of a day.
	Link func(orchestrator.Date) string
	// Name says a day and its count, for titles and links.
	Name func(orchestrator.Date, DayCount) string
	// Month names a month above its first week; Weekday, unless nil, a row, counted from Monday, 0.
	Month   func(time.Month) string
	Weekday func(day int) string
}

// DayCount is what is known of a day.
type DayCount struct {
	Laughs int
	// Heard is true where there was sound.
	Heard bool
}

// Steps of the dots' sizes.
const Steps = 4

// Calendar is the geometry of a Year: halves that stand side by side where there is room.
type Calendar struct {
	Head
	Halves []Half
	Legend []Step
}

// Half is at most 27 weeks.
type Half struct {
	ID            string
	Width, Height int
	Months        []Tick
	Weekdays      []RowName
	Dots          []Dot
}

// RowName is a weekday beside its row.
type RowName struct{ Y, Label string }

// Dot is a day. Size is 0 for sound without laughs and -1 for no sound.
type Dot struct {
	X, Y, R     string
	CX, CY      string
	Size        int
	Today       bool
	Href, Label string
}

// Step of the legend: From and To are the fewest and the most laughs of a day that has this size.
type Step struct {
	Size, From, To int
	R              string
}

const (
	cell       = 14
	top        = 18 // for the months
	gutter     = 14 // for the weekdays
	halfOfYear = 26 // weeks, about
)

var radius = [Steps + 1]float64{1, 2.2, 3.5, 4.9, 6.3}

// Draw computes the calendar.
func (y Year) Draw() Calendar {
	c := Calendar{Head: y.Head, Legend: legend(y.counts())}
	for from := y.From; !y.To.Before(from); {
		to := y.To
		if weeks(from, to) > halfOfYear+1 {
			to = endOfHalf(from)
		}
		half := y.half(from, to, c.Legend)
		half.ID = y.ID + "-" + strconv.Itoa(len(c.Halves)+1)
		c.Halves = append(c.Halves, half)
		from = to.Add(1)
	}
	return c
}

// endOfHalf is the last day of the sixth month from a day's on.
func endOfHalf(from orchestrator.Date) orchestrator.Date {
	first := orchestrator.Date{Year: from.Year, Month: from.Month, Day: 1}
	for range 6 {
		first = first.Add(31)
		first.Day = 1
	}
	return first.Add(-1)
}

func (y Year) counts() []int {
	var counts []int
	for date, day := range y.Days {
		if day.Laughs > 0 && !date.Before(y.From) && !y.To.Before(date) {
			counts = append(counts, day.Laughs)
		}
	}
	slices.Sort(counts)
	return counts
}

// legend cuts sorted counts into steps of about as many days each, by the numbers that occur.
func legend(counts []int) []Step {
	var steps []Step
	for i, next := 0, 0; i < Steps && next < len(counts); i++ {
		from := next
		next = max(from+1, (len(counts)*(i+1)+Steps-1)/Steps)
		for next < len(counts) && counts[next] == counts[next-1] { // days with the same number look the same
			next++
		}
		steps = append(steps, Step{From: counts[from], To: counts[min(next, len(counts))-1]})
	}
	for i := range steps { // fewer steps use the larger sizes, so that the best day is the largest
		steps[i].Size = Steps - len(steps) + 1 + i
		steps[i].R = pixels(radius[steps[i].Size])
	}
	return steps
}

func size(n int, steps []Step) int {
	for _, step := range steps {
		if n <= step.To {
			return step.Size
		}
	}
	return Steps
}

func (y Year) half(from, to orchestrator.Date, steps []Step) Half {
	h := Half{Width: gutter + weeks(from, to)*cell, Height: top + 7*cell}
	for row := 0; y.Weekday != nil && row < 7; row++ {
		h.Weekdays = append(h.Weekdays, RowName{strconv.Itoa(top + row*cell + 10), y.Weekday(row)})
	}
	month := time.Month(0)
	for date := from; !to.Before(date); date = date.Add(1) {
		column, row := weeks(from, date)-1, weekday(date)
		x, top := gutter+column*cell, top+row*cell
		if date.Month != month && (date.Day <= 7) {
			month = date.Month
			h.Months = append(h.Months, Tick{X: strconv.Itoa(x), Label: y.Month(month), Anchor: "start"})
		}
		if y.Today.Before(date) {
			continue
		}
		count := y.Days[date]
		dot := Dot{X: strconv.Itoa(x), Y: strconv.Itoa(top), CX: strconv.Itoa(x + cell/2), CY: strconv.Itoa(top + cell/2),
			Today: date == y.Today, Href: y.Link(date), Label: y.Name(date, count), Size: -1}
		switch {
		case count.Laughs > 0:
			dot.Size = size(count.Laughs, steps)
			dot.R = pixels(radius[dot.Size])
		case count.Heard:
			dot.Size, dot.R = 0, pixels(radius[0])
		}
		h.Dots = append(h.Dots, dot)
	}
	return h
}

// weekday counts from Monday, 0.
func weekday(d orchestrator.Date) int {
	return (int(noon(d).Weekday()) + 6) % 7
}

// weeks is how many calendar weeks two days touch, from Monday to Sunday.
func weeks(from, to orchestrator.Date) int {
	monday := from.Add(-weekday(from))
	return int(noon(to).Sub(noon(monday)).Hours()/24)/7 + 1
}

func noon(d orchestrator.Date) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC)
}

// Sizes returns the size of each day's dot and its radius, for calendars that are drawn otherwise.
func (y Year) Sizes() func(orchestrator.Date) (int, string) {
	steps := legend(y.counts())
	return func(date orchestrator.Date) (int, string) {
		count := y.Days[date]
		switch {
		case count.Laughs > 0:
			n := size(count.Laughs, steps)
			return n, pixels(radius[n])
		case count.Heard:
			return 0, pixels(radius[0])
		}
		return -1, ""
	}
}
