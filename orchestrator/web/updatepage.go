package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
)

// Updates starts runs that people ask for, each in a process of its own.
type Updates interface {
	// Begin starts one and returns at once; orchestrator.ErrLocked while another one is under way.
	Begin(request updates.Request) error
	// State is how far the last one of a user is; Stop has it end.
	State(userID int64) (state updates.State, ok bool)
	Stop(userID int64)
}

// Reprocessing says what reading days again takes, and how a run went.
type Reprocessing interface {
	ReprocessCost(ctx context.Context, user orchestrator.User, from, to orchestrator.Date) (service.ReprocessCost, error)
	FindRun(ctx context.Context, id string) (orchestrator.Run, error)
}

// updateRoutes are how a person has something read that the night did not.
func (s *Server) updateRoutes() []route {
	return []route{
		{method: "GET", pattern: "/u/{user}/update", kind: page, need: member, handle: s.updatePage},
		{method: "POST", pattern: "/u/{user}/update", kind: form, need: member, handle: s.beginUpdate},
		{method: "POST", pattern: "/u/{user}/update/stop", kind: form, need: member, handle: s.stopUpdate},
	}
}

const (
	// mostReprocessed bounds the days that are read again at once.
	mostReprocessed = 366
	// refresh is how often the page of an update under way is loaded anew, in seconds.
	refreshSeconds = 2
	// sureFrom is the share from which the time that is left can be told.
	sureFrom = 0.05
)

// updateView is the page of updates.
type updateView struct {
	Action, Problem string
	// Working is the update under way; nil where none is.
	Working *workingView
	// Result of the last one; nil where there was none.
	Result *resultView
	// From and To of the range that is asked for; Cost says what it takes, empty before somebody asked.
	From, To, Today, Cost string
	CostNothing           bool
}

type workingView struct {
	What, Done, Now, Left string
	// Percent is empty where it is not known.
	Percent  string
	Stopping bool
	Refresh  int
}

type resultView struct {
	Fail         bool
	Text, Remedy string
	Errors       []errorLine
	When         string
}

func (s *Server) updatePage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showUpdate(w, r, v, http.StatusOK, "")
}

func (s *Server) showUpdate(w http.ResponseWriter, r *http.Request, v viewer, status int, problem string) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "update")
	if err != nil {
		return err
	}
	yesterday := p.today.Add(-1)
	show := updateView{Action: p.Home + "/update", Problem: problem, From: yesterday.String(), To: yesterday.String(), Today: p.today.String()}
	content := view{Title: word("update.title"), Here: p.Home + "/update", Person: p}
	switch state, ok := s.options.Updates.State(p.user.ID); {
	case ok && state.FinishedAt.IsZero():
		show.Working, content.Refresh = s.working(state, p), refreshSeconds
	case ok:
		if show.Result, err = s.result(r.Context(), state, p); err != nil {
			return err
		}
	}
	if query := r.URL.Query(); show.Working == nil && problem == "" && query.Has("from") {
		if err := s.sayCost(r.Context(), &show, p, query); err != nil {
			return err
		}
	}
	content.Data = show
	s.render(w, r, v, status, "update.html", content)
	return nil
}

// sayCost says what reading a range again takes, before anybody does.
func (s *Server) sayCost(ctx context.Context, show *updateView, p *person, query url.Values) error {
	from, to, err := readDays(query.Get("from"), query.Get("to"), p.today)
	show.From, show.To = query.Get("from"), query.Get("to")
	if err != nil {
		show.From, show.To, show.Problem = p.today.Add(-1).String(), p.today.Add(-1).String(), "update.bad-range"
		return nil
	}
	cost, err := s.options.Reprocessing.ReprocessCost(ctx, p.user, from, to)
	if err != nil {
		return err
	}
	switch {
	case cost.Recordings == 0:
		show.Cost, show.CostNothing = word("update.cost-nothing"), true
	case cost.Time == 0:
		show.Cost = plural("update.cost", cost.Recordings, "sound", catalogue.Length(cost.Sound))
	default:
		show.Cost = plural("update.cost-time", cost.Recordings, "sound", catalogue.Length(cost.Sound), "time", catalogue.Length(cost.Time))
	}
	return nil
}

// readDays reads a range of days that are not to come.
func readDays(first, last string, today orchestrator.Date) (from, to orchestrator.Date, err error) {
	from, err = orchestrator.ParseDate(first)
	if err == nil {
		to, err = orchestrator.ParseDate(last)
	}
	if err != nil || to.Before(from) || today.Before(to) || from.Add(mostReprocessed-1).Before(to) {
		return from, to, inputError("address")
	}
	return from, to, nil
}

