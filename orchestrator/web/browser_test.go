package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pagetest"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/web"
)

// everybody is signed in and sees everybody.
type everybody []orchestrator.User

func (e everybody) Visit(_ context.Context, token, _ string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error) {
	if token != "test" {
		return orchestrator.Session{}, orchestrator.Account{}, nil, orchestrator.ErrNotFound
	}
	return orchestrator.Session{ID: 1}, orchestrator.Account{ID: 1, Name: "alice", Role: orchestrator.RoleAdmin}, e, nil
}

// house is a service with people, and the pages over it.
type house struct {
	service *service.Service
	users   map[string]orchestrator.User
	handler func(base string) http.Handler
	url     string
}

// quiet and full people of the tests; each journey that changes something has its own.
var people = map[string]struct {
	zone    string
	options pagetest.Options
}{
	"alice": {"Europe/London", pagetest.Options{Days: 40, PerDay: 14, Clips: true}},
	"bob":   {"Asia/Kathmandu", pagetest.Options{Days: 6, PerDay: 6, Clips: true, Silent: 3, Failing: true}},
	"cleo":  {"America/New_York", pagetest.Options{}},
	"dan":   {"Europe/London", pagetest.Options{Days: 2, PerDay: 6, Clips: true}},
	"eve":   {"Europe/London", pagetest.Options{Days: 2, PerDay: 5, Clips: true}},
	"fay":   {"Pacific/Kiritimati", pagetest.Options{Days: 3, PerDay: 9, Clips: true}},
	"gil":   {"Europe/London", pagetest.Options{Days: 2, PerDay: 5, Clips: true}},
	"hal":   {"Europe/London", pagetest.Options{Days: 2, PerDay: 8, Clips: true}},
}

func build(t testing.TB, names ...string) *house {
	t.Helper()
	h := &house{users: map[string]orchestrator.User{}}
	h.service = pagetest.Open(t.TempDir(), pagetest.Parts{Opus: testkit.Opus(t), FFmpeg: testkit.FFmpeg(t)})
	t.Cleanup(func() {
		if err := h.service.Close(); err != nil {
			t.Error(err)
		}
	})
	h.service.Config.Page.UploadQuota = 1 << 20
	var all everybody
	for _, name := range names {
		user, err := pagetest.AddUser(t.Context(), h.service, name, people[name].zone)
		if err != nil {
			t.Fatal(err)
		}
		if err := pagetest.Fill(t.Context(), h.service, user, people[name].options); err != nil {
			t.Fatal(err)
		}
		h.users[name] = user
		all = append(all, user)
	}
	signIns, err := h.service.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signIns.Add(t.Context(), orchestrator.Account{Name: "alice", Role: orchestrator.RoleAdmin, EveryUser: true}, ""); err != nil { // who is signed in, by everybody
		t.Fatal(err)
	}
	started := updates.New(func(...string) *exec.Cmd { return exec.Command("sh", "-c", slowRun) }, time.Now, h.service.Log)
	t.Cleanup(started.Close)
	options, err := web.OptionsOf(t.Context(), h.service, started)
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetLevel(logrus.ErrorLevel)
	options.Sessions, options.Log, options.Now = all, log, func() time.Time { return pagetest.Now }
	h.handler = func(base string) http.Handler {
		options := options
		options.BaseURL = base
		s, err := web.New(options)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	server := httptest.NewServer(h.handler(""))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// slowRun says how far it is, as a run does, until somebody stops it.
const slowRun = `trap 'echo "{\"kind\":\"end\",\"code\":130}"; exit 130' TERM
echo '{"kind":"done","recording":"a.ogg","length":57600000,"laughs":2}'
while :; do sleep 0.05; done`

// laughs of somebody, by an order.
func (h *house) laughs(t *testing.T, name string, filter orchestrator.LaughFilter) (list []orchestrator.StoredLaugh) {
	t.Helper()
	opened, err := h.service.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range opened.LaughsOf(t.Context(), []int64{h.users[name].ID}, filter) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

func (h *house) laugh(t *testing.T, name, id string) orchestrator.StoredLaugh {
	t.Helper()
	list := h.laughs(t, name, orchestrator.LaughFilter{IDs: []string{id}})
	if len(list) != 1 {
		t.Fatalf("%d laughs have the ID %s", len(list), id)
	}
	return list[0]
}

// tab is a window of the browser, signed in.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
}

// patience is how long something may take on a busy machine before the test gives up.
const patience = 90 * time.Second

// browser starts Chromium; it ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(testkit.Chromium(t)), chromedp.NoSandbox, chromedp.Headless,
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("mute-audio", true))
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancelBrowser(); cancel() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func open(t *testing.T, of context.Context, base string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(of, chromedp.WithNewBrowserContext())
	ctx, cancelTime := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { cancelTime(); cancel() })
	b := &tab{t, ctx, base}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	call(b, network.SetCookie, network.SetCookieParams{Name: "chortle", Value: "test", URL: u.Scheme + "://" + u.Host + "/"})
	b.size(1280, 900)
	return b
}

