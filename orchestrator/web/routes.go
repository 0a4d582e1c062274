package web

import (
	"net/http"
	"slices"
)

// route is one line of the table: what a request looks like, who may make it, who answers it.
type route struct {
	method, pattern string
	kind            kind
	need            need
	// body is the most that a request may carry, in bytes; 0 means defaultBody.
	body   int64
	handle handler
}

// handler answers one route. What it asks of the program it asks with the viewer's user IDs. Errors go to fail.
type handler func(w http.ResponseWriter, r *http.Request, v viewer) error

// kind says what a route answers with.
type kind int

// The kinds. The zero value is none, so that a route must have one.
const (
	// page is HTML that a person opens: nobody signed in is sent to the sign-in.
	page kind = iota + 1
	// form changes something, sent by a form or by our script: it answers 303, or JSON where that is accepted.
	form
	// data is everything that a page loads: sound, pictures, JSON, files.
	data
)

// need says who may ask.
type need int

// The needs. The zero value is none, so that a route must have one.
const (
	// everybody: the route is public.
	everybody need = iota + 1
	// listener: an account of any role, for reading and for its own sign-in.
	listener
	// member: an account that may change what belongs to its users.
	member
	// admin: who runs the server.
	admin
)

// defaultBody bounds a request: a note of 10,000 characters in any script fits.
const defaultBody = 64 << 10

// routes is the table of everything that the server answers.
func (s *Server) routes() []route {
	return slices.Concat(
		s.signInRoutes(), s.passkeyRoutes(), s.oidcRoutes(),
		s.ownRoutes(), s.tokenRoutes(), s.shareRoutes(), s.unsubscribeRoutes(),
		s.adminRoutes(),
		s.settingsRoutes(), s.letterRoutes(),
		s.updateRoutes(), s.thresholdRoutes(),
		s.uploadRoutes(), s.outRoutes(),
		s.laughRoutes())
}

// laughRoutes are the pages of laughs, and what they load.
func (s *Server) laughRoutes() []route {
	return []route{
		{method: "GET", pattern: "/healthz", kind: data, need: everybody, handle: s.health},
		{method: "GET", pattern: "/metrics", kind: data, need: everybody, handle: s.metrics},
		{method: "GET", pattern: "/assets/{name}", kind: data, need: everybody, handle: s.asset},

		{method: "GET", pattern: "/{$}", kind: page, need: listener, handle: s.home},
		{method: "GET", pattern: "/u/{user}", kind: page, need: listener, handle: s.userHome},
		{method: "GET", pattern: "/u/{user}/{day}", kind: page, need: listener, handle: s.dayPage},
		{method: "GET", pattern: "/u/{user}/review", kind: page, need: listener, handle: s.review},
		{method: "POST", pattern: "/u/{user}/review", kind: form, need: member, handle: s.markMany},
		{method: "POST", pattern: "/u/{user}/undo", kind: form, need: member, handle: s.undo},
		{method: "GET", pattern: "/u/{user}/year", kind: page, need: listener, handle: s.year},
		{method: "GET", pattern: "/l/{id}", kind: page, need: listener, handle: s.laughPage},
		{method: "GET", pattern: "/l/{id}/clip", kind: data, need: listener, handle: s.clip},
		{method: "GET", pattern: "/l/{id}/clip.wav", kind: data, need: listener, handle: s.clipWAV},
		{method: "GET", pattern: "/l/{id}/wave.svg", kind: data, need: listener, handle: s.waveSVG},
		{method: "GET", pattern: "/l/{id}/spectrogram.png", kind: data, need: listener, handle: s.spectrogram},
		{method: "POST", pattern: "/l/{id}/mark", kind: form, need: member, handle: s.change(s.mark)},
		{method: "POST", pattern: "/l/{id}/star", kind: form, need: member, handle: s.change(s.star)},
		{method: "POST", pattern: "/l/{id}/note", kind: form, need: member, handle: s.change(s.note)},
		{method: "POST", pattern: "/l/{id}/forget", kind: form, need: member, handle: s.forget},
	}
}

// health says that the server answers. Nothing is asked of the database: a probe must not restart us for its sake.
func (s *Server) health(w http.ResponseWriter, _ *http.Request, _ viewer) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}
