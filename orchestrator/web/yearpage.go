package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// bestOfYear is how many starred laughs are listed.
const bestOfYear = 24

// longestRange bounds what one page counts.
const longestRange = 366 * 3

// yearData is a year, or any other range of days.
type yearData struct {
	Name            string
	Earlier, Later  string
	EarlierName     string
	LaterName       string
	From, To, Sound string
	Count, Days     int
	Empty           bool
	Calendar        chart.Calendar
	Table           chart.Table
	Months          *chart.BarsPicture
	MonthTable      chart.Table
	Weekdays, Hours *chart.BarsPicture
	WeekTable       chart.Table
	HourTable       chart.Table
	Best            *bestDay
	Streak, Quiet   *run
	Longest         *laughView
	// Infectious is the moment after which one laughed most; FindInfectious the address that looks for it, for that takes a while.
	Infectious        *infectious
	FindInfectious    string
	Starred           []laughView
	Classes           []classShare
	MaybesLeft, Wrong int
}

// bestDay is the day with the most laughs.
type bestDay struct {
	Href, Name string
	Count      int
}

// run is a stretch of days.
type run struct {
	Days     int
	From, To string
	Href     string
}

// classShare is how often a kind of laugh was heard.
type classShare struct {
	Name  string
	Count int
}

func (s *Server) year(w http.ResponseWriter, r *http.Request, v viewer) error {
	ctx := r.Context()
	p, err := s.person(ctx, v, r.PathValue("user"), "year")
	if err != nil {
		return err
	}
	from, to, name, err := readRange(r.URL.Query(), p.today)
	if err != nil {
		return err
	}
	counts, err := s.options.Laughs.Days(ctx, p.user.ID, from, to)
	if err != nil {
		return err
	}
	hours, err := s.options.Laughs.Hours(ctx, p.user.ID, from, to)
	if err != nil {
		return err
	}
	longest, err := collect(s.options.Laughs.LaughsOf(ctx, p.ids(), orchestrator.LaughFilter{From: from, To: to, Tier: orchestrator.TierSure,
		Marks: orchestrator.NotWrong(), Order: orchestrator.OrderLongest, Limit: 1}))
	if err != nil {
		return err
	}
	starred, err := collect(s.options.Laughs.LaughsOf(ctx, p.ids(), orchestrator.LaughFilter{From: from, To: to, Starred: true,
		Marks: orchestrator.NotWrong(), Order: orchestrator.OrderBest, Limit: bestOfYear}))
	if err != nil {
		return err
	}
	data := yearData{Name: name, From: from.String(), To: to.String()}
	if r.URL.Query().Get("from") == "" {
		data.turnYear(p, from.Year)
	}
	recordings, err := s.options.Heard.Recordings(ctx, p.user.ID, orchestrator.Span{Start: from.Span(p.location).Start, End: to.Span(p.location).End})
	if err != nil {
		return err
	}
	all := hear(recordings, nil)
	data.Sound = catalogue.Length(all.length(orchestrator.Span{Start: from.Span(p.location).Start, End: to.Span(p.location).End}))
	data.count(p, from, to, counts, all)
	data.bars(p, from, to, counts, hours)
	for _, l := range longest {
		view := s.laughView(l, p, v, "")
		data.Longest = &view
	}
	for _, l := range starred {
		view := s.laughView(l, p, v, backTo(r.URL))
		view.ShowDay = true
		data.Starred = append(data.Starred, view)
	}
	if r.URL.Query().Get("infectious") != "1" {
		data.FindInfectious = p.Year + "?" + url.Values{"from": {data.From}, "to": {data.To}, "infectious": {"1"}}.Encode() + "#infectious"
	} else if data.Infectious, err = s.mostInfectious(ctx, p, v, from, to); err != nil {
		return err
	}
	s.render(w, r, v, http.StatusOK, "year.html", view{Title: name, Person: p, Data: data})
	return nil
}

// infectious is a laugh with how many there were in the two minutes from it on.
type infectious struct {
	*laughView
	Count int
}

// spread is how long after a laugh others count as caught from it.
const spread = 2 * time.Minute

