package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/web/api"
)

// tokenRoutes are the tokens of an account's apps and devices. A listener may have some too, for reading.
func (s *Server) tokenRoutes() []route {
	return []route{
		{method: "GET", pattern: "/account/tokens", kind: page, need: listener, handle: s.tokensPage},
		{method: "POST", pattern: "/account/tokens", kind: form, need: listener, body: 8 << 10, handle: s.addToken},
		{method: "POST", pattern: "/account/tokens/{number}/revoke", kind: form, need: listener, handle: s.revokeToken},
	}
}

// tokenKinds are what a person chooses from; each is a set of scopes. The first is the default.
var tokenKinds = []struct {
	name    string
	scopes  []orchestrator.Scope
	changes bool // a listener may not have it
	oneUser bool
}{
	{"read", []orchestrator.Scope{orchestrator.ScopeRead}, false, false},
	{"write", []orchestrator.Scope{orchestrator.ScopeRead, orchestrator.ScopeWrite}, true, false},
	{"upload", []orchestrator.Scope{orchestrator.ScopeUpload}, true, false},
	{"hook", []orchestrator.Scope{orchestrator.ScopeHook}, true, true},
	{"feed", []orchestrator.Scope{orchestrator.ScopeFeed}, false, true},
}

// tokenDays are the lives that a person can choose, in days; 0 is for ever.
var tokenDays = []int{0, 30, 365}

type tokensView struct {
	Problem string
	// Secret is that of the token just made, and Address what to give the device or the player instead where there is one; nobody sees
	// them again.
	Secret, Address, MadeName string
	Kinds                     []string
	Users                     []string
	Days                      []int
	Tokens                    []tokenLine
}

type tokenLine struct {
	ID                            int64
	Name, Kind, User, Used, Until string
	UsedISO                       string
	Over, New                     bool
}

func (s *Server) tokensPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showTokens(w, r, v, http.StatusOK, tokensView{}, 0)
}

func (s *Server) showTokens(w http.ResponseWriter, r *http.Request, v viewer, status int, show tokensView, made int64) error {
	tokens, err := s.options.Tokens.Tokens(r.Context(), v.account.ID)
	if err != nil {
		return err
	}
	show.Users, show.Days = v.UserNames(), tokenDays
	for _, kind := range tokenKinds {
		if !kind.changes || v.may(member) {
			show.Kinds = append(show.Kinds, kind.name)
		}
	}
	for _, token := range tokens {
		line := tokenLine{ID: token.ID, Name: token.Name, Kind: kindOfToken(token), New: token.ID == made, Used: word("tokens.unused"), Until: word("tokens.forever"), User: word("tokens.everybody")}
		if i := slices.IndexFunc(v.users, func(u orchestrator.User) bool { return u.ID == token.UserID }); i >= 0 {
			line.User = v.users[i].Name
		}
		if !token.UsedAt.IsZero() {
			line.Used, line.UsedISO = s.since(token.UsedAt), token.UsedAt.Format(time.RFC3339)
		}
		if !token.ExpiresAt.IsZero() {
			line.Until, line.Over = word("tokens.until", "when", token.ExpiresAt.UTC().Format(time.DateOnly)), !s.now().Before(token.ExpiresAt)
		}
		show.Tokens = append(show.Tokens, line)
	}
	s.render(w, r, v, status, "tokens.html", view{Title: word("tokens.title"), Here: "/account/tokens", Data: show})
	return nil
}

// kindOfToken is the kind that a token's scopes are.
func kindOfToken(token orchestrator.APIToken) string {
	for _, kind := range tokenKinds {
		if slices.Equal(kind.scopes, token.Scopes) {
			return kind.name
		}
	}
	return "mixed"
}

func (s *Server) addToken(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	i := 0
	if name := r.PostForm.Get("kind"); name != "" {
		for i = 0; i < len(tokenKinds) && tokenKinds[i].name != name; i++ {
		}
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if r.PostForm.Get("days") == "" {
		days, err = 0, nil
	}
	if i == len(tokenKinds) || err != nil || !slices.Contains(tokenDays, days) {
		return inputError("form")
	}
	token := orchestrator.APIToken{Name: r.PostForm.Get("name"), Scopes: tokenKinds[i].scopes}
	if days > 0 {
		token.ExpiresAt = s.now().Add(time.Duration(days) * 24 * time.Hour)
	}
	if name := r.PostForm.Get("user"); name != "" {
		user, err := v.user(name)
		if err != nil {
			return err
		}
		token.UserID = user.ID
	} else if tokenKinds[i].oneUser && len(v.users) == 1 {
		token.UserID = v.users[0].ID
	}
	secret, made, err := s.options.Tokens.AddToken(r.Context(), v.account, v.users, token)
	switch {
	case errors.Is(err, accounts.ErrOneUser):
		return s.showTokens(w, r, v, http.StatusUnprocessableEntity, tokensView{Problem: "tokens.one-user"}, 0)
	case errors.Is(err, accounts.ErrScope):
		return errForbidden
	case err != nil:
		return err
	}
	return s.showTokens(w, r, v, http.StatusOK, tokensView{Secret: secret, Address: s.tokenAddress(r, made, secret), MadeName: made.Name}, made.ID)
}

// tokenAddress is what a device or a player is given where the secret is a part of an address; else empty.
func (s *Server) tokenAddress(r *http.Request, token orchestrator.APIToken, secret string) string {
	switch {
	case token.May(orchestrator.ScopeHook):
		return s.address(r, api.Root+"/hooks/omi/"+secret)
	case token.May(orchestrator.ScopeFeed):
		return s.address(r, "/feed/"+secret+"/laughs.xml")
	}
	return ""
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request, v viewer) error {
	id, err := numbered(r)
	if err != nil {
		return err
	}
	if err := s.options.Tokens.RemoveToken(r.Context(), v.account.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/account/tokens"), http.StatusSeeOther)
	return nil
}
