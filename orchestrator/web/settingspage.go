package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

// People changes what is known of a person, and the key of their source.
type People interface {
	// UpdateUser stores a changed user; a *service.InvalidError where it is not valid.
	UpdateUser(ctx context.Context, user orchestrator.User) error
	// SealedWith names, by user, the secret key that their API key is encrypted with.
	SealedWith(ctx context.Context) (map[int64]string, error)
	// SetAPIKey encrypts and stores the key of a user's source; CanSeal says why that cannot be.
	SetAPIKey(ctx context.Context, user orchestrator.User, key string) error
	CanSeal() error
	// TestKey asks the source whether it accepts the user's key.
	TestKey(ctx context.Context, user orchestrator.User) (address string, err error)
}

// settingsRoutes are the settings of a person.
func (s *Server) settingsRoutes() []route {
	return []route{
		{method: "GET", pattern: "/u/{user}/settings", kind: page, need: member, handle: s.settingsPage},
		{method: "POST", pattern: "/u/{user}/settings", kind: form, need: member, body: 8 << 10, handle: s.saveSettings},
		{method: "POST", pattern: "/u/{user}/settings/key", kind: form, need: member, body: 8 << 10, handle: s.saveKey},
		{method: "POST", pattern: "/u/{user}/settings/key/test", kind: form, need: member, handle: s.testKey},
	}
}

const (
	// maxKey bounds the key of a source, in bytes.
	maxKey = 4096
	// keyTest bounds how long a source is asked about a key.
	keyTest = 20 * time.Second
)

type settingsView struct {
	User, Zone, Problem, Done string
	// NeedsKey is true where the source wants one; HasKey where one is stored. It is never shown.
	NeedsKey, HasKey, CanSeal bool
}

func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showSettings(w, r, v, http.StatusOK, settingsView{})
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v viewer, status int, show settingsView) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "settings")
	if err != nil {
		return err
	}
	sealed, err := s.options.People.SealedWith(r.Context())
	if err != nil {
		return err
	}
	show.User, show.CanSeal = p.Name, s.options.People.CanSeal() == nil
	if show.Zone == "" {
		show.Zone = p.user.Timezone
	}
	show.NeedsKey = !strings.HasPrefix(p.user.Source, "folder:")
	_, show.HasKey = sealed[p.user.ID]
	s.render(w, r, v, status, "settings.html", view{Title: word("settings.title", "name", p.Name), Here: p.Home + "/settings", Person: p, Data: show})
	return nil
}

func (s *Server) saveSettings(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	user.Timezone = strings.TrimSpace(r.PostForm.Get("zone"))
	invalid := (*service.InvalidError)(nil)
	if _, err := user.Location(); err != nil {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Zone: user.Timezone, Problem: "settings.bad-zone"})
	}
	if err := s.options.People.UpdateUser(r.Context(), user); errors.As(err, &invalid) {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.bad-zone"})
	} else if err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/settings"), http.StatusSeeOther)
	return nil
}

func (s *Server) saveKey(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	key := strings.TrimSpace(r.PostForm.Get("key"))
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.bad-key"})
	}
	if s.options.People.CanSeal() != nil {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.no-secret"})
	}
	if err := s.options.People.SetAPIKey(r.Context(), user, key); err != nil {
		return err
	}
	return s.showSettings(w, r, v, http.StatusOK, settingsView{Done: "settings.key-saved"})
}

func (s *Server) testKey(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), keyTest)
	defer cancel()
	if _, err := s.options.People.TestKey(ctx, user); err != nil {
		if errors.Is(err, orchestrator.ErrStoreUnavailable) {
			return err
		}
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.key-refused"})
	}
	return s.showSettings(w, r, v, http.StatusOK, settingsView{Done: "settings.key-good"})
}
