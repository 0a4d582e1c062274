package api

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/media"
)

// unreviewedMost is as far as a user's unreviewed laughs are counted.
const unreviewedMost = 1000

// query reads the parameters of a request; what the route does not know is refused, so that a filter with a slip of the pen does not
// answer with everything.
func query(r *http.Request, known []param) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badInput("The query cannot be read.")
	}
	for name, list := range values {
		i := slices.IndexFunc(known, func(p param) bool { return p.in == "query" && p.name == name })
		switch {
		case i < 0:
			return nil, badInput("Parameter %q is not known here.", name)
		case len(list) > 1 && !known[i].many:
			return nil, badInput("Parameter %q is given %d times.", name, len(list))
		}
	}
	return values, nil
}

func (s *Server) token(w http.ResponseWriter, _ *http.Request, c caller) error {
	return answer(w, http.StatusOK, document.OfAPIToken(c.token, c.account, c.users))
}

func (s *Server) userDocument(r *http.Request, user orchestrator.User) (document.APIUser, error) {
	location, err := user.Location()
	if err != nil {
		return document.APIUser{}, err
	}
	waiting, err := s.Laughs.Unreviewed(r.Context(), user.ID, "", unreviewedMost)
	return document.APIUser{User: user.Name, Timezone: user.Timezone, Today: orchestrator.DateOf(s.Now().In(location)).String(), Unreviewed: waiting}, err
}

func (s *Server) users(w http.ResponseWriter, r *http.Request, c caller) error {
	list := document.APIUsers{Users: []document.APIUser{}}
	for _, user := range c.users {
		one, err := s.userDocument(r, user)
		if err != nil {
			return err
		}
		list.Users = append(list.Users, one)
	}
	return answer(w, http.StatusOK, list)
}

func (s *Server) user(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	one, err := s.userDocument(r, user)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, one)
}

// dateOf reads a day of the query; fallback where there is none.
func dateOf(values url.Values, name string, fallback orchestrator.Date) (orchestrator.Date, error) {
	text := values.Get(name)
	if text == "" {
		return fallback, nil
	}
	date, err := orchestrator.ParseDate(text)
	if err != nil {
		return date, badInput("Parameter %q is no day: want YYYY-MM-DD.", name)
	}
	return date, nil
}

func (s *Server) days(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	values, err := query(r, []param{fromParam, toParam})
	if err != nil {
		return err
	}
	location, err := user.Location()
	if err != nil {
		return err
	}
	to, err := dateOf(values, "to", orchestrator.DateOf(s.Now().In(location)))
	if err != nil {
		return err
	}
	from, err := dateOf(values, "from", to.Add(-30))
	switch {
	case err != nil:
		return err
	case to.Before(from):
		return badInput("The first day lies behind the last one.")
	case from.Add(mostDays).Before(to):
		return badInput("That are more than %d days.", mostDays)
	}
	counts, err := s.Laughs.Days(r.Context(), user.ID, from, to)
	if err != nil {
		return err
	}
	best, err := s.Laughs.BestOfDays(r.Context(), user.ID, from, to)
	if err != nil {
		return err
	}
	list := document.APIDays{User: user.Name, Timezone: user.Timezone, From: from.String(), To: to.String(), Days: []document.APIDay{}}
	for _, count := range counts {
		list.Days = append(list.Days, document.OfAPIDay(count, best[count.Date].ID))
	}
	return answer(w, http.StatusOK, list)
}

