package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "models.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := write(t, `
[b]
about = "words"
command = ["python", "-m", "a model"]
dir = "/opt/b"
env = { B = "2", A = "x=y" }
sha256 = "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
[a]
command = "bin/python 'my model.py'"
dir = "venv"
`)
	folder := filepath.Dir(path)
	got, err := Read(path)
	want := []Entry{
		{Name: "a", Command: []string{filepath.Join(folder, "venv/bin/python"), "my model.py"}, Dir: filepath.Join(folder, "venv")},
		{Name: "b", About: "words", Command: []string{"python", "-m", "a model"}, Dir: "/opt/b", Env: []string{"A=x=y", "B=2"},
			SHA256: strings.Repeat("abcdef0123456789", 4)},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if e, ok := Find(got, []string{"b"}); !ok || e.Dir != "/opt/b" {
		t.Errorf("found %v, %v", e, ok)
	}
	if e, ok := Find(got, []string{"b", "c"}); ok {
		t.Errorf("found %v", e)
	}
	if none, err := Read(""); none != nil || err != nil {
		t.Errorf("without a file: %v, %v", none, err)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for content, says := range map[string]string{
		"[a]":                                   "command is missing",
		"[a]\ncommand = 7":                      "want a text, or a list of texts",
		"[a]\ncommand = ['x', 7]":               "want texts",
		"[a]\ncommand = \"'x\"":                 "left open",
		"[a]\ncommand = ''":                     "command is missing",
		"[A]\ncommand = 'x'":                    `model "A"`,
		"[a]\ncomand = 'x'":                     "a.comand is not known",
		"[a]\ncommand = 'x'\nsha256 = 'abc'":    "64 hexadecimal digits",
		"[a]\ncommand = 'x'\nenv = {'A B'='c'}": "env",
		"\n[a\n":                                "line 3",
	} {
		if got, err := Read(write(t, content)); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "read models ") {
			t.Errorf("%q: %v, %v; want an error that says %q", content, got, err, says)
		}
	}
	if _, err := Read("/no/such/models.toml"); err == nil || !strings.Contains(err.Error(), "CHORTLE_MODELS_FILE") {
		t.Errorf("no such file: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[a]\ncommand = 'x y'\n")
	f.Add("a = 1")
	f.Fuzz(func(t *testing.T, content string) {
		entries, err := Read(write(t, content))
		for _, e := range entries {
			if err != nil || len(e.Command) == 0 || e.Dir == "" {
				t.Errorf("accepted %+v (%v)", e, err)
			}
		}
	})
}
