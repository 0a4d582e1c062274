package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// behindProxies runs the page below a path, behind a proxy that keeps the Host and one that rewrites it.
func behindProxies(t *testing.T, h *house, chromium context.Context) {
	for _, rewrites := range []bool{false, true} {
		t.Run(fmt.Sprintf("rewrites host %v", rewrites), func(t *testing.T) {
			var inner *httptest.Server
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				target, err := url.Parse(inner.URL)
				if err != nil {
					t.Error(err)
					return
				}
				proxy := httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
					p.SetURL(target)
					if !rewrites {
						p.Out.Host = p.In.Host
					}
				}}
				proxy.ServeHTTP(w, r)
			}))
			defer front.Close()
			base := front.URL + "/laughs"
			inner = httptest.NewServer(h.handler(base))
			defer inner.Close()
			b := open(t, chromium, base)
			b.goTo("/u/bob")
			ask[bool](b, spy+"true")
			b.click(".best .play")
			b.until("window.player && player.currentTime > 0.1")
			b.goTo("/u/bob/review")
			id := ask[string](b, "document.querySelector('.card').dataset.laugh")
			b.click("[data-act=right]")
			b.until("document.querySelector('.card')?.dataset.laugh !== '" + id + "' && location.pathname === '/laughs/u/bob/review'")
			broken := ask[string](b, `[...document.querySelectorAll("a[href], form, img, link, script[src], source")].map((e) => e.href || e.action || e.src || e.srcset).filter((u) => u && !new URL(u, location).pathname.startsWith("/laughs")).join(" ")`)
			if broken != "" {
				t.Errorf("addresses beside the path: %s", broken)
			}
		})
	}
}

// sendRecordings drops files on the page: each says how it went, and what arrived has the time that the file had.
func sendRecordings(t *testing.T, h *house, b *tab) {
	b.goTo("/u/bob/upload")
	ask[bool](b, `(() => {
		const chosen = new DataTransfer();
		for (const name of ["2026-11-27_08-00-00.wav", "notes.txt"]) chosen.items.add(new File([new Uint8Array(200000)], name, { lastModified: Date.UTC(2026, 10, 27, 9) }));
		document.querySelector("form[data-upload]").dispatchEvent(new DragEvent("drop", { dataTransfer: chosen, cancelable: true }));
		return document.querySelector("form[data-upload] input[type=file]").files.length === 2;
	})()`)
	b.click("form[data-upload] button")
	b.until(`document.querySelectorAll("#sending li").length === 2 && !document.querySelector("#sending progress")`)
	if said := ask[string](b, `document.getElementById("sending").innerText`); !strings.Contains(said, "08-00-00.wav: is here") || !strings.Contains(said, "notes.txt: One of the files is no recording") {
		t.Errorf("it says %q", said)
	}
	list, _, _, err := h.service.Waiting(t.Context(), h.users["bob"])
	if err != nil || len(list) != 1 || list[0].Total != 200_000 || !list[0].At.Equal(time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", list, err)
	}
}

// accessible runs axe-core over every page, light and dark, narrow and wide.
func accessible(t *testing.T, h *house, b *tab) {
	axe, err := os.ReadFile(testkit.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	laugh := "/l/" + h.laughs(t, "alice", orchestrator.LaughFilter{Limit: 1})[0].ID
	shared := h.share(t, "alice", 2)
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.size(width, 900)
			b.look(scheme)
			for _, path := range []string{"/login", "/u/alice", "/u/bob", "/u/cleo", "/u/alice/2026-11-27?maybe=10", "/u/alice/2026-11-27?from=18:00&to=21:00", "/u/alice/review", "/u/alice/review?view=list", "/u/alice/year", laugh, "/nowhere",
				"/account", "/account/tokens", "/u/alice/upload", "/u/alice/settings", "/u/alice/update", "/u/alice/threshold", "/u/alice/share?day=2026-11-27", "/u/alice/shares", shared} {
				b.goTo(path)
				ask[bool](b, string(axe)+";true")
				found := ask[string](b, `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations.map((v) => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).join(" | ")).join("\n"))`)
				if found != "" {
					t.Errorf("%s, %s, %d px:\n%s", path, scheme, width, found)
				}
			}
		}
	}
}