func (s *Server) day(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	date, err := orchestrator.ParseDate(r.PathValue("day"))
	if err != nil {
		return orchestrator.ErrNotFound
	}
	location, err := user.Location()
	if err != nil {
		return err
	}
	ctx, span := r.Context(), date.Span(location)
	counts, err := s.Laughs.Days(ctx, user.ID, date, date)
	if err != nil {
		return err
	}
	best, err := s.Laughs.BestOfDays(ctx, user.ID, date, date)
	if err != nil {
		return err
	}
	recordings, err := s.Heard.Recordings(ctx, user.ID, span)
	if err != nil {
		return err
	}
	ledger, err := s.Heard.Ledger(ctx, user.ID, span)
	if err != nil {
		return err
	}
	day := document.APIDaySound{User: user.Name, Timezone: user.Timezone, Start: document.Stamp(span.Start), End: document.Stamp(span.End),
		Laughs: document.APIDay{Date: date.String()}, Sound: []document.APISound{}, Missing: []document.APISilent{}}
	if len(counts) > 0 {
		day.Laughs = document.OfAPIDay(counts[0], best[date].ID)
	}
	for _, recording := range recordings {
		day.Sound = append(day.Sound, document.APISound{Start: document.Stamp(recording.Start), End: document.Stamp(recording.End), Recording: recording.Name, Problem: recording.Reason})
	}
	for _, gap := range ledger {
		if gap.State == orchestrator.SpanFailed {
			day.Missing = append(day.Missing, document.APISilent{Start: document.Stamp(gap.Start), End: document.Stamp(gap.End), Reason: gap.Reason})
		}
	}
	return answer(w, http.StatusOK, day)
}

// timesOf reads when the laughs of a filter may be.
func timesOf(values url.Values, filter *orchestrator.LaughFilter) (err error) {
	if filter.From, err = dateOf(values, "from", orchestrator.Date{}); err != nil {
		return err
	}
	if filter.To, err = dateOf(values, "to", orchestrator.Date{}); err != nil {
		return err
	}
	for name, to := range map[string]*time.Time{"since": &filter.Span.Start, "until": &filter.Span.End} {
		if text := values.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				return badInput("Parameter %q is no instant: want RFC 3339, such as 2026-11-22T14:30:00Z.", name)
			}
		}
	}
	return nil
}

// filterOf reads the filter of a list of laughs, and the users that it is about.
func filterOf(r *http.Request, c caller) (filter orchestrator.LaughFilter, userIDs []int64, err error) {
	values, err := query(r, laughParams)
	if err != nil {
		return filter, nil, err
	}
	userIDs = c.userIDs()
	if names := values["user"]; len(names) > 0 {
		userIDs = nil
		for _, name := range names {
			user, err := c.user(name)
			if err != nil {
				return filter, nil, err
			}
			userIDs = append(userIDs, user.ID)
		}
	}
	if err = timesOf(values, &filter); err != nil {
		return filter, nil, err
	}
	for name, to := range map[string]*bool{"starred": &filter.Starred, "with_clip": &filter.WithClip} {
		if text := values.Get(name); text != "" {
			if *to, err = strconv.ParseBool(text); err != nil {
				return filter, nil, badInput("Parameter %q wants true or false.", name)
			}
		}
	}
	for _, text := range values["mark"] {
		mark, err := markOf(text)
		if err != nil {
			return filter, nil, err
		}
		filter.Marks = append(filter.Marks, mark)
	}
	filter.Class, filter.After = values.Get("class"), values.Get("after")
	switch filter.Tier = orchestrator.Tier(values.Get("tier")); filter.Tier {
	case "", orchestrator.TierSure, orchestrator.TierMaybe:
	default:
		return filter, nil, badInput("Parameter \"tier\" wants sure or maybe.")
	}
	switch filter.Order = orchestrator.LaughOrder(values.Get("order")); filter.Order {
	case "oldest":
		filter.Order = orchestrator.OrderOldest
	case orchestrator.OrderOldest, orchestrator.OrderNewest, orchestrator.OrderBest, orchestrator.OrderLongest, orchestrator.OrderLeastCertain:
	default:
		return filter, nil, badInput("Parameter \"order\" wants oldest, newest, best, longest or least-certain.")
	}
	if text := values.Get("min_score"); text != "" {
		if filter.MinScore, err = strconv.ParseFloat(text, 64); err != nil || !(filter.MinScore >= 0 && filter.MinScore <= 1) {
			return filter, nil, badInput("Parameter \"min_score\" wants a number from 0 to 1.")
		}
	}
	filter.Limit = usualLaughs
	if text := values.Get("limit"); text != "" {
		if filter.Limit, err = strconv.Atoi(text); err != nil || filter.Limit < 1 || filter.Limit > mostLaughs {
			return filter, nil, badInput("Parameter \"limit\" wants a number from 1 to %d.", mostLaughs)
		}
	}
	if filter.After != "" {
		if _, err := orchestrator.ParseLaughCursor(filter.After); err != nil {
			return filter, nil, badInput("Parameter \"after\" wants the \"next\" of the page before.")
		}
	}
	return filter, userIDs, nil
}

