package backup

import (
	"archive/tar"
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
	"time"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	format       = "chortle-backup-2"
	firstFormat  = "chortle-backup-1" // without a mark
	manifestName = "manifest.json"
	tablesDir    = "tables/"
	clipsDir     = "clips/"
)

// Manifest says what a backup holds.
type Manifest struct {
	Format    string    `json:"format"`
	CreatedAt time.Time `json:"created_at"`
	// Program is the version of the program that wrote it, Schema that of the database.
	Program string `json:"program"`
	Schema  int64  `json:"schema"`
	// Tables holds the number of rows by table.
	Tables map[string]int64 `json:"tables"`
	// Files by their name in the archive.
	Files map[string]File `json:"files"`
	// Missing are clips that a laugh refers to and that were not there.
	Missing []string `json:"missing"`
}

// File is one file of a backup.
type File struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Clips counts the clips and their bytes.
func (m Manifest) Clips() (count int, bytes int64) {
	for name, file := range m.Files {
		if len(name) > len(clipsDir) && name[:len(clipsDir)] == clipsDir {
			count++
			bytes += file.Size
		}
	}
	return count, bytes
}

// Database is what a backup is taken of and restored into.
type Database interface {
	Dump(ctx context.Context, write func(orchestrator.Table) error) (schema int64, err error)
	Load(ctx context.Context, dump orchestrator.Dump) (orchestrator.Loaded, error)
}

// Write writes a backup to path: beside it first, then read back and compared, and only then under its
// name. Nobody may delete clips meanwhile; rows that are added meanwhile are not in it. key marks it, so that Restore
// knows it again. program is the version of this program. What writers that were killed left beside it is removed.
func Write(ctx context.Context, path string, database Database, clips orchestrator.Clips, key Key, program string, now time.Time) (contents Contents, err error) {
	dir := filepath.Dir(path)
	if err := sweep(dir, now); err != nil {
		return contents, fmt.Errorf("write backup: %w; let this user write there, or name another place", err)
	}
	w := writer{dir: dir, now: now, key: key,
		manifest: Manifest{Format: format, CreatedAt: now.UTC(), Program: program, Tables: map[string]int64{}, Files: map[string]File{}, Missing: []string{}}}
	began := false
	err = atomicfile.Write(path, 0o600, func(file *os.File) error { // for its owner's eyes only
		began, w.tar = true, tar.NewWriter(file)
		if err := flock.TryLock(file); err != nil {
			return err
		}
		if err := w.all(ctx, database, clips); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		if contents, err = verify(ctx, file, key); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		return nil
	})
	switch {
	case err != nil && !began:
		return contents, fmt.Errorf("write backup: %w; let this user write there, or name another place", err)
	case err != nil:
		return contents, fmt.Errorf("write backup: %w", err)
	}
	return contents, nil
}

// writer is a backup under way.
type writer struct {
	tar      *tar.Writer
	dir      string // for what has to lie aside until its size is known
	now      time.Time
	key      Key
	manifest Manifest
}

func (w *writer) all(ctx context.Context, database Database, clips orchestrator.Clips) (err error) {
	keys := map[string]bool{}
	w.manifest.Schema, err = database.Dump(ctx, func(table orchestrator.Table) error { return w.table(table, keys) })
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		clip, info, err := clips.Open(ctx, key)
		if errors.Is(err, orchestrator.ErrNotFound) {
			w.manifest.Missing = append(w.manifest.Missing, key)
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(w.add(clipsDir+key, clip, info.Size, info.ModTime), clip.Close()); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := w.last(manifestName, content); err != nil {
		return err
	}
	marked, err := w.key.mark(content)
	if err == nil && marked != nil {
		err = w.last(markName, marked)
	}
	if err != nil {
		return err
	}
	return w.tar.Close()
}

// last adds a file that the manifest does not name.
func (w *writer) last(name string, content []byte) error {
	header := tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: w.now, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(&header); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

// asidePattern names the tables that lie beside a backup while it is written.
const asidePattern = ".backup-*.partial"

// abandoned is for how long a temporary file of any writer must have been left alone to be nobody's.
const abandoned = time.Minute

// sweep removes what writers of backups that were killed left in a folder: it holds whole tables, also of users who are
// purged since. A writer that lives holds a lock on its files.
func sweep(dir string, now time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		ours, _ := filepath.Match(asidePattern, entry.Name())
		anybodys, _ := filepath.Match(atomicfile.Temporary, entry.Name())
		if !entry.Type().IsRegular() || !ours && !anybodys {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if info, err := entry.Info(); err != nil || anybodys && now.Sub(info.ModTime()).Abs() < abandoned || inUse(path) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// inUse tells whether somebody holds a file, or it cannot be found out.
func inUse(path string) bool {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return true
	}
	held := flock.TryLock(file) != nil
	return file.Close() != nil || held
}

// table adds a table, and notes the clips that its rows refer to.
func (w *writer) table(table orchestrator.Table, keys map[string]bool) error {
	aside, err := os.CreateTemp(w.dir, asidePattern)
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(aside.Close(), os.Remove(aside.Name())) }()
	if err := flock.TryLock(aside); err != nil {
		return err
	}
	clip := slices.Index(table.Columns, "clip")
	rows, err := writeTable(aside, table, func(row []any) {
		if table.Name != "laughs" || clip < 0 {
			return
		}
		if key, _ := row[clip].(string); key != "" {
			keys[key] = true
		}
	})
	if err != nil {
		return err
	}
	w.manifest.Tables[table.Name] = rows
	if _, err := aside.Seek(0, io.SeekStart); err != nil {
		return err
	}
	info, err := aside.Stat()
	if err != nil {
		return err
	}
	return w.add(tablesDir+table.Name+".jsonl", aside, info.Size(), info.ModTime())
}

// add copies content of a size into the archive and notes its hash.
func (w *writer) add(name string, content io.Reader, size int64, modified time.Time) error {
	header := tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: modified, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(&header); err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w.tar, hash), content); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	w.manifest.Files[name] = File{size, hex.EncodeToString(hash.Sum(nil))}
	return nil
}
