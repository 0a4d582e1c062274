package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sum(data []byte) string {
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:])
}

func noise(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// plain is an artifact that is published as it is.
func plain(data []byte, urls ...string) artifacts.Artifact {
	return artifacts.Artifact{Title: "model", Place: "models/m.bin", Size: int64(len(data)), SHA256: sum(data), URLs: urls, Mode: 0o644}
}

// wheeled is an artifact inside a wheel, and the wheel.
func wheeled(t *testing.T, data []byte) (artifacts.Artifact, []byte) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("pkg/lib.so")
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return artifacts.Artifact{Title: "library", Place: "lib/lib.so", Size: int64(len(data)), SHA256: sum(data), Mode: 0o755,
		Wheel: &artifacts.Wheel{Package: "pkg", Version: "1.0", File: "pkg-1.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
			Size: int64(b.Len()), SHA256: sum(b.Bytes()), Member: "pkg/lib.so"}}, b.Bytes()
}

// options never wait and know no Python, unless a test gives one.
func options(t *testing.T, server *httptest.Server) Options {
	t.Helper()
	o := Options{Dir: filepath.Join(t.TempDir(), "cache"), Python: []string{}, pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if server != nil {
		o.Client = server.Client()
		t.Cleanup(o.Client.CloseIdleConnections)
	}
	return o
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func wantFile(t *testing.T, o Options, artifact artifacts.Artifact) {
	t.Helper()
	place := filepath.Join(o.Dir, artifact.Place)
	if err := artifact.Check(place); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(place); err != nil || info.Mode().Perm() != artifact.Mode {
		t.Errorf("mode of %s is %v (%v), want %v", place, info.Mode(), err, artifact.Mode)
	}
	left, err := filepath.Glob(filepath.Join(o.Dir, "downloads", "*"))
	aside, _ := filepath.Glob(filepath.Join(o.Dir, ".wheel-*"))
	if err != nil || len(left)+len(aside) > 0 {
		t.Errorf("left behind: %v %v", left, aside)
	}
}

func TestEnsureFromAMirrorFolder(t *testing.T) {
	t.Parallel()
	data := noise(100_000)
	inside, wheel := wheeled(t, data)
	mirror := t.TempDir()
	for name, content := range map[string][]byte{"m.bin": data, inside.Wheel.File: wheel} {
		if err := os.WriteFile(filepath.Join(mirror, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, artifact := range []artifacts.Artifact{plain(data, "http://127.0.0.1:1/never-asked"), inside} {
		o := options(t, nil)
		o.Mirrors = []string{filepath.Join(mirror, "none"), mirror}
		source, err := Ensure(t.Context(), artifact, o)
		if err != nil || !strings.HasPrefix(source, mirror) {
			t.Fatalf("%s: from %q, %v", artifact.Title, source, err)
		}
		wantFile(t, o, artifact)

		if source, err = Ensure(t.Context(), artifact, Options{Dir: o.Dir}); err != nil || source != "" {
			t.Errorf("%s lies there: fetched from %q (%v), want nothing", artifact.Title, source, err)
		}
		place := filepath.Join(o.Dir, artifact.Place)
		if err := os.WriteFile(place, noise(100_000)[1:], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err = Ensure(t.Context(), artifact, o); err != nil {
			t.Errorf("repair %s: %v", artifact.Title, err)
		}
		wantFile(t, o, artifact)
	}
}

func TestEnsureResumesWhatWasCutOff(t *testing.T) {
	t.Parallel()
	data := noise(300_000)
	var mu sync.Mutex
	var ranges []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		ranges = append(ranges, r.Header.Get("Range"))
		calls := len(ranges)
		mu.Unlock()
		if calls == 1 { // the connection breaks in the middle
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			_, _ = w.Write(data[:100_000])
			return
		}
		http.ServeContent(w, r, "m.bin", time.Time{}, bytes.NewReader(data))
	})
	o := options(t, server)
	var last Progress
	o.Progress = func(p Progress) { last = p }
	artifact := plain(data, server.URL+"/m.bin?generation=1")
	if _, err := Ensure(t.Context(), artifact, o); err != nil {
		t.Fatalf("fetch: %v", err)
	}
	wantFile(t, o, artifact)
	if len(ranges) != 2 || ranges[0] != "" || ranges[1] != "bytes=100000-" {
		t.Errorf("asked for ranges %q, want all and then the rest", ranges)
	}
	if last.Done != int64(len(data)) || last.Total != int64(len(data)) {
		t.Errorf("the last progress is %+v, want all of it", last)
	}
}

// A part that another set-up left is resumed. Where it is of another file, it is thrown away.
func TestEnsureResumesAcrossProcesses(t *testing.T) {
	t.Parallel()
	data := noise(50_000)
	for name, c := range map[string]struct {
		part      []byte
		wantCalls int
	}{
		"the beginning": {data[:20_000], 1},
		"another file":  {bytes.Repeat([]byte("x"), 20_000), 2},
		"too long":      {bytes.Repeat([]byte("x"), 60_000), 1},
		"all of it":     {data, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				http.ServeContent(w, r, "m.bin", time.Time{}, bytes.NewReader(data))
			})
			o := options(t, server)
			artifact := plain(data, server.URL)
			if err := os.MkdirAll(filepath.Join(o.Dir, "downloads"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(o.Dir, "downloads", artifact.SHA256[:16]+".part"), c.part, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Ensure(t.Context(), artifact, o); err != nil {
				t.Fatalf("fetch: %v", err)
			}
			wantFile(t, o, artifact)
			if calls != c.wantCalls {
				t.Errorf("%d calls, want %d", calls, c.wantCalls)
			}
		})
	}
}

func TestEnsureGoesOnToTheNextAddress(t *testing.T) {
	t.Parallel()
	data := noise(10_000)
	for name, answer := range map[string]http.HandlerFunc{
		"not found":    http.NotFound,
		"down":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"another file": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(noise(9_999)) },
		"same size":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10_000)) },
		"too long":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(noise(10_001)) },
		"empty":        func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/good" {
					_, _ = w.Write(data)
					return
				}
				answer(w, r)
			})
			o := options(t, server)
			artifact := plain(data, server.URL+"/bad", server.URL+"/good")
			source, err := Ensure(t.Context(), artifact, o)
			if err != nil || source != server.URL+"/good" {
				t.Fatalf("from %q, %v", source, err)
			}
			wantFile(t, o, artifact)
		})
	}
}

