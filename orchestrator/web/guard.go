package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Sessions knows who is signed in.
type Sessions interface {
	// Visit returns the session of a cookie's token, its account, and the users that the account sees, by priority and name; network is
	// where it comes from now. orchestrator.ErrNotFound where the token is unknown, expired or revoked.
	Visit(ctx context.Context, token, network string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error)
}

// viewer is who asks, and what they may see. The zero value is nobody.
type viewer struct {
	account orchestrator.Account
	session orchestrator.Session
	users   []orchestrator.User
}

// signedIn is false for nobody.
func (v viewer) signedIn() bool { return v.account.ID != 0 }

// may reports whether the viewer meets a need.
func (v viewer) may(n need) bool {
	switch n {
	case everybody:
		return true
	case listener:
		return v.signedIn()
	case member:
		return v.signedIn() && v.account.Role != orchestrator.RoleListener
	case admin:
		return v.signedIn() && v.account.Role == orchestrator.RoleAdmin
	}
	return false
}

// userIDs are the users that the viewer sees: what every question to the program is limited to.
func (v viewer) userIDs() []int64 {
	ids := make([]int64, 0, len(v.users))
	for _, user := range v.users {
		ids = append(ids, user.ID)
	}
	return ids
}

// user returns a user of the viewer's by name; orchestrator.ErrNotFound for everybody else, whether there is one or not.
func (v viewer) user(name string) (orchestrator.User, error) {
	for _, user := range v.users {
		if user.Name == name {
			return user, nil
		}
	}
	return orchestrator.User{}, orchestrator.ErrNotFound
}

// guard stands before every handler.
func (s *Server) guard(w http.ResponseWriter, r *http.Request, rule route) {
	limit := rule.body
	if limit == 0 {
		limit = defaultBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if rule.kind != data {
		w.Header().Set("Cache-Control", "no-store")
	}
	v, err := s.viewer(r)
	if err != nil {
		s.fail(w, r, rule, viewer{}, err)
		return
	}
	switch {
	case v.may(rule.need):
	case v.signedIn():
		s.fail(w, r, rule, v, errForbidden)
		return
	case rule.kind == page:
		http.Redirect(w, r, s.path("/login")+s.next(r), http.StatusSeeOther)
		return
	default:
		s.fail(w, r, rule, v, errNobody)
		return
	}
	if rule.need != admin { // who runs the server looks at all of it; below, the store keeps everybody else out once more
		r = r.WithContext(orchestrator.WithUsers(r.Context(), v.userIDs()))
	}
	if err := rule.handle(w, r, v); err != nil {
		s.fail(w, r, rule, v, err)
	}
}

// unknown answers what no route matches: nobody learns whether there is one.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	rule := route{kind: data, need: listener, handle: func(http.ResponseWriter, *http.Request, viewer) error { return orchestrator.ErrNotFound }}
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		rule.kind = page
	}
	s.guard(w, r, rule)
}

// viewer finds out who asks.
func (s *Server) viewer(r *http.Request) (viewer, error) {
	for _, name := range cookieNames {
		cookie, err := r.Cookie(name)
		if err != nil || cookie.Value == "" {
			continue
		}
		session, account, users, err := s.options.Sessions.Visit(r.Context(), cookie.Value, callerOf(r).network())
		if errors.Is(err, orchestrator.ErrNotFound) {
			continue
		}
		return viewer{account: account, session: session, users: users}, err
	}
	return s.proxied(r)
}

// next remembers, in the address of the sign-in, where a person wanted to go.
func (s *Server) next(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" {
		return ""
	}
	return "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
}

// local checks an address to go on to after the sign-in: a path of ours, and the start page for everything else. What browsers
// take for another host (//host, /\host) is none.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !clean(u) || strings.ContainsAny(next, "\\\t\r\n") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
