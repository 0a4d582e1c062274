package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// choiceView is the page on which a person chooses what a link plays.
type choiceView struct {
	Action, Title, Back string
	Laughs              []laughView
	// More says that there are more laughs than a link can have.
	More bool
}

// chooseShared shows the laughs of a day (day=2026-11-22), or the starred ones of some days (from=…&to=…), to choose from.
func (s *Server) chooseShared(w http.ResponseWriter, r *http.Request, v viewer) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "shares")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := orchestrator.LaughFilter{WithClip: true, Marks: orchestrator.NotWrong(), Limit: mostAtOnce + 1}
	show := choiceView{Action: p.Home + "/shares"}
	if text := query.Get("day"); text != "" {
		date, err := orchestrator.ParseDate(text)
		if err != nil {
			return inputError("address")
		}
		filter.From, filter.To = date, date
		show.Title, show.Back = catalogue.Day(date, p.today), p.day(date)
	} else {
		from, to, name, err := readRange(url.Values{"from": {query.Get("from")}, "to": {query.Get("to")}}, p.today)
		if err != nil {
			return err
		}
		filter.From, filter.To, filter.Starred, filter.Order = from, to, true, orchestrator.OrderBest
		show.Title, show.Back = word("share.best-of", "when", name), p.Year+"?"+url.Values{"from": {from.String()}, "to": {to.String()}}.Encode()
	}
	laughs, err := collect(s.options.Laughs.LaughsOf(r.Context(), p.ids(), filter))
	if err != nil {
		return err
	}
	if show.More = len(laughs) > mostAtOnce; show.More {
		laughs = laughs[:mostAtOnce]
	}
	for _, l := range laughs {
		if counts(l) || l.Star {
			view := s.laughView(l, p, v, "")
			view.ShowDay = filter.Starred
			show.Laughs = append(show.Laughs, view)
		}
	}
	s.render(w, r, v, http.StatusOK, "choose.html", view{Title: word("share.choose"), Person: p, Data: show})
	return nil
}

// addPlaylist makes a link to the laughs that were chosen, in their order, and to nothing else.
func (s *Server) addPlaylist(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	ids := r.PostForm["id"]
	if len(ids) == 0 {
		return inputError("nothing-chosen")
	}
	if len(ids) > mostAtOnce {
		return inputError("form")
	}
	for i, id := range ids {
		parsed, ok := orchestrator.ParseLaughID(id)
		if !ok || slices.Contains(ids[:i], parsed) {
			return inputError("form")
		}
		ids[i] = parsed
	}
	life, err := shareLife(r.PostForm)
	if err != nil {
		return err
	}
	token, made, err := s.options.Shares.AddShare(r.Context(), orchestrator.Share{UserID: user.ID, AccountID: v.account.ID, Title: strings.TrimSpace(r.PostForm.Get("title")),
		Laughs: ids}, life, r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	return s.showShares(w, r, v, user.Name, s.address(r, "/s/"+token), made.ID)
}

// shareLife reads for how long a link is open; 0 means the default.
func shareLife(form url.Values) (time.Duration, error) {
	days := shareDays[0]
	if text := form.Get("days"); text != "" {
		var err error
		if days, err = strconv.Atoi(text); err != nil || !slices.Contains(shareDays, days) {
			return 0, inputError("form")
		}
	}
	return time.Duration(days) * 24 * time.Hour, nil
}
