package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Links let somebody in once, to choose how to sign in.
type Links interface {
	// Invitation returns whom a link lets in; orchestrator.ErrNotFound where it is unknown, used, void or expired.
	Invitation(ctx context.Context, token string) (orchestrator.Account, error)
	// Accept uses it up and sets the password; an empty one sets none. accounts.ErrPassword when that may not be one; the link is still good then.
	Accept(ctx context.Context, token, password string) (orchestrator.Account, error)
}

type joinView struct {
	Token, Name, Problem string
	Least                int
	// Issuer is whom the person may choose to sign in with; empty for none.
	Issuer string
	// Passkeys is true where browsers give them.
	Passkeys bool
}

// invited is whom the link of a request lets in.
func (s *Server) invited(r *http.Request) (orchestrator.Account, error) {
	account, err := s.options.Links.Invitation(r.Context(), r.PathValue("token"))
	if errors.Is(err, orchestrator.ErrNotFound) {
		err = errLink
	}
	return account, err
}

// accept uses a link up, for another way to sign in than a password.
func (s *Server) accept(r *http.Request, token string) (orchestrator.Account, error) {
	account, err := s.options.Links.Accept(r.Context(), token, "")
	if errors.Is(err, orchestrator.ErrNotFound) {
		err = errLink
	}
	return account, err
}

func (s *Server) joinPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showJoin(w, r, v, http.StatusOK, "")
}

func (s *Server) showJoin(w http.ResponseWriter, r *http.Request, v viewer, status int, problem string) error {
	account, err := s.invited(r)
	if err != nil {
		return err
	}
	_, passkeys := s.site(r)
	s.render(w, r, v, status, "join.html", view{Title: word("join.title", "name", account.Name), Here: "/",
		Data: joinView{Token: r.PathValue("token"), Name: account.Name, Problem: problem, Least: accounts.MinPassword, Issuer: s.issuerHost(), Passkeys: passkeys}})
	return nil
}

func (s *Server) join(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	password := r.PostForm.Get("password")
	if password == "" {
		return s.showJoin(w, r, v, http.StatusUnprocessableEntity, "password.short")
	}
	token := r.PathValue("token")
	account, err := s.try(r, "link "+token, func(ctx context.Context) (orchestrator.Account, error) {
		return s.options.Links.Accept(ctx, token, password)
	})
	switch {
	case errors.Is(err, accounts.ErrPassword):
		return s.showJoin(w, r, v, http.StatusUnprocessableEntity, "password.short")
	case errors.Is(err, orchestrator.ErrNotFound):
		return errLink
	case err != nil:
		return err
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/"), http.StatusSeeOther)
	return nil
}
