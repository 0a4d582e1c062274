package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

// People changes what is known of a person, and deletes what is kept of them.
type People interface {
	// SourceState looks whether a person's source can be read; PolicyOf is what a laugh is to them.
	SourceState(ctx context.Context, user orchestrator.User) (service.SourceState, error)
	PolicyOf(user orchestrator.User) (orchestrator.Policy, error)
	// ChangePerson stores a changed user, with a new source unless that is empty; a *service.InvalidError where it is not valid.
	ChangePerson(ctx context.Context, user orchestrator.User, source string) error
	// Retention is for how long their sound is kept; ChangeKeep sets it, 0 for no limit.
	Retention(user orchestrator.User) (orchestrator.Retention, error)
	ChangeKeep(ctx context.Context, user orchestrator.User, days, maybeDays, aDay int) error
	// WipeUser deletes what was heard of a user, PurgeUser the user, too. orchestrator.ErrLocked while a run reads them.
	WipeUser(ctx context.Context, user orchestrator.User) (document.Removal, error)
	PurgeUser(ctx context.Context, user orchestrator.User, force bool) (document.Removal, error)
}

// SourceKeys keeps the keys of sources.
type SourceKeys interface {
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
		{method: "POST", pattern: "/u/{user}/settings/keep", kind: form, need: member, body: 1 << 10, handle: s.saveKeep},
		{method: "POST", pattern: "/u/{user}/settings/wipe", kind: form, need: member, body: 8 << 10, handle: s.wipePerson},
		{method: "POST", pattern: "/u/{user}/settings/delete", kind: form, need: member, body: 8 << 10, handle: s.deletePerson},
	}
}

const (
	// maxKey bounds the key of a source, in bytes.
	maxKey = 4096
	// keyTest bounds how long a source is asked about a key.
	keyTest = 20 * time.Second
	// removalTime bounds the deletion of a person's clips and rows.
	removalTime = 10 * time.Minute
)

// settingsView is the page of a person's settings.
type settingsView struct {
	User, Name, Zone string
	// Source as it is stored; empty for who may not change it.
	Source  string
	Enabled bool
	// Problem and Done are keys of words; Removed what was deleted.
	Problem, Done, Removed string
	// Kind of the source, in words; Trouble is why it cannot be read now, and Remedy what to do.
	Kind, Trouble, Remedy string
	// Heard, Read, Gaps and GivenUp say what came of it so far.
	Heard, Read, Gaps, GivenUp string
	// NeedsKey is true where the source wants one; HasKey where one is stored. It is never shown.
	NeedsKey, HasKey, CanSeal bool
	Policy                    []string
	Keep                      orchestrator.Retention
	KeepSays                  []string
	Letters                   []letterLine
}

func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showSettings(w, r, v, http.StatusOK, settingsView{})
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v viewer, status int, show settingsView) error {
	ctx := r.Context()
	p, err := s.person(ctx, v, r.PathValue("user"), "settings")
	if err != nil {
		return err
	}
	sealed, err := s.options.SourceKeys.SealedWith(ctx)
	if err != nil {
		return err
	}
	state, err := s.options.People.SourceState(ctx, p.user)
	if err != nil {
		return err
	}
	policy, err := s.options.People.PolicyOf(p.user)
	if err != nil {
		return err
	}
	show.User, show.CanSeal, show.Enabled = p.Name, s.options.SourceKeys.CanSeal() == nil, p.user.Enabled
	show.Name, show.Zone = cmp.Or(show.Name, p.user.Name), cmp.Or(show.Zone, p.user.Timezone)
	if v.may(admin) { // where files lie on the server is the business of who runs it
		show.Source = cmp.Or(show.Source, p.user.Source)
	}
	show.NeedsKey = state.NeedsKey
	_, show.HasKey = sealed[p.user.ID]
	s.sayState(&show, p, state)
	show.Policy = policyWords(policy)
	if show.Keep, err = s.options.People.Retention(p.user); err != nil {
		return err
	}
	show.KeepSays = keepWords(show.Keep)
	if show.Letters, err = s.lettersOf(ctx, p); err != nil {
		return err
	}
	s.render(w, r, v, status, "settings.html", view{Title: word("settings.title", "name", p.Name), Here: p.Home + "/settings", Person: p, Data: show})
	return nil
}

