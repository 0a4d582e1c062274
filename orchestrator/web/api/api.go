package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
)

// Root is where the API lies below the server's base.
const Root = "/api/v1"

// Tokens knows the tokens of apps and devices.
type Tokens interface {
	// Token returns the token of a secret, its account, and the users that it reaches; orchestrator.ErrNotFound where it
	// is unknown, expired or revoked.
	Token(ctx context.Context, secret string) (orchestrator.APIToken, orchestrator.Account, []orchestrator.User, error)
}

// Laughs finds laughs and counts them. Every question names the users that it is about.
type Laughs interface {
	LaughsOf(ctx context.Context, userIDs []int64, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error]
	Laugh(ctx context.Context, userIDs []int64, id string) (orchestrator.StoredLaugh, error)
	Days(ctx context.Context, userID int64, from, to orchestrator.Date) ([]orchestrator.DayCount, error)
	BestOfDays(ctx context.Context, userID int64, from, to orchestrator.Date) (map[orchestrator.Date]orchestrator.StoredLaugh, error)
	Unreviewed(ctx context.Context, userID int64, tier orchestrator.Tier, limit int) (int, error)
}

// Heard says where there was sound, and where it is missing.
type Heard interface {
	Recordings(ctx context.Context, userID int64, span orchestrator.Span) ([]orchestrator.RecordingSpan, error)
	Ledger(ctx context.Context, userID int64, span orchestrator.Span) ([]orchestrator.LedgerSpan, error)
}

// Judging stores what a person says of a laugh, each thing by itself. orchestrator.ErrNotFound where it is none of these users'.
type Judging interface {
	Mark(ctx context.Context, userIDs []int64, id string, mark orchestrator.Mark) (before orchestrator.Mark, err error)
	Star(ctx context.Context, userIDs []int64, id string, star bool) error
	Note(ctx context.Context, userIDs []int64, id, note string) error
	Forget(ctx context.Context, userIDs []int64, id string) error
}

// Sounds opens clips by their keys. orchestrator.ErrNotFound where the clip is gone.
type Sounds interface {
	Original(ctx context.Context, key string) (io.ReadSeekCloser, error)
	WAV(ctx context.Context, key string) ([]byte, error)
}

// Options say what a Server stands on. All fields but Prefix, Scrub and Now must be set.
type Options struct {
	// Prefix is the path of the server's base, without a slash at the end.
	Prefix string
	// Network names where a request comes from, for limits.
	Network func(*http.Request) string
	// Scrub takes out of a text for the log where on this machine things lie.
	Scrub func(string) string

	Tokens  Tokens
	Laughs  Laughs
	Heard   Heard
	Judging Judging
	Sounds  Sounds
	Uploads Uploads
	// ReadSoon has a recording of a user's that has just come read at once, and returns at once; nil where the next run must do.
	ReadSoon func(ctx context.Context, user orchestrator.User, file string)

	Log logrus.FieldLogger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server answers requests below Root. Safe for concurrent use.
type Server struct {
	Options

	mux         *http.ServeMux
	description []byte
	// strangers counts wrong tokens by network, callers requests by token.
	strangers, callers *limits.Limits
	// receiving and streaming are the uploads under way.
	receiving, streaming slots
}

var _ http.Handler = (*Server)(nil)

// caller is who asks: the holder of a token, and the users that it reaches. The zero value is nobody.
type caller struct {
	token   orchestrator.APIToken
	account orchestrator.Account
	users   []orchestrator.User
	secret  string
}

// userIDs are what every question to the program is limited to.
func (c caller) userIDs() []int64 {
	ids := make([]int64, 0, len(c.users))
	for _, user := range c.users {
		ids = append(ids, user.ID)
	}
	return ids
}

// user returns a user of the caller's by name; orchestrator.ErrNotFound for everybody else, whether there is one or not.
func (c caller) user(name string) (orchestrator.User, error) {
	if i := slices.IndexFunc(c.users, func(u orchestrator.User) bool { return u.Name == name }); i >= 0 {
		return c.users[i], nil
	}
	return orchestrator.User{}, orchestrator.ErrNotFound
}

// New checks the options and returns the server.
func New(options Options) (*Server, error) {
	s := &Server{Options: options, mux: http.NewServeMux(),
		strangers: limits.New(6*time.Second, 20, 4096), callers: limits.New(100*time.Millisecond, 200, 4096)}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Scrub == nil {
		s.Scrub = func(text string) string { return text }
	}
	for _, rule := range s.routes() {
		if rule.handle == nil || rule.scope == "" {
			return nil, fmt.Errorf("route %s %s has no rule", rule.method, rule.path)
		}
		s.mux.HandleFunc(rule.method+" "+Root+rule.path, func(w http.ResponseWriter, r *http.Request) { s.guard(w, r, rule) })
	}
	var err error
	s.description, err = s.describe()
	return s, err
}

// ServeHTTP implements http.Handler, for paths below Root.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.recover(w, r)
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cache-Control", "no-store")
	switch _, pattern := s.mux.Handler(r); {
	case pattern != "":
		s.mux.ServeHTTP(w, r)
	default: // whoever has no token does not learn what there is
		unknown := route{scope: anyScope, handle: func(http.ResponseWriter, *http.Request, caller) error {
			if allowed := s.methods(r); len(allowed) > 0 {
				w.Header().Set("Allow", strings.Join(allowed, ", "))
				return errMethod
			}
			return orchestrator.ErrNotFound
		}}
		s.guard(w, r, unknown)
	}
}

