package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

const (
	// dayRows is how many laughs a page of a day lists.
	dayRows = 100
	// longBreak without sound stands in the list.
	longBreak = 30 * time.Minute
	dayHeight = 120 // of the strip, in pixels
	steps     = 10  // of the slider
)

// dayData is a day, or a stretch of it.
type dayData struct {
	Name, Date         string
	Earlier, Later     string // addresses; Later is empty for today
	Count              int
	Sound              string
	Silent, Future     bool
	Strip              chart.Strip
	Hours              chart.Table
	From, To, Zoomed   string // local times of the stretch; Zoomed says it, empty for the whole day
	WholeDay           string
	Sure, Maybes       int
	ShownMaybes, Steps int
	Maybe              int // the slider
	With               []withChoice
	Filtered           bool
	Rows               []dayRow
	More               string
	Notices            []notice
}

// dayRow is a laugh, or a break between laughs.
type dayRow struct {
	*laughView
	Break string
}

func (s *Server) dayPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	ctx := r.Context()
	p, err := s.person(ctx, v, r.PathValue("user"), "day")
	if err != nil {
		return err
	}
	date, err := orchestrator.ParseDate(r.PathValue("day"))
	if err != nil {
		return orchestrator.ErrNotFound
	}
	asked, err := readStretch(r.URL.Query(), date, p.location)
	if err != nil {
		return err
	}
	recordings, err := s.options.Heard.Recordings(ctx, p.user.ID, asked.day)
	if err != nil {
		return err
	}
	ledger, err := s.options.Heard.Ledger(ctx, p.user.ID, asked.day)
	if err != nil {
		return err
	}
	laughs, err := collect(s.options.Laughs.LaughsOf(ctx, p.ids(), orchestrator.LaughFilter{From: date, To: date}))
	if err != nil {
		return err
	}
	all := hear(recordings, ledger)
	data := dayData{Name: catalogue.Day(date, p.today), Date: date.String(), Earlier: p.day(date.Add(-1)), Steps: steps, Maybe: asked.maybe,
		From: asked.from, To: asked.to, Future: p.today.Before(date)}
	if date.Before(p.today) {
		data.Later = p.day(date.Add(1))
	}
	sound := all.length(asked.day)
	data.Sound, data.Silent = catalogue.Length(sound), sound == 0 && len(laughs) == 0
	if all.failed > 0 {
		data.Notices = append(data.Notices, notice{Text: plural("notice.unread", all.failed), Then: word("notice.unread-then")})
	}
	data.With, data.Filtered = withChoices(laughs, asked.with), asked.with != ""
	shown := s.showTiers(&data, laughs, asked)
	s.drawDay(&data, p, shown, all, asked)
	s.listDay(&data, r, p, v, shown, all, asked)
	s.render(w, r, v, http.StatusOK, "day.html", view{Title: data.Name, Person: p, Data: data})
	return nil
}

// stretch is what of a day was asked for.
type stretch struct {
	day, span orchestrator.Span
	from, to  string // as they stand in the address
	maybe     int    // 0..steps
	with      string // what the laughs were heard with; empty for anything
	after     string
	date      orchestrator.Date
}

// whole reports whether it is the whole day.
func (a stretch) whole() bool { return a.span == a.day }

