package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
)

// Page says how the page is served, and who may sign in how.
type Page struct {
	// Listen is HOST:PORT, unix:PATH, or systemd for a socket that systemd holds.
	Listen string
	// BaseURL is where people reach the page, with the path if there is one; empty means any address of this machine.
	BaseURL string
	// TrustedNetworks are the proxies whose word counts; TrustUnix says that whoever connects by a Unix socket is one.
	TrustedNetworks []netip.Prefix
	TrustUnix       bool
	// ProxyHeader is the header in which such a proxy names who has signed in with it; empty means that none does.
	ProxyHeader string
	// OIDC is an issuer of OpenID Connect; its Issuer is empty where there is none.
	OIDC OIDC
	// MetricsToken lets a program read /metrics; empty means that nobody may.
	MetricsToken string
	// UploadQuota is how much of what a person's devices sent may wait to be read, in bytes.
	UploadQuota int64
}

// OIDC is what an issuer knows us by.
type OIDC struct{ Issuer, ClientID, ClientSecret string }

// pageTable holds the settings of the page.
var pageTable = []Definition{
	{Name: "CHORTLE_LISTEN", Flag: "listen", Help: "where the page is served: HOST:PORT, unix:PATH, or systemd for a socket of systemd's",
		fallback: fixed("127.0.0.1:8467"),
		set: func(s *Settings, v string) error {
			if path, ok := strings.CutPrefix(v, "unix:"); ok {
				absolute, err := s.path(path)
				if path == "" || err != nil {
					return errors.New("unix: needs a path, such as unix:/run/chortle/page.sock")
				}
				s.Config.Page.Listen = "unix:" + absolute
				return nil
			}
			if _, port, err := net.SplitHostPort(v); v != "systemd" && (err != nil || port == "") {
				return fmt.Errorf("%q is no address; want HOST:PORT, unix:PATH or systemd", v)
			}
			s.Config.Page.Listen = v
			return nil
		}},
	{Name: "CHORTLE_BASE_URL", Help: "address under which people reach the page, such as https://example.org/laughs; empty: any of this machine",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			u, err := url.Parse(v)
			if v != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
				return errors.New("want http:// or https:// with a host, and a path if there is one")
			}
			s.Config.Page.BaseURL = strings.TrimRight(v, "/")
			return nil
		}},
	{Name: "CHORTLE_TRUSTED_NETWORKS", Help: "proxies whose headers count: addresses or networks with spaces between, unix for a Unix socket; empty: none",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { return s.Config.Page.trust(v) }},
	{Name: "CHORTLE_PROXY_HEADER", Help: "header in which a trusted proxy names who has signed in, such as Remote-User; empty: none",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if strings.ContainsFunc(v, func(r rune) bool {
				return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
			}) {
				return fmt.Errorf("%q is no name of a header", v)
			}
			if v != "" && len(s.Config.Page.TrustedNetworks) == 0 && !s.Config.Page.TrustUnix {
				return errors.New("anybody could send it: name the proxy in CHORTLE_TRUSTED_NETWORKS too")
			}
			s.Config.Page.ProxyHeader = textproto.CanonicalMIMEHeaderKey(v)
			return nil
		}},
	{Name: "CHORTLE_OIDC_ISSUER", Help: "address of an OpenID Connect issuer that people may sign in with; empty: none",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			u, err := url.Parse(v)
			if v != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1") {
				return errors.New("want https:// with a host, as the issuer calls itself")
			}
			s.Config.Page.OIDC.Issuer = v
			return nil
		}},
	{Name: "CHORTLE_OIDC_CLIENT_ID", Help: "what the issuer calls this page",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { s.Config.Page.OIDC.ClientID = v; return nil }},
	{Name: "CHORTLE_OIDC_CLIENT_SECRET", Secret: true, Hidden: true, Help: "what this page shows the issuer; empty: a public client",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.Page.OIDC.ClientSecret = v
			page := s.Config.Page
			if page.OIDC.Issuer != "" && page.OIDC.ClientID == "" {
				return errors.New("the issuer is named: set CHORTLE_OIDC_CLIENT_ID too")
			}
			if page.OIDC.Issuer != "" && page.BaseURL == "" {
				return errors.New("the issuer must know where to send people back: set CHORTLE_BASE_URL too")
			}
			return nil
		}},
	{Name: "CHORTLE_METRICS_TOKEN", Secret: true, Hidden: true, Help: "token with which a program may read /metrics; empty: nobody may",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if v != "" && len(v) < 16 {
				return errors.New("is too short: 16 characters at least")
			}
			s.Config.Page.MetricsToken = v
			return nil
		}},
	{Name: "CHORTLE_UPLOAD_QUOTA", Help: "how much of what a person's devices sent may wait to be read, such as 20GB",
		fallback: fixed("10GB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Page.UploadQuota, err = ParseBytes(v)
			return err
		}},
}

// trust reads networks: an address is the network of it alone. The whole internet is none.
func (p *Page) trust(text string) error {
	p.TrustedNetworks, p.TrustUnix = nil, false
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")) {
		if word == "unix" {
			p.TrustUnix = true
			continue
		}
		network, err := netip.ParsePrefix(word)
		if err != nil {
			addr, err := netip.ParseAddr(word)
			if err != nil {
				return fmt.Errorf("%q is no address or network; want one such as 127.0.0.1, 10.0.0.0/8 or unix", word)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		if network.Bits() == 0 {
			return fmt.Errorf("%q is everybody: name the proxy", word)
		}
		p.TrustedNetworks = append(p.TrustedNetworks, network.Masked())
	}
	return nil
}
