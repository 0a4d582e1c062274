package web

import (
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
)

const (
	// reviewCount is as far as the review counts what is left.
	reviewCount = 1000
	// reviewRows is how many laughs the list of the review has.
	reviewRows = 24
	waveParts  = 160
)

// reviewData is the queue: its first laugh, or a list of many.
type reviewData struct {
	Left     int
	Over     bool
	Laugh    *laughView
	Wave     *chart.WavePicture
	Skip     string
	Skipped  bool
	FromTop  string
	Many     []laughView
	AsList   bool
	List     string
	One      string
	Back     string
	Previous string
	MaxNote  int
}

// review shows what nobody marked yet, the least certain first.
func (s *Server) review(w http.ResponseWriter, r *http.Request, v viewer) error {
	ctx := r.Context()
	p, err := s.person(ctx, v, r.PathValue("user"), "review")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	data := reviewData{AsList: query.Get("view") == "list", Back: backTo(r.URL), FromTop: p.Review, One: p.Review, List: p.Review + "?view=list", Skipped: query.Get("after") != "",
		MaxNote: orchestrator.MaxNote / utf8.UTFMax}
	filter := orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkNone}, Order: orchestrator.OrderLeastCertain, Limit: 1, After: query.Get("after")}
	if data.AsList {
		filter.Limit = reviewRows
	}
	if _, err := orchestrator.ParseLaughCursor(filter.After); filter.After != "" && err != nil {
		return inputError("address")
	}
	laughs, err := collect(s.options.Laughs.LaughsOf(ctx, p.ids(), filter))
	if err != nil {
		return err
	}
	if data.Left, err = s.options.Laughs.Unreviewed(ctx, p.user.ID, "", reviewCount+1); err != nil {
		return err
	}
	if data.Left > reviewCount {
		data.Left, data.Over = reviewCount, true
	}
	switch {
	case data.AsList:
		for _, l := range laughs {
			data.Many = append(data.Many, s.laughView(l, p, v, data.Back))
		}
		if len(laughs) == reviewRows {
			data.Skip = p.Review + "?" + url.Values{"view": {"list"}, "after": {laughs[len(laughs)-1].Cursor()}}.Encode()
		}
	case len(laughs) > 0:
		view := s.laughView(laughs[0], p, v, data.Back)
		data.Laugh, data.Wave = &view, s.wave(ctx, &view, "wave", waveParts, 96)
		data.Skip = p.Review + "?" + url.Values{"after": {laughs[0].Cursor()}}.Encode()
	}
	s.render(w, r, v, http.StatusOK, "review.html", view{Title: word("review.title"), Person: p, Data: data})
	return nil
}

// markMany marks several laughs at once.
func (s *Server) markMany(w http.ResponseWriter, r *http.Request, v viewer) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "review")
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	mark, err := parseMark(r.PostForm.Get("mark"))
	if err != nil {
		return err
	}
	ids := r.PostForm["id"]
	if len(ids) > mostAtOnce {
		return inputError("form")
	}
	var done []judged
	for _, id := range ids {
		was, err := s.options.Judging.Mark(r.Context(), p.ids(), id, mark)
		if err != nil {
			return err
		}
		done = append(done, judged{id, was})
	}
	return s.back(w, r, r.PostForm.Get("back"), didMark(mark), done)
}

// undo gives laughs the marks that they had.
func (s *Server) undo(w http.ResponseWriter, r *http.Request, v viewer) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "")
	if err != nil {
		return err
	}
	list, err := parseUndo(r.PostFormValue("was"))
	if err != nil {
		return err
	}
	for _, j := range list {
		if _, err := s.options.Judging.Mark(r.Context(), p.ids(), j.id, j.was); err != nil {
			return err
		}
	}
	return s.back(w, r, r.PostFormValue("back"), "undone", nil)
}

func didMark(mark orchestrator.Mark) string {
	switch mark {
	case orchestrator.MarkRight:
		return "right"
	case orchestrator.MarkWrong:
		return "wrong"
	}
	return "unmarked"
}

// back sends the browser to the page that a form came from, which says what was done.
func (s *Server) back(w http.ResponseWriter, r *http.Request, to, did string, undo []judged) error {
	u, err := url.Parse(s.inside(to))
	if err != nil {
		return inputError("form")
	}
	query := u.Query()
	query.Set("did", did)
	query.Del("undo")
	if len(undo) > 0 {
		query.Set("undo", formatUndo(undo))
	}
	u.RawQuery = query.Encode()
	http.Redirect(w, r, s.path(u.String()), http.StatusSeeOther) //nolint:gosec // path keeps it on this site
	return nil
}

// inside is a page of ours, below the base.
func (s *Server) inside(to string) string { return local(to) }

// number reads a number of a query; 0 where there is none.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.Atoi(text)
}
