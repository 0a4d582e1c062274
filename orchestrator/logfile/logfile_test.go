package logfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/logfile"
)

func TestOneFileADay(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "log")
	now := time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC)
	f := logfile.New(dir, 2, func() time.Time { return now })
	t.Cleanup(func() { f.Close() })
	write := func(line string) {
		t.Helper()
		if _, err := f.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	other := filepath.Join(dir, "notes.log")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(24 * time.Hour)
		write("next")
	}
	write("again")
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(names, " "), dir+"/", "")
	if got != "chortle-2026-11-23.log chortle-2026-11-24.log chortle-2026-11-25.log notes.log" {
		t.Errorf("files: %s", got)
	}
	content, err := os.ReadFile(filepath.Join(dir, "chortle-2026-11-25.log"))
	if err != nil || string(content) != "next\nagain\n" {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := os.Stat(names[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := logfile.New(filepath.Join(file, "log"), 0, time.Now)
	if _, err := f.Write([]byte("x\n")); err == nil || !strings.Contains(err.Error(), "CHORTLE_LOG_DIR") {
		t.Errorf("%v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	tail := logfile.Tail{Limit: 20}
	for range 1000 {
		if _, err := tail.Write([]byte("1234567\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(tail.Bytes()); got != "1234567\n1234567\n" {
		t.Errorf("%q", got)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := logfile.New(dir, 0, time.Now)
	t.Cleanup(func() { f.Close() })
	for _, line := range []string{"day done user=alice", `{"user":"alice"}`, "alice", "nothing of alice.", "alice-b has more", "malice", "alice.c", "no newline alice"} {
		if _, err := f.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Forget("alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("next\n")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil || string(content) != "alice-b has more\nmalice\nalice.c\nnext\n" {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := logfile.Forget(filepath.Join(dir, "nowhere"), "alice"); err != nil {
		t.Errorf("no file: %v", err)
	}
	tail := logfile.Tail{Limit: 100}
	for _, line := range []string{"one", "of alice", "malice"} {
		if _, err := tail.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if tail.Forget("alice"); string(tail.Bytes()) != "one\nmalice\n" {
		t.Errorf("tail: %q", tail.Bytes())
	}
}

// Another process forgets a word, or takes the file away: what is written afterwards is in the file of that name.
func TestAFileThatIsReplacedIsOpenedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	writing, other := logfile.New(dir, 0, now), logfile.New(dir, 0, now)
	t.Cleanup(func() { writing.Close() })
	write := func(line string) {
		t.Helper()
		if _, err := writing.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	content := func() string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("of alice")
	write("of bob")
	if err := other.Forget("alice"); err != nil {
		t.Fatal(err)
	}
	write("of bob again")
	if got := content(); got != "of bob\nof bob again\n" {
		t.Errorf("after a word was forgotten: %q", got)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	write("and again")
	if got := content(); got != "and again\n" {
		t.Errorf("after it was taken away: %q", got)
	}
}
