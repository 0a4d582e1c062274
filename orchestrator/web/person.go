package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// manyWaiting is as far as the badge of the review counts.
const manyWaiting = 99

// person is whose laughs a page is about, for the frame around it.
type person struct {
	Name, Zone         string
	Home, Review, Year string
	Section            string
	// Waiting for review; Over where there are more.
	Waiting int
	Over    bool

	user     orchestrator.User
	location *time.Location
	today    orchestrator.Date
}

// person finds the user of a page, and what its frame says.
func (s *Server) person(ctx context.Context, v viewer, name, section string) (*person, error) {
	user, err := v.user(name)
	if err != nil {
		return nil, err
	}
	return s.personOf(ctx, user, section)
}

func (s *Server) personOf(ctx context.Context, user orchestrator.User, section string) (*person, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	below := "/u/" + url.PathEscape(user.Name)
	p := &person{Name: user.Name, Zone: words.Zone(user.Timezone), Home: below, Review: below + "/review", Year: below + "/year", Section: section,
		user: user, location: location, today: orchestrator.DateOf(s.now().In(location))}
	if p.Waiting, err = s.options.Laughs.Unreviewed(ctx, user.ID, "", manyWaiting+1); err != nil {
		return nil, err
	}
	if p.Waiting > manyWaiting {
		p.Waiting, p.Over = manyWaiting, true
	}
	return p, nil
}

// ids is what every question about the person is limited to.
func (p *person) ids() []int64 { return []int64{p.user.ID} }

// day is the address of a day.
func (p *person) day(d orchestrator.Date) string { return p.Home + "/" + d.String() }

// said is what the page says of what was just done, with the way back.
type said struct {
	Text string
	Undo *undo
}

type undo struct{ Action, Was, Back string }

// saidOf reads what was just done from the address that a form sent the browser to.
func (s *Server) saidOf(r *http.Request, p *person) *said {
	query := r.URL.Query()
	did, was := query.Get("did"), query.Get("undo")
	if did == "" && was == "" || p == nil {
		return nil
	}
	out := &said{Text: word("said.done")}
	if key := "said." + did; catalogue.Has(key) {
		n := 0
		if was != "" {
			n = strings.Count(was, ",") + 1
		}
		out.Text = plural(key, n)
	}
	if _, err := parseUndo(was); was != "" && err == nil {
		out.Undo = &undo{Action: p.Home + "/undo", Was: was, Back: backTo(r.URL)}
	}
	return out
}

// backTo is the address without what was said on it.
func backTo(u *url.URL) string {
	query := u.Query()
	query.Del("did")
	query.Del("undo")
	return (&url.URL{Path: u.Path, RawQuery: query.Encode()}).String()
}

// judged is one laugh and the mark that it had.
type judged struct {
	id  string
	was orchestrator.Mark
}

// mostAtOnce bounds what one form changes.
const mostAtOnce = 50

// formatUndo and parseUndo carry marks that were, in an address: "id.right,id.".
func formatUndo(list []judged) string {
	parts := make([]string, len(list))
	for i, j := range list {
		parts[i] = j.id + "." + string(j.was)
	}
	return strings.Join(parts, ",")
}

func parseUndo(text string) ([]judged, error) {
	var list []judged
	for part := range strings.SplitSeq(text, ",") {
		id, was, _ := strings.Cut(part, ".")
		mark, err := parseMark(was)
		if _, ok := orchestrator.ParseLaughID(id); !ok || err != nil || len(list) == mostAtOnce {
			return nil, inputError("form")
		}
		list = append(list, judged{id, mark})
	}
	return list, nil
}

func parseMark(text string) (orchestrator.Mark, error) {
	switch mark := orchestrator.Mark(text); mark {
	case orchestrator.MarkNone, orchestrator.MarkRight, orchestrator.MarkWrong:
		return mark, nil
	case "none":
		return orchestrator.MarkNone, nil
	}
	return "", inputError("form")
}

// collect reads a sequence as far as its first error.
func collect(sequence func(func(orchestrator.StoredLaugh, error) bool)) (list []orchestrator.StoredLaugh, err error) {
	for laugh, err := range sequence {
		if err != nil {
			return nil, err
		}
		list = append(list, laugh)
	}
	return list, nil
}