// markOf reads a mark; none is one that nobody made.
func markOf(text string) (orchestrator.Mark, error) {
	switch mark := orchestrator.Mark(text); mark {
	case orchestrator.MarkRight, orchestrator.MarkWrong:
		return mark, nil
	case "none", orchestrator.MarkNone:
		return orchestrator.MarkNone, nil
	}
	return "", badInput("A mark is right, wrong or none.")
}

func (s *Server) laughs(w http.ResponseWriter, r *http.Request, c caller) error {
	filter, userIDs, err := filterOf(r, c)
	if err != nil {
		return err
	}
	list, most := document.APILaughs{Laughs: []document.APILaugh{}}, filter.Limit
	filter.Limit++ // one more tells whether there is another page
	var last orchestrator.StoredLaugh
	for laugh, err := range s.Laughs.LaughsOf(r.Context(), userIDs, filter) {
		if err != nil {
			return err
		}
		if len(list.Laughs) == most {
			list.Next = last.Cursor()
			break
		}
		list.Laughs, last = append(list.Laughs, s.laughDocument(laugh)), laugh
	}
	return answer(w, http.StatusOK, list)
}

func (s *Server) laughDocument(l orchestrator.StoredLaugh) document.APILaugh {
	return document.OfAPILaugh(l, s.Prefix+Root+"/laughs/"+l.ID+"/clip")
}

// laughOf finds the laugh of an address.
func (s *Server) laughOf(r *http.Request, c caller) (orchestrator.StoredLaugh, error) {
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	if !ok {
		return orchestrator.StoredLaugh{}, orchestrator.ErrNotFound
	}
	return s.Laughs.Laugh(r.Context(), c.userIDs(), id)
}

func (s *Server) laugh(w http.ResponseWriter, r *http.Request, c caller) error {
	l, err := s.laughOf(r, c)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s.laughDocument(l))
}

// writeLimit is how long a program may take over a clip: one that is slower is cut off.
const writeLimit = 5 * time.Minute

func (s *Server) clip(w http.ResponseWriter, r *http.Request, c caller) error {
	l, err := s.laughOf(r, c)
	if err != nil {
		return err
	}
	if l.Clip == "" {
		return orchestrator.ErrNotFound
	}
	sound, err := s.Sounds.Original(r.Context(), l.Clip)
	if err != nil {
		return err
	}
	defer sound.Close()
	s.serve(w, r, l.Clip, path.Base(l.Clip), sound)
	return nil
}

func (s *Server) clipWAV(w http.ResponseWriter, r *http.Request, c caller) error {
	l, err := s.laughOf(r, c)
	if err != nil {
		return err
	}
	if l.Clip == "" {
		return orchestrator.ErrNotFound
	}
	data, err := s.Sounds.WAV(r.Context(), l.Clip)
	if err != nil {
		return err
	}
	s.serve(w, r, ".wav", path.Base(l.Clip)+".wav", bytes.NewReader(data))
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, name, etag string, sound io.ReadSeeker) {
	media.Headers(w.Header(), media.Type(name), etag)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit)) // the system's clock, whatever ours says; a test's writer has none
	http.ServeContent(w, r, "", time.Time{}, sound)
}
