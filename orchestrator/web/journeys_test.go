package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/chortle-audio/chortle/orchestrator"
)

// share makes a link to so many laughs of somebody, and returns its path.
func (h *house) share(t *testing.T, name string, laughs int) string {
	t.Helper()
	signIns, err := h.service.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := orchestrator.Share{UserID: h.users[name].ID, AccountID: 1}
	for _, l := range h.laughs(t, name, orchestrator.LaughFilter{WithClip: true, Limit: laughs}) {
		list.Laughs = append(list.Laughs, l.ID)
	}
	token, _, err := signIns.AddShare(t.Context(), list, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	return "/s/" + token
}

// readAgain: the cost is told before, the page follows the run by itself, and it can be stopped.
func readAgain(t *testing.T, _ *house, b *tab) {
	b.goTo("/u/hal/update")
	ask[bool](b, "document.querySelector('#from').value = '2026-11-26', document.querySelector('#to').value = '2026-11-27', true")
	b.click("form.row button")
	b.until("document.querySelector('#cost')?.innerText.includes('recordings with')")
	b.click("#update-again")
	b.until("document.querySelector('#working [role=status]')?.innerText.includes('2 laughs new')") // it was loaded anew, without a person
	if value := ask[float64](b, "document.querySelector('#working progress').value"); value <= 0 {
		t.Errorf("the progress is %v", value)
	}
	b.click("#working button")
	b.until("document.querySelector('#result')?.innerText.includes('It was stopped')")
	b.goTo("/u/hal/update?from=2026-11-27&to=2026-11-20")
	b.until("document.querySelector('#problem')")
}

// shareAndRevoke: chosen laughs play for who has the link, who is not signed in, until it is revoked.
func shareAndRevoke(t *testing.T, h *house, b *tab) {
	b.goTo("/u/hal/share?day=2026-11-27")
	b.click("[data-all]")
	if n := ask[int](b, "document.querySelectorAll('[name=id]:checked').length"); n != 0 {
		t.Errorf("%d are still ticked", n)
	}
	b.click("[name=id]")
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("main form button.main")), chromedp.WaitReady(chromedp.CSS("#link"))); err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(ask[string](b, "document.querySelector('#link').value"))
	if err != nil || !strings.HasPrefix(link.Path, "/s/") {
		t.Fatalf("the link is %v, %v", link, err)
	}
	revoke := ask[string](b, "document.querySelector('form[action$=revoke]').getAttribute('action')")
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.goTo(link.Path)
	b.until("document.querySelectorAll('audio').length === 1")
	if played := ask[bool](b, `(async () => { const a = document.querySelector("audio"); a.muted = true; await a.play(); return new Promise((done) => a.addEventListener("timeupdate", () => a.currentTime > 0.2 && done(true))); })()`); !played {
		t.Error("it does not play")
	}
	response := answer(t, h, http.MethodPost, revoke, nil)
	if response.StatusCode >= 400 {
		t.Fatalf("revoke: %d", response.StatusCode)
	}
	b.goTo(link.Path)
	b.until("document.querySelector('#problem')?.innerText.includes('does not work any more')")
}

// settingsOfAPerson: what is typed is stored, a mistake is told, and the key e writes a note in the review.
func settingsOfAPerson(t *testing.T, h *house, b *tab) {
	b.goTo("/u/dan/settings")
	ask[bool](b, "document.querySelector('#zone').value = 'Mars/Olympus', true")
	b.click("main form button.main")
	b.until("document.querySelector('#problem')?.innerText.includes('no such time zone')")
	ask[bool](b, "document.querySelector('#zone').value = 'Europe/Paris', true")
	b.click("main form button.main")
	b.until("document.querySelector('#said').innerText.includes('Saved')")
	if user, err := h.service.User(t.Context(), "dan"); err != nil || user.Timezone != "Europe/Paris" {
		t.Errorf("stored: %+v, %v", user, err)
	}
	b.goTo("/u/hal/review")
	b.key("e")
	b.until("document.activeElement?.id === 'note-text'")
	ask[bool](b, "document.activeElement.value = '', true") // the protocol types a key's letter whatever became of the key
	b.key("so warm")
	id := ask[string](b, "document.querySelector('[data-laugh]').dataset.laugh")
	b.click(".noting button")
	b.until("document.querySelector('#said').innerText.includes('The note is saved')")
	if got := h.laugh(t, "hal", id); got.Note != "so warm" {
		t.Errorf("the note is %q", got.Note)
	}
}
