package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/issuer"
)

// Identities are accounts' counterparts at an issuer of OpenID Connect.
type Identities interface {
	Identities(ctx context.Context, accountID int64) ([]orchestrator.Identity, error)
	Link(ctx context.Context, accountID int64, issuer, subject string) error
	Unlink(ctx context.Context, accountID, id int64) error
	// ByIdentity finds the account that an issuer knows as subject; accounts.ErrRefused where there is none.
	ByIdentity(ctx context.Context, issuer, subject string) (orchestrator.Account, error)
}

const (
	// flowCookie holds what a browser must bring back from the issuer, for as long as flowLife.
	flowCookie = "chortle-flow"
	flowLife   = 10 * time.Minute
	// freshFor is for how long after the sign-in an account may add to how it signs in.
	freshFor = time.Hour
)

// errStale says that somebody must sign in anew first.
var errStale = errors.New("signed in too long ago")

// oidcRoutes lead to the issuer and back. They are links, not forms: a form of ours may not end at another site.
func (s *Server) oidcRoutes() []route {
	return []route{
		{method: "GET", pattern: "/oidc", kind: page, need: everybody, handle: s.oidcSignIn},
		{method: "GET", pattern: "/oidc/callback", kind: page, need: everybody, handle: s.oidcBack},
		{method: "GET", pattern: "/join/{token}/oidc", kind: page, need: everybody, handle: s.oidcJoin},
		{method: "GET", pattern: "/account/oidc", kind: page, need: listener, handle: s.oidcLink},
		{method: "POST", pattern: "/account/identities/{number}/remove", kind: form, need: listener, handle: s.removeIdentity},
	}
}

// flow is what the cookie holds: what the issuer's answer must match, and what it is for.
type flow struct {
	issuer.Flow

	// Next is where to go after a sign-in.
	Next string `json:"next,omitempty"`
	// Join is the secret of a link that the identity is to be chosen for.
	Join string `json:"join,omitempty"`
	// Link is the account that the identity is to be linked with.
	Link int64 `json:"link,omitempty"`
}

// issuerHost is what people call the issuer; empty where there is none.
func (s *Server) issuerHost() string {
	if s.issuer == nil {
		return ""
	}
	return s.issuer.Host()
}

// leave sends the browser to the issuer.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, f flow) error {
	if s.issuer == nil {
		return orchestrator.ErrNotFound
	}
	if err := s.counted(r); err != nil {
		return err
	}
	address, begun, err := s.issuer.Begin(r.Context())
	if errors.Is(err, issuer.ErrUnavailable) {
		return s.issuerFailed(w, r, err, "login.issuer-down")
	}
	if err != nil {
		return err
	}
	f.Flow = begun
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	s.setCookie(w, r, flowCookie, base64.RawURLEncoding.EncodeToString(text), flowLife)
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

func (s *Server) oidcSignIn(w http.ResponseWriter, r *http.Request, _ viewer) error {
	return s.leave(w, r, flow{Next: local(r.URL.Query().Get("next"))})
}

func (s *Server) oidcJoin(w http.ResponseWriter, r *http.Request, _ viewer) error {
	if _, err := s.invited(r); err != nil {
		return err
	}
	return s.leave(w, r, flow{Join: r.PathValue("token")})
}

// oidcLink links an identity with the account that is signed in. Only a page of ours may lead here: another site could sign the browser
// in with the issuer as somebody else before.
func (s *Server) oidcLink(w http.ResponseWriter, r *http.Request, v viewer) error {
	if !s.fromUs(r) {
		return errOrigin
	}
	if !s.fresh(v) {
		return errStale
	}
	return s.leave(w, r, flow{Link: v.account.ID})
}

// fromUs reports whether a link on a page of ours was followed. Browsers that do not say where a request comes from send the referrer
// to its own site.
func (s *Server) fromUs(r *http.Request) bool {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		return from == "same-origin"
	}
	referrer, err := url.Parse(r.Header.Get("Referer"))
	return err == nil && referrer.Host != "" && (referrer.Host == r.Host || s.base != nil && referrer.Host == s.base.Host)
}

// issuerFailed says at the sign-in that the issuer let nobody in, and why in the log.
func (s *Server) issuerFailed(w http.ResponseWriter, r *http.Request, cause error, problem string) error {
	s.log.WithField("network", callerOf(r).network()).WithError(errors.New(s.scrub(cause.Error()))).Warn("sign in with issuer")
	status := http.StatusUnauthorized
	if errors.Is(cause, issuer.ErrUnavailable) {
		status = http.StatusBadGateway
	}
	s.showLogin(w, r, status, signInView{Next: "/", Problem: problem})
	return nil
}

