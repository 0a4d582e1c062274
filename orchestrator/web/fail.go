package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log" //nolint:depguard // the form that the server of the standard library wants
	"net/http"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/web/api"
)

// Conditions that only the web knows.
var (
	errHost      = errors.New("host is not ours")
	errOrigin    = errors.New("request comes from another site")
	errNobody    = errors.New("nobody is signed in")
	errForbidden = errors.New("role does not allow it")
	errLink      = errors.New("link lets nobody in")
)

// inputError is what is wrong with a request; its text is a key of the words below "error.".
type inputError string

func (e inputError) Error() string { return "bad input: " + string(e) }

// judge turns an error into a status and the key of its words.
func judge(err error) (status int, key string) {
	var input inputError
	var large *http.MaxBytesError
	var waits *waitError
	switch {
	case errors.As(err, &waits):
		return http.StatusTooManyRequests, "slow"
	case errors.Is(err, errLink):
		return http.StatusNotFound, "link"
	case errors.Is(err, accounts.ErrExpired):
		return http.StatusGone, "expired"
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, "large"
	case errors.As(err, &input):
		return http.StatusBadRequest, string(input)
	case errors.Is(err, errHost):
		return http.StatusMisdirectedRequest, "host"
	case errors.Is(err, errOrigin):
		return http.StatusForbidden, "origin"
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized, "nobody"
	case errors.Is(err, errStale):
		return http.StatusForbidden, "stale"
	case errors.Is(err, accounts.ErrRefused):
		return http.StatusUnauthorized, "refused"
	case errors.Is(err, errForbidden):
		return http.StatusForbidden, "role"
	case errors.Is(err, orchestrator.ErrNotFound):
		return http.StatusNotFound, "missing"
	case errors.Is(err, orchestrator.ErrExists):
		return http.StatusConflict, "exists"
	case errors.Is(err, orchestrator.ErrLocked):
		return http.StatusConflict, "locked"
	case errors.Is(err, orchestrator.ErrStoreUnavailable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "unavailable"
	}
	return http.StatusInternalServerError, "internal"
}

// fail answers with an error: a page for a person, JSON for a program. The text is ours alone; what went wrong inside goes to the
// log, under a number that the answer shows.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, rule route, v viewer, err error) {
	if r.Context().Err() != nil && !errors.Is(err, orchestrator.ErrStoreUnavailable) {
		return // nobody is there any more
	}
	status, key := judge(err)
	number := ""
	if status >= http.StatusInternalServerError {
		number = strings.ToLower(rand.Text()[:8])
		s.log.WithFields(map[string]any{"error": s.scrub(err.Error()), "route": rule.pattern, "number": number}).Error("answer request")
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Del("Content-Encoding")
	header.Del("ETag")
	if waits := (*waitError)(nil); errors.As(err, &waits) {
		header.Set("Retry-After", strconv.Itoa(waits.seconds()))
	}
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "10")
	}
	if forAPI(s.strip(r)) {
		api.WriteProblem(w, document.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: word("error." + key), Code: key, Number: number})
		return
	}
	if rule.kind == data || wantsJSON(r) {
		header.Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]map[string]string{"error": {"code": key, "message": word("error." + key), "number": number}}) //nolint:errchkjson // the status is sent; who went away reads no more
		return
	}
	s.render(w, r, v, status, "error.html", view{Title: word("error.title"), Data: map[string]string{"Key": key, "Number": number}})
}

// wantsJSON reports whether a script asks, which says so.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// scrub takes out of a text for the log where on this machine things lie.
func (s *Server) scrub(text string) string {
	for _, hidden := range s.options.Hide {
		if len(hidden) > 1 {
			text = strings.ReplaceAll(text, hidden, "[…]")
		}
	}
	return text
}

// discardLog drops what net/http says of broken connections and bad handshakes: anybody can cause it, and it names addresses.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
