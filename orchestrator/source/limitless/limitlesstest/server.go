// Package limitlesstest is a server that behaves as the Limitless API does: same path, header,
// parameters, limits, content types and errors, over real HTTP on loopback. It answers out of
// recordings that its user gives it, and misbehaves on demand.
package limitlesstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Recording is a stretch of sound that the server has.
type Recording struct {
	Start  time.Time
	Length time.Duration
	// Cut returns a stretch of the recording, counted from its start, as a file of Ogg Opus.
	Cut func(ctx context.Context, from, to time.Duration) ([]byte, error)
}

// Call is one request, as the server saw it.
type Call struct {
	// N counts all calls from 1; Attempt counts the calls for the same window from 1.
	N, Attempt int
	Path       string
	Key        string
	Span       orchestrator.Span
	// Status that was answered; 0 where the connection was cut instead.
	Status int
}

// Server answers requests for audio. Set its fields before the first request.
type Server struct {
	// Keys that are accepted, each with its owner's recordings in the order of their start.
	Keys map[string][]Recording
	// Fault chooses how to misbehave; nil, or a nil answer, means not at all.
	Fault func(Call) Fault
	// CallsPerMinute of one key, above which 429 is answered; 0 means the API's 180.
	CallsPerMinute int
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time

	mu       sync.Mutex
	calls    []Call
	attempts map[string]int
	recent   map[string][]time.Time
}

// Calls lists the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// ServeHTTP answers one request. Safe for concurrent use.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := &statusRecorder{ResponseWriter: w}
	call := s.begin(r)
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[call.N-1].Status = recorder.status
	}()
	recordings, known := s.Keys[call.Key]
	switch {
	case r.URL.Path != "/v1/download-audio" && r.URL.Path != "/v1/lifelogs":
		refuse(recorder, http.StatusNotFound, "Not found")
		return
	case !known:
		refuse(recorder, http.StatusUnauthorized, "Invalid API key")
		return
	case s.tooMany(call.Key):
		refuseFor(recorder, "60")
		return
	}
	if s.Fault != nil {
		if fault := s.Fault(call); fault != nil {
			fault(recorder, r, func(w http.ResponseWriter) { s.answer(w, r, call, recordings) })
			return
		}
	}
	s.answer(recorder, r, call, recordings)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, call Call, recordings []Recording) {
	if r.URL.Path == "/v1/lifelogs" {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"data":{"lifelogs":[]},"meta":{"lifelogs":{"count":0}}}`)
		return
	}
	if problem := checkWindow(r); problem != "" {
		refuse(w, http.StatusBadRequest, problem)
		return
	}
	var body []byte
	for _, rec := range recordings { // what there is, joined together: the API pads nothing
		from, to := call.Span.Start.Sub(rec.Start), call.Span.End.Sub(rec.Start)
		from, to = max(0, from), min(rec.Length, to)
		if from >= to {
			continue
		}
		piece, err := rec.Cut(r.Context(), from, to)
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		body = append(body, piece...)
	}
	if body == nil {
		refuse(w, http.StatusNotFound, "No audio data found for the given range")
		return
	}
	header := w.Header()
	header.Set("Content-Type", "audio/ogg")
	header.Set("Cache-Control", "public, max-age=3600")
	header.Set("Content-Disposition", `inline; filename="audio.ogg"`)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// begin writes the request down.
func (s *Server) begin(r *http.Request) Call {
	query := r.URL.Query()
	milli := func(name string) time.Time {
		ms, _ := strconv.ParseInt(query.Get(name), 10, 64)
		return time.UnixMilli(ms).UTC()
	}
	call := Call{Path: r.URL.Path, Key: r.Header.Get("X-API-Key"), Span: orchestrator.Span{Start: milli("startMs"), End: milli("endMs")}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempts == nil {
		s.attempts, s.recent = map[string]int{}, map[string][]time.Time{}
	}
	id := call.Key + " " + r.URL.RequestURI()
	s.attempts[id]++
	call.N, call.Attempt = len(s.calls)+1, s.attempts[id]
	s.calls = append(s.calls, call)
	return call
}

// tooMany counts a key's calls within the last minute.
func (s *Server) tooMany(key string) bool {
	now, limit := time.Now(), s.CallsPerMinute
	if s.Now != nil {
		now = s.Now()
	}
	if limit == 0 {
		limit = 180
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := s.recent[key]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	s.recent[key] = append(recent, now)
	return len(recent) >= limit
}

// checkWindow returns what is wrong with the parameters, or nothing.
func checkWindow(r *http.Request) string {
	var bounds [2]int64
	for i, name := range []string{"startMs", "endMs"} {
		value, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
		if err != nil || value < 0 {
			return name + " must be a non-negative integer"
		}
		bounds[i] = value
	}
	switch span := bounds[1] - bounds[0]; {
	case span <= 0:
		return "startMs must be before endMs"
	case span > 7_200_000:
		return "the range must not exceed 2 hours"
	}
	return ""
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": message})
}

// refuseFor answers 429 with the seconds to wait as the API writes them: a string in the body.
func refuseFor(w http.ResponseWriter, seconds string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusTooManyRequests)
	json.NewEncoder(w).Encode(map[string]string{"error": "Rate limit exceeded", "retryAfter": seconds})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
