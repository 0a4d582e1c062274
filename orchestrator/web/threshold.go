package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
)

// Marks says what a person's marks speak for, and sets the threshold that they choose.
type Marks interface {
	Proposal(ctx context.Context, user orchestrator.User) (service.Proposal, error)
	// UseThreshold sets a user's own; 0 takes it away.
	UseThreshold(ctx context.Context, user orchestrator.User, threshold float64) error
}

// thresholdRoutes are what marks say of the threshold. Nothing changes unless a person says so.
func (s *Server) thresholdRoutes() []route {
	return []route{
		{method: "GET", pattern: "/u/{user}/threshold", kind: page, need: member, handle: s.thresholdPage},
		{method: "POST", pattern: "/u/{user}/threshold", kind: form, need: member, body: 1 << 10, handle: s.useThreshold},
	}
}

type thresholdView struct {
	Action, Now, Basis string
	// Own is true where the person has a threshold of their own; Default is everybody's.
	Own     bool
	Default string
	// Best is what to use, in the form of a number; Says says what it does. Empty where nothing is better.
	Best, Says string
	Enough     bool
	// Back is the threshold before the one that was just set: "0" for everybody's, empty where nothing was set.
	Back, BackName string
	Table          chart.Table
}

func (s *Server) thresholdPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "review")
	if err != nil {
		return err
	}
	proposal, err := s.options.Marks.Proposal(r.Context(), p.user)
	if err != nil {
		return err
	}
	show := thresholdView{Action: p.Home + "/threshold", Enough: proposal.Enough, Own: service.OwnThreshold(p.user) != 0, Default: scoreWords(proposal.Default.Threshold),
		Now:   word("threshold.now", "now", scoreWords(proposal.Now.Threshold), "kept", percents(proposal.Now.Kept), "dropped", percents(proposal.Now.Dropped)),
		Basis: word("threshold.basis", "right", proposal.Right, "wrong", proposal.Wrong)}
	if best := proposal.Best; best != nil {
		show.Best = scoreWords(best.Threshold)
		show.Says = word("threshold.propose", "threshold", show.Best, "kept", percents(best.Kept), "dropped", percents(best.Dropped))
	}
	if was, err := readThreshold(r.URL.Query().Get("was")); err == nil {
		show.Back, show.BackName = strconv.FormatFloat(was, 'g', -1, 64), scoreWords(was)
		if was == 0 {
			show.BackName = show.Default
		}
	}
	show.Table = chart.Table{Caption: word("threshold.table"), Columns: []string{word("threshold.column"), word("threshold.kept"), word("threshold.dropped")}}
	for _, row := range proposal.Table {
		show.Table.Rows = append(show.Table.Rows, []chart.Cell{{Text: scoreWords(row.Threshold)}, {Text: percents(row.Kept), Number: true}, {Text: percents(row.Dropped), Number: true}})
	}
	s.render(w, r, v, http.StatusOK, "threshold.html", view{Title: word("threshold.title"), Here: p.Home + "/threshold", Person: p, Data: show})
	return nil
}

// percents is a share in words: 94 %.
func percents(share float64) string {
	return word("percent", "n", strconv.FormatFloat(share*100, 'f', 0, 64))
}

// readThreshold reads a threshold of a form: 0 for everybody's, else a score of 0.0001 to 0.9999.
func readThreshold(text string) (float64, error) {
	threshold, err := strconv.ParseFloat(text, 64)
	if err != nil || threshold != 0 && !(threshold >= 1e-4 && threshold <= 0.9999) {
		return 0, inputError("form")
	}
	return threshold, nil
}

func (s *Server) useThreshold(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	threshold, err := readThreshold(r.PostForm.Get("threshold"))
	if err != nil {
		return err
	}
	invalid := (*service.InvalidError)(nil)
	if err := s.options.Marks.UseThreshold(r.Context(), user, threshold); errors.As(err, &invalid) {
		return inputError("form")
	} else if err != nil {
		return err
	}
	query := url.Values{"did": {"threshold"}, "was": {strconv.FormatFloat(service.OwnThreshold(user), 'g', -1, 64)}}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/threshold?"+query.Encode()), http.StatusSeeOther)
	return nil
}
