// Package testkit finds the real parts that tests use: the model, the libraries, ffmpeg and real
// sound. A part that is absent skips the test with the reason, or fails it when
// CHORTLE_TEST_REQUIRE is set, as `make test` and CI do after set-up.
package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// Root is the checkout's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Missing skips the test, or fails it where everything is required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CHORTLE_TEST_REQUIRE") != "" {
		t.Fatalf("%s is missing: run `make setup`", what)
	}
	t.Skipf("%s is missing: run `make setup`", what)
}

// Model is the path of the pinned YAMNet file.
func Model(t testing.TB) string { t.Helper(); return setting(t, "CHORTLE_WEIGHTS", artifacts.Model) }

// TFLite is the path of the TF Lite library.
func TFLite(t testing.TB) string {
	t.Helper()
	return setting(t, "CHORTLE_TFLITE_LIBRARY", artifacts.TFLite)
}

// Opus is the path of libopus.
func Opus(t testing.TB) string { t.Helper(); return setting(t, "CHORTLE_OPUS_LIBRARY", artifacts.Opus) }

// FFmpeg is the path of an ffmpeg that can encode Opus: from PATH, else the one that set-up fetched.
func FFmpeg(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("ffmpeg"); err == nil {
		return path
	}
	return setting(t, "CHORTLE_FFMPEG", artifacts.FFmpeg)
}

// Axe is the path of axe-core, which finds what makes a page hard to use for some people. scripts/axe.py fetches it.
func Axe(t testing.TB) string { t.Helper(); return setting(t, "CHORTLE_TEST_AXE", "test/axe.min.js") }

func setting(t testing.TB, name, below string) string {
	t.Helper()
	path := os.Getenv(name)
	if path == "" {
		path = filepath.Join(artifacts.Dir(os.Getenv), below)
	}
	if _, err := os.Stat(path); err != nil {
		Missing(t, path)
	}
	return path
}

// Python is the interpreter of the checkout's .venv, in which our Python packages are.
func Python(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(Root(), ".venv", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		Missing(t, path)
	}
	return path
}

// Audio is the path of a file of real sound, such as "laughter/laughter_2.wav". Its folder is
// CHORTLE_TEST_AUDIO, by default shared/audio beside the checkout. The sound is other people's, so that
// no set-up can bring it: where there is none and nobody named a folder, the test is skipped.
func Audio(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("CHORTLE_TEST_AUDIO")
	if dir == "" {
		dir = filepath.Join(Root(), "..", "shared", "audio")
		if _, err := os.Stat(dir); err != nil {
			t.Skip("there is no real sound here: name a folder of it by CHORTLE_TEST_AUDIO")
		}
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: CHORTLE_TEST_AUDIO names the folder of real sound", path)
	}
	return path
}

// SocketDir makes a folder whose path has room for a socket's, and checks that it is empty at the end.
func SocketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ct")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("socket folder holds %v at the end (%v)", left, err)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// Firefox is the path of a Firefox from PATH or CHORTLE_TEST_FIREFOX; without it the test is skipped, unless
// CHORTLE_TEST_BROWSERS requires browsers.
func Firefox(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CHORTLE_TEST_FIREFOX"); path != "" {
		return path
	}
	for _, name := range []string{"firefox-esr", "firefox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CHORTLE_TEST_BROWSERS") != "" {
		t.Fatal("firefox is missing: install it (apt-get install firefox-esr), or name one by CHORTLE_TEST_FIREFOX")
	}
	t.Skip("firefox is missing: install it, or name one by CHORTLE_TEST_FIREFOX")
	return ""
}

// Chromium is the path of a Chromium, or a browser like it, from PATH or CHORTLE_TEST_CHROMIUM. No set-up brings
// one, for that needs root: without it the test is skipped, unless CHORTLE_TEST_BROWSERS requires browsers.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CHORTLE_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CHORTLE_TEST_BROWSERS") != "" {
		t.Fatal("chromium is missing: install it (apt-get install chromium), or name one by CHORTLE_TEST_CHROMIUM")
	}
	t.Skip("chromium is missing: install it, or name one by CHORTLE_TEST_CHROMIUM")
	return ""
}

// S3Server is the path of versitygw, which `make s3-server` builds: without it the test is skipped, unless CHORTLE_TEST_S3 requires it.
func S3Server(t testing.TB) string {
	t.Helper()
	path := filepath.Join(Root(), "bin", "tools", "versitygw")
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CHORTLE_TEST_S3") != "" {
			t.Fatal("the S3 server is missing: run make s3-server")
		}
		t.Skip("the S3 server is missing: run make s3-server (CHORTLE_TEST_S3=1 requires it)")
	}
	return path
}