// call sends a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
}

func (b *tab) look(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// goTo opens a page and waits until its scripts have run.
func (b *tab) goTo(path string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.url+path), chromedp.WaitReady(chromedp.CSS("footer"))); err != nil {
		b.t.Fatalf("open %s: %v", path, err)
	}
}

// click presses what a person would press.
func (b *tab) click(css string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(css))); err != nil {
		b.t.Fatalf("click %s: %v", css, err)
	}
}

func (b *tab) key(keys string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatalf("press %q: %v", keys, err)
	}
}

// ask evaluates an expression in the page; a promise is waited for.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for an expression to become true, also across pages.
func (b *tab) until(expression string) {
	b.t.Helper()
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`new Promise((done) => { const look = () => { let ok = false; try { ok = Boolean(`+expression+`); } catch {} if (ok) done(true); else setTimeout(look, 20); }; look(); })`, chromedp.EvalAwaitPromise))
		if err == nil {
			return
		}
		if b.ctx.Err() == nil && strings.Contains(err.Error(), "navigated") {
			continue
		}
		state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\n' + document.body.innerText.slice(0, 1500)"))
		b.t.Fatalf("wait for %s: %v; the page: %s", expression, err, state)
	}
}

// TestInABrowser walks through the pages as a person does, in Chromium.
func TestInABrowser(t *testing.T) {
	chromium := browser(t)
	h := build(t, "alice", "bob", "cleo", "dan", "eve", "fay", "gil", "hal")
	for name, journey := range map[string]func(t *testing.T, h *house, b *tab){
		"first day": firstDay, "play": playOn, "falls back to WAV": fallBack, "slider": slider, "review by keys": reviewByKeys, "note, star, forget": noteStarForget,
		"scripts off": scriptsOff, "dark": dark, "phone": phone, "three zones": threeZones, "long and short days": longAndShortDays, "two clicks to an hour": twoClicks,
		"accessible": accessible, "read again, with progress": readAgain, "share and revoke": shareAndRevoke, "settings": settingsOfAPerson, "lost session keeps the note": lostSession,
		"send recordings": sendRecordings,
	} {
		t.Run(name, func(t *testing.T) { journey(t, h, open(t, chromium, h.url)) })
	}
	t.Run("behind proxies", func(t *testing.T) { behindProxies(t, h, chromium) })
}

func firstDay(t *testing.T, _ *house, b *tab) {
	b.goTo("/u/cleo")
	if text := ask[string](b, "document.querySelector('main').innerText"); !strings.Contains(text, "Your first laughs will be here") {
		t.Errorf("an empty home says %q", text)
	}
	b.goTo("/u/cleo/review")
	b.until("document.querySelector('main').innerText.includes('All heard')")
	b.goTo("/u/cleo/year")
	b.until("document.querySelector('main').innerText.includes('No laughs in this time')")
}

// spy counts what the page's one player does.
const spy = `window.played = [];
const start = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.player = this; window.played.push(this.src); return start.call(this); };`

