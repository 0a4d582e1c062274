package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Own is what an account changes about its own sign-in.
type Own interface {
	Confirm(ctx context.Context, accountID int64, password string) error
	SetPassword(ctx context.Context, accountID int64, password string, keepSession int64) error
	Sessions(ctx context.Context, accountID int64) ([]orchestrator.Session, error)
	EndAll(ctx context.Context, accountID, keep int64) (int64, error)
}

// ownRoutes are an account's own pages. A listener has them too.
func (s *Server) ownRoutes() []route {
	return []route{
		{method: "GET", pattern: "/account", kind: page, need: listener, handle: s.ownPage},
		{method: "POST", pattern: "/account/password", kind: form, need: listener, body: 8 << 10, handle: s.changePassword},
		{method: "POST", pattern: "/account/sessions/{number}/end", kind: form, need: listener, handle: s.endSession},
		{method: "POST", pattern: "/account/sessions/end", kind: form, need: listener, handle: s.endSessions},
	}
}

type ownView struct {
	Name, Role, Problem string
	HasPassword         bool
	Least               int
	Sessions            []sessionView
	// Issuer is whom the account may be linked with; empty for none. Here is true where browsers give passkeys.
	Issuer     string
	Here       bool
	Passkeys   []wayView
	Identities []wayView
	// Stale is true when ways to sign in may not be added: the sign-in is too long ago.
	Stale bool
}

// wayView is a passkey or an identity.
type wayView struct {
	ID         int64
	Name, When string
	ISO        string
}

type sessionView struct {
	ID                   int64
	Agent, Network, When string
	ISO                  string
	This                 bool
}

func (s *Server) ownPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showOwn(w, r, v, http.StatusOK, "")
}

func (s *Server) showOwn(w http.ResponseWriter, r *http.Request, v viewer, status int, problem string) error {
	sessions, err := s.options.Own.Sessions(r.Context(), v.account.ID)
	if err != nil {
		return err
	}
	show := ownView{Name: v.account.Name, Role: word("role." + string(v.account.Role)), Problem: problem, HasPassword: v.account.HasPassword, Least: accounts.MinPassword}
	for _, session := range sessions {
		show.Sessions = append(show.Sessions, sessionView{ID: session.ID, Agent: session.Agent, Network: session.Network, This: session.ID == v.session.ID,
			When: s.since(session.SeenAt), ISO: session.SeenAt.Format(time.RFC3339)})
	}
	if err := s.showWays(r, v, &show); err != nil {
		return err
	}
	s.render(w, r, v, status, "account.html", view{Title: word("own.title"), Here: "/account", Data: show})
	return nil
}

// showWays tells how else than by a password the account signs in.
func (s *Server) showWays(r *http.Request, v viewer, show *ownView) error {
	_, show.Here = s.site(r)
	show.Issuer, show.Stale = s.issuerHost(), !s.fresh(v)
	keys, err := s.options.Passkeys.Passkeys(r.Context(), v.account.ID)
	if err != nil {
		return err
	}
	for _, key := range keys {
		way := wayView{ID: key.ID, Name: key.Name, When: word("own.unused")}
		if !key.UsedAt.IsZero() {
			way.When, way.ISO = s.since(key.UsedAt), key.UsedAt.Format(time.RFC3339)
		}
		show.Passkeys = append(show.Passkeys, way)
	}
	identities, err := s.options.Identities.Identities(r.Context(), v.account.ID)
	for _, identity := range identities {
		show.Identities = append(show.Identities, wayView{ID: identity.ID, Name: identity.Issuer, When: s.since(identity.CreatedAt), ISO: identity.CreatedAt.Format(time.RFC3339)})
	}
	return err
}

// since says when something was, seen from now: how long ago needs no zone.
func (s *Server) since(t time.Time) string {
	ago := s.now().Sub(t)
	switch {
	case ago < 10*time.Minute:
		return word("since.now")
	case ago < 24*time.Hour:
		return word("since.ago", "time", catalogue.Length(ago.Truncate(time.Minute)))
	}
	return plural("since.days", int(ago/(24*time.Hour)))
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	if v.account.HasPassword {
		_, err := s.try(r, v.account.Name, func(ctx context.Context) (orchestrator.Account, error) {
			return v.account, s.options.Own.Confirm(ctx, v.account.ID, r.PostForm.Get("old"))
		})
		if errors.Is(err, accounts.ErrRefused) {
			return s.showOwn(w, r, v, http.StatusUnprocessableEntity, "own.old-wrong")
		}
		if err != nil {
			return err
		}
	}
	err := s.options.Own.SetPassword(r.Context(), v.account.ID, r.PostForm.Get("password"), v.session.ID)
	if errors.Is(err, accounts.ErrPassword) {
		return s.showOwn(w, r, v, http.StatusUnprocessableEntity, "password.short")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account"), http.StatusSeeOther)
	return nil
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request, v viewer) error {
	id, err := numbered(r)
	if err != nil {
		return err
	}
	if err := s.options.SignIns.End(r.Context(), v.account.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account"), http.StatusSeeOther)
	return nil
}

func (s *Server) endSessions(w http.ResponseWriter, r *http.Request, v viewer) error {
	if _, err := s.options.Own.EndAll(r.Context(), v.account.ID, v.session.ID); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account"), http.StatusSeeOther)
	return nil
}
