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
	"os"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrDamaged marks a file that is no whole backup.
var ErrDamaged = errors.New("the backup is damaged; take another one")

// maxManifest and maxClip bound what is read into memory.
const maxManifest, maxClip = 1 << 30, 256 << 20

// Verify reads a whole backup, compares every file in it with its hash, and returns what it holds.
func Verify(ctx context.Context, path string) (Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("verify backup: %w", err)
	}
	defer file.Close()
	manifest, err := verify(ctx, file)
	if err != nil {
		return manifest, fmt.Errorf("verify backup %s: %w", path, err)
	}
	return manifest, nil
}

func verify(ctx context.Context, r io.Reader) (manifest Manifest, err error) {
	found := map[string]File{}
	err = entries(ctx, r, func(name string, size int64, content io.Reader) error {
		if name == manifestName {
			if err := json.NewDecoder(io.LimitReader(content, maxManifest)).Decode(&manifest); err != nil {
				return fmt.Errorf("%w: its manifest: %w", ErrDamaged, err)
			}
			return nil
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, content); err != nil {
			return err
		}
		found[name] = File{size, hex.EncodeToString(hash.Sum(nil))}
		return nil
	})
	switch {
	case err != nil:
		return manifest, err
	case manifest.Format == "":
		return manifest, fmt.Errorf("%w: it has no manifest", ErrDamaged)
	case manifest.Format != format:
		return manifest, fmt.Errorf("%w: its format is %q, this program knows %q", ErrDamaged, manifest.Format, format)
	}
	for name, want := range manifest.Files {
		switch got, ok := found[name]; {
		case !ok:
			return manifest, fmt.Errorf("%w: %s is not in it", ErrDamaged, name)
		case got != want:
			return manifest, fmt.Errorf("%w: %s is not what was written", ErrDamaged, name)
		}
		delete(found, name)
	}
	for name := range found {
		return manifest, fmt.Errorf("%w: %s was added", ErrDamaged, name)
	}
	return manifest, nil
}

// entries calls each for every file of an archive, in order.
func entries(ctx context.Context, r io.Reader, each func(name string, size int64, content io.Reader) error) error {
	archive := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if err := each(header.Name, header.Size, archive); err != nil {
			return err
		}
	}
}

// Restored tells what became of a backup that was restored.
type Restored struct {
	orchestrator.Loaded
	// Clips that were written.
	Clips int
}

// Restore verifies a backup, then stores it: all of it, or nothing. The database must be empty, or replace be
// true. Users who were purged since the backup was taken are left out with all that is theirs.
//
// Errors: ErrDamaged, orchestrator.ErrExists, and those of the database.
func Restore(ctx context.Context, path string, database Database, clips orchestrator.Clips, replace bool) (Restored, Manifest, error) {
	var restored Restored
	manifest, err := Verify(ctx, path)
	if err != nil {
		return restored, manifest, err
	}
	file, err := os.Open(path)
	if err != nil {
		return restored, manifest, fmt.Errorf("restore backup: %w", err)
	}
	defer file.Close()
	r := restorer{file: file, manifest: manifest, clips: clips}
	restored.Loaded, err = database.Load(ctx, orchestrator.Dump{Schema: manifest.Schema, Replace: replace,
		Tables: func(yield func(orchestrator.Table, error) bool) { r.tables(ctx, yield) },
		Commit: func(keys []string) error { return r.putClips(ctx, keys) },
	})
	if err != nil {
		// What was put is of no use without its rows. What it wrote over is the sound of the same laughs.
		for _, key := range r.fresh {
			err = errors.Join(err, clips.Delete(context.WithoutCancel(ctx), key))
		}
		return restored, manifest, fmt.Errorf("restore backup: %w", err)
	}
	for _, key := range restored.Replaced {
		if err := clips.Delete(ctx, key); err != nil {
			return restored, manifest, fmt.Errorf("restore backup: it is restored, but a clip from before is left: %w", err)
		}
	}
	restored.Clips = r.put
	return restored, manifest, nil
}

// restorer is a restoration under way.
type restorer struct {
	file     *os.File
	manifest Manifest
	clips    orchestrator.Clips
	put      int
	fresh    []string // keys that were put where there was nothing
}

// errEnough ends a walk through the archive.
var errEnough = errors.New("enough")

// tables yields the tables of the archive in their order.
func (r *restorer) tables(ctx context.Context, yield func(orchestrator.Table, error) bool) {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		yield(orchestrator.Table{}, err)
		return
	}
	err := entries(ctx, r.file, func(name string, _ int64, content io.Reader) error {
		if !strings.HasPrefix(name, tablesDir) {
			return nil
		}
		table, err := readTable(content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !yield(table, nil) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		yield(orchestrator.Table{}, err)
	}
}

// putClips stores the clips of these keys, and no others.
func (r *restorer) putClips(ctx context.Context, keys []string) error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err := entries(ctx, r.file, func(name string, size int64, content io.Reader) error {
		key, isClip := strings.CutPrefix(name, clipsDir)
		if _, wanted := slices.BinarySearch(keys, key); !isClip || !wanted {
			return nil
		}
		if size > maxClip {
			return fmt.Errorf("%w: %s is too large", ErrDamaged, name)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != r.manifest.Files[name].SHA256 { // the file was changed since
			return fmt.Errorf("%w: %s is not what was written", ErrDamaged, name)
		}
		old, _, err := r.clips.Open(ctx, key)
		switch {
		case errors.Is(err, orchestrator.ErrNotFound):
			r.fresh = append(r.fresh, key)
		case err != nil:
			return err
		default:
			_ = old.Close() // only its being there counts
		}
		r.put++
		return r.clips.Put(ctx, key, data)
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, has := r.manifest.Files[clipsDir+key]; !has && !slices.Contains(r.manifest.Missing, key) {
			return fmt.Errorf("%w: the clip %s of a laugh is not in it", ErrDamaged, key)
		}
	}
	return nil
}