func playOn(t *testing.T, _ *house, b *tab) {
	b.goTo("/u/alice")
	ask[bool](b, spy+"true")
	b.click(".best .play")
	b.until("window.player && player.currentTime > 0.2 && !player.paused")
	loud := ask[float64](b, `(async () => {
		const bytes = await (await fetch(player.src)).arrayBuffer();
		const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes);
		const samples = sound.getChannelData(0);
		return Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);
	})()`)
	if loud < 0.005 {
		t.Errorf("the clip is silent: %v", loud)
	}
	b.goTo("/u/alice/2026-11-27?maybe=10")
	ask[bool](b, spy+"true")
	if ask[int](b, "document.querySelectorAll('.laughs-list [data-clip]').length") < 2 {
		t.Fatal("the day has too few laughs for this test")
	}
	b.key(" ")
	b.until("window.player && player.currentTime > 0.1")
	first := ask[string](b, "document.querySelector('li.now').dataset.laugh")
	ask[bool](b, "player.currentTime = player.duration - 0.3, true") // it plays on by itself
	b.until("document.querySelector('li.now') && document.querySelector('li.now').dataset.laugh !== '" + first + "' && player.currentTime > 0.05")
	b.key("k")
	b.until("document.querySelector('li.now')?.dataset.laugh === '" + first + "'")
	b.key(" ")
	b.until("player.paused")
	if n := ask[int](b, "document.querySelectorAll('.strip .laugh.now').length"); n != 1 {
		t.Errorf("%d bars of the strip are the one that plays", n)
	}
}

func fallBack(t *testing.T, _ *house, b *tab) {
	b.goTo("/u/alice/2026-11-27")
	ask[bool](b, spy+`document.querySelector('.laughs-list [data-clip]').dataset.clip = "/healthz"; true`) // something that is no sound
	b.click(".laughs-list .play")
	b.until("window.player && player.src.endsWith('/clip.wav') && player.currentTime > 0.2")
}

func slider(t *testing.T, h *house, b *tab) {
	b.goTo("/u/alice/2026-11-27")
	before := ask[int](b, "document.querySelectorAll('.laughs-list [data-laugh]').length")
	ask[bool](b, `(() => { const s = document.querySelector("#maybe"); s.value = 10; s.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`)
	b.until(fmt.Sprintf("document.querySelectorAll('.laughs-list [data-laugh]').length > %d && location.search.includes('maybe=10')", before))
	b.until("document.querySelectorAll('.strip .laugh.maybe').length > 0")
	ask[bool](b, `(() => { const s = document.querySelector("#maybe"); s.value = 0; s.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`)
	b.until(fmt.Sprintf("document.querySelectorAll('.laughs-list [data-laugh]').length === %d", before))
	for _, l := range h.laughs(t, "alice", orchestrator.LaughFilter{From: orchestrator.Date{Year: 2026, Month: 11, Day: 27}}) {
		if l.Mark != orchestrator.MarkNone {
			t.Errorf("the slider marked %s", l.ID)
		}
	}
}

func reviewByKeys(t *testing.T, h *house, b *tab) {
	b.goTo("/u/dan/review")
	current := func() string { return ask[string](b, "document.querySelector('.card')?.dataset.laugh ?? ''") }
	left := len(h.laughs(t, "dan", orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkNone}}))
	if left < 3 {
		t.Fatalf("dan has only %d laughs", left)
	}
	first := current()
	b.key("n")
	b.until("document.querySelector('.card')?.dataset.laugh !== '" + first + "'")
	if got := h.laugh(t, "dan", first).Mark; got != orchestrator.MarkWrong {
		t.Errorf("after n: %q", got)
	}
	b.key("u")
	b.until("document.querySelector('.card')?.dataset.laugh === '" + first + "'")
	if got := h.laugh(t, "dan", first).Mark; got != orchestrator.MarkNone {
		t.Errorf("after undo: %q", got)
	}
	last := ""
	for range left {
		id := current()
		b.key("y")
		b.until("document.querySelector('.card')?.dataset.laugh !== '" + id + "'")
		last = id
	}
	b.until("document.querySelector('main').innerText.includes('All heard') && document.querySelector('[data-act=undo]')")
	b.key("u") // also after the last
	b.until("document.querySelector('.card')?.dataset.laugh === '" + last + "'")
	if got := h.laugh(t, "dan", last).Mark; got != orchestrator.MarkNone {
		t.Errorf("after undoing the last: %q", got)
	}
	if left := len(h.laughs(t, "dan", orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkNone}})); left != 1 {
		t.Errorf("%d are left, want 1", left)
	}
	if text := ask[string](b, "document.querySelector('#tabs .badge').innerText.trim()"); text != "1" {
		t.Errorf("the badge says %q", text)
	}
}

