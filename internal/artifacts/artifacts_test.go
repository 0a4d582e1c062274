package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestForKnowsItsMachines(t *testing.T) {
	t.Parallel()
	for _, arch := range []string{"amd64", "arm64"} {
		all, err := For("linux", arch)
		if err != nil || len(all) != 4 {
			t.Fatalf("%s: %d artifacts, %v; want 4", arch, len(all), err)
		}
		for i, place := range []string{Model, TFLite, Opus, FFmpeg} {
			a := all[i]
			if a.Place != place || len(a.SHA256) != 64 || a.Size == 0 || (len(a.URLs) == 0) == (a.Wheel == nil) {
				t.Errorf("%s: %+v is not a complete artifact at %s", arch, a, place)
			}
			if named, err := Named(place, "linux", arch); err != nil || named.SHA256 != a.SHA256 {
				t.Errorf("%s: Named(%s) gives %+v, %v", arch, place, named, err)
			}
		}
	}
	for machine, wanted := range map[[2]string]string{
		{"linux", "arm"}: "64-bit", {"linux", "riscv64"}: "riscv64", {"darwin", "arm64"}: "runs on Linux",
	} {
		_, err := For(machine[0], machine[1])
		if unsupported := (*UnsupportedError)(nil); !errors.As(err, &unsupported) || !strings.Contains(err.Error(), wanted) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v, want one sentence with %q", machine, err, wanted)
		}
	}
}

// The bench and the wheel's lock file stand beside this table; they must name the same wheels.
func TestPinsAreThoseOfTheRequirements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../python/requirements-runtime.txt")
	if err != nil {
		t.Fatal(err)
	}
	for arch, all := range pinned {
		for _, a := range all {
			if a.Wheel == nil {
				continue
			}
			if want := fmt.Sprintf("%s==%s ", a.Wheel.Package, a.Wheel.Version); !strings.Contains(string(text), want) {
				t.Errorf("%s: requirements-runtime.txt has no %q", arch, want)
			}
			if !strings.Contains(string(text), "--hash=sha256:"+a.Wheel.SHA256) {
				t.Errorf("%s: requirements-runtime.txt has no wheel of %s with sha256 %s", arch, a.Title, a.Wheel.SHA256)
			}
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("laugh"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "1fd0d4e58d05d34f71d52dcb9e0a3a16a17c0ab3bb7a0b4c2f33c0a1c0b7e3f5"
	good := Artifact{Size: 5, SHA256: digestOf(t, "laugh")}
	if err := good.Check(path); err != nil {
		t.Errorf("a whole file: %v", err)
	}
	for _, c := range []struct {
		artifact Artifact
		path     string
		wanted   string
	}{
		{Artifact{Size: 4, SHA256: good.SHA256}, path, "5 bytes, want 4"},
		{Artifact{Size: 5, SHA256: sum}, path, "sha256"},
		{good, filepath.Dir(path), "bytes"},
	} {
		if err := c.artifact.Check(c.path); err == nil || !strings.Contains(err.Error(), c.wanted) {
			t.Errorf("got %v, want an error with %q", err, c.wanted)
		}
	}
	if err := good.Check(path + ".gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v, want ErrNotExist", err)
	}
}

func digestOf(t *testing.T, text string) string {
	t.Helper()
	sum, err := digest(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestPathPrefersThePackagedFile(t *testing.T) {
	t.Parallel()
	prefix, cache := t.TempDir(), t.TempDir()
	program := filepath.Join(prefix, "bin", "orchestrator")
	packaged := filepath.Join(prefix, "lib", "chortle", TFLite)
	for _, path := range []string{program, packaged} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "chortle")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"CHORTLE_CACHE_DIR": cache}[name] }
	for _, executable := range []string{program, link} {
		folders := Locate(executable, getenv)
		if got := folders.Path(TFLite); got != packaged {
			t.Errorf("%s: TF Lite is looked for at %s, want %s", executable, got, packaged)
		}
		if got, want := folders.Path(Model), filepath.Join(cache, Model); got != want {
			t.Errorf("%s: the model is looked for at %s, want %s", executable, got, want)
		}
	}
	for _, elsewhere := range []string{"", filepath.Join(prefix, "orchestrator"), filepath.Join(cache, "bin", "orchestrator")} {
		if got := Locate(elsewhere, getenv); got.Packaged != "" {
			t.Errorf("%q: packaged folder %s, want none", elsewhere, got.Packaged)
		}
	}
	if got := (Folders{}).Path(Model); got != "" {
		t.Errorf("without folders: got %q, want nothing", got)
	}
}

func TestDir(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environment map[string]string
		want        string
	}{
		{map[string]string{"CHORTLE_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"},
		{map[string]string{"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/chortle"},
		{map[string]string{"XDG_CACHE_HOME": "relative", "HOME": "/c"}, "/c/.cache/chortle"},
		{nil, ""},
	} {
		if got := Dir(func(name string) string { return c.environment[name] }); got != c.want {
			t.Errorf("%v: got %q, want %q", c.environment, got, c.want)
		}
	}
}

// What the loader of glibc says, as it was seen.
func TestUnloadableNamesTheRemedy(t *testing.T) {
	t.Parallel()
	for said, wanted := range map[string]string{
		"/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by x.so)": "libstdc++ is too old",
		"/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by x.so)":          "C library is too old",
		"libstdc++.so.6: cannot open shared object file: No such file or directory":                   "apt install libstdc++6",
		"libgcc_s.so.1: cannot open shared object file: No such file or directory":                    "libgcc",
		"x.so: wrong ELF class: ELFCLASS32":                                                           "orchestrator setup",
	} {
		if err := Unloadable("/cache/lib/x.so", errors.New(said)); !strings.Contains(err.Error(), wanted) || !strings.Contains(err.Error(), said) {
			t.Errorf("%q: got %v, want it with %q", said, err, wanted)
		}
	}
}

func TestOpenReallyLoads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "libnothing.so")
	if err := os.WriteFile(path, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Open(path); err == nil || !strings.Contains(err.Error(), "libnothing.so") {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	half := filepath.Join(t.TempDir(), "libhalf.so")
	program, err := os.ReadFile("/proc/self/exe") // an ELF file
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(half, program[:len(program)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Open(half); err == nil {
		t.Error("half a file was loaded")
	}
	if err := Open("libc.so.6"); err != nil {
		t.Errorf("the C library cannot be loaded: %v", err)
	}
}