// query is the address of a stretch of the day, with everything else as it is.
func (a stretch) query(from, to string) string {
	values := url.Values{}
	if from != "" {
		values.Set("from", from)
		values.Set("to", to)
	}
	if a.maybe > 0 {
		values.Set("maybe", strconv.Itoa(a.maybe))
	}
	if a.with != "" {
		values.Set("with", a.with)
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func readStretch(query url.Values, date orchestrator.Date, loc *time.Location) (a stretch, err error) {
	a.date, a.day = date, date.Span(loc)
	a.span, a.after = a.day, query.Get("after")
	if text := query.Get("maybe"); text != "" {
		if a.maybe, err = strconv.Atoi(text); err != nil || a.maybe < 0 || a.maybe > steps {
			return a, inputError("address")
		}
	}
	if a.with = query.Get("with"); a.with != "" && !slices.Contains(withs, a.with) {
		return a, inputError("address")
	}
	if a.from, a.to = query.Get("from"), query.Get("to"); a.from == "" && a.to == "" {
		return a, nil
	}
	from, err1 := minuteOfDay(a.from)
	to, err2 := minuteOfDay(a.to)
	if err1 != nil || err2 != nil || from >= to {
		return a, inputError("address")
	}
	a.span = stretchOf(a.day, loc, from, to)
	return a, nil
}

// withs are what laughs may be heard with, as an address names it.
var withs = []string{orchestrator.WithOthers, orchestrator.WithTelevision, orchestrator.WithMusic}

// withChoice is a choice of the filter.
type withChoice struct {
	Name, Value string
	Chosen      bool
}

// withChoices are the choices of the filter for the laughs of a day; nil where there is nothing to choose.
func withChoices(laughs []orchestrator.StoredLaugh, chosen string) (list []withChoice) {
	for _, with := range withs {
		heard := func(l orchestrator.StoredLaugh) bool { return slices.Contains(l.Around.With(), with) }
		if with == chosen || slices.ContainsFunc(laughs, heard) {
			list = append(list, withChoice{word("with." + with), with, with == chosen})
		}
	}
	if list == nil {
		return nil
	}
	return append([]withChoice{{word("with.any"), "", chosen == ""}}, list...)
}

func minuteOfDay(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

// stretchOf is the part of a day between two local times: from the first minute that is not before the one to the end of the
// last that is before the other. So an hour that comes twice is there twice.
func stretchOf(day orchestrator.Span, loc *time.Location, from, to int) orchestrator.Span {
	span := orchestrator.Span{Start: day.End, End: day.Start}
	for t := day.Start; t.Before(day.End); t = t.Add(time.Minute) {
		local := t.In(loc)
		minute := local.Hour()*60 + local.Minute()
		if minute >= from && t.Before(span.Start) {
			span.Start = t
		}
		if minute < to {
			span.End = t.Add(time.Minute)
		}
	}
	if !span.Start.Before(span.End) { // the clocks jumped over it
		span.Start = span.End.Add(-time.Minute)
	}
	return span
}

// showTiers chooses what the slider shows: all that count, and the best share of those that may be laughs.
func (s *Server) showTiers(data *dayData, laughs []orchestrator.StoredLaugh, asked stretch) []orchestrator.StoredLaugh {
	var shown, maybes []orchestrator.StoredLaugh
	for _, l := range laughs {
		if counts(l) {
			data.Count++
		}
		if !asked.span.Contains(l.Start) || asked.with != "" && !slices.Contains(l.Around.With(), asked.with) {
			continue
		}
		if l.Tier == orchestrator.TierMaybe && l.Mark == orchestrator.MarkNone {
			maybes = append(maybes, l)
			continue
		}
		if l.Mark != orchestrator.MarkWrong {
			data.Sure++
		}
		shown = append(shown, l)
	}
	data.Maybes = len(maybes)
	data.ShownMaybes = (len(maybes)*asked.maybe + steps - 1) / steps
	slices.SortStableFunc(maybes, func(a, b orchestrator.StoredLaugh) int { return cmp.Compare(b.Score, a.Score) })
	shown = append(shown, maybes[:data.ShownMaybes]...)
	slices.SortStableFunc(shown, func(a, b orchestrator.StoredLaugh) int { return a.Start.Compare(b.Start) })
	return shown
}

func (s *Server) drawDay(data *dayData, p *person, shown []orchestrator.StoredLaugh, all heard, asked stretch) {
	title := word("strip.title", "day", data.Name)
	if !asked.whole() {
		data.Zoomed = asked.from + "–" + asked.to
		data.WholeDay = p.day(asked.date) + asked.query("", "")
		title = word("strip.title-part", "day", data.Name, "part", data.Zoomed)
	}
	day := chart.Day{Head: chart.Head{ID: "strip", Title: title, Desc: s.stripDesc(data.Sure, all.length(asked.span))}, Span: asked.span, Location: p.location,
		Sound: all.sound, Missing: all.missing, Height: dayHeight,
		Link: func(span orchestrator.Span) string {
			from, to := words.Clock(span.Start, p.location), words.Clock(span.End, p.location)
			if to == "00:00" || !span.End.Before(asked.day.End) {
				to = "24:00"
			}
			return s.path(p.day(asked.date)) + asked.query(from, to)
		},
		Seam:  seamName,
		Count: func(n int) string { return plural("laughs", n) }}
	for _, l := range shown {
		if l.Mark != orchestrator.MarkWrong {
			day.Laughs = append(day.Laughs, stripLaugh(l))
		}
	}
	data.Strip = day.Draw()
	data.Hours = hoursTable(data.Strip)
}

// seamName says a change of the clocks.
func seamName(by time.Duration) string {
	if by < 0 {
		return word("strip.back", "by", catalogue.Length(-by))
	}
	return word("strip.forward", "by", catalogue.Length(by))
}

// hoursTable is the strip as a table.
func hoursTable(strip chart.Strip) chart.Table {
	table := chart.Table{Caption: strip.Title, Columns: []string{word("table.hour"), word("table.sound"), word("table.missing"), word("table.laughs")}}
	for _, hour := range strip.Hours {
		label := hour.Label
		if hour.Repeated {
			label = word("table.again", "hour", label)
		}
		table.Rows = append(table.Rows, []chart.Cell{{Text: label}, {Text: orDash(hour.Sound), Number: true}, {Text: orDash(hour.Missing), Number: true},
			{Text: words.Count(hour.Laughs), Number: true}})
	}
	return table
}

func orDash(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return catalogue.Length(d)
}

// listDay lists the laughs, with long breaks between them.
func (s *Server) listDay(data *dayData, r *http.Request, p *person, v viewer, shown []orchestrator.StoredLaugh, all heard, asked stretch) {
	if asked.after != "" {
		if at := slices.IndexFunc(shown, func(l orchestrator.StoredLaugh) bool { return l.ID == asked.after }); at >= 0 {
			shown = shown[at+1:]
		}
	}
	if len(shown) > dayRows {
		query := r.URL.Query()
		query.Set("after", shown[dayRows-1].ID)
		data.More = r.URL.Path + "?" + query.Encode()
		shown = shown[:dayRows]
	}
	breaks := silences(all, asked.span)
	back := backTo(r.URL)
	for _, l := range shown {
		for len(breaks) > 0 && !l.Start.Before(breaks[0].Start) {
			data.Rows = append(data.Rows, dayRow{Break: s.breakName(breaks[0], p)})
			breaks = breaks[1:]
		}
		view := s.laughView(l, p, v, back)
		data.Rows = append(data.Rows, dayRow{laughView: &view})
	}
	if data.More == "" && len(shown) > 0 {
		for _, span := range breaks {
			data.Rows = append(data.Rows, dayRow{Break: s.breakName(span, p)})
		}
	}
}

func (s *Server) breakName(span orchestrator.Span, p *person) string {
	from, to := words.Clock(span.Start, p.location), words.Clock(span.End, p.location)
	if to == "00:00" {
		to = "24:00"
	}
	return word("day.break", "from", from, "to", to)
}

// silences are the long stretches without sound.
func silences(all heard, span orchestrator.Span) []orchestrator.Span {
	var list []orchestrator.Span
	at := span.Start
	add := func(until time.Time) {
		if until = earlier(until, span.End); until.Sub(at) >= longBreak {
			list = append(list, orchestrator.Span{Start: at, End: until})
		}
	}
	for _, sound := range all.sound {
		add(sound.Start)
		at = later(at, sound.End)
	}
	add(span.End)
	return list
}
