package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
)

// people is a database that has one table of users, and remembers what was loaded.
type people struct {
	*memory
	users [][]any
}

func (p *people) Dump(_ context.Context, write func(orchestrator.Table) error) (int64, error) {
	return 7, write(orchestrator.Table{Name: "users", Columns: []string{"name", "source", "inferd"}, Rows: func(yield func([]any, error) bool) {
		for _, row := range p.users {
			if !yield(row, nil) {
				return
			}
		}
	}})
}

func (p *people) Load(_ context.Context, dump orchestrator.Dump) (orchestrator.Loaded, error) {
	p.users = nil
	for table, err := range dump.Tables {
		if err != nil {
			return orchestrator.Loaded{}, err
		}
		for row, err := range table.Rows {
			if err != nil {
				return orchestrator.Loaded{}, err
			}
			p.users = append(p.users, slices.Clone(row))
		}
	}
	return orchestrator.Loaded{}, dump.Commit(nil)
}

func peopleOf(t *testing.T, rows ...[]any) *people {
	return &people{memory: &memory{dir: t.TempDir(), clips: map[string]string{}}, users: rows}
}

// rewrite makes an archive anew: files is changed by change, the hashes of the manifest are made right again, and the
// mark stays what it was.
func rewrite(t *testing.T, path string, change func(files map[string][]byte)) string {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(bytes.NewReader(whole)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
	change(files)
	var manifest Manifest
	if err := json.Unmarshal(files[manifestName], &manifest); err != nil {
		t.Fatal(err)
	}
	var made bytes.Buffer
	archive := tar.NewWriter(&made)
	add := func(name string, content []byte) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != manifestName && name != markName {
			sum := sha256.Sum256(files[name])
			manifest.Files[name] = File{int64(len(files[name])), hex.EncodeToString(sum[:])}
			add(name, files[name])
		}
	}
	content, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	add(manifestName, content)
	if marked := files[markName]; marked != nil {
		add(markName, marked)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "rewritten.tar")
	if err := os.WriteFile(to, made.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// H3: what another wrote, or changed, is refused where there is a key, and never brings a command that nobody confirmed.
func TestOrigin(t *testing.T) {
	t.Parallel()
	const good, evil = "python -m mine", "sh -c id"
	written := func(k Key) string {
		path := filepath.Join(t.TempDir(), "all.tar")
		p := peopleOf(t, []any{"alice", "folder:/a", good}, []any{"bob", "folder:/b", ""})
		if _, err := Write(t.Context(), path, p, p, k, "test", now); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := Key{ID: "ffffffff", Secret: []byte("another secret of thirty-two ...")}
	swap := func(files map[string][]byte) {
		files["tables/users.jsonl"] = bytes.ReplaceAll(files["tables/users.jsonl"], []byte(good), []byte(evil))
	}
	strip := func(files map[string][]byte) { swap(files); delete(files, markName) }
	old := func(files map[string][]byte) {
		delete(files, markName)
		files[manifestName] = bytes.ReplaceAll(files[manifestName], []byte(format), []byte(firstFormat))
	}
	sure := func(u User) bool { return u == User{Name: "alice", Model: good} }
	for name, c := range map[string]struct {
		path    string
		options Options
		origin  Origin
		fails   error
		command string // alice's, afterwards
	}{
		"ours":                                {written(key), Options{Key: key}, OriginKnown, nil, good},
		"ours, changed":                       {rewrite(t, written(key), swap), Options{Key: key}, "", ErrDamaged, ""},
		"ours, changed, whoever wrote it":     {rewrite(t, written(key), swap), Options{Key: key, Anybody: true, Confirmed: sure}, "", ErrDamaged, ""},
		"ours, changed, the mark taken away":  {rewrite(t, written(key), strip), Options{Key: key}, OriginUnmarked, ErrUnauthenticated, ""},
		"the same, whoever wrote it":          {rewrite(t, written(key), strip), Options{Key: key, Anybody: true, Confirmed: sure}, OriginUnmarked, nil, ""},
		"of another key":                      {written(other), Options{Key: key}, OriginOtherKey, ErrUnauthenticated, ""},
		"of another key, whoever wrote it":    {written(other), Options{Key: key, Anybody: true}, OriginOtherKey, nil, ""},
		"the same, its command is known here": {written(other), Options{Key: key, Anybody: true, Confirmed: sure}, OriginOtherKey, nil, good},
		"marked, without a key here":          {written(key), Options{}, OriginUnchecked, nil, ""},
		"unmarked, without a key here":        {written(Key{}), Options{}, OriginUnmarked, nil, ""},
		"of an older program":                 {rewrite(t, written(key), old), Options{Key: key}, OriginUnmarked, ErrUnauthenticated, ""},
		"an older one, whoever wrote it":      {rewrite(t, written(key), old), Options{Key: key, Anybody: true}, OriginUnmarked, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := peopleOf(t)
			restored, contents, err := Restore(t.Context(), c.path, p, p, c.options)
			if !errors.Is(err, c.fails) || (c.fails == nil) != (err == nil) || contents.Origin != c.origin {
				t.Fatalf("%q, %v", contents.Origin, err)
			}
			if err != nil {
				if len(p.users) > 0 {
					t.Errorf("loaded %v", p.users)
				}
				return
			}
			if diff := cmp.Diff([][]any{{"alice", "folder:/a", c.command}, {"bob", "folder:/b", ""}}, p.users); diff != "" {
				t.Error(diff)
			}
			if left := c.command == ""; left != (len(restored.LeftOut) == 1) || left && restored.LeftOut[0].Name != "alice" {
				t.Errorf("left out: %v", restored.LeftOut)
			}
			if len(contents.Users) != 2 || contents.Users[0].Source != "folder:/a" {
				t.Errorf("users: %v", contents.Users)
			}
		})
	}
}

// L1, and what its kind could do to the comparison: verification reads no more than the file has, and what it compared
// is what is restored.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "all.tar")
	m := full(t)
	if _, err := Write(t.Context(), path, m, m, Key{}, "test", now); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(headers ...tar.Header) []byte {
		var made bytes.Buffer
		archive := tar.NewWriter(&made)
		for _, header := range headers {
			if err := archive.WriteHeader(&header); err != nil {
				t.Fatal(err)
			}
		}
		_ = archive.Flush() // the headers promise more
		return made.Bytes()
	}
	for name, content := range map[string][]byte{
		"a sparse file": sparse(1 << 62),
		"a file twice":  append(slices.Clone(entry("tables/laughs.jsonl", `{"table":"laughs","columns":["id"]}`)), whole...),
		"a link":        append(pack(tar.Header{Name: "clips/a", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), whole...),
		"more than all": pack(tar.Header{Name: "clips/a", Size: 1 << 40}),
		"a large mark":  append(slices.Clone(whole[:len(whole)-1024]), entry(markName, strings.Repeat(" ", 1<<20))...),
		"behind a mark": append(slices.Clone(whole[:len(whole)-1024]), append(entry(markName, `{}`), entry("clips/x", "x")...)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hostile := filepath.Join(t.TempDir(), "hostile.tar")
			if err := os.WriteFile(hostile, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(t.Context(), hostile, key); !errors.Is(err, ErrDamaged) || name == "a sparse file" && !strings.Contains(err.Error(), "not a plain file") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Verify(t.Context(), os.DevNull, key); err == nil {
		t.Error("a device is no error")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(canceled, path, key); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// entry is a file of an archive, without the archive's end.
func entry(name, content string) []byte {
	var made bytes.Buffer
	archive := tar.NewWriter(&made)
	_ = archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}) // a buffer takes everything
	_, _ = io.WriteString(archive, content)
	_ = archive.Flush()
	return made.Bytes()
}

// sparse is a file of a size that has nothing in it, in PAX's form of GNU's sparse files.
func sparse(size int64) []byte {
	var records string
	for _, record := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=clips/a", fmt.Sprint("GNU.sparse.realsize=", size)} {
		n := len(record) + 3
		if len(fmt.Sprint(n)) == 1 && n > 9 {
			n++
		}
		for len(fmt.Sprintf("%d %s\n", n, record)) != n {
			n = len(fmt.Sprintf("%d %s\n", n, record))
		}
		records += fmt.Sprintf("%d %s\n", n, record)
	}
	header := make([]byte, 512)
	put := func(at int, text string) { copy(header[at:], text) }
	field := func(name string, kind byte, length int) []byte {
		clear(header)
		put(0, name)
		put(100, "0000600\x00")
		put(124, fmt.Sprintf("%011o\x00", length))
		put(136, "00000000000\x00")
		put(148, "        ")
		header[156] = kind
		put(257, "ustar\x0000")
		sum := 0
		for _, b := range header {
			sum += int(b)
		}
		put(148, fmt.Sprintf("%06o\x00 ", sum))
		return slices.Clone(header)
	}
	padded := func(text string) []byte { return append([]byte(text), make([]byte, (512-len(text)%512)%512)...) }
	made := field("./PaxHeaders/a", 'x', len(records))
	made = append(made, padded(records)...)
	made = append(made, field("./GNUSparseFile.0/a", '0', 512)...)
	made = append(made, padded("0\n")...)
	return append(made, make([]byte, 1024)...)
}

// M4's neighbour, L2: what writers that were killed left is removed by the next; what a living one holds stays.
func TestPartialBackupsAreSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{".backup-1.partial", ".backup-2.partial", ".chortle-DEAD.tmp", ".chortle-NEW.tmp", "mine.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("alice"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := now.Add(-time.Hour)
	if err := errors.Join(os.Chtimes(filepath.Join(dir, ".chortle-DEAD.tmp"), long, long), os.Chtimes(filepath.Join(dir, ".chortle-NEW.tmp"), now, now)); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(filepath.Join(dir, ".backup-2.partial"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := flock.TryLock(held); err != nil {
		t.Fatal(err)
	}
	m := full(t)
	if _, err := Write(t.Context(), filepath.Join(dir, "all.tar"), m, m, key, "test", now); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	var names []string
	for _, entry := range left {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{".backup-2.partial", ".chortle-NEW.tmp", "all.tar", "mine.txt"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