// methods are those that an address answers to.
func (s *Server) methods(r *http.Request) (allowed []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}

// recover answers for a handler that panicked. What it wrote already cannot be taken back.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	switch cause := recover(); cause {
	case nil:
	case http.ErrAbortHandler:
		panic(cause) // net/http breaks the connection
	default:
		s.Log.WithField("stack", s.Scrub(string(debug.Stack()))).Error("answer request: panic")
		s.fail(w, r, "", errors.New("panic"))
	}
}

// bearer is the token of an Authorization header; empty where there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// smallBody bounds a request that carries no sound: a note of 10,000 characters in any script fits.
const smallBody = 64 << 10

// guard stands before every handler.
func (s *Server) guard(w http.ResponseWriter, r *http.Request, rule route) {
	switch {
	case rule.body == 0:
		r.Body = http.MaxBytesReader(w, r.Body, smallBody)
	case rule.body > 0:
		r.Body = http.MaxBytesReader(w, r.Body, rule.body)
	}
	if rule.scope == public {
		if err := rule.handle(w, r, caller{}); err != nil {
			s.fail(w, r, rule.path, err)
		}
		return
	}
	secret := bearer(r)
	if rule.inPath {
		secret = r.PathValue("secret")
	}
	c, err := s.who(r, secret)
	if err == nil {
		err = c.may(rule)
	}
	if err == nil {
		err = rule.handle(w, r.WithContext(orchestrator.WithUsers(r.Context(), c.userIDs())), c)
	}
	if err != nil {
		s.fail(w, r, rule.path, err)
	}
}

// who finds out whose a secret is, within the limits.
func (s *Server) who(r *http.Request, secret string) (caller, error) {
	now := s.Now()
	refund, wait, ok := s.strangers.Take(s.Network(r), now)
	if !ok {
		return caller{}, &waitError{wait}
	}
	if secret == "" {
		refund() // nothing was guessed
		return caller{}, errNobody
	}
	c, err := s.find(r.Context(), secret)
	if err != nil {
		if !errors.Is(err, errNobody) {
			refund()
		}
		return caller{}, err
	}
	refund()
	if _, wait, ok := s.callers.Take(fmt.Sprint(c.token.ID), now); !ok {
		return caller{}, &waitError{wait}
	}
	return c, nil
}

// find is who without limits.
func (s *Server) find(ctx context.Context, secret string) (caller, error) {
	token, account, users, err := s.Tokens.Token(orchestrator.Unlimited(ctx), secret)
	if errors.Is(err, orchestrator.ErrNotFound) {
		return caller{}, errNobody
	}
	return caller{token, account, users, secret}, err
}

// may reports why the caller may not use a route; nil where they may. The role counts as it is now, whatever the account
// was when it made the token.
func (c caller) may(rule route) error {
	changes := rule.scope == orchestrator.ScopeWrite || rule.scope == orchestrator.ScopeUpload || rule.scope == orchestrator.ScopeHook
	switch {
	case rule.scope != anyScope && !c.token.May(rule.scope):
		if rule.inPath {
			return errNobody // a token of another kind is no secret of this address
		}
		return &scopeError{rule.scope}
	case changes && c.account.Role == orchestrator.RoleListener:
		return errRole
	}
	return nil
}