// mostInfectious finds the laugh from which on there were most within spread; nil where there were never two.
func (s *Server) mostInfectious(ctx context.Context, p *person, v viewer, from, to orchestrator.Date) (*infectious, error) {
	var window []orchestrator.StoredLaugh
	var best orchestrator.StoredLaugh
	most := 1
	for l, err := range s.options.Laughs.LaughsOf(ctx, p.ids(), orchestrator.LaughFilter{From: from, To: to, Marks: orchestrator.NotWrong()}) {
		if err != nil {
			return nil, err
		}
		if !counts(l) {
			continue
		}
		for len(window) > 0 && l.Start.Sub(window[0].Start) > spread {
			window = window[1:]
		}
		if window = append(window, l); len(window) > most {
			most, best = len(window), window[0]
		}
	}
	if most == 1 {
		return nil, nil
	}
	view := s.laughView(best, p, v, "")
	return &infectious{&view, most}, nil
}

// readRange reads a year (y=2026), or any days (from=2026-11-01&to=2026-11-30). Without either it is the year that ends today.
func readRange(query url.Values, today orchestrator.Date) (from, to orchestrator.Date, name string, err error) {
	if query.Get("from") != "" || query.Get("to") != "" {
		from, err = orchestrator.ParseDate(query.Get("from"))
		if err == nil {
			to, err = orchestrator.ParseDate(query.Get("to"))
		}
		if err != nil || to.Before(from) || from.Add(longestRange).Before(to) {
			return from, to, "", inputError("address")
		}
		return from, to, word("year.range", "from", catalogue.ShortDay(from)+yearIfOther(from, to), "to", catalogue.ShortDay(to)+" "+strconv.Itoa(to.Year)), nil
	}
	year, err := number(query.Get("y"))
	if err != nil || year != 0 && (year < 1970 || year > today.Year+1) {
		return from, to, "", inputError("address")
	}
	if year == 0 {
		year = today.Year
	}
	return orchestrator.Date{Year: year, Month: 1, Day: 1}, orchestrator.Date{Year: year, Month: 12, Day: 31}, strconv.Itoa(year), nil
}

func yearIfOther(from, to orchestrator.Date) string {
	if from.Year == to.Year {
		return ""
	}
	return " " + strconv.Itoa(from.Year)
}

func (d *yearData) turnYear(p *person, year int) {
	d.Earlier, d.EarlierName = p.Year+"?y="+strconv.Itoa(year-1), strconv.Itoa(year-1)
	if year < p.today.Year {
		d.Later, d.LaterName = p.Year+"?y="+strconv.Itoa(year+1), strconv.Itoa(year+1)
	}
}

// count draws the calendar and finds what stands out in it.
func (d *yearData) count(p *person, from, to orchestrator.Date, counts []orchestrator.DayCount, all heard) {
	byDay := dayCounts(p, counts, all)
	for _, day := range counts {
		d.Count += countOf(day)
		d.Wrong += day.Wrong
		d.MaybesLeft += day.UnmarkedMaybe
		if countOf(day) > 0 {
			d.Days++
		}
		if countOf(day) > 0 && (d.Best == nil || countOf(day) > d.Best.Count) {
			d.Best = &bestDay{Href: p.day(day.Date), Name: catalogue.ShortDay(day.Date), Count: countOf(day)}
		}
	}
	d.Empty = d.Count == 0
	title := word("year.map", "range", d.Name)
	d.Calendar = chart.Year{Head: chart.Head{ID: "map", Title: title}, From: from, To: to, Today: p.today, Days: byDay, Link: p.day, Name: p.dayName,
		Month: func(m time.Month) string { return word("month.short." + strconv.Itoa(int(m))) }, Weekday: func(day int) string { return word("weekday.short." + strconv.Itoa((day+1)%7))[:1] }}.Draw()
	d.Table = chart.Table{Caption: title, Columns: []string{word("table.day"), word("table.laughs"), word("table.maybe"), word("table.wrong")}}
	for _, day := range counts {
		d.Table.Rows = append(d.Table.Rows, []chart.Cell{{Text: catalogue.Day(day.Date, p.today), Href: p.day(day.Date)},
			{Text: words.Count(countOf(day)), Number: true}, {Text: words.Count(day.UnmarkedMaybe), Number: true}, {Text: words.Count(day.Wrong), Number: true}})
	}
	d.Streak = longestRun(p, counts)
	d.Quiet = quietSpell(p, counts)
}

