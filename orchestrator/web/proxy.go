package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Trusted finds whom a proxy of ours has signed in.
type Trusted interface {
	// Trusted returns the account of the name that the proxy sends, and its users; accounts.ErrRefused where there is none.
	Trusted(ctx context.Context, name string) (orchestrator.Account, []orchestrator.User, error)
}

// proxied finds who has signed in with the proxy. The header counts only where the peer itself is one of ours, and it is sent once:
// from everybody else it is nothing.
func (s *Server) proxied(r *http.Request) (viewer, error) {
	name := s.options.ProxyHeader
	if name == "" {
		return viewer{}, nil
	}
	values := r.Header.Values(name)
	if len(values) == 0 {
		return viewer{}, nil
	}
	if !callerOf(r).trusted || len(values) != 1 {
		s.log.WithField("network", callerOf(r).network()).Warn("ignore header of a proxy that is not trusted")
		return viewer{}, nil
	}
	account, users, err := s.options.Trusted.Trusted(r.Context(), strings.ToLower(strings.TrimSpace(values[0])))
	if errors.Is(err, accounts.ErrRefused) {
		return viewer{}, nil
	}
	return viewer{account: account, users: users}, err
}