// oidcBack is where the issuer sends people back.
func (s *Server) oidcBack(w http.ResponseWriter, r *http.Request, v viewer) error {
	if s.issuer == nil {
		return orchestrator.ErrNotFound
	}
	var f flow
	if text, err := base64.RawURLEncoding.DecodeString(s.cookie(r, flowCookie)); err == nil {
		_ = json.Unmarshal(text, &f) // what cannot be read has no state, and is refused for that
	}
	s.setCookie(w, r, flowCookie, "", -1)
	var subject string
	account, err := s.try(r, "issuer for "+callerOf(r).network(), func(ctx context.Context) (account orchestrator.Account, err error) {
		if subject, err = s.issuer.Finish(ctx, f.Flow, r.URL.Query()); errors.Is(err, issuer.ErrRefused) {
			return account, fmt.Errorf("%w: %w", accounts.ErrRefused, err)
		} else if err != nil {
			return account, err
		}
		if f.Join != "" || f.Link != 0 {
			return account, nil
		}
		return s.options.Identities.ByIdentity(ctx, s.issuer.Address(), subject)
	})
	switch {
	case errors.Is(err, issuer.ErrUnavailable):
		return s.issuerFailed(w, r, err, "login.issuer-down")
	case errors.Is(err, accounts.ErrRefused) && subject == "":
		return s.issuerFailed(w, r, err, "login.issuer-refused")
	case errors.Is(err, accounts.ErrRefused):
		return s.issuerFailed(w, r, err, "login.issuer-stranger")
	case err != nil:
		return err
	case f.Join != "":
		return s.joinIdentity(w, r, v, f.Join, subject)
	case f.Link != 0:
		return s.linkIdentity(w, r, v, f.Link, subject)
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	http.Redirect(w, r, s.path(local(f.Next)), http.StatusSeeOther)
	return nil
}

// joinIdentity uses a link up for an identity: from then on the account signs in by that.
func (s *Server) joinIdentity(w http.ResponseWriter, r *http.Request, v viewer, secret, subject string) error {
	if _, err := s.options.Identities.ByIdentity(r.Context(), s.issuer.Address(), subject); !errors.Is(err, accounts.ErrRefused) {
		if err == nil {
			err = orchestrator.ErrExists // the link stays good for another one
		}
		return err
	}
	account, err := s.accept(r, secret)
	if err != nil {
		return err
	}
	if err := s.options.Identities.Link(r.Context(), account.ID, s.issuer.Address(), subject); err != nil {
		return err
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/"), http.StatusSeeOther)
	return nil
}

func (s *Server) linkIdentity(w http.ResponseWriter, r *http.Request, v viewer, accountID int64, subject string) error {
	if v.account.ID != accountID {
		return errNobody // somebody else signed in meanwhile, or nobody is any more
	}
	err := s.options.Identities.Link(r.Context(), accountID, s.issuer.Address(), subject)
	if errors.Is(err, orchestrator.ErrExists) {
		return s.showOwn(w, r, v, http.StatusConflict, "own.identity-taken")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account"), http.StatusSeeOther)
	return nil
}

func (s *Server) removeIdentity(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.removeWay(w, r, v, s.options.Identities.Unlink)
}

// removeWay takes one way to sign in away from an account, unless it is the last one.
func (s *Server) removeWay(w http.ResponseWriter, r *http.Request, v viewer, remove func(ctx context.Context, accountID, id int64) error) error {
	id, err := numbered(r)
	if err != nil {
		return err
	}
	last, err := s.lastWay(r.Context(), v.account)
	if err != nil {
		return err
	}
	if last {
		return s.showOwn(w, r, v, http.StatusUnprocessableEntity, "own.last-way")
	}
	if err := remove(r.Context(), v.account.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account"), http.StatusSeeOther)
	return nil
}

// lastWay reports whether an account has one way to sign in and no more: it is not taken away.
func (s *Server) lastWay(ctx context.Context, account orchestrator.Account) (bool, error) {
	keys, err := s.options.Passkeys.Passkeys(ctx, account.ID)
	if err != nil {
		return false, err
	}
	identities, err := s.options.Identities.Identities(ctx, account.ID)
	if err != nil {
		return false, err
	}
	ways := len(keys) + len(identities)
	if account.HasPassword {
		ways++
	}
	return ways < 2, nil
}

// numbered reads the number of a path; orchestrator.ErrNotFound where it is none.
func numbered(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return 0, orchestrator.ErrNotFound
	}
	return n, nil
}
