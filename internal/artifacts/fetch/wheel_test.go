package fetch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// python is a program that answers as a Python with pip does, and downloads the wheel that lies at WHEEL.
const python = `#!/bin/sh
case "$*" in
"-m pip --version") exit %d ;;
esac
echo "$@" >"%s"
while [ $# -gt 0 ]; do
  [ "$1" != --dest ] || dest=$2
  [ "$1" != --requirement ] || cat "$2" >>"%s"
  shift
done
%s
`

// standIn writes such a program. fetched is the command that it ends with; it may use $dest.
func standIn(t *testing.T, version int, fetched string) (path, heard string) {
	t.Helper()
	dir := t.TempDir()
	path, heard = filepath.Join(dir, "python"), filepath.Join(dir, "heard")
	script := fmt.Sprintf(python, version, heard, heard, fetched)
	// A process that forks while the file is open for writing keeps it busy: it is written under another name.
	if err := os.WriteFile(path+".new", []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path, heard
}

func TestEnsureByPip(t *testing.T) {
	t.Parallel()
	artifact, wheel := wheeled(t, noise(20_000))
	at := filepath.Join(t.TempDir(), "wheel")
	if err := os.WriteFile(at, wheel, 0o600); err != nil {
		t.Fatal(err)
	}
	without, _ := standIn(t, 1, "exit 9")
	good, heard := standIn(t, 0, fmt.Sprintf(`cp "%s" "$dest/%s"`, at, artifact.Wheel.File))
	o := options(t, nil)
	o.Python = []string{filepath.Join(t.TempDir(), "none"), without, good}
	source, err := Ensure(t.Context(), artifact, o)
	if err != nil || source != "pip" {
		t.Fatalf("from %q, %v", source, err)
	}
	wantFile(t, o, artifact)
	said, err := os.ReadFile(heard)
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"--require-hashes", "--no-deps", "--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64",
		"pkg==1.0 --hash=sha256:" + artifact.Wheel.SHA256} {
		if !strings.Contains(string(said), wanted) {
			t.Errorf("pip was not told %q:\n%s", wanted, said)
		}
	}
}

func TestEnsureByPipSaysWhatPipSays(t *testing.T) {
	t.Parallel()
	artifact, _ := wheeled(t, noise(10))
	for name, c := range map[string]struct{ ends, wanted string }{
		"fails":        {"echo looking >&2; echo 'ERROR: No matching distribution' >&2; exit 1", "ERROR: No matching distribution"},
		"another file": {fmt.Sprintf(`echo x >"$dest/%s"`, artifact.Wheel.File), "2 bytes, want"},
		"no file":      {"exit 0", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, _ := standIn(t, 0, c.ends)
			o := options(t, nil)
			o.Python = []string{program}
			if _, err := Ensure(t.Context(), artifact, o); err == nil || !strings.Contains(err.Error(), c.wanted) {
				t.Errorf("got %v, want it with %q", err, c.wanted)
			}
			if left, _ := filepath.Glob(filepath.Join(o.Dir, ".wheel-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestEnsureByAnIndex(t *testing.T) {
	t.Parallel()
	artifact, wheel := wheeled(t, noise(20_000))
	file := artifact.Wheel.File
	page, err := json.Marshal(map[string]any{"files": []map[string]any{
		{"filename": "pkg-0.9.whl", "url": "old"}, {"filename": file, "url": "../files/" + file + "#sha256=" + artifact.Wheel.SHA256}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ kind, page string }{
		"JSON": {"application/vnd.pypi.simple.v1+json", string(page)},
		"HTML": {"text/html; charset=utf-8", "<!DOCTYPE html><a href='old'>pkg-0.9.whl</a><br/>\n<A data-x=\"1\"\n href=\"../files/" + file + "#sha256=x&amp;y\" rel=internal> " + file + " </A>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if user, password, ok := r.BasicAuth(); !ok || user != "user" || password != "hunter2" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				switch r.URL.Path {
				case "/simple/pkg/":
					w.Header().Set("Content-Type", c.kind)
					_, _ = w.Write([]byte(c.page))
				case "/simple/files/" + file:
					_, _ = w.Write(wheel)
				default:
					http.NotFound(w, r)
				}
			})
			o := options(t, server)
			o.Index = strings.Replace(server.URL, "http://", "http://user:hunter2@", 1) + "/simple/"
			source, err := Ensure(t.Context(), artifact, o)
			if err != nil || strings.Contains(source, "hunter2") {
				t.Fatalf("from %q, %v", source, err)
			}
			wantFile(t, o, artifact)
		})
	}
}

func TestEnsureByAnIndexThatHasItNot(t *testing.T) {
	t.Parallel()
	artifact, _ := wheeled(t, noise(10))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		wanted string
	}{
		"unknown package": {http.NotFound, "404"},
		"other versions":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<a href=x>pkg-0.9.whl</a>")) }, "the index has no pkg-1.0"},
		"no address": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<a href='file:///etc/passwd'>" + artifact.Wheel.File + "</a>"))
		}, "no address"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{"))
		}, "the index has no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.answer)
			o := options(t, server)
			o.Index = server.URL
			if _, err := Ensure(t.Context(), artifact, o); err == nil || !strings.Contains(err.Error(), c.wanted) {
				t.Errorf("got %v, want it with %q", err, c.wanted)
			}
		})
	}
}

func TestMirrorHoldsWhatEnsureWants(t *testing.T) {
	t.Parallel()
	data := noise(5_000)
	inside, wheel := wheeled(t, data)
	origin := t.TempDir()
	for name, content := range map[string][]byte{"m.bin": data, inside.Wheel.File: wheel} {
		if err := os.WriteFile(filepath.Join(origin, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := options(t, nil)
	made.Mirrors = []string{origin}
	for _, artifact := range []artifacts.Artifact{plain(data), inside} {
		for range 2 { // the second time it lies there
			if _, err := Mirror(t.Context(), artifact, made); err != nil {
				t.Fatalf("mirror %s: %v", artifact.Title, err)
			}
			made.Mirrors = nil
		}
		o := options(t, nil)
		o.Mirrors = []string{made.Dir}
		if _, err := Ensure(t.Context(), artifact, o); err != nil {
			t.Fatalf("fetch %s from the new mirror: %v", artifact.Title, err)
		}
		wantFile(t, o, artifact)
		made.Mirrors = []string{origin}
	}
}

func TestLockWaitsForAnother(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	release, err := Lock(t.Context(), dir, nil)
	if err != nil {
		t.Fatalf("lock: %v", err)
	}
	waited := false
	second, err := Lock(t.Context(), dir, func() { waited = true; release() })
	if err != nil || !waited {
		t.Fatalf("lock a locked folder: waited %v, %v", waited, err)
	}
	second()
}
