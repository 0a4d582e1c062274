package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
)

// made is a folder for what several tests use.
var made string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chortle-dist-")
	if err != nil {
		panic(err)
	}
	made = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	var numbers []string
	for _, c := range []struct{ text, want string }{ // in the order in which a package manager must see them
		{"fdf206d-dirty", "0.0.0~20261128.fdf206d.dirty"},
		{"v0.1.0-rc.1", "0.1.0~rc.1"},
		{"v0.1.0", "0.1.0"},
		{"v0.1.0-12-gabc1234", "0.1.0+12.gabc1234"},
		{"v0.1.1", "0.1.1"},
	} {
		got := parseVersion(c.text, "20261128")
		if got.number != c.want || got.program != c.text {
			t.Errorf("%s: got %+v, want %s", c.text, got, c.want)
		}
		numbers = append(numbers, got.number)
	}
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("dpkg is not here to compare versions")
	}
	for i := 1; i < len(numbers); i++ {
		if err := exec.Command(dpkg, "--compare-versions", numbers[i-1], "lt", numbers[i]).Run(); err != nil {
			t.Errorf("dpkg does not take %s for older than %s", numbers[i-1], numbers[i])
		}
	}
}

func TestBaseIsPinned(t *testing.T) {
	t.Parallel()
	all, err := parseBase(baseList)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		for _, name := range []string{"libc6", "libstdc++6", "libgcc-s1", "ca-certificates"} {
			if !slices.ContainsFunc(all, func(p pinned) bool { return p.arch == arch && p.name == name }) {
				t.Errorf("base.txt has no %s for %s", name, arch)
			}
		}
	}
	if _, err := parseBase("amd64 libc6 1.0 short"); err == nil {
		t.Error("a line without a SHA-256 is taken")
	}
}

func TestMemberOfAr(t *testing.T) {
	t.Parallel()
	member := func(name, content string) string {
		head := name + strings.Repeat(" ", 48-len(name))
		size := []byte(strings.Repeat(" ", 10))
		copy(size, []byte(string(rune('0'+len(content)))))
		text := head + string(size) + "`\n" + content
		if len(content)%2 == 1 {
			text += "\n"
		}
		return text
	}
	archive := []byte("!<arch>\n" + member("debian-binary", "2.0") + member("data.tar.xz/", "hello"))
	if got, err := memberOfAr(archive, "data.tar.xz"); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, damaged := range [][]byte{nil, []byte("!<arch>\n"), archive[:len(archive)-4], []byte("no archive")} {
		if _, err := memberOfAr(damaged, "data.tar.xz"); err == nil {
			t.Errorf("%q: no error", damaged)
		}
	}
}

// The same tree gives the same bytes, with nothing of this machine's in them.
func TestTarIsReproducible(t *testing.T) {
	t.Parallel()
	files := tree{{"bin/a", 0o755, []byte("program")}, {"share/doc/b", 0o644, []byte("page")}}
	var first, second bytes.Buffer
	at := time.Unix(1_700_000_000, 0).UTC()
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := writeTar(w, files, "chortle-1", at); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two archives of one tree differ")
	}
	var names []string
	for in := tar.NewReader(&first); ; {
		header, err := in.Next()
		if err != nil {
			break
		}
		names = append(names, header.Name)
		if header.Uid != 0 || header.Gid != 0 || header.Uname != "" || !header.ModTime.Equal(at) {
			t.Errorf("%s: owner %d:%d %q, time %v", header.Name, header.Uid, header.Gid, header.Uname, header.ModTime)
		}
	}
	if want := []string{"chortle-1/", "chortle-1/bin/", "chortle-1/bin/a", "chortle-1/share/", "chortle-1/share/doc/", "chortle-1/share/doc/b"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// The signature is one that minisign itself takes, where that is here.
func TestChecksumsAreSigned(t *testing.T) {
	t.Setenv("CHORTLE_SIGNING_PASSWORD", "correct horse")
	dir := t.TempDir()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := minisign.EncryptKey("correct horse", private)
	if err != nil {
		t.Fatal(err)
	}
	keyFile, publicFile := filepath.Join(dir, "secret.key"), filepath.Join(dir, "public.key")
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{keyFile: key, publicFile: text} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &release{out: filepath.Join(dir, "dist"), version: version{number: "1.0.0"}}
	if err := os.Mkdir(r.out, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.out, "a.deb"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.checksums(keyFile); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(r.out, sumsFile))
	if err != nil || !strings.HasSuffix(string(list), "  a.deb\n") {
		t.Errorf("list %q, %v", list, err)
	}
	signature, err := os.ReadFile(filepath.Join(r.out, sumsFile+".minisig"))
	if err != nil || !minisign.Verify(public, list, signature) || minisign.Verify(public, append(list, ' '), signature) {
		t.Errorf("the signature does not hold: %v", err)
	}
	tool, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not here")
	}
	if said, err := exec.Command(tool, "-V", "-p", publicFile, "-m", filepath.Join(r.out, sumsFile)).CombinedOutput(); err != nil {
		t.Errorf("minisign: %v: %s", err, said)
	}
}

// checkout is a release of the checkout that this test is part of.
func checkout(t *testing.T, named string) *release {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	r := &release{root: root, work: filepath.Join(root, "build", "dist"), out: t.TempDir(), time: time.Unix(1_700_000_000, 0).UTC(),
		version: parseVersion(named, "20231114")}
	r.mirrors = r.near("")
	return r
}

func TestBOMListsWhatIsInside(t *testing.T) {
	t.Parallel()
	r := checkout(t, "v9.0.0")
	r.work = t.TempDir()
	for _, program := range []string{"orchestrator", "inferd"} {
		if _, err := r.build(context.Background(), program, "amd64"); err != nil {
			t.Fatal(err)
		}
	}
	first, err := r.bom("amd64")
	if err != nil {
		t.Fatal(err)
	}
	var list bom
	if err := json.Unmarshal(first, &list); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"std", "google.golang.org/grpc", "modernc.org/sqlite", "yamnet.tflite", "libtensorflowlite_c.so", "libopus.so"} {
		if !slices.ContainsFunc(list.Components, func(c component) bool { return c.Name == want }) {
			t.Errorf("%s is not in the list", want)
		}
	}
	if again, err := r.bom("amd64"); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second list differs: %v", err)
	}
	licences, err := r.licences(t.Context(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Apache License", "modernc.org/sqlite", "Internet Society", "Go: LICENSE"} {
		if !strings.Contains(string(licences), want) {
			t.Errorf("the licences do not hold %q", want)
		}
	}
}
