package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Administration looks after who may open the page.
type Administration interface {
	Add(ctx context.Context, account orchestrator.Account, password string) (orchestrator.Account, error)
	Account(ctx context.Context, name string) (orchestrator.Account, error)
	List(ctx context.Context) ([]accounts.Entry, error)
	Invite(ctx context.Context, accountID int64) (token string, expires time.Time, err error)
	Remove(ctx context.Context, accountID int64) error
}

// Standing says how the service stands, from the same code as the command line.
type Standing interface {
	Standing(ctx context.Context) (service.Standing, error)
	Users(ctx context.Context) ([]orchestrator.User, error)
	Runs(ctx context.Context, limit int) ([]orchestrator.Run, error)
}

// adminRoutes are for who runs the server. They show names, times and errors, and no laugh.
func (s *Server) adminRoutes() []route {
	return []route{
		{method: "GET", pattern: "/admin", kind: page, need: admin, handle: s.adminPage},
		{method: "POST", pattern: "/admin/accounts", kind: form, need: admin, handle: s.addAccount},
		{method: "POST", pattern: "/admin/accounts/{name}/invite", kind: form, need: admin, handle: s.inviteAccount},
		{method: "POST", pattern: "/admin/accounts/{name}/remove", kind: form, need: admin, handle: s.removeAccount},
	}
}

// shownRuns is how many runs the page shows.
const shownRuns = 14

type adminView struct {
	// Link is that of the invitation just made, For whom; nobody sees it again.
	Link, For, Problem string
	Accounts           []accountLine
	Users              []string
	Alerts             []errorLine
	People             []personLine
	Runs               []runLine
	Roles              []string
}

type accountLine struct {
	Name, Role, Sees, Seen, Invited string
	Self                            bool
}

type personLine struct {
	Name, Zone, Latest, Status string
	Gaps, GivenUp              int
}

type runLine struct {
	ID, Started, ISO, Status string
	Laughs                   int
	Errors                   []errorLine
}

type errorLine struct{ User, Message, Remedy string }

func (s *Server) adminPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showAdmin(w, r, v, http.StatusOK, adminView{})
}

func (s *Server) showAdmin(w http.ResponseWriter, r *http.Request, v viewer, status int, show adminView) error {
	ctx := r.Context()
	entries, err := s.options.Administration.List(ctx)
	if err != nil {
		return err
	}
	users, err := s.options.Standing.Users(ctx)
	if err != nil {
		return err
	}
	now, err := s.options.Standing.Standing(ctx)
	if err != nil {
		return err
	}
	runs, err := s.options.Standing.Runs(ctx, shownRuns)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, user := range users {
		names[user.ID] = user.Name
		show.Users = append(show.Users, user.Name)
	}
	show.Roles = []string{string(orchestrator.RoleMember), string(orchestrator.RoleListener), string(orchestrator.RoleAdmin)}
	for _, e := range entries {
		line := accountLine{Name: e.Name, Role: string(e.Role), Sees: word("admin.every-user"), Self: e.ID == v.account.ID}
		if !e.EveryUser {
			var sees []string
			for _, id := range e.Users {
				sees = append(sees, names[id])
			}
			line.Sees = strings.Join(sees, ", ")
		}
		if !e.SeenAt.IsZero() {
			line.Seen = s.since(e.SeenAt)
		}
		if !e.InvitedUntil.IsZero() {
			line.Invited = e.InvitedUntil.Format(time.DateOnly)
		}
		show.Accounts = append(show.Accounts, line)
	}
	for _, alert := range now.Alerts {
		show.Alerts = append(show.Alerts, errorLine{User: alert.User, Message: s.scrub(alert.Message), Remedy: s.scrub(advice.OfAlert(advice.Terminal, alert))})
	}
	for _, user := range now.Users {
		line := personLine{Name: user.User.Name, Zone: user.User.Timezone, Status: string(user.Latest.Status), Gaps: len(user.Gaps), GivenUp: len(user.GivenUp)}
		if user.Latest.Date != (orchestrator.Date{}) {
			line.Latest = user.Latest.Date.String()
		}
		show.People = append(show.People, line)
	}
	for _, run := range runs {
		line := runLine{ID: run.ID, Started: s.since(run.StartedAt), ISO: run.StartedAt.Format(time.RFC3339), Status: string(run.Status)}
		for _, day := range run.Days {
			line.Laughs += day.Laughs
			for _, e := range day.Errors {
				line.Errors = append(line.Errors, errorLine{User: day.User, Message: s.scrub(e.Message), Remedy: s.scrub(advice.OfRunError(advice.Terminal, e))})
			}
		}
		show.Runs = append(show.Runs, line)
	}
	s.render(w, r, v, status, "admin.html", view{Title: word("admin.title"), Here: "/admin", Data: show})
	return nil
}

func (s *Server) addAccount(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	users, err := s.options.Standing.Users(r.Context())
	if err != nil {
		return err
	}
	account := orchestrator.Account{Name: strings.TrimSpace(r.PostForm.Get("name")), Role: orchestrator.Role(r.PostForm.Get("role"))}
	for _, user := range users {
		if slices.Contains(r.PostForm["user"], user.Name) {
			account.Users = append(account.Users, user.ID)
		}
	}
	if account.Validate() != nil {
		return s.showAdmin(w, r, v, http.StatusUnprocessableEntity, adminView{Problem: "admin.bad-name"})
	}
	account, err = s.options.Administration.Add(r.Context(), account, "")
	if errors.Is(err, orchestrator.ErrExists) {
		return s.showAdmin(w, r, v, http.StatusConflict, adminView{Problem: "error.exists"})
	}
	if err != nil {
		return err
	}
	return s.showInvited(w, r, v, account)
}

func (s *Server) showInvited(w http.ResponseWriter, r *http.Request, v viewer, account orchestrator.Account) error {
	token, _, err := s.options.Administration.Invite(r.Context(), account.ID)
	if err != nil {
		return err
	}
	return s.showAdmin(w, r, v, http.StatusOK, adminView{Link: s.address(r, "/join/"+token), For: account.Name})
}

func (s *Server) inviteAccount(w http.ResponseWriter, r *http.Request, v viewer) error {
	account, err := s.options.Administration.Account(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return s.showInvited(w, r, v, account)
}

// removeAccount deletes an account, but never one's own: somebody must be left who runs the server.
func (s *Server) removeAccount(w http.ResponseWriter, r *http.Request, v viewer) error {
	account, err := s.options.Administration.Account(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	if account.ID == v.account.ID {
		return inputError("own-account")
	}
	if err := s.options.Administration.Remove(r.Context(), account.ID); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/admin"), http.StatusSeeOther)
	return nil
}
