package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestUnsubscribe: opening the link of a letter changes nothing, the button does, also that of a mail program; afterwards, and
// with a link that never was, nobody learns more.
func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "List-Unsubscribe=One-Click"} {
		sub, err := opened.AddSubscription(t.Context(), orchestrator.Subscription{UserID: w.users["alice"].ID, Kind: orchestrator.ToMail, Address: "alice@example.org",
			Period: orchestrator.PeriodDaily, Token: "token-of-alice" + body, CreatedAt: w.now()}, "")
		if err != nil {
			t.Fatal(err)
		}
		target := "/unsubscribe/" + sub.Token
		for _, account := range []string{"", "stranger"} {
			if status, text := w.as(account, "GET", target, ""); status != http.StatusOK || !strings.Contains(text, "alice@example.org") {
				t.Errorf("opened: %d, %s", status, text)
			}
		}
		if left, err := opened.Subscriptions(t.Context(), nil); err != nil || len(left) != 1 {
			t.Fatalf("%d left, %v", len(left), err)
		}
		for range 2 {
			if status, text := w.as("", "POST", target, body); status != http.StatusOK || !strings.Contains(text, "No more letters") {
				t.Errorf("sent: %d, %s", status, text)
			}
		}
		if left, err := opened.Subscriptions(t.Context(), nil); err != nil || len(left) != 0 {
			t.Fatalf("%d left, %v", len(left), err)
		}
	}
	for _, target := range []string{"/unsubscribe/token-of-alice", "/unsubscribe/forged"} {
		if status, text := w.as("", "GET", target, ""); status != http.StatusOK || strings.Contains(text, "alice") {
			t.Errorf("%s: %d, %s", target, status, text)
		}
	}
}
