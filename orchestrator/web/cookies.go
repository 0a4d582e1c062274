package web

import (
	"net/http"
	"time"
)

// cookieNames hold a session's token: the first over HTTPS, where browsers hold it to that, the second over HTTP.
var cookieNames = [...]string{"__Host-chortle", "chortle"}

// cookieLife is as long as browsers keep a cookie at most. How long a session lasts is the store's to say.
const cookieLife = 400 * 24 * time.Hour

// setCookie makes a cookie that no script reads and no other site sends with a form. Whether it is for HTTPS only depends on how this
// request came: somebody may use both ways.
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	cookie := &http.Cookie{Name: name, Value: value, Path: s.prefix + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second)}
	if life < 0 {
		cookie.MaxAge = -1
	}
	if callerOf(r).secure {
		cookie.Name, cookie.Path, cookie.Secure = "__Host-"+name, "/", true
	}
	http.SetCookie(w, cookie)
}

// cookie returns the value of a cookie of setCookie's; empty where there is none.
func (s *Server) cookie(r *http.Request, name string) string {
	for _, name := range []string{"__Host-" + name, name} {
		if cookie, err := r.Cookie(name); err == nil && cookie.Value != "" {
			return cookie.Value
		}
	}
	return ""
}

// signedInCookie is the cookie of a session, under either name.
const signedInCookie = "chortle"

// dropCookies takes a session's cookies away.
func (s *Server) dropCookies(w http.ResponseWriter, r *http.Request) {
	s.setCookie(w, r, signedInCookie, "", -1)
	if callerOf(r).secure { // one may be left from plain HTTP
		http.SetCookie(w, &http.Cookie{Name: signedInCookie, Path: s.prefix + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}) //nolint:gosec // it removes the cookie that plain HTTP left, which has no Secure
	}
}