func noteStarForget(t *testing.T, h *house, b *tab) {
	list := h.laughs(t, "eve", orchestrator.LaughFilter{})
	id := list[0].ID
	b.goTo("/l/" + id)
	b.click("[data-act=star]")
	b.until("document.querySelector('[data-act=star]').getAttribute('aria-pressed') === 'true'")
	const note = `<script>alert(1)</script> & "so funny"`
	ask[bool](b, fmt.Sprintf("document.querySelector('#note-text').value = %q, true", note))
	b.click("#note button")
	b.until("document.querySelector('#said').innerText.includes('saved')")
	b.goTo("/l/" + id)
	if got := ask[string](b, "document.querySelector('#note-text').value"); got != note {
		t.Errorf("the note is %q", got)
	}
	if got := h.laugh(t, "eve", id); !got.Star || got.Note != note || got.Mark != orchestrator.MarkNone {
		t.Errorf("stored: star %v, note %q, mark %q", got.Star, got.Note, got.Mark)
	}
	b.click("details.forget summary")
	b.click("details.forget [name=sure]")
	b.click("details.forget button")
	b.until("document.querySelector('#said')?.innerText.includes('Forgotten')")
	if left := h.laughs(t, "eve", orchestrator.LaughFilter{IDs: []string{id}}); len(left) != 0 {
		t.Error("it is still there")
	}
	b.goTo("/l/" + id)
	b.until("document.querySelector('#problem')")
}

func scriptsOff(t *testing.T, h *house, b *tab) {
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.goTo("/u/gil/review")
	unmarked := orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkNone}}
	before := len(h.laughs(t, "gil", unmarked))
	if n := ask[int](b, "document.querySelectorAll('audio[controls] source').length"); n != 2 {
		t.Errorf("the browser's own player has %d sources", n)
	}
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("[data-act=right]")), chromedp.WaitReady(chromedp.CSS("[data-act=undo]"))); err != nil {
		t.Fatal(err)
	}
	if after := len(h.laughs(t, "gil", unmarked)); after != before-1 {
		t.Errorf("%d are unmarked, want %d", after, before-1)
	}
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("[data-act=undo]")), chromedp.WaitNotPresent(chromedp.CSS("[data-act=undo]"))); err != nil {
		t.Fatal(err)
	}
	if after := len(h.laughs(t, "gil", unmarked)); after != before {
		t.Errorf("after undo %d are unmarked, want %d", after, before)
	}
	// The list: two at once.
	b.goTo("/u/gil/review?view=list")
	b.click(".many li:nth-child(1) [name=id]")
	b.click(".many li:nth-child(2) [name=id]")
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".barred [value=wrong]")), chromedp.WaitReady(chromedp.CSS("[data-act=undo]"))); err != nil {
		t.Fatal(err)
	}
	if wrong := h.laughs(t, "gil", orchestrator.LaughFilter{Marks: []orchestrator.Mark{orchestrator.MarkWrong}}); len(wrong) != 2 {
		t.Errorf("%d are marked wrong, want 2", len(wrong))
	}
	b.goTo("/u/gil/2026-11-27?maybe=10")
	if n := ask[int](b, "[...document.querySelectorAll('.tiers button')].filter((b) => getComputedStyle(b).display !== 'none').length"); n != 1 {
		t.Error("without scripts the slider has no button")
	}
}

func dark(t *testing.T, _ *house, b *tab) {
	for scheme, want := range map[string]string{"light": "rgb(250, 247, 242)", "dark": "rgb(20, 18, 15)"} {
		b.look(scheme)
		b.goTo("/u/alice")
		if got := ask[string](b, "getComputedStyle(document.documentElement).backgroundColor"); got != want {
			t.Errorf("%s: the paper is %s", scheme, got)
		}
	}
}

