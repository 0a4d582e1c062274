package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

const (
	homeDays  = 7  // in the list
	homeWeeks = 5  // in the calendar
	dayStrip  = 96 // pixels
	listStrip = 36
)

// homeData is what a person sees first.
type homeData struct {
	// Latest day with sound, and its best laugh; nil where there is none yet.
	Latest *dayCard
	Best   *laughView
	// Days before it.
	Days    []dayCard
	Weeks   []weekDay
	Heads   []string
	Notices []notice
	Others  []otherPerson
}

// dayCard is a day in a list.
type dayCard struct {
	Href, Name, Full string
	Count            int
	// Sound is the base of the count in words; Silent days had none.
	Sound  string
	Silent bool
	// Near days, today and yesterday, have a name that their date does not say.
	Near  bool
	Strip chart.Strip
}

// weekDay is a day of the calendar of the last weeks.
type weekDay struct {
	Href, Label, Number, R   string
	Size                     int
	Today, FirstOfMonth, Off bool
}

// otherPerson is another one of whom the viewer sees laughs.
type otherPerson struct{ Href, Name string }

// home shows the first person of whom the viewer sees laughs.
func (s *Server) home(w http.ResponseWriter, r *http.Request, v viewer) error {
	if len(v.users) == 0 {
		s.render(w, r, v, http.StatusOK, "home.html", view{Title: word("home.title"), Data: homeData{}})
		return nil
	}
	return s.personHome(w, r, v, v.users[0].Name)
}

func (s *Server) userHome(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.personHome(w, r, v, r.PathValue("user"))
}

func (s *Server) personHome(w http.ResponseWriter, r *http.Request, v viewer, name string) error {
	ctx := r.Context()
	p, err := s.person(ctx, v, name, "home")
	if err != nil {
		return err
	}
	// The calendar's first day is a Monday.
	from := p.today.Add(-7*(homeWeeks-1) - (int(words.Weekday(p.today))+6)%7)
	span := orchestrator.Span{Start: from.Span(p.location).Start, End: p.today.Span(p.location).End}
	recordings, err := s.options.Heard.Recordings(ctx, p.user.ID, span)
	if err != nil {
		return err
	}
	ledger, err := s.options.Heard.Ledger(ctx, p.user.ID, span)
	if err != nil {
		return err
	}
	days, err := s.options.Laughs.Days(ctx, p.user.ID, from, p.today)
	if err != nil {
		return err
	}
	all := hear(recordings, ledger)
	failed, err := s.failedNight(ctx, p, v)
	if err != nil {
		return err
	}
	data := homeData{Notices: append(failed, s.notices(p, v, all)...), Weeks: s.weeks(p, from, days, all)}
	for day := range 7 {
		data.Heads = append(data.Heads, word("weekday.short."+strconv.Itoa((day+1)%7)))
	}
	for _, user := range v.users {
		if user.ID != p.user.ID {
			data.Others = append(data.Others, otherPerson{"/u/" + user.Name, user.Name})
		}
	}
	latest, any := latestDay(p, from, days, all)
	if any {
		if err := s.latestDays(r, v, p, &data, latest, all); err != nil {
			return err
		}
	}
	s.render(w, r, v, http.StatusOK, "home.html", view{Title: p.Name, Person: p, Data: data})
	return nil
}

// latestDay is the newest day that had sound or laughs.
func latestDay(p *person, from orchestrator.Date, days []orchestrator.DayCount, all heard) (orchestrator.Date, bool) {
	var latest orchestrator.Date
	if len(days) > 0 {
		latest = days[len(days)-1].Date
	}
	if !all.last.IsZero() {
		if sounded := orchestrator.DayIn(all.last.Add(-time.Nanosecond), p.location); latest.Before(sounded) && !p.today.Before(sounded) {
			latest = sounded
		}
	}
	return latest, !latest.Before(from)
}

