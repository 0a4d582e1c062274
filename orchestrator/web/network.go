package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// hosts are the names under which we may be asked. A page of another site cannot make its own name ours (DNS rebinding).
type hosts struct{ names map[string]bool }

func newHosts(base *url.URL, listen string) hosts {
	h := hosts{names: map[string]bool{"localhost": true}}
	if base != nil {
		h.names[strings.ToLower(base.Hostname())] = true
	}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		h.names[strings.ToLower(host)] = true
	}
	if name, err := os.Hostname(); err == nil && base == nil {
		name = strings.ToLower(name)
		h.names[name] = true
		h.names[strings.TrimSuffix(name, ".local")+".local"] = true
	}
	return h
}

// ours reports whether a Host header names us. An address by number is always ours: no other site can claim it.
func (h hosts) ours(host string) bool {
	name := strings.ToLower(host)
	if bare, _, err := net.SplitHostPort(name); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return h.names[name]
}

// caller is where a request comes from.
type caller struct {
	// addr is the client's; invalid behind a Unix socket that is not trusted.
	addr netip.Addr
	// trusted is true when the request came through a proxy of ours.
	trusted bool
	// secure is true when the browser speaks HTTPS.
	secure bool
}

type callerKey struct{}

func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// identify finds out where a request comes from. Headers count only when a trusted proxy sent them: from the right, the first
// address that is not a proxy of ours is the client's.
func (s *Server) identify(r *http.Request) *http.Request {
	var c caller
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	c.addr = peer.Addr().Unmap().WithZone("")
	c.trusted = err == nil && s.trusts(c.addr) || err != nil && s.options.TrustUnix
	c.secure = r.TLS != nil
	if c.trusted {
		c.addr = s.forwarded(r.Header.Values("X-Forwarded-For"), c.addr)
		c.secure = c.secure || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	}
	if s.base != nil && s.base.Scheme == "https" && (strings.EqualFold(r.Host, s.base.Host) || r.Header.Get("Origin") == "https://"+s.base.Host) {
		c.secure = true
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

func (s *Server) trusts(addr netip.Addr) bool {
	for _, network := range s.options.TrustedNetworks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// forwarded walks X-Forwarded-For from the right over our own proxies.
func (s *Server) forwarded(headers []string, peer netip.Addr) netip.Addr {
	parts := strings.Split(strings.Join(headers, ","), ",")
	for i := len(parts) - 1; i >= 0; i-- {
		text := strings.TrimSpace(parts[i])
		addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil {
			withPort, err := netip.ParseAddrPort(text)
			if err != nil {
				return peer // nothing to the left of nonsense is to be believed
			}
			addr = withPort.Addr()
		}
		peer = addr.Unmap().WithZone("")
		if !s.trusts(peer) {
			return peer
		}
	}
	return peer
}

// network is what limits count by: one IPv4 address, or the /64 of an IPv6 one, which one household has; empty where there is none.
func (c caller) network() string {
	if !c.addr.IsValid() {
		return ""
	}
	bits := 32
	if c.addr.Is6() {
		bits = 64
	}
	prefix, err := c.addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// addrText is the address for a person to recognise; empty where there is none.
func (c caller) addrText() string {
	if !c.addr.IsValid() {
		return ""
	}
	return c.addr.String()
}
