package web

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Metrics says how things stand, in Prometheus' text form.
type Metrics interface {
	Metrics(ctx context.Context) ([]byte, error)
}

// bearer is the token of an Authorization header; empty where there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// metrics answers the program that holds the token of the settings. Without one there is nothing here.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request, _ viewer) error {
	want := s.options.MetricsToken
	if want == "" || subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(want)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return errNobody
	}
	text, err := s.options.Metrics.Metrics(orchestrator.Unlimited(r.Context()))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = w.Write(text)
	return err
}