// longestRun is the longest stretch of days each with a laugh.
func longestRun(p *person, counts []orchestrator.DayCount) *run {
	var best *run
	length := 0
	var first, last orchestrator.Date
	for _, day := range counts {
		if countOf(day) == 0 {
			continue
		}
		if length > 0 && last.Add(1) == day.Date {
			length++
		} else {
			length, first = 1, day.Date
		}
		last = day.Date
		if length > 1 && (best == nil || length > best.Days) {
			best = &run{Days: length, From: catalogue.ShortDay(first), To: catalogue.ShortDay(last), Href: p.day(first)}
		}
	}
	return best
}

// quietSpell is the longest stretch of days without a laugh between two that have some.
func quietSpell(p *person, counts []orchestrator.DayCount) *run {
	var best *run
	var last orchestrator.Date
	for _, day := range counts {
		if countOf(day) == 0 {
			continue
		}
		if last != (orchestrator.Date{}) {
			from, to := last.Add(1), day.Date.Add(-1)
			if days := daysBetween(from, to); days > 0 && (best == nil || days > best.Days) {
				best = &run{Days: days, From: catalogue.ShortDay(from), To: catalogue.ShortDay(to), Href: p.day(from)}
			}
		}
		last = day.Date
	}
	return best
}

// daysBetween counts days, both ends included.
func daysBetween(from, to orchestrator.Date) int {
	noon := func(d orchestrator.Date) time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }
	return int(noon(to).Sub(noon(from)).Hours()/24) + 1
}

// bars counts by month, weekday and hour.
func (d *yearData) bars(p *person, from, to orchestrator.Date, counts []orchestrator.DayCount, hours []orchestrator.LaughCount) {
	var months, weekdays, byHour [24]int
	for _, day := range counts {
		months[day.Date.Month-1] += countOf(day)
		weekday := (int(words.Weekday(day.Date)) + 6) % 7
		weekdays[weekday] += countOf(day)
	}
	classes := map[string]int{}
	for _, c := range hours {
		byHour[c.Hour] += c.Sure + c.RightMaybe
		classes[className(c.Class)] += c.Sure + c.RightMaybe
	}
	d.Classes = shares(classes)
	if from.Month == 1 && from.Day == 1 && to.Month == 12 && to.Day == 31 && from.Year == to.Year {
		d.Months, d.MonthTable = draw("months", word("year.months"), 12, func(i int) (short, long string, n int, href string) {
			first := orchestrator.Date{Year: from.Year, Month: time.Month(i + 1), Day: 1}
			last := first.Add(31)
			last.Day = 1
			last = last.Add(-1)
			return word("month.short." + strconv.Itoa(i+1))[:1], catalogue.Month(time.Month(i + 1)), months[i], p.Year + "?from=" + first.String() + "&to=" + last.String()
		})
	}
	d.Weekdays, d.WeekTable = draw("weekdays", word("year.weekdays"), 7, func(i int) (short, long string, n int, href string) {
		day := strconv.Itoa((i + 1) % 7)
		return word("weekday.short." + day), word("weekday." + day), weekdays[i], ""
	})
	d.Hours, d.HourTable = draw("hours", word("year.hours"), 24, func(i int) (short, long string, n int, href string) {
		if i%6 == 0 {
			short = strconv.Itoa(i)
		}
		return short, word("year.hour", "from", strconv.Itoa(i), "to", strconv.Itoa(i+1)), byHour[i], ""
	})
}

// draw makes bars and their table.
func draw(id, title string, bars int, of func(i int) (short, long string, n int, href string)) (*chart.BarsPicture, chart.Table) {
	b := chart.Bars{Head: chart.Head{ID: id, Title: title}}
	table := chart.Table{Caption: title, Columns: []string{"", word("table.laughs")}}
	most, best := 0, ""
	for i := range bars {
		short, long, n, href := of(i)
		b.Bars = append(b.Bars, chart.Value{Label: short, Text: words.Count(n), Name: long + ": " + plural("laughs", n), Value: float64(n), Href: href})
		table.Rows = append(table.Rows, []chart.Cell{{Text: long, Href: href}, {Text: words.Count(n), Number: true}})
		if n > most {
			most, best = n, long
		}
	}
	b.Desc = word("year.none")
	if most > 0 {
		b.Desc = word("year.most", "what", best, "count", plural("laughs", most))
	}
	picture := b.Draw()
	return &picture, table
}

// shares lists kinds of laughs, the most frequent first.
func shares(classes map[string]int) []classShare {
	var list []classShare
	for name, count := range classes {
		if count > 0 {
			list = append(list, classShare{name, count})
		}
	}
	slices.SortFunc(list, func(a, b classShare) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return list
}