// latestDays fills in the latest day and those before it.
func (s *Server) latestDays(r *http.Request, v viewer, p *person, data *homeData, latest orchestrator.Date, all heard) error {
	ctx := r.Context()
	first := latest.Add(-homeDays)
	laughs, err := collect(s.options.Laughs.LaughsOf(ctx, p.ids(), orchestrator.LaughFilter{From: first, To: latest, Marks: orchestrator.NotWrong()}))
	if err != nil {
		return err
	}
	byDay := map[orchestrator.Date][]orchestrator.StoredLaugh{}
	for _, l := range laughs {
		if counts(l) {
			byDay[l.Day] = append(byDay[l.Day], l)
		}
	}
	card := s.dayCard(p, latest, byDay[latest], all, dayStrip)
	data.Latest = &card
	for day := latest.Add(-1); !day.Before(first) && len(data.Days) < homeDays; day = day.Add(-1) {
		data.Days = append(data.Days, s.dayCard(p, day, byDay[day], all, listStrip))
	}
	if len(byDay[latest]) > 0 {
		best, err := s.options.Laughs.BestOfDays(ctx, p.user.ID, latest, latest)
		if err != nil {
			return err
		}
		if l, ok := best[latest]; ok {
			view := s.laughView(l, p, v, "")
			data.Best = &view
		}
	}
	return nil
}

func (s *Server) dayCard(p *person, date orchestrator.Date, laughs []orchestrator.StoredLaugh, all heard, height int) dayCard {
	span := date.Span(p.location)
	of := all.ofDay(span)
	sound := of.length(span)
	card := dayCard{Href: p.day(date), Name: catalogue.Near(date, p.today), Full: catalogue.Day(date, p.today), Count: len(laughs),
		Sound: catalogue.Length(sound), Silent: sound == 0 && len(laughs) == 0, Near: p.today.Add(-2).Before(date)}
	day := chart.Day{Head: chart.Head{ID: "strip-" + date.String(), Title: word("strip.title", "day", card.Full), Desc: s.stripDesc(len(laughs), sound)},
		Span: span, Location: p.location, Sound: of.sound, Missing: of.missing, Height: height, Sparse: height == listStrip}
	for _, l := range laughs {
		day.Laughs = append(day.Laughs, stripLaugh(l))
	}
	card.Strip = day.Draw()
	return card
}

func stripLaugh(l orchestrator.StoredLaugh) chart.Laugh {
	return chart.Laugh{ID: l.ID, Start: l.Start, Length: l.End.Sub(l.Start), Score: l.Score, Star: l.Star,
		Maybe: l.Tier == orchestrator.TierMaybe && l.Mark != orchestrator.MarkRight}
}

// stripDesc says a strip in words.
func (s *Server) stripDesc(laughs int, sound time.Duration) string {
	if sound == 0 {
		return plural("strip.desc-no-sound", laughs)
	}
	return plural("strip.desc", laughs, "sound", catalogue.Length(sound))
}

// weeks are the days of the calendar, from a Monday on.
func (s *Server) weeks(p *person, from orchestrator.Date, days []orchestrator.DayCount, all heard) []weekDay {
	last := from.Add(7*homeWeeks - 1)
	year := chart.Year{From: from, To: last, Today: p.today, Days: dayCounts(p, days, all), Link: p.day, Name: p.dayName, Month: catalogue.Month}
	var list []weekDay
	sized := year.Sizes()
	for date := from; !last.Before(date); date = date.Add(1) {
		day := weekDay{Href: p.day(date), Number: strconv.Itoa(date.Day), Today: date == p.today, FirstOfMonth: date.Day == 1 || date == from, Off: p.today.Before(date)}
		if day.FirstOfMonth {
			day.Number = catalogue.ShortDay(date)
		}
		if !day.Off {
			day.Label = p.dayName(date, year.Days[date])
			day.Size, day.R = sized(date)
		}
		list = append(list, day)
	}
	return list
}

// dayName says a day and its count.
func (p *person) dayName(date orchestrator.Date, count chart.DayCount) string {
	if !count.Heard && count.Laughs == 0 {
		return word("day.name-silent", "day", catalogue.Day(date, p.today))
	}
	return plural("day.name", count.Laughs, "day", catalogue.Day(date, p.today))
}

// dayCounts joins counts and sound by day.
func dayCounts(p *person, days []orchestrator.DayCount, all heard) map[orchestrator.Date]chart.DayCount {
	counts := map[orchestrator.Date]chart.DayCount{}
	for _, span := range all.sound {
		last := orchestrator.DayIn(span.End.Add(-time.Nanosecond), p.location)
		for date := orchestrator.DayIn(span.Start, p.location); !last.Before(date); date = date.Add(1) {
			counts[date] = chart.DayCount{Heard: true}
		}
	}
	for _, day := range days {
		if day.Sure > 0 || day.Maybe > 0 || day.Wrong > 0 {
			counts[day.Date] = chart.DayCount{Laughs: countOf(day), Heard: true}
		}
	}
	return counts
}
