package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Digests are the letters that people get.
type Digests interface {
	// SubscriptionOf finds what the token of a letter belongs to: orchestrator.ErrNotFound where it has ended.
	SubscriptionOf(ctx context.Context, token string) (orchestrator.Subscription, error)
	Unsubscribe(ctx context.Context, userIDs []int64, id int64) error
}

// unsubscribeRoutes end the letters that a person gets, by the link that is in each. Opening it changes nothing: mail
// programs open links by themselves. Their own button sends the form (RFC 8058).
func (s *Server) unsubscribeRoutes() []route {
	return []route{
		{method: "GET", pattern: "/unsubscribe/{token}", kind: page, need: everybody, handle: s.unsubscribePage},
		{method: "POST", pattern: "/unsubscribe/{token}", kind: form, need: everybody, body: 8 << 10, handle: s.unsubscribe},
	}
}

type unsubscribeView struct {
	Action, Address string
	// Over is true where the letters have ended, whoever ended them: a link that never was looks the same.
	Over bool
}

func (s *Server) unsubscribePage(w http.ResponseWriter, r *http.Request, _ viewer) error {
	sub, err := s.options.Digests.SubscriptionOf(orchestrator.Unlimited(r.Context()), r.PathValue("token"))
	if err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
		return err
	}
	s.showUnsubscribe(w, r, sub.Address, err != nil)
	return nil
}

func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request, _ viewer) error {
	ctx := orchestrator.Unlimited(r.Context())
	sub, err := s.options.Digests.SubscriptionOf(ctx, r.PathValue("token"))
	if err == nil {
		err = s.options.Digests.Unsubscribe(ctx, []int64{sub.UserID}, sub.ID)
	}
	if err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
		return err
	}
	s.showUnsubscribe(w, r, sub.Address, true)
	return nil
}

func (s *Server) showUnsubscribe(w http.ResponseWriter, r *http.Request, address string, over bool) {
	title := word("unsubscribe.title")
	if over {
		title = word("unsubscribe.over")
	}
	s.render(w, r, viewer{}, http.StatusOK, "unsubscribe.html", view{Title: title, Here: "/", Data: unsubscribeView{Action: "/unsubscribe/" + r.PathValue("token"), Address: address, Over: over}})
}
