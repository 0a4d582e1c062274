package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// Conditions that only the API knows.
var (
	errNobody = errors.New("token is missing, unknown, expired or revoked")
	errRole   = errors.New("the account of the token may only listen")
	errMethod = errors.New("method is not allowed here")
)

// scopeError says that a token lacks a scope.
type scopeError struct{ scope orchestrator.Scope }

func (e *scopeError) Error() string { return "token lacks the scope " + string(e.scope) }

// inputError is what is wrong with a request, for whoever wrote the program that sent it. It holds nothing secret.
type inputError string

func (e inputError) Error() string { return string(e) }

func badInput(format string, args ...any) error { return inputError(fmt.Sprintf(format, args...)) }

// waitError says that there were too many requests.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string { return "too many requests" }
func (e *waitError) seconds() int  { return max(1, int(math.Ceil(e.wait.Seconds()))) }

// answerError is an error with its own answer.
type answerError struct {
	status       int
	code, detail string
}

func (e *answerError) Error() string { return e.detail }

// judge turns an error into its answer.
func judge(err error) document.Problem {
	var input inputError
	var large *http.MaxBytesError
	var waits *waitError
	var scope *scopeError
	var answer *answerError
	problem := func(status int, code, detail string) document.Problem {
		return document.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
	}
	switch {
	case errors.As(err, &answer):
		return problem(answer.status, answer.code, answer.detail)
	case errors.As(err, &waits):
		return problem(http.StatusTooManyRequests, "slow", fmt.Sprintf("Too many requests. Wait %d s.", waits.seconds()))
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "large", fmt.Sprintf("The body is larger than %d bytes.", large.Limit))
	case errors.As(err, &input):
		return problem(http.StatusBadRequest, "input", string(input))
	case errors.Is(err, errNobody):
		return problem(http.StatusUnauthorized, "token", "Send a token that is not revoked: Authorization: Bearer TOKEN.")
	case errors.As(err, &scope):
		return problem(http.StatusForbidden, "scope", "This token lacks the scope "+string(scope.scope)+".")
	case errors.Is(err, errRole):
		return problem(http.StatusForbidden, "role", "The account of this token may only listen.")
	case errors.Is(err, errMethod):
		return problem(http.StatusMethodNotAllowed, "method", "This address answers to other methods only; see Allow.")
	case errors.Is(err, orchestrator.ErrNotFound):
		return problem(http.StatusNotFound, "missing", "There is nothing here that this token reaches.")
	case errors.Is(err, orchestrator.ErrStoreUnavailable), errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusServiceUnavailable, "unavailable", "The database does not answer. Try again soon.")
	}
	return problem(http.StatusInternalServerError, "internal", "Something went wrong inside. The log of the server has the cause under the number.")
}

// fail answers with an error. What went wrong inside goes to the log, under a number that the answer shows.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, pattern string, err error) {
	if r.Context().Err() != nil && !errors.Is(err, orchestrator.ErrStoreUnavailable) {
		return // nobody is there any more
	}
	problem := judge(err)
	if problem.Status >= http.StatusInternalServerError && problem.Status != http.StatusInsufficientStorage {
		problem.Number = strings.ToLower(rand.Text()[:8])
		s.Log.WithFields(map[string]any{"error": s.Scrub(err.Error()), "route": pattern, "number": problem.Number}).Error("answer request")
	}
	header := w.Header()
	if waits := (*waitError)(nil); errors.As(err, &waits) {
		header.Set("Retry-After", strconv.Itoa(waits.seconds()))
	}
	switch problem.Status {
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", "10")
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="chortle"`)
	}
	WriteProblem(w, problem)
}

// WriteProblem answers with a problem.
func WriteProblem(w http.ResponseWriter, problem document.Problem) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Del("ETag")
	header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(problem.Status)
	_ = json.NewEncoder(w).Encode(problem) //nolint:errchkjson // the status is sent; who went away reads no more
}

// answer answers with a document.
func answer(w http.ResponseWriter, status int, content any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = document.Write(w, content) // the status is sent; who went away reads no more
	return nil
}