// working says how far an update is.
func (s *Server) working(state updates.State, p *person) *workingView {
	out := &workingView{What: word("update.working-new"), Stopping: state.Stopping, Refresh: refreshSeconds}
	if state.Again {
		out.What = word("update.working-again", "from", catalogue.Near(state.From, p.today), "to", catalogue.Near(state.To, p.today))
	}
	out.Done = plural("update.done-so-far", state.Done, "laughs", plural("laughs", state.Laughs))
	if state.Sound > 0 {
		out.Done = plural("update.done-of", state.Recordings, "done", state.Done, "heard", catalogue.Length(state.Heard+state.Position), "sound", catalogue.Length(state.Sound),
			"laughs", plural("laughs", state.Laughs))
	}
	share := state.Share()
	switch {
	case state.Sound == 0 && state.Recording == "":
		out.Now = word("update.looking")
	case state.Sound == 0:
		out.Now = word("update.reading")
	}
	if state.Sound > 0 || state.Length > 0 {
		out.Percent = twoDigits(share * 100)
	}
	if state.Sound > 0 && share >= sureFrom {
		left := time.Duration((1 - share) / share * float64(s.now().Sub(state.StartedAt)))
		out.Left = word("update.left", "time", catalogue.Length(left))
	}
	return out
}

// result says how an update ended, and what can be done where something went wrong.
func (s *Server) result(ctx context.Context, state updates.State, p *person) (*resultView, error) {
	out := &resultView{When: s.since(state.FinishedAt)}
	done := plural("update.result", state.Done, "laughs", plural("laughs", state.Laughs))
	switch state.ExitCode {
	case orchestrator.ExitOK:
		if out.Text = done; state.Done == 0 {
			out.Text = word("update.nothing-new")
		}
	case orchestrator.ExitLocked:
		out.Text, out.Remedy = word("update.locked"), word("update.locked-then")
	case orchestrator.ExitInterrupted:
		out.Text, out.Remedy = word("update.stopped"), done
	case orchestrator.ExitIncomplete:
		out.Text, out.Remedy = word("update.incomplete"), done
	default:
		out.Fail, out.Text, out.Remedy = true, word("update.failed"), word("update.failed-then")
	}
	if state.RunID == "" || state.ExitCode == orchestrator.ExitOK {
		return out, nil
	}
	run, err := s.options.Reprocessing.FindRun(ctx, state.RunID)
	if invalid := (*service.InvalidError)(nil); errors.As(err, &invalid) {
		return out, nil // the log was cleared since
	}
	if err != nil {
		return nil, err
	}
	for _, day := range run.Days {
		if day.UserID != p.user.ID {
			continue
		}
		for _, e := range day.Errors { // their messages name files of the server: what they are about and what helps is enough
			line := errorLine{Message: word("update.error-day", "day", catalogue.Near(day.Date, p.today))}
			if e.Recording != "" {
				line.Message = word("update.error-recording", "recording", e.Recording)
			}
			if remedy := advice.OfRunError(advice.Page, e); remedy != "" {
				line.Remedy = word("settings.do", "what", remedy)
			}
			out.Errors = append(out.Errors, line)
		}
	}
	return out, nil
}

// beginUpdate starts what was asked for: what is new, or a range again.
func (s *Server) beginUpdate(w http.ResponseWriter, r *http.Request, v viewer) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "update")
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	request := updates.Request{User: p.user, From: p.today.Add(-1), To: p.today} // what arrived in the night belongs to yesterday, mostly
	if r.PostForm.Get("again") == "1" {
		request.Again = true
		if request.From, request.To, err = readDays(r.PostForm.Get("from"), r.PostForm.Get("to"), p.today); err != nil {
			return s.showUpdate(w, r, v, http.StatusUnprocessableEntity, "update.bad-range")
		}
		cost, err := s.options.Reprocessing.ReprocessCost(r.Context(), p.user, request.From, request.To)
		if err != nil {
			return err
		}
		request.Recordings, request.Sound = cost.Recordings, cost.Sound
	}
	switch err := s.options.Updates.Begin(request); {
	case errors.Is(err, orchestrator.ErrLocked):
		return s.showUpdate(w, r, v, http.StatusConflict, "update.busy")
	case errors.Is(err, updates.ErrNoCommand):
		return s.showUpdate(w, r, v, http.StatusServiceUnavailable, "update.cannot")
	case err != nil:
		return err
	}
	http.Redirect(w, r, s.path(p.Home+"/update"), http.StatusSeeOther)
	return nil
}

func (s *Server) stopUpdate(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	s.options.Updates.Stop(user.ID)
	http.Redirect(w, r, s.path("/u/"+user.Name+"/update"), http.StatusSeeOther)
	return nil
}
