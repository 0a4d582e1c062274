package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pagetest"
	"github.com/chortle-audio/chortle/orchestrator/web"
)

// fetch asks for a page as a browser does, and returns the size of its answer on the wire.
func fetch(t testing.TB, handler http.Handler, path string) (body string, wire int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	r.Header.Set("Accept-Encoding", "gzip")
	r.AddCookie(&http.Cookie{Name: "chortle", Value: "test"})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	wire = w.Body.Len()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String(), wire
	}
	zip, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain), wire
}

// bigHouse has somebody with ten years and some 200,000 laughs, without their sound.
func bigHouse(t testing.TB, days int) http.Handler {
	t.Helper()
	s := pagetest.Open(t.TempDir(), pagetest.Parts{})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	user, err := pagetest.AddUser(t.Context(), s, "alice", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	if err := pagetest.Fill(t.Context(), s, user, pagetest.Options{Days: days, PerDay: 66}); err != nil {
		t.Fatal(err)
	}
	opened, err := s.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sounds, err := s.Sounds()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := web.New(web.Options{Sessions: everybody{user}, Laughs: opened, Heard: opened, Judging: s, Sounds: sounds, Log: logrus.New(), Now: func() time.Time { return pagetest.Now }})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// TestPagesAreLight adds up what a page brings over the wire the first time, without sound and its pictures.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	const most = 60_000
	handler := bigHouse(t, 60)
	asset := regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)
	for _, path := range []string{"/u/alice", "/u/alice/2026-11-27?maybe=10", "/u/alice/review", "/u/alice/review?view=list", "/u/alice/year"} {
		body, wire := fetch(t, handler, path)
		for _, match := range asset.FindAllStringSubmatch(body, -1) {
			_, size := fetch(t, handler, match[1])
			wire += size
		}
		t.Logf("%s: %d bytes on the wire, %d of HTML", path, wire, len(body))
		if wire > most {
			t.Errorf("%s takes %d bytes, want at most %d", path, wire, most)
		}
	}
}

// BenchmarkPages is a page's time at the server with ten years and 200,000 laughs of one user.
func BenchmarkPages(b *testing.B) {
	handler := bigHouse(b, 3650)
	for name, path := range map[string]string{"home": "/u/alice", "day": "/u/alice/2026-11-27?maybe=10", "review": "/u/alice/review", "year": "/u/alice/year"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = fetch(b, handler, path)
			}
		})
	}
}
