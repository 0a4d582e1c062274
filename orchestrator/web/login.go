package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
)

// SignIns lets people in and out.
type SignIns interface {
	// SignIn finds the account of a name and a password: accounts.ErrRefused where there is none such, accounts.ErrBusy where too many
	// try at once.
	SignIn(ctx context.Context, name, password string) (orchestrator.Account, error)
	// Begin begins a session and returns the token for its cookie.
	Begin(ctx context.Context, accountID int64, device accounts.Device) (token string, session orchestrator.Session, err error)
	// End ends one session of an account.
	End(ctx context.Context, accountID, sessionID int64) error
}

// signInRoutes are how people get in and out.
func (s *Server) signInRoutes() []route {
	return []route{
		{method: "GET", pattern: "/login", kind: page, need: everybody, handle: s.loginPage},
		{method: "POST", pattern: "/login", kind: form, need: everybody, body: 8 << 10, handle: s.login},
		{method: "POST", pattern: "/logout", kind: form, need: listener, handle: s.logout},
		{method: "GET", pattern: "/join/{token}", kind: page, need: everybody, handle: s.joinPage},
		{method: "POST", pattern: "/join/{token}", kind: form, need: everybody, body: 8 << 10, handle: s.join},
	}
}

// signInView is what the page of the sign-in shows.
type signInView struct {
	Next, Name string
	// Problem is the key of what went wrong; empty for nothing.
	Problem string
	// Waits is for how many minutes nobody may try again.
	Waits int
	// Issuer is whom people may sign in with; empty for none.
	Issuer string
	// Passkeys is true where browsers give them.
	Passkeys bool
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	next := local(r.URL.Query().Get("next"))
	if v.signedIn() {
		http.Redirect(w, r, s.path(next), http.StatusSeeOther) //nolint:gosec // path keeps it on this site
		return nil
	}
	s.showLogin(w, r, http.StatusOK, signInView{Next: next})
	return nil
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request, status int, show signInView) {
	_, show.Passkeys = s.site(r)
	show.Issuer = s.issuerHost()
	s.render(w, r, viewer{}, status, "login.html", view{Title: word("login.title"), Here: "/login", Data: show})
}

func (s *Server) login(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	name, next := strings.ToLower(strings.TrimSpace(r.PostForm.Get("name"))), local(r.PostForm.Get("next"))
	account, err := s.try(r, name, func(ctx context.Context) (orchestrator.Account, error) {
		return s.options.SignIns.SignIn(ctx, name, r.PostForm.Get("password"))
	})
	if waits := (*waitError)(nil); errors.As(err, &waits) {
		w.Header().Set("Retry-After", strconv.Itoa(waits.seconds()))
		s.showLogin(w, r, http.StatusTooManyRequests, signInView{Next: next, Name: name, Problem: "login.slow", Waits: (waits.seconds() + 59) / 60})
		return nil
	}
	if errors.Is(err, accounts.ErrRefused) {
		s.showLogin(w, r, http.StatusUnauthorized, signInView{Next: next, Name: name, Problem: "login.refused"})
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	http.Redirect(w, r, s.path(next), http.StatusSeeOther) //nolint:gosec // path keeps it on this site
	return nil
}

// waitError says that there were too many tries.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string { return "too many tries" }
func (e *waitError) seconds() int  { return max(1, int(math.Ceil(e.wait.Seconds()))) }

// try lets somebody try to sign in, within the limits. A try that succeeds does not count.
func (s *Server) try(r *http.Request, name string, signIn func(context.Context) (orchestrator.Account, error)) (orchestrator.Account, error) {
	now, network := s.now(), callerOf(r).network()
	var refunds []func()
	for _, bucket := range []struct {
		of  *limits.Limits
		key string
	}{{s.byNetwork, network}, {s.byName, name[:min(len(name), 64)]}} {
		refund, wait, ok := bucket.of.Take(bucket.key, now)
		if !ok {
			return orchestrator.Account{}, &waitError{wait}
		}
		refunds = append(refunds, refund)
	}
	account, err := signIn(r.Context())
	if errors.Is(err, accounts.ErrBusy) {
		return account, &waitError{time.Second}
	}
	if errors.Is(err, accounts.ErrRefused) {
		s.log.WithField("network", network).Warn("refuse sign-in") // not the name: people type passwords there
		return account, err
	}
	if err == nil {
		for _, refund := range refunds {
			refund()
		}
	}
	return account, err
}

// begin begins a session: a new one at every sign-in, and the one that the browser had before ends.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, before viewer, account orchestrator.Account) error {
	token, _, err := s.options.SignIns.Begin(r.Context(), account.ID, accounts.Device{Agent: r.UserAgent(), Network: callerOf(r).addrText()})
	if err != nil {
		return err
	}
	if before.session.ID != 0 {
		if err := s.options.SignIns.End(r.Context(), before.account.ID, before.session.ID); err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
			return err
		}
	}
	s.setCookie(w, r, signedInCookie, token, cookieLife)
	return nil
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := s.options.SignIns.End(r.Context(), v.account.ID, v.session.ID); err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
		return err
	}
	s.dropCookies(w, r)
	w.Header().Set("Clear-Site-Data", `"cache"`) // clips and pictures that the browser keeps
	http.Redirect(w, r, s.path("/login"), http.StatusSeeOther)
	return nil
}

// badForm is an error of a form that cannot be read. A body that is too large stays that.
func badForm(err error) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return err
	}
	return inputError("form")
}