func TestEnsureGivesUpWhereNothingComes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	o := options(t, server)
	o.stall = 20 * time.Millisecond
	_, err := Ensure(t.Context(), plain(noise(10), server.URL), o)
	if failed := (*Error)(nil); !errors.As(err, &failed) || !strings.Contains(err.Error(), "no byte came for 20ms") {
		t.Errorf("got %v, want that nothing came", err)
	}
}

func TestEnsureEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	if _, err := Ensure(ctx, plain(noise(10), server.URL), options(t, server)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

func TestErrorSaysHowToGetTheFile(t *testing.T) {
	t.Parallel()
	artifact, _ := wheeled(t, noise(10))
	o := options(t, nil)
	o.Mirrors = []string{t.TempDir(), "http://user:hunter2@127.0.0.1:1/mirror"}
	_, err := Ensure(t.Context(), artifact, o)
	if err == nil {
		t.Fatal("it was fetched from nowhere")
	}
	for _, wanted := range []string{"CHORTLE_MIRROR", artifact.Wheel.File, artifact.Wheel.SHA256, "pkg 1.0", "no such file", "python3-pip"} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("the error does not say %q:\n%v", wanted, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error holds a password:\n%v", err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "lib", "lib.so")); err == nil {
		t.Error("something lies in the place of the library")
	}
}

func TestEnsureSaysThatTheFolderIsAtFault(t *testing.T) {
	t.Parallel()
	data := noise(10)
	mirror := t.TempDir()
	if err := os.WriteFile(filepath.Join(mirror, "m.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t, nil)
	o.Mirrors = []string{mirror}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "models"), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	_, err := Ensure(t.Context(), plain(data), o)
	if failed := (*Error)(nil); err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "models") {
		t.Errorf("got %v, want an error of the folder", err)
	}
}