func phone(t *testing.T, h *house, b *tab) {
	laugh := "/l/" + h.laughs(t, "alice", orchestrator.LaughFilter{Limit: 1})[0].ID
	shared := h.share(t, "alice", 2)
	for _, width := range []int64{320, 390} { // 320 is 1280 at 400 %
		b.size(width, 800)
		for _, path := range []string{"/u/alice", "/u/bob", "/u/alice/2026-11-27", "/u/alice/2026-10-25", "/u/alice/review", "/u/alice/review?view=list", "/u/alice/year", laugh, "/nowhere",
			"/account", "/account/tokens", "/u/alice/upload", "/u/alice/settings", "/u/alice/update", "/u/alice/threshold", "/u/alice/share?day=2026-11-27", "/u/alice/shares", shared} {
			b.goTo(path)
			if over := ask[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s is %d px too wide at %d: %s", path, over, width, ask[string](b, "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '.' + e.className).slice(0, 5).join(' ')"))
			}
			small := ask[string](b, `[...document.querySelectorAll("main button, main .play, main a.button, nav a, summary")].filter((e) => { const r = e.getBoundingClientRect(); return r.width > 1 && (r.width < 43.5 || r.height < 43.5); }).map((e) => e.outerHTML.slice(0, 80)).join("\n")`)
			if small != "" {
				t.Errorf("%s has targets below 44 px: %s", path, small)
			}
		}
	}
}

func threeZones(t *testing.T, h *house, b *tab) {
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/Los_Angeles"})
	l := h.laughs(t, "fay", orchestrator.LaughFilter{Tier: orchestrator.TierSure, Order: orchestrator.OrderNewest, Limit: 1})[0]
	location, err := time.LoadLocation("Pacific/Kiritimati")
	if err != nil {
		t.Fatal(err)
	}
	local := l.Start.In(location)
	b.goTo("/u/fay/" + local.Format(time.DateOnly))
	if got := ask[string](b, "document.querySelector('[data-laugh=\""+l.ID+"\"] time').innerText"); got != local.Format("15:04") {
		t.Errorf("the page says %s, the person lived it at %s", got, local.Format("15:04"))
	}
	if got := ask[string](b, "document.querySelector('h1').innerText"); !strings.Contains(got, fmt.Sprint(local.Day())) {
		t.Errorf("the day is called %q", got)
	}
	if got := ask[string](b, "document.querySelector('#foot').innerText"); !strings.Contains(got, "Kiritimati") {
		t.Errorf("the page does not name the zone: %q", got)
	}
}

func longAndShortDays(t *testing.T, _ *house, b *tab) {
	b.goTo("/u/alice/2026-10-25")
	if got := ask[string](b, "document.querySelector('.strip').textContent"); !strings.Contains(got, "clocks go back 1 h") {
		t.Errorf("the seam is not named: %q", got)
	}
	if rows := ask[int](b, "document.querySelectorAll('.numbers tbody tr').length"); rows != 25 {
		t.Errorf("the day has %d hours", rows)
	}
	b.goTo("/u/alice/2026-10-25?from=01:00&to=02:00")
	if got := ask[string](b, "document.querySelector('.numbers').textContent"); !strings.Contains(got, "again") {
		t.Errorf("the hour that comes twice is there once: %q", got)
	}
}

// twoClicks finds a known hour of a day three weeks ago: the day, the part of the day, the hour.
func twoClicks(t *testing.T, _ *house, b *tab) {
	b.size(390, 800)
	b.goTo("/u/alice")
	b.click(".weeks a[href$='2026-11-08']")
	b.until("location.pathname.endsWith('2026-11-08')")
	b.click(".sector[href*='from=15%3A00']")
	b.until("location.search.includes('from=15')")
	b.click(".sector[href*='from=16%3A00']")
	b.until("document.querySelector('#zoom').innerText.includes('16:00–17:00')")
}

func lostSession(t *testing.T, h *house, b *tab) {
	l := h.laughs(t, "alice", orchestrator.LaughFilter{Limit: 1})[0]
	b.goTo("/l/" + l.ID)
	ask[bool](b, "document.querySelector('#note-text').value = 'do not lose me', true")
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.click("#note button")
	b.until("document.querySelector('#said').innerText.includes('not signed in')")
	if got := ask[string](b, "document.querySelector('#note-text').value"); got != "do not lose me" {
		t.Errorf("the note is %q", got)
	}
}