// sayState says how a source stands.
func (s *Server) sayState(show *settingsView, p *person, state service.SourceState) {
	if show.Kind = word("settings.kind-other"); catalogue.Has("settings.kind-" + state.Kind) {
		show.Kind = word("settings.kind-" + state.Kind)
	}
	if state.Problem != nil {
		s.log.WithError(state.Problem).WithField("user", p.Name).Info("look at source")
		show.Trouble, show.Remedy = word("settings.source-away"), advice.OfError(advice.Page, state.Problem)
	}
	if !state.Status.LastAudio.IsZero() {
		show.Heard = word("settings.heard", "when", s.moment(state.Status.LastAudio, p))
	}
	if latest := state.Status.Latest; latest.Date != (orchestrator.Date{}) {
		show.Read = word("settings.read-"+string(latest.Status), "day", catalogue.Near(latest.Date, p.today))
	}
	if n := len(state.Status.Gaps); n > 0 {
		show.Gaps = plural("settings.gaps", n)
	}
	if n := len(state.Status.GivenUp); n > 0 {
		show.GivenUp = plural("settings.given-up", n)
	}
}

// policyWords says what a laugh is under a policy.
func policyWords(policy orchestrator.Policy) (lines []string) {
	weighed := ""
	if !policy.Plain() {
		weighed = "-weighed"
	}
	say := func(key, what string, t orchestrator.Thresholds) {
		if t.Maybe < t.Sure {
			lines = append(lines, word(key+"-maybe", "what", what, "sure", scoreWords(t.Sure), "maybe", scoreWords(t.Maybe)))
			return
		}
		lines = append(lines, word(key, "what", what, "sure", scoreWords(t.Sure)))
	}
	if t, ok := policy.Classes[orchestrator.AnyClass]; ok {
		say("policy.any"+weighed, "", t)
	}
	for _, class := range policy.ClassNames() {
		if class != orchestrator.AnyClass {
			say("policy.class", className(class), policy.Classes[class])
		}
	}
	if len(policy.AgainstClasses()) > 0 && !policy.Plain() {
		var names []string
		for _, class := range policy.AgainstClasses() {
			names = append(names, strings.ToLower(class))
		}
		lines = append(lines, word("policy.against", "what", strings.Join(names, " · ")))
	}
	if policy.Neighbours > 0 {
		lines = append(lines, word("policy.neighbours"))
	}
	pause := time.Duration(policy.LongestPause * float64(time.Second))
	return append(lines, word("policy.pause", "pause", catalogue.Seconds(pause)))
}

// keepWords says for how long sound is kept.
func keepWords(r orchestrator.Retention) []string {
	if !r.Limits() {
		return []string{word("keep.for-ever")}
	}
	var lines []string
	for _, limit := range []struct {
		key string
		n   int
	}{{"keep.days", r.Days}, {"keep.maybe-days", r.MaybeDays}, {"keep.a-day", r.ADay}, {"keep.megabytes", int(r.Bytes / 1_000_000)}} {
		if limit.n > 0 {
			lines = append(lines, plural(limit.key, limit.n))
		}
	}
	if r.BackedUp {
		lines = append(lines, word("keep.backed-up"))
	}
	return append(lines, word("keep.never"))
}

