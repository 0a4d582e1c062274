package web

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

// Letters are sent to a person by e-mail. Other addresses may hold secrets and reach other machines: they are for who runs the server.
type Letters interface {
	// Subscriptions returns those of the named users.
	Subscriptions(ctx context.Context, names []string) ([]orchestrator.Subscription, map[int64]orchestrator.User, error)
	// Subscribe has a user's digests sent; a *service.InvalidError where the address cannot be used, or no mail can be sent.
	Subscribe(ctx context.Context, user orchestrator.User, request service.SubscribeRequest) (orchestrator.Subscription, error)
	// TestNotifications sends a test letter to each of the named users' addresses.
	TestNotifications(ctx context.Context, names, addresses []string) ([]service.Tested, error)
}

const (
	// maxLetters bounds the letters of a person that can be added on the page.
	maxLetters = 5
	// letterTest bounds how long a server of mail may take for test letters.
	letterTest = 25 * time.Second
)

// letterRoutes are a part of a person's settings.
func (s *Server) letterRoutes() []route {
	return []route{
		{method: "POST", pattern: "/u/{user}/settings/letters", kind: form, need: member, body: 8 << 10, handle: s.addLetter},
		{method: "POST", pattern: "/u/{user}/settings/letters/test", kind: form, need: member, handle: s.testLetters},
		{method: "POST", pattern: "/u/{user}/settings/letters/{number}/stop", kind: form, need: member, handle: s.stopLetter},
	}
}

// letterLine is one letter that a person gets.
type letterLine struct {
	ID           int64
	Address, How string
}

// lettersOf are the letters that a person gets.
func (s *Server) lettersOf(ctx context.Context, p *person) (lines []letterLine, err error) {
	subs, _, err := s.options.Letters.Subscriptions(ctx, []string{p.Name})
	for _, sub := range subs {
		lines = append(lines, letterLine{ID: sub.ID, Address: sub.Address, How: word("letters." + string(sub.Period))})
	}
	return lines, err
}

func (s *Server) addLetter(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	again := func(problem string) error {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: problem})
	}
	to := strings.TrimSpace(r.PostForm.Get("to"))
	if address, err := mail.ParseAddress(to); err != nil || address.Address != to {
		return again("letters.bad-address")
	}
	have, _, err := s.options.Letters.Subscriptions(r.Context(), []string{user.Name})
	if err != nil {
		return err
	}
	if len(have) >= maxLetters {
		return again("letters.many")
	}
	period := orchestrator.PeriodWeekly
	if r.PostForm.Get("period") == string(orchestrator.PeriodDaily) {
		period = orchestrator.PeriodDaily
	}
	invalid := (*service.InvalidError)(nil)
	_, err = s.options.Letters.Subscribe(r.Context(), user, service.SubscribeRequest{To: to, Period: period, Weekday: time.Monday})
	switch {
	case errors.As(err, &invalid), errors.Is(err, orchestrator.ErrExists):
		return again("letters.none-sent")
	case err != nil:
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/settings?did=saved"), http.StatusSeeOther)
	return nil
}

func (s *Server) testLetters(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), letterTest)
	defer cancel()
	tested, err := s.options.Letters.TestNotifications(ctx, []string{user.Name}, nil)
	invalid := (*service.InvalidError)(nil)
	if errors.As(err, &invalid) {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "letters.none"})
	}
	if err != nil {
		return err
	}
	for _, one := range tested {
		if one.Err != nil {
			s.log.WithError(errors.New(s.scrub(one.Err.Error()))).WithField("user", user.Name).Warn("test letter")
			return s.showSettings(w, r, v, http.StatusUnprocessableEntity, settingsView{Problem: "letters.failed"})
		}
	}
	return s.showSettings(w, r, v, http.StatusOK, settingsView{Done: "letters.sent"})
}

func (s *Server) stopLetter(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	id, err := numbered(r)
	if err != nil {
		return err
	}
	if err := s.options.Digests.Unsubscribe(r.Context(), []int64{user.ID}, id); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/settings?did=saved"), http.StatusSeeOther)
	return nil
}
