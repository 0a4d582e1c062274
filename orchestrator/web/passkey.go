package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/passkeys"
)

// Passkeys are kept by accounts.
type Passkeys interface {
	Passkeys(ctx context.Context, accountID int64) ([]orchestrator.Passkey, error)
	AddPasskey(ctx context.Context, key orchestrator.Passkey) (orchestrator.Passkey, error)
	UsePasskey(ctx context.Context, id int64, data []byte) error
	RemovePasskey(ctx context.Context, accountID, id int64) error
	// ByHandle finds the account that a passkey names; accounts.ErrRefused where there is none.
	ByHandle(ctx context.Context, handle string) (orchestrator.Account, error)
}

// passkeyBody bounds a browser's answer: keys and signatures of any kind fit, with certificates.
const passkeyBody = 32 << 10

// passkeyRoutes need scripts: only they can ask a browser for a passkey. Everything else of the sign-in works without.
func (s *Server) passkeyRoutes() []route {
	return []route{
		{method: "POST", pattern: "/login/passkey/begin", kind: data, need: everybody, body: 8 << 10, handle: s.beginPasskeySignIn},
		{method: "POST", pattern: "/login/passkey", kind: data, need: everybody, body: passkeyBody, handle: s.passkeySignIn},
		{method: "POST", pattern: "/join/{token}/passkey/begin", kind: data, need: everybody, body: 8 << 10, handle: s.beginPasskeyJoin},
		{method: "POST", pattern: "/join/{token}/passkey", kind: data, need: everybody, body: passkeyBody, handle: s.passkeyJoin},
		{method: "POST", pattern: "/account/passkeys/begin", kind: data, need: listener, body: 8 << 10, handle: s.beginPasskey},
		{method: "POST", pattern: "/account/passkeys", kind: data, need: listener, body: passkeyBody, handle: s.addPasskey},
		{method: "POST", pattern: "/account/passkeys/{number}/remove", kind: form, need: listener, handle: s.removePasskey},
	}
}

// site is where the browser stands, as a passkey sees it; ok is false where browsers give none: by plain HTTP from another machine, and
// at an address by number.
func (s *Server) site(r *http.Request) (site passkeys.Site, ok bool) {
	scheme, host := "http", r.Host
	if callerOf(r).secure {
		scheme = "https"
	}
	if origin := r.Header.Get("Origin"); s.base != nil && (origin == "" || origin == s.base.Scheme+"://"+s.base.Host) {
		scheme, host = s.base.Scheme, s.base.Host // a proxy may have written another Host
	}
	name := strings.ToLower(host)
	if bare, _, err := net.SplitHostPort(name); err == nil {
		name = bare
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return site, false
	}
	return passkeys.Site{Host: name, Origin: scheme + "://" + host}, scheme == "https" || name == "localhost"
}

// asked answers with what the browser is to be asked.
func asked(w http.ResponseWriter, ceremony string, options any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"ceremony": ceremony, "options": options})
}

// goOn tells our script where to go.
func goOn(w http.ResponseWriter, address string) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"to": address})
}

// answered is what our script sends back.
type answered struct {
	Ceremony string          `json:"ceremony"`
	Answer   json.RawMessage `json:"answer"`
	// Name is what the person calls a new passkey.
	Name string `json:"name"`
	// Next is where a person wanted to go before the sign-in.
	Next string `json:"next"`
}

func readAnswer(r *http.Request) (answer answered, err error) {
	err = json.NewDecoder(r.Body).Decode(&answer)
	if large := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &large) {
		err = inputError("form")
	}
	return answer, err
}

// counted counts a request against the limit of its network.
func (s *Server) counted(r *http.Request) error {
	if _, wait, ok := s.byNetwork.Take(callerOf(r).network(), s.now()); !ok {
		return &waitError{wait}
	}
	return nil
}

func (s *Server) beginPasskeySignIn(w http.ResponseWriter, r *http.Request, _ viewer) error {
	site, ok := s.site(r)
	if !ok {
		return inputError("passkey")
	}
	if err := s.counted(r); err != nil {
		return err
	}
	options, name, err := s.ceremonies.BeginSignIn(site)
	if err != nil {
		return err
	}
	return asked(w, name, options)
}

