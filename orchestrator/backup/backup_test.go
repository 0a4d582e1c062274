package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 22, 4, 0, 0, 123456000, time.UTC)

// key is this machine's.
var key = Key{ID: "0a0b0c0d", Secret: []byte("a secret of thirty-two bytes....")}

// memory is a database of one table, and a clip store.
type memory struct {
	rows  [][]any
	clips map[string]string
	fail  error
	dir   string
}

func (m *memory) Dump(_ context.Context, write func(orchestrator.Table) error) (int64, error) {
	return 7, write(orchestrator.Table{Name: "laughs", Columns: []string{"id", "clip", "score", "start_at", "data", "star", "none"},
		Rows: func(yield func([]any, error) bool) {
			for _, row := range m.rows {
				if !yield(row, nil) {
					return
				}
			}
		}})
}

func (m *memory) Load(_ context.Context, dump orchestrator.Dump) (orchestrator.Loaded, error) {
	m.rows = nil
	var keys []string
	for table, err := range dump.Tables {
		if err != nil {
			return orchestrator.Loaded{}, err
		}
		for row, err := range table.Rows {
			if err != nil {
				return orchestrator.Loaded{}, err
			}
			m.rows = append(m.rows, row)
			keys = append(keys, row[1].(string))
		}
	}
	return orchestrator.Loaded{}, errors.Join(dump.Commit(keys), m.fail)
}

func (m *memory) Put(_ context.Context, key string, data []byte) error {
	m.clips[key] = string(data)
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error { delete(m.clips, key); return nil }

func (m *memory) Open(_ context.Context, key string) (io.ReadSeekCloser, orchestrator.ClipInfo, error) {
	text, ok := m.clips[key]
	if !ok {
		return nil, orchestrator.ClipInfo{}, orchestrator.ErrNotFound
	}
	return opened{strings.NewReader(text)}, orchestrator.ClipInfo{Size: int64(len(text)), ModTime: time.Unix(0, 0)}, nil
}

func (m *memory) Keys(context.Context, string) iter.Seq2[string, error] { panic("nobody lists clips") }

type opened struct{ io.ReadSeeker }

func (opened) Close() error { return nil }

func full(t *testing.T) *memory {
	return &memory{dir: t.TempDir(), clips: map[string]string{"alice/a.opus": "aaa", "alice/b.opus": "bbb", "loose.opus": "x"}, rows: [][]any{
		{int64(1), "alice/a.opus", 1.0, now, []byte{0, 255}, true, nil},
		{int64(1 << 60), "alice/b.opus", 0.1, now.Add(time.Hour), []byte{}, false, nil},
	}}
}

func TestWhatIsWrittenIsRestored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "all.tar")
	m := full(t)
	manifest, err := Write(t.Context(), path, m, m, key, "test", now)
	if err != nil || manifest.Schema != 7 || manifest.Tables["laughs"] != 2 || len(manifest.Missing) != 0 {
		t.Fatalf("%+v, %v", manifest, err)
	}
	if count, size := manifest.Clips(); count != 2 || size != 6 {
		t.Errorf("%d clips of %d bytes", count, size)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
	empty := &memory{dir: t.TempDir(), clips: map[string]string{}}
	restored, _, err := Restore(t.Context(), path, empty, empty, Options{Key: key})
	if err != nil || restored.Clips != 2 {
		t.Fatalf("%+v, %v", restored, err)
	}
	if diff := cmp.Diff(m.rows, empty.rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"alice/a.opus": "aaa", "alice/b.opus": "bbb"}, empty.clips); diff != "" {
		t.Error(diff)
	}
}

func TestAFailedRestorationTakesItsClipsBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "all.tar")
	m := full(t)
	if _, err := Write(t.Context(), path, m, m, key, "test", now); err != nil {
		t.Fatal(err)
	}
	failing := &memory{dir: t.TempDir(), fail: errors.New("no"), clips: map[string]string{"alice/a.opus": "aaa"}}
	if _, _, err := Restore(t.Context(), path, failing, failing, Options{Key: key}); err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(map[string]string{"alice/a.opus": "aaa"}, failing.clips); diff != "" {
		t.Error(diff)
	}
}

func TestAMissingClipIsNoted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "all.tar")
	m := full(t)
	delete(m.clips, "alice/b.opus")
	manifest, err := Write(t.Context(), path, m, m, key, "test", now)
	if err != nil || len(manifest.Missing) != 1 || manifest.Missing[0] != "alice/b.opus" {
		t.Fatalf("%+v, %v", manifest, err)
	}
	empty := &memory{dir: t.TempDir(), clips: map[string]string{}}
	if restored, _, err := Restore(t.Context(), path, empty, empty, Options{Key: key}); err != nil || restored.Clips != 1 {
		t.Errorf("%+v, %v", restored, err)
	}
}

// Whatever is changed, cut off or added, is seen before anything is touched.
func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "all.tar")
	m := full(t)
	if _, err := Write(t.Context(), path, m, m, key, "test", now); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	beginning, _, _ := bytes.Cut(whole, []byte("manifest.json"))
	for name, content := range map[string][]byte{
		"empty":          {},
		"text":           []byte("hello"),
		"cut off":        whole[:len(whole)/2],
		"without an end": beginning,
		"a row changed":  bytes.Replace(whole, []byte("alice/a.opus"), []byte("alice/c.opus"), 1),
		"a clip changed": bytes.Replace(whole, []byte("aaa"), []byte("aab"), 1),
	} {
		damaged := filepath.Join(dir, name)
		if err := os.WriteFile(damaged, content, 0o600); err != nil {
			t.Fatal(err)
		}
		empty := &memory{dir: t.TempDir(), clips: map[string]string{}}
		if _, _, err := Restore(t.Context(), damaged, empty, empty, Options{Key: key}); !errors.Is(err, ErrDamaged) || len(empty.rows)+len(empty.clips) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Verify(t.Context(), filepath.Join(dir, "nowhere"), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Write(t.Context(), filepath.Join(dir, "no", "such", "folder.tar"), m, m, key, "test", now); err == nil {
		t.Error("no folder is no error")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(canceled, filepath.Join(dir, "canceled.tar"), m, m, key, "test", now); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, ".backup-*"))
	if left, _ := filepath.Glob(filepath.Join(dir, atomicfile.Temporary)); len(left)+len(aside) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// FuzzVerify reads archives that anybody may have written: whatever they say of themselves, they are read to their end, or
// damaged.
func FuzzVerify(f *testing.F) {
	f.Add(entry("tables/users.jsonl", `{"table":"users","columns":["name","source","inferd"]}`+"\n"+`["alice","folder:/a",""]`))
	f.Add(sparse(1 << 40))
	f.Add(append(entry(manifestName, `{"format":"chortle-backup-2"}`), entry(markName, `{"key":"0a0b0c0d"}`)...))
	f.Fuzz(func(t *testing.T, archive []byte) {
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(path, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		contents, err := Verify(t.Context(), path, key)
		if err == nil && contents.Origin == OriginKnown {
			t.Errorf("nobody has the key, and it is %s", contents.Origin)
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add([]byte(`[1,0.5,"x",null,true,{"bytes":"AAE="},{"time":"2026-11-22T04:00:00Z"}]`))
	f.Add([]byte(`[{"time":1},[],{}]`))
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := parseRow(line)
		if err != nil {
			return
		}
		written, err := appendRow(nil, row)
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		again, err := parseRow(bytes.TrimSpace(written))
		if err != nil || !cmp.Equal(row, again) && !strings.Contains(string(line), "time") { // zones and leap seconds are not kept
			t.Fatalf("%q: %v became %v, %v", line, row, again, err)
		}
	})
}
