package cli_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/postgres"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

// The API's day is that of all tests, and its users are alice and bob, each with a key of their own.
var apiDay = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func apiKeyOf(user string) string { return "sk-" + user + "-9f8e7d6c5b4a39281706" }

// api is a place with a server of the Limitless API, and users whose recordings are there.
type api struct {
	*place
	*limitlesstest.Server
	web *httptest.Server
}

// recorded is sound that the server has: from a moment of the day on, with a laugh every twenty seconds.
type recorded struct{ at, length time.Duration }

// newAPI starts a server and adds users. Calls are made again after a millisecond.
func newAPI(t testing.TB, sound map[string][]recorded, environ ...string) *api {
	t.Helper()
	a := &api{Server: &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{}, CallsPerMinute: 1 << 30}}
	for user, recordings := range sound {
		a.Keys[apiKeyOf(user)] = nil
		for _, r := range recordings {
			a.Keys[apiKeyOf(user)] = append(a.Keys[apiKeyOf(user)], soundOfAPI(t, user, r))
		}
	}
	turn := new(atomic.Int64)
	a.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn.Add(1)
		defer turn.Add(1)
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(a.web.Close)
	a.place = newPlace(t, append([]string{"CHORTLE_LIMITLESS_URL=" + a.web.URL, "CHORTLE_LIMITLESS_PAUSE=1ms", "CHORTLE_LIMITLESS_CALLS=1000000"}, environ...)...)
	a.turn = turn
	a.must("key", "new", a.path("secret.key"))
	a.environ = append(a.environ, "CHORTLE_SECRET_KEY_FILE="+a.path("secret.key"))
	for _, user := range []string{"alice", "bob"} {
		if _, known := sound[user]; known {
			key := a.file("", user+".key", []byte(apiKeyOf(user)+"\n"))
			a.must("user", "add", user, "--timezone", "UTC", "--source", "limitless", "--api-key-file", key)
		}
	}
	return a
}

var (
	encoding sync.Mutex
	sounds   = sync.OnceValues(func() (*audio.Audio, error) { return audio.New(audio.Options{FFmpeg: ffmpegOfTests}) })
	// ffmpegOfTests is found by the first test that needs it.
	ffmpegOfTests string
)

// soundOfAPI encodes a recording once for all tests: faint noise, in which the model hears a laugh of two
// seconds at five seconds and every twenty from there.
func soundOfAPI(t testing.TB, user string, r recorded) limitlesstest.Recording {
	t.Helper()
	encoding.Lock()
	defer encoding.Unlock()
	ffmpegOfTests = testkit.FFmpeg(t)
	all, err := sounds()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(shared, fmt.Sprintf("%s-%d-%d.ogg", user, r.at/time.Second, r.length/time.Second))
	if _, err := os.Stat(path); err != nil {
		random := rand.New(rand.NewPCG(uint64(len(user)), uint64(r.at)))
		err := all.Encode(t.Context(), path, orchestrator.SampleRateHz, func(yield func([]float32) bool) {
			for second := range int(r.length / time.Second) {
				block := make([]float32, orchestrator.SampleRateHz)
				for i := range block {
					block[i] = 0.01 * (random.Float32() - 0.5)
					if n := second % 20; n == 5 || n == 6 {
						block[i] += 0.7 * float32(1-i%32/16*2)
					}
				}
				if !yield(block) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	recording, err := limitlesstest.FromFile(context.WithoutCancel(t.Context()), all, path, apiDay.Add(r.at))
	if err != nil {
		t.Fatal(err)
	}
	return recording
}

// database is the address of the place's database.
func (p *place) database() string {
	address := "sqlite:" + p.path("data/chortle.db")
	for _, entry := range p.environ {
		if value, ok := strings.CutPrefix(entry, "CHORTLE_DATABASE_URL="); ok {
			address = value
		}
	}
	return address
}

func openStoreAt(ctx context.Context, address string) (*store.Store, error) {
	if path, local := strings.CutPrefix(address, "sqlite:"); local {
		return sqlite.Open(ctx, path, logrus.New())
	}
	return postgres.Open(ctx, address, logrus.New())
}

// openStore opens the place's database beside the program.
func (p *place) openStore() *store.Store {
	p.Helper()
	opened, err := openStoreAt(p.Context(), p.database())
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = opened.Close() })
	return opened
}

// results writes down everything that a run must have stored for a user, one line each: what became of every
// stretch of the day, recordings, scores, laughs, and the clips by their content.
func (p *place) results(user string) string {
	p.Helper()
	s := p.openStore()
	defer s.Close()
	var lines []string
	stored, err := s.User(p.Context(), user)
	if err != nil {
		p.Fatal(err)
	}
	spans, err := s.Ledger(p.Context(), stored.ID, orchestrator.Span{Start: apiDay, End: apiDay.Add(24 * time.Hour)})
	if err != nil {
		p.Fatal(err)
	}
	for i := len(spans) - 1; i > 0; i-- { // an empty stretch may have been asked for in one piece or in several
		if before := &spans[i-1]; spans[i].State == orchestrator.SpanEmpty && before.State == orchestrator.SpanEmpty && before.End.Equal(spans[i].Start) {
			before.End = spans[i].End
			spans = slices.Delete(spans, i, i+1)
		}
	}
	for _, span := range spans {
		lines = append(lines, fmt.Sprintln("span", span.Start.Format(time.TimeOnly), span.End.Format(time.TimeOnly), span.State, span.Reason))
	}
	filter := orchestrator.LaughFilter{Users: []string{user}}
	for result, err := range s.Scores(p.Context(), filter) {
		if err != nil {
			p.Fatal(err)
		}
		rec := result.Recording
		lines = append(lines, fmt.Sprintln("recording", rec.Name, rec.SHA256, rec.Start, rec.ModTime, rec.Size, rec.Uncertainty, result.Scores.Length, hex.EncodeToString(result.Scores.Data)))
	}
	for laugh, err := range s.Laughs(p.Context(), filter) {
		if err != nil {
			p.Fatal(err)
		}
		laugh.ID = ""
		lines = append(lines, fmt.Sprintf("laugh %+v %s\n", laugh, p.hashOf("data/clips/"+laugh.Clip)))
	}
	var files []string
	for _, name := range p.tree("data/clips/" + user) {
		files = append(files, name+"\n")
	}
	return strings.Join(append(lines, files...), "")
}