// saveKeep sets for how long sound is kept.
func (s *Server) saveKeep(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	var limits [3]int
	for i, name := range []string{"days", "maybe-days", "a-day"} {
		if limits[i], err = number(strings.TrimSpace(r.PostForm.Get(name))); err != nil {
			return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "keep.bad"})
		}
	}
	invalid := (*service.InvalidError)(nil)
	if err := s.options.People.ChangeKeep(r.Context(), user, limits[0], limits[1], limits[2]); errors.As(err, &invalid) {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "keep.bad"})
	} else if err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/settings?did=saved"), http.StatusSeeOther)
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
	field := func(name, otherwise string) string {
		if !r.PostForm.Has(name) {
			return otherwise
		}
		return strings.TrimSpace(r.PostForm.Get(name))
	}
	user.Name, user.Timezone = field("name", user.Name), field("zone", user.Timezone)
	if r.PostForm.Has("name") { // a whole form: a box that is not ticked sends nothing
		user.Enabled = r.PostForm.Get("enabled") == "1"
	}
	source := ""
	if v.may(admin) {
		if given := field("source", user.Source); given != user.Source {
			source = given
		}
	}
	again := func(problem string) error {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Name: user.Name, Zone: user.Timezone, Source: source, Problem: problem})
	}
	if _, err := user.Location(); err != nil {
		return again("settings.bad-zone")
	}
	if orchestrator.ValidateUserName(user.Name) != nil {
		return again("settings.bad-name")
	}
	invalid := (*service.InvalidError)(nil)
	switch err := s.options.People.ChangePerson(r.Context(), user, source); {
	case errors.As(err, &invalid):
		return again("settings.bad-source")
	case errors.Is(err, orchestrator.ErrExists):
		return again("error.exists")
	case err != nil:
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/settings?did=saved"), http.StatusSeeOther)
	return nil
}

// remove carries out a deletion that was confirmed by typing the person's name. problem is the key of the words that say why it was
// not. It goes on when the browser goes away: half of a deletion helps nobody.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, v viewer, do func(ctx context.Context, user orchestrator.User) (document.Removal, error)) (removed document.Removal, problem string, err error) {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return removed, "", err
	}
	if err := r.ParseForm(); err != nil {
		return removed, "", badForm(err)
	}
	if strings.TrimSpace(r.PostForm.Get("confirm")) != user.Name {
		return removed, "settings.not-confirmed", nil
	}
	// What belongs to others must be seen, to be left alone.
	ctx, cancel := context.WithTimeout(orchestrator.Unlimited(context.WithoutCancel(r.Context())), removalTime)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(removalTime)) // a test's recorder has none
	removed, err = do(ctx, user)
	if errors.Is(err, orchestrator.ErrLocked) {
		return removed, "error.locked", nil
	}
	return removed, "", err
}

func (s *Server) wipePerson(w http.ResponseWriter, r *http.Request, v viewer) error {
	removed, problem, err := s.remove(w, r, v, s.options.People.WipeUser)
	switch {
	case err != nil:
		return err
	case problem != "":
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: problem})
	}
	return s.showSettings(w, r, v, http.StatusOK, settingsView{Removed: plural("settings.wiped", int(removed.Laughs), "clips", removed.Clips)})
}

func (s *Server) deletePerson(w http.ResponseWriter, r *http.Request, v viewer) error {
	_, problem, err := s.remove(w, r, v, func(ctx context.Context, user orchestrator.User) (document.Removal, error) {
		return s.options.People.PurgeUser(ctx, user, false)
	})
	switch {
	case err != nil:
		return err
	case problem != "":
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: problem})
	}
	http.Redirect(w, r, s.path("/"), http.StatusSeeOther)
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
	if s.options.SourceKeys.CanSeal() != nil {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.no-secret"})
	}
	if err := s.options.SourceKeys.SetAPIKey(r.Context(), user, key); err != nil {
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
	if _, err := s.options.SourceKeys.TestKey(ctx, user); err != nil {
		if errors.Is(err, orchestrator.ErrStoreUnavailable) {
			return err
		}
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "settings.key-refused"})
	}
	return s.showSettings(w, r, v, http.StatusOK, settingsView{Done: "settings.key-good"})
}
