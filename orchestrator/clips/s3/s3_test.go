package s3

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // the form that the server of the standard library wants
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/s3test"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips/clipstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const clip = "alice/2026/11/22/143002.120-8f3a91c2-81dd.opus"

func config(server *s3test.Server) Config {
	return Config{Endpoint: server.Endpoint, Region: s3test.Region, AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
}

func open(t *testing.T, address string, config Config) *Bucket {
	t.Helper()
	b, err := Open(address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestClipsBelowAPrefix(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, "laughs")
	var n atomic.Int64
	clipstest.Run(t, func(t *testing.T) orchestrator.Clips {
		return open(t, fmt.Sprintf("//laughs/clips/of-%d", n.Add(1)), config(server))
	})
}

func TestClipsInABucketOfTheirOwn(t *testing.T) {
	t.Parallel()
	clipstest.Run(t, func(t *testing.T) orchestrator.Clips {
		return open(t, "//laughs", config(s3test.Start(t, "laughs")))
	})
}

// TestWhatIsNotAClip: another program's objects in the same bucket are nobody's clips.
func TestWhatIsNotAClip(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, "laughs")
	b := open(t, "//laughs/clips", config(server))
	if err := b.Put(t.Context(), clip, []byte("haha")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"laughs/clips/.hidden", "laughs/clips2/x.opus", "laughs/other"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(server.Dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(server.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for key, err := range b.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, key)
	}
	if len(found) != 1 || found[0] != clip {
		t.Errorf("%v", found)
	}
	if info, err := b.Stat(t.Context(), clip); err != nil || info.Size != 4 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := b.Stat(t.Context(), "alice/none.opus"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a clip that is not there: %v", err)
	}
}

// TestRefusals: each names what to do, and none the key's secret.
func TestRefusals(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, "laughs")
	for name, c := range map[string]struct {
		address string
		change  func(*Config)
		want    string
	}{
		"no such bucket": {"//absent", func(*Config) {}, "correct its name"},
		"unknown key":    {"//laughs", func(c *Config) { c.AccessKey = "stranger" }, "correct its id"},
		"wrong secret":   {"//laughs", func(c *Config) { c.SecretKey = "wrong-and-secret" }, "correct it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := config(server)
			c.change(&config)
			b := open(t, c.address, config)
			err := b.Put(t.Context(), clip, []byte("haha"))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), config.SecretKey) {
				t.Errorf("put: %v", err)
			}
			if _, _, err := b.Open(t.Context(), clip); err == nil {
				t.Error("open: no error")
			}
		})
	}
}

// TestUnknownAuthority: a store with a certificate of its own is refused, until its authority is named.
func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	store := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"x"`) }))
	store.Config.ErrorLog = log.New(io.Discard, "", 0)
	store.StartTLS()
	defer store.Close()
	config := Config{Endpoint: store.URL, Region: "x", AccessKey: "a", SecretKey: "secretsecret", PathStyle: true}
	err := open(t, "//laughs", config).Put(t.Context(), clip, []byte("haha"))
	if err == nil || !strings.Contains(err.Error(), "name a file with it") {
		t.Errorf("%v", err)
	}
	config.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(config.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: store.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, "//laughs", config).Put(t.Context(), clip, []byte("haha")); err != nil {
		t.Error(err)
	}
}

// TestStoresThatAnswerBadly: what a store says is told by its code, and what passes is tried again.
func TestStoresThatAnswerBadly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		code    string
		times   int64 // how often it answers so; 0 for always
		want    string
		retried bool
	}{
		"full":             {http.StatusInsufficientStorage, "QuotaExceeded", 0, "raise its quota", false},
		"read-only":        {http.StatusForbidden, "AccessDenied", 0, "let the key", false},
		"wrong clock":      {http.StatusForbidden, "RequestTimeTooSkewed", 0, "clock", false},
		"another region":   {http.StatusMovedPermanently, "PermanentRedirect", 0, "another region", false},
		"busy for a while": {http.StatusServiceUnavailable, "SlowDown", 1, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if n := calls.Add(1); c.times > 0 && n > c.times {
					w.Header().Set("ETag", `"x"`)
					return
				}
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(c.status)
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>at host-17 for you</Message></Error>", c.code)
			}))
			defer store.Close()
			b := open(t, "//laughs", Config{Endpoint: store.URL, Region: "x", AccessKey: "a", SecretKey: "secretsecret", PathStyle: true})
			err := b.Put(t.Context(), clip, []byte("haha"))
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "host-17")):
				t.Errorf("%v", err)
			case c.retried != (calls.Load() > 1):
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "laughs", "//", "///x", "//b/../x", "//b/.hidden", "//b/a//b"} {
		if _, err := Open(bad, Config{}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	for _, bad := range []Config{{Endpoint: "ftp://x"}, {Endpoint: "x"}, {Endpoint: "https://x/path"}, {Encryption: "rot13"}, {Encryption: "aws:kms:"}, {CAFile: "/nonexistent/ca.pem"}} {
		if _, err := Open("//laughs", bad); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}
