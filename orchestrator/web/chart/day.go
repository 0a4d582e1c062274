package chart

import (
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Day is what a strip shows: a whole day, or a stretch of it. Lists need no order.
type Day struct {
	Head
	// Span of the strip; a whole day is 23, 24 or 25 hours long.
	Span orchestrator.Span
	// Location of the person: hours are theirs.
	Location *time.Location
	// Sound was recorded here; Missing could not be read or was never there.
	Sound, Missing []orchestrator.Span
	Laughs         []Laugh
	// Height of the strip without its hours, in pixels.
	Height int
	// Sparse leaves out the hours below and the table, for strips in lists.
	Sparse bool
	// Link returns the address of a stretch to look at more closely; nil for none.
	Link func(orchestrator.Span) string
	// Seam names a change of the clocks by the hours that they jump, such as +1; nil leaves the seam unnamed.
	Seam func(by time.Duration) string
	// Count names a number of laughs, for the links.
	Count func(n int) string
}

// Laugh is a laugh on a strip.
type Laugh struct {
	// ID links the bar to the laugh in the list.
	ID    string
	Start time.Time
	// Length of the laugh.
	Length time.Duration
	// Score in 0..1 is the height.
	Score float64
	// Maybe laughs are outlined, Wrong ones are left out, Hidden ones are drawn when a person asks for more.
	Maybe, Star, Hidden bool
}

// Strip is the geometry of a Day.
type Strip struct {
	Head
	Height, Total, Base int
	Sound, Missing      []Bar
	Laughs              []LaughBar
	Ticks               []Tick
	Seams               []Tick
	Sectors             []Sector
	Hours               []Hour
	Sparse              bool
}

// Bar is a rectangle. X and W are percentages, Y and H pixels.
type Bar struct{ X, W, Y, H string }

// LaughBar is a laugh's bar.
type LaughBar struct {
	Bar
	ID, Score           string
	Maybe, Star, Hidden bool
}

// Tick is a place on the axis. Anchor is start, middle or end.
type Tick struct{ X, Label, Anchor string }

// Sector is a stretch that can be opened.
type Sector struct {
	Bar
	Href, Label string
}

// Hour is a row of the table: an hour of the day, or what of it lies on the strip.
type Hour struct {
	// Label is the local time; Repeated marks the second of two hours with the same name.
	Label    string
	Repeated bool
	Sound    time.Duration
	Missing  time.Duration
	Laughs   int
}

// Draw computes the strip.
func (d Day) Draw() Strip {
	s := Strip{Head: d.Head, Height: d.Height, Base: d.Height - 4, Total: d.Height, Sparse: d.Sparse}
	if !d.Sparse {
		s.Total += 20
	}
	for _, span := range join(d.Sound, d.Span) {
		s.Sound = append(s.Sound, d.bar(span, float64(s.Base)+1, 2))
	}
	for _, span := range join(d.Missing, d.Span) {
		s.Missing = append(s.Missing, d.bar(span, 0, float64(s.Base)+3))
	}
	for _, l := range d.Laughs {
		span, ok := clip(orchestrator.Span{Start: l.Start, End: l.Start.Add(max(l.Length, time.Millisecond))}, d.Span)
		if !ok {
			continue
		}
		height := (0.14 + 0.86*min(max(l.Score, 0), 1)) * float64(s.Base-2)
		s.Laughs = append(s.Laughs, LaughBar{Bar: d.bar(span, float64(s.Base)-height, height), ID: l.ID,
			Score: fixed(l.Score), Maybe: l.Maybe, Star: l.Star, Hidden: l.Hidden})
	}
	bounds := d.hours()
	s.Seams = d.seams()
	if d.Sparse {
		return s
	}
	s.Ticks = d.ticks(bounds)
	s.Hours = d.table(bounds)
	if d.Link != nil {
		s.Sectors = d.sectors()
	}
	return s
}

func (d Day) share(t time.Time) float64 {
	return float64(t.Sub(d.Span.Start)) / float64(max(d.Span.Duration(), 1))
}

func (d Day) bar(span orchestrator.Span, y, h float64) Bar {
	return Bar{X: percent(d.share(span.Start)), W: percent(float64(span.Duration()) / float64(max(d.Span.Duration(), 1))),
		Y: pixels(y), H: pixels(h)}
}

// quarter divides every change of the clocks and every zone's offset in use.
const quarter = 15 * time.Minute

// every returns the instants within the strip, without its ends, whose local time is a multiple of step.
func (d Day) every(step time.Duration) []time.Time {
	grid := min(step, quarter)
	var at []time.Time
	for t := d.Span.Start.Truncate(grid); t.Before(d.Span.End); t = t.Add(grid) {
		if t.After(d.Span.Start) && sinceMidnight(t.In(d.Location))%step == 0 {
			at = append(at, t)
		}
	}
	return at
}

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// hours are the borders of the strip's hours, with its ends. A change of the clocks is one.
func (d Day) hours() []time.Time {
	at := slices.Concat([]time.Time{d.Span.Start}, d.every(time.Hour), d.changes(), []time.Time{d.Span.End})
	slices.SortFunc(at, time.Time.Compare)
	return slices.CompactFunc(at, time.Time.Equal)
}

// changes are the instants within the strip at which the clocks jump.
func (d Day) changes() []time.Time {
	var at []time.Time
	before := d.offset(d.Span.Start)
	for t := d.Span.Start.Truncate(quarter).Add(quarter); t.Before(d.Span.End); t = t.Add(quarter) {
		if now := d.offset(t); now != before {
			at, before = append(at, t), now
		}
	}
	return at
}

func (d Day) offset(t time.Time) time.Duration {
	_, seconds := t.In(d.Location).Zone()
	return time.Duration(seconds) * time.Second
}

// ticks names six hours of a day, every hour of a shorter stretch, every ten minutes of the shortest.
func (d Day) ticks(hours []time.Time) []Tick {
	at := hours
	switch length := d.Span.Duration(); {
	case length > 6*time.Hour:
		at = slices.Concat(hours[:1], d.every(6*time.Hour), hours[len(hours)-1:])
	case length <= time.Hour:
		at = slices.Concat(hours[:1], d.every(10*time.Minute), hours[len(hours)-1:])
	}
	at = slices.CompactFunc(at, time.Time.Equal)
	ticks := make([]Tick, len(at))
	for i, t := range at {
		label := t.In(d.Location).Format("15:04")
		if d.Span.Duration() > 6*time.Hour {
			label = t.In(d.Location).Format("15")
			if t.Equal(d.Span.End) && label == "00" {
				label = "24"
			}
		}
		ticks[i] = Tick{X: percent(d.share(t)), Label: label, Anchor: "middle"}
	}
	ticks[0].Anchor, ticks[len(ticks)-1].Anchor = "start", "end"
	return ticks
}

// seams are the changes of the clocks within the strip, named.
func (d Day) seams() []Tick {
	var seams []Tick
	for _, t := range d.changes() {
		seam := Tick{X: percent(d.share(t)), Anchor: "start"}
		if d.Seam != nil {
			seam.Label = d.Seam(d.offset(t) - d.offset(t.Add(-time.Second)))
		}
		if d.share(t) > 0.5 {
			seam.Anchor = "end"
		}
		seams = append(seams, seam)
	}
	return seams
}

func (d Day) table(bounds []time.Time) []Hour {
	sound, missing := join(d.Sound, d.Span), join(d.Missing, d.Span)
	var hours []Hour
	seen := map[string]bool{}
	for i, start := range bounds[:len(bounds)-1] {
		hour := orchestrator.Span{Start: start, End: bounds[i+1]}
		if hour.Duration() <= 0 {
			continue
		}
		row := Hour{Label: start.In(d.Location).Format("15:04"), Sound: within(sound, hour), Missing: within(missing, hour)}
		row.Repeated, seen[row.Label] = seen[row.Label], true
		row.Laughs = d.count(hour)
		hours = append(hours, row)
	}
	return hours
}

func (d Day) count(span orchestrator.Span) int {
	n := 0
	for _, l := range d.Laughs {
		if span.Contains(l.Start) && !l.Hidden {
			n++
		}
	}
	return n
}

// sectors cut the strip into stretches that a thumb can hit: three hours of a day, hours of less, ten minutes of an hour.
func (d Day) sectors() []Sector {
	var step time.Duration
	switch length := d.Span.Duration(); {
	case length > 3*time.Hour+time.Hour:
		step = 3 * time.Hour
	case length > time.Hour:
		step = time.Hour
	case length > 10*time.Minute:
		step = 10 * time.Minute
	default:
		return nil
	}
	bounds := slices.Concat([]time.Time{d.Span.Start}, d.every(step), []time.Time{d.Span.End})
	var sectors []Sector
	for i, start := range bounds[:len(bounds)-1] {
		span := orchestrator.Span{Start: start, End: bounds[i+1]}
		from, to := start.In(d.Location).Format("15:04"), span.End.In(d.Location).Format("15:04")
		if to == "00:00" {
			to = "24:00"
		}
		label := from + "–" + to
		if d.Count != nil {
			label += ": " + d.Count(d.count(span))
		}
		sectors = append(sectors, Sector{Bar: d.bar(span, 0, float64(d.Height+20)), Href: d.Link(span), Label: label})
	}
	return sectors
}

// clip cuts a span to another; false where nothing is left.
func clip(span, to orchestrator.Span) (orchestrator.Span, bool) {
	if span.Start.Before(to.Start) {
		span.Start = to.Start
	}
	if span.End.After(to.End) {
		span.End = to.End
	}
	return span, span.Start.Before(span.End)
}

// join cuts spans to a stretch, sorts them, and makes one of those that touch or overlap.
func join(spans []orchestrator.Span, to orchestrator.Span) []orchestrator.Span {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b orchestrator.Span) int { return a.Start.Compare(b.Start) })
	var out []orchestrator.Span
	for _, span := range sorted {
		span, ok := clip(span, to)
		if !ok {
			continue
		}
		if last := len(out) - 1; last >= 0 && !span.Start.After(out[last].End) {
			if span.End.After(out[last].End) {
				out[last].End = span.End
			}
			continue
		}
		out = append(out, span)
	}
	return out
}

// within sums up what of the spans, which do not overlap, lies in a stretch.
func within(spans []orchestrator.Span, stretch orchestrator.Span) time.Duration {
	var sum time.Duration
	for _, span := range spans {
		if cut, ok := clip(span, stretch); ok {
			sum += cut.Duration()
		}
	}
	return sum
}