func (s *Server) passkeySignIn(w http.ResponseWriter, r *http.Request, v viewer) error {
	site, ok := s.site(r)
	if !ok {
		return inputError("passkey")
	}
	answer, err := readAnswer(r)
	if err != nil {
		return err
	}
	account, err := s.try(r, "passkeys of "+callerOf(r).network(), func(ctx context.Context) (orchestrator.Account, error) {
		account, key, err := s.ceremonies.FinishSignIn(site, answer.Ceremony, answer.Answer, func(handle string) (orchestrator.Account, []orchestrator.Passkey, error) {
			account, err := s.options.Passkeys.ByHandle(ctx, handle)
			if err != nil {
				return account, nil, err
			}
			keys, err := s.options.Passkeys.Passkeys(ctx, account.ID)
			return account, keys, err
		})
		if errors.Is(err, passkeys.ErrRefused) {
			err = fmt.Errorf("%w: %w", accounts.ErrRefused, err)
		}
		if err != nil {
			return account, err
		}
		return account, s.options.Passkeys.UsePasskey(ctx, key.ID, key.Data)
	})
	if err != nil {
		return err
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	return goOn(w, s.path(local(answer.Next)))
}

// fresh reports whether somebody signed in a moment ago: only then may how they sign in be added to, so that whoever finds a browser
// open does not stay in.
func (s *Server) fresh(v viewer) bool {
	return v.session.ID != 0 && s.now().Sub(v.session.CreatedAt) < freshFor
}

func (s *Server) beginPasskey(w http.ResponseWriter, r *http.Request, v viewer) error {
	if !s.fresh(v) {
		return errStale
	}
	return s.askForPasskey(w, r, v.account)
}

func (s *Server) askForPasskey(w http.ResponseWriter, r *http.Request, account orchestrator.Account) error {
	site, ok := s.site(r)
	if !ok {
		return inputError("passkey")
	}
	have, err := s.options.Passkeys.Passkeys(r.Context(), account.ID)
	if err != nil {
		return err
	}
	options, name, err := s.ceremonies.BeginRegistration(site, account, have)
	if err != nil {
		return err
	}
	return asked(w, name, options)
}

// checkPasskey checks what a browser answered. The passkey is not stored yet.
func (s *Server) checkPasskey(r *http.Request, account orchestrator.Account) (orchestrator.Passkey, error) {
	site, ok := s.site(r)
	if !ok {
		return orchestrator.Passkey{}, inputError("passkey")
	}
	answer, err := readAnswer(r)
	if err != nil {
		return orchestrator.Passkey{}, err
	}
	key, err := s.ceremonies.FinishRegistration(site, answer.Ceremony, account, answer.Answer)
	if errors.Is(err, passkeys.ErrRefused) {
		s.log.WithField("network", callerOf(r).network()).WithError(err).Warn("refuse passkey")
		return orchestrator.Passkey{}, inputError("passkey-refused")
	}
	return orchestrator.Passkey{AccountID: account.ID, Credential: key.Credential, Data: key.Data, Name: answer.Name}, err
}

func (s *Server) addPasskey(w http.ResponseWriter, r *http.Request, v viewer) error {
	if !s.fresh(v) {
		return errStale
	}
	key, err := s.checkPasskey(r, v.account)
	if err != nil {
		return err
	}
	if _, err := s.options.Passkeys.AddPasskey(r.Context(), key); err != nil {
		return err
	}
	return goOn(w, s.path("/account"))
}

func (s *Server) beginPasskeyJoin(w http.ResponseWriter, r *http.Request, _ viewer) error {
	if err := s.counted(r); err != nil {
		return err
	}
	account, err := s.invited(r)
	if err != nil {
		return err
	}
	return s.askForPasskey(w, r, account)
}

// passkeyJoin uses a link up for a passkey: from then on the account signs in by that.
func (s *Server) passkeyJoin(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := s.counted(r); err != nil {
		return err
	}
	account, err := s.invited(r)
	if err != nil {
		return err
	}
	key, err := s.checkPasskey(r, account)
	if err != nil {
		return err
	}
	if account, err = s.accept(r, r.PathValue("token")); err != nil {
		return err
	}
	if _, err := s.options.Passkeys.AddPasskey(r.Context(), key); err != nil {
		return err
	}
	if err := s.begin(w, r, v, account); err != nil {
		return err
	}
	return goOn(w, s.path("/"))
}

func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.removeWay(w, r, v, s.options.Passkeys.RemovePasskey)
}
