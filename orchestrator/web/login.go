package web

import "net/http"

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	next := local(r.URL.Query().Get("next"))
	if v.signedIn() {
		http.Redirect(w, r, s.path(next), http.StatusSeeOther)
		return nil
	}
	s.render(w, r, v, http.StatusOK, "login.html", view{Title: word("login.title"), Data: map[string]string{"Next": next}})
	return nil
}
