package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestRepair: what can be read of a damaged database comes over, what cannot is counted, and the old file stays as it is.
func TestRepair(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		save(t, s, fmt.Sprintf("user%d", i), 20)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := countLaughs(t, path)
	whole := filepath.Join(filepath.Dir(path), "whole.db")
	tables, err := Repair(t.Context(), path, whole)
	if err != nil || countLaughs(t, whole) != before {
		t.Fatalf("a whole one: %+v, %v", tables, err)
	}
	for _, table := range tables {
		if table.Lost != 0 || table.Loose != 0 {
			t.Errorf("a whole one: %+v", table)
		}
	}
	if _, err := Repair(t.Context(), path, whole); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}

	page := pageOf(t, path, "laughs")
	write(t, path, page*4096, strings.Repeat("noise", 800))
	damaged, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(filepath.Dir(path), "repaired.db")
	if tables, err = Repair(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	after := countLaughs(t, to)
	if after == 0 || after >= before {
		t.Errorf("%d laughs of %d: %+v", after, before, tables)
	}
	for _, table := range tables {
		if table.Name == "laughs" && (table.Read != int64(after) || table.Lost != int64(before-after)) {
			t.Errorf("%+v, of %d laughs %d are left", table, before, after)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(damaged) {
		t.Errorf("the old file was changed, %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "repaired.db.*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := Repair(t.Context(), filepath.Join(t.TempDir(), "none.db"), to+"2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	write(t, path, 0, "no database at all")
	if tables, err := Repair(t.Context(), path, to+"3"); err == nil {
		t.Errorf("no database: %+v", tables)
	}
}

// countLaughs opens a database and counts.
func countLaughs(t *testing.T, path string) (count int) {
	t.Helper()
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	return count
}

// pageOf is a page with rows of a table, counted from 0.
func pageOf(t *testing.T, path, table string) (page int64) {
	t.Helper()
	db, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT pageno - 1 FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY pageno LIMIT 1 OFFSET 1", table).Scan(&page); err != nil {
		t.Skipf("this build of SQLite does not tell its pages: %v", err)
	}
	return page
}
