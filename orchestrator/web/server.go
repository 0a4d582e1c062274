package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator/web/api"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/issuer"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/passkeys"
)

// Options say what a Server stands on. Every interface and Log must be set.
type Options struct {
	// BaseURL is where people reach the page, such as https://example.org/laughs; empty means any address of this machine,
	// at the root.
	BaseURL string
	// Listen is the address that the server listens on; its host is one of ours.
	Listen string
	// TrustedNetworks are the proxies whose X-Forwarded-… headers count. Empty: nobody's.
	TrustedNetworks []netip.Prefix
	// TrustUnix says that whoever connects by a Unix socket is a trusted proxy.
	TrustUnix bool

	// ProxyHeader is the header in which a trusted proxy names who has signed in; empty: none does.
	ProxyHeader string
	// OIDC is an issuer of OpenID Connect that people may sign in with; nil for none. It needs BaseURL.
	OIDC *OIDC
	// MetricsToken lets a program read /metrics; empty: nobody may.
	MetricsToken string
	// Hide are folders and addresses that the log must not show.
	Hide []string

	Sessions       Sessions
	SignIns        SignIns
	Links          Links
	Trusted        Trusted
	Own            Own
	Passkeys       Passkeys
	Identities     Identities
	Shares         Shares
	Digests        Digests
	Letters        Letters
	Administration Administration
	People         People
	SourceKeys     SourceKeys
	Standing       Standing
	Metrics        Metrics
	Updates        Updates
	Marks          Marks
	Reprocessing   Reprocessing
	Laughs         Laughs
	Heard          Heard
	Judging        Judging
	Sounds         Sounds
	Tokens         Tokens
	Uploads        Uploads
	Exporting      Exporting

	Log logrus.FieldLogger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// OIDC is an issuer, and what it knows us by. An empty ClientSecret is that of a public client.
type OIDC struct{ Issuer, ClientID, ClientSecret string }

// Server answers requests. Safe for concurrent use.
type Server struct {
	options Options
	base    *url.URL // nil where none is set
	prefix  string   // path of the base, without a slash at the end
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
	hosts   hosts
	pages   *renderer
	files   *assets
	api     *api.Server
	// exporting has a place for each export under way.
	exporting chan struct{}
	log       logrus.FieldLogger
	now       func() time.Time

	byNetwork, byName *limits.Limits
	ceremonies        *passkeys.Ceremonies
	issuer            *issuer.Issuer // nil for none
}

var _ http.Handler = (*Server)(nil)

// New checks the options and returns the server.
func New(options Options) (*Server, error) {
	s := &Server{options: options, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(), log: options.Log, now: options.Now, exporting: make(chan struct{}, exportsAtOnce)}
	if s.now == nil {
		s.now = time.Now
	}
	if options.BaseURL != "" {
		base, err := url.Parse(options.BaseURL)
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
			return nil, fmt.Errorf("check base address %q: want http:// or https:// with a host, and a path if there is one", options.BaseURL)
		}
		base.Path = strings.TrimRight(base.Path, "/")
		s.base, s.prefix = base, base.Path
		if err := s.origins.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
			return nil, fmt.Errorf("check base address %q: %w", options.BaseURL, err)
		}
	}
	s.hosts = newHosts(s.base, options.Listen)
	s.byNetwork, s.byName = limits.New(6*time.Second, 20, 4096), limits.New(30*time.Second, 10, 4096)
	s.ceremonies = passkeys.New(s.now)
	if oidc := options.OIDC; oidc != nil {
		if s.base == nil {
			return nil, errors.New("sign in with issuer: it must know where to send people back: the base address is required")
		}
		s.issuer = issuer.New(oidc.Issuer, oidc.ClientID, oidc.ClientSecret, s.base.String()+"/oidc/callback", s.now)
	}
	var err error
	if s.files, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = s.loadPages(); err != nil {
		return nil, err
	}
	if s.api, err = api.New(api.Options{Prefix: s.prefix, Network: func(r *http.Request) string { return callerOf(r).network() }, Scrub: s.scrub,
		Tokens: options.Tokens, Laughs: options.Laughs, Heard: options.Heard, Judging: options.Judging, Sounds: options.Sounds, Uploads: options.Uploads, ReadSoon: s.readSoon, Log: options.Log, Now: s.now}); err != nil {
		return nil, err
	}
	for _, rule := range s.routes() {
		if rule.handle == nil || rule.kind == 0 || rule.need == 0 {
			return nil, fmt.Errorf("route %s %s has no rule", rule.method, rule.pattern)
		}
		s.mux.HandleFunc(rule.method+" "+rule.pattern, func(w http.ResponseWriter, r *http.Request) { s.guard(w, r, rule) })
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = s.identify(r)
	s.setHeaders(w.Header())
	defer s.recover(w, r)
	switch {
	case !s.hosts.ours(r.Host):
		s.fail(w, r, route{}, viewer{}, errHost)
		return
	case !clean(r.URL):
		s.fail(w, r, route{}, viewer{}, inputError("path"))
		return
	}
	if err := s.origins.Check(r); err != nil {
		s.fail(w, r, route{}, viewer{}, errOrigin)
		return
	}
	r = s.strip(r)
	if forAPI(r) {
		s.api.ServeHTTP(w, r)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unknown(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// recover answers for a handler that panicked. What it wrote already cannot be taken back.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	switch cause := recover(); cause {
	case nil:
	case http.ErrAbortHandler:
		panic(cause) // net/http breaks the connection
	default:
		s.log.WithField("stack", s.scrub(string(debug.Stack()))).Error("answer request: panic")
		s.fail(w, r, route{kind: data}, viewer{}, errors.New("panic"))
	}
}

// clean refuses paths that mean another one than they say: no address of ours needs an escaped slash, an empty part or dots.
func clean(u *url.URL) bool {
	escaped := strings.ToLower(u.EscapedPath())
	if !strings.HasPrefix(u.Path, "/") || strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c") || strings.ContainsAny(u.Path, "\\\x00") {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(u.Path[1:], "/"), "/") {
		if part == "." || part == ".." || part == "" && u.Path != "/" {
			return false
		}
	}
	return true
}

// strip takes the base's path off the request. A proxy may have taken it off already.
func (s *Server) strip(r *http.Request) *http.Request {
	rest, below := strings.CutPrefix(r.URL.Path, s.prefix)
	if s.prefix == "" || !below || rest != "" && rest[0] != '/' {
		return r
	}
	out := r.Clone(r.Context())
	out.URL.Path, out.URL.RawPath = cmp.Or(rest, "/"), ""
	return out
}

// forAPI reports whether a request, without the base's path, is for programs.
func forAPI(r *http.Request) bool {
	return r.URL.Path == api.Root || strings.HasPrefix(r.URL.Path, api.Root+"/")
}

// path is an address of ours, for links: with the base's path in front.
func (s *Server) path(rest string) string { return s.prefix + rest }
