package web_test

import (
	"compress/gzip"
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pagetest"
	"github.com/chortle-audio/chortle/orchestrator"
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

// counting counts what pages ask of the database.
type counting struct {
	web.Laughs
	web.Heard

	asked int
}

func (c *counting) LaughsOf(ctx context.Context, ids []int64, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error] {
	c.asked++
	return c.Laughs.LaughsOf(ctx, ids, filter)
}

func (c *counting) Laugh(ctx context.Context, ids []int64, id string) (orchestrator.StoredLaugh, error) {
	c.asked++
	return c.Laughs.Laugh(ctx, ids, id)
}

func (c *counting) Days(ctx context.Context, id int64, from, to orchestrator.Date) ([]orchestrator.DayCount, error) {
	c.asked++
	return c.Laughs.Days(ctx, id, from, to)
}

func (c *counting) Hours(ctx context.Context, id int64, from, to orchestrator.Date) ([]orchestrator.LaughCount, error) {
	c.asked++
	return c.Laughs.Hours(ctx, id, from, to)
}

func (c *counting) Unreviewed(ctx context.Context, id int64, tier orchestrator.Tier, limit int) (int, error) {
	c.asked++
	return c.Laughs.Unreviewed(ctx, id, tier, limit)
}

func (c *counting) BestOfDays(ctx context.Context, id int64, from, to orchestrator.Date) (map[orchestrator.Date]orchestrator.StoredLaugh, error) {
	c.asked++
	return c.Laughs.BestOfDays(ctx, id, from, to)
}

func (c *counting) Recordings(ctx context.Context, id int64, span orchestrator.Span) ([]orchestrator.RecordingSpan, error) {
	c.asked++
	return c.Heard.Recordings(ctx, id, span)
}

func (c *counting) Ledger(ctx context.Context, id int64, span orchestrator.Span) ([]orchestrator.LedgerSpan, error) {
	c.asked++
	return c.Heard.Ledger(ctx, id, span)
}

func (c *counting) UserStatus(ctx context.Context, id int64) (orchestrator.UserStatus, error) {
	c.asked++
	return c.Heard.UserStatus(ctx, id)
}

// TestPagesAskSeldom: how often a page asks the database does not depend on how much there is.
func TestPagesAskSeldom(t *testing.T) {
	t.Parallel()
	const most = 8
	s := pagetest.Open(t.TempDir(), pagetest.Parts{})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	opened, err := s.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all everybody
	for _, person := range []struct {
		name    string
		options pagetest.Options
	}{{"few", pagetest.Options{Days: 3, PerDay: 12}}, {"many", pagetest.Options{Days: 40, PerDay: 60}}} {
		user, err := pagetest.AddUser(t.Context(), s, person.name, "Europe/London")
		if err != nil {
			t.Fatal(err)
		}
		if err := pagetest.Fill(t.Context(), s, user, person.options); err != nil {
			t.Fatal(err)
		}
		all = append(all, user)
	}
	counted := &counting{Laughs: opened, Heard: opened}
	handler, err := web.New(web.Options{Sessions: all, Laughs: counted, Heard: counted, Judging: s, Log: logrus.New(), Now: func() time.Time { return pagetest.Now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/2026-11-27?maybe=10", "/review", "/review?view=list", "/year", "/share?day=2026-11-27"} {
		asked := map[string]int{}
		for _, name := range []string{"few", "many"} {
			counted.asked = 0
			fetch(t, handler, "/u/"+name+path)
			asked[name] = counted.asked
		}
		if asked["few"] != asked["many"] || asked["many"] > most {
			t.Errorf("%s asks %v times", path, asked)
		}
	}
}
