package web

import "net/http"

func (s *Server) home(w http.ResponseWriter, r *http.Request, v viewer) error {
	s.render(w, r, v, http.StatusOK, "home.html", view{Title: word("home.title")})
	return nil
}
