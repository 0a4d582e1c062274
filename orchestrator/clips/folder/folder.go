// Package folder keeps clips in a folder. A key is a path relative to the
// folder, so the folder may be moved or restored elsewhere together with its database.
package folder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
)

// incoming is where clips are written before they get their name. It is hidden, so no key leads there,
// and lies below the folder, so that renaming stays within one file system.
const incoming = ".incoming"

// Folder keeps clips as files, readable by its owner only. No key leads out of it, not even over a
// symbolic link. Safe for concurrent use; several processes may use one folder.
type Folder struct {
	dir  string
	root *os.Root
	// tree guards the folders' making and removing, so that a clip's folder does not vanish under it.
	tree sync.Mutex
}

var _ orchestrator.Clips = (*Folder)(nil)

// Open opens the folder dir, and makes it where it is not there. Close it after use.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make clip folder: %w", remedy(dir, err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open clip folder: %w", remedy(dir, err))
	}
	return &Folder{dir: dir, root: root}, nil
}

// Close ends the use of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put stores data under key: written beside, synced, renamed, and its folder synced. On error what was
// there before is still there.
func (f *Folder) Put(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := clips.Check(key); err != nil {
		return fmt.Errorf("put clip: %w", err)
	}
	if err := f.put(key, data); err != nil {
		return fmt.Errorf("put clip %s: %w", key, remedy(f.dir, err))
	}
	return nil
}

func (f *Folder) put(key string, data []byte) error {
	if _, err := f.makeFolder(incoming); err != nil {
		return err
	}
	temporary := path.Join(incoming, rand.Text())
	err := atomicfile.Stage(f.root, temporary, 0o600, func(file *os.File) error {
		_, err := file.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	f.tree.Lock()
	defer f.tree.Unlock()
	made, err := f.makeFolder(path.Dir(key))
	if err != nil {
		return errors.Join(err, f.root.Remove(temporary))
	}
	if err := atomicfile.Settle(f.root, temporary, key); err != nil || !made {
		return err
	}
	return f.syncAbove(path.Dir(key))
}

// makeFolder reports whether it had to make anything.
func (f *Folder) makeFolder(name string) (made bool, err error) {
	if _, err := f.root.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, f.root.MkdirAll(name, 0o700)
}

// syncAbove makes a new folder durable: its name in the folder above, and so on up to the root.
func (f *Folder) syncAbove(name string) error {
	for name != "." {
		name = path.Dir(name)
		if err := atomicfile.SyncDir(f.root, name); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes a clip, and the folders that are empty then. One that is not there is no error.
func (f *Folder) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := clips.Check(key); err != nil {
		return fmt.Errorf("delete clip: %w", err)
	}
	f.tree.Lock()
	defer f.tree.Unlock()
	if err := ignoreAbsent(f.root.Remove(key)); err != nil {
		return fmt.Errorf("delete clip %s: %w", key, remedy(f.dir, err))
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if f.root.Remove(dir) != nil {
			break // not empty, or not ours to remove: the clip itself is gone
		}
	}
	return nil
}

// Open implements orchestrator.Clips. What it returns is an *os.File.
func (f *Folder) Open(ctx context.Context, key string) (io.ReadSeekCloser, orchestrator.ClipInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, orchestrator.ClipInfo{}, err
	}
	if err := clips.Check(key); err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip: %w", err)
	}
	file, err := f.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip %s: %w", key, orchestrator.ErrNotFound)
	}
	if err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip %s: %w", key, remedy(f.dir, err))
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = orchestrator.ErrNotFound // a folder of clips
	}
	if err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip %s: %w", key, errors.Join(err, file.Close()))
	}
	return file, orchestrator.ClipInfo{Size: info.Size(), ModTime: info.ModTime()}, nil
}

// Stat describes a clip without opening it. orchestrator.ErrNotFound where there is none.
func (f *Folder) Stat(ctx context.Context, key string) (orchestrator.ClipInfo, error) {
	if err := ctx.Err(); err != nil {
		return orchestrator.ClipInfo{}, err
	}
	if err := clips.Check(key); err != nil {
		return orchestrator.ClipInfo{}, fmt.Errorf("look at clip: %w", err)
	}
	info, err := os.Lstat(filepath.Join(f.dir, key)) // one call of the system: a link is not followed at the end, and nothing is opened
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return orchestrator.ClipInfo{}, fmt.Errorf("look at clip %s: %w", key, orchestrator.ErrNotFound)
	case err != nil:
		return orchestrator.ClipInfo{}, fmt.Errorf("look at clip %s: %w", key, remedy(f.dir, err))
	}
	return orchestrator.ClipInfo{Size: info.Size(), ModTime: info.ModTime()}, nil
}

// Keys implements orchestrator.Clips.
func (f *Folder) Keys(ctx context.Context, below string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		start := below
		if below == "" {
			start = "."
		} else if err := clips.Check(below); err != nil {
			yield("", fmt.Errorf("list clips: %w", err))
			return
		}
		err := fs.WalkDir(f.root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				return ignoreAbsent(err)
			case name != "." && strings.HasPrefix(entry.Name(), "."): // hidden, so no clip
				if entry.IsDir() {
					return fs.SkipDir
				}
			case entry.Type().IsRegular() && !yield(name, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("list clips: %w", remedy(f.dir, err)))
		}
	}
}

// Sweep removes what writers that died left behind before the given time. Younger files may belong
// to another process that is writing.
func (f *Folder) Sweep(before time.Time) error {
	folder, err := f.root.Open(incoming)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep clip folder: %w", remedy(f.dir, err))
	}
	entries, err := folder.ReadDir(-1)
	err = errors.Join(err, folder.Close())
	for _, entry := range entries {
		name := path.Join(incoming, entry.Name())
		if info, statErr := f.root.Lstat(name); statErr != nil || !info.ModTime().Before(before) {
			continue // gone meanwhile, or in use
		}
		err = errors.Join(err, ignoreAbsent(f.root.Remove(name)))
	}
	if err != nil {
		return fmt.Errorf("sweep clip folder: %w", remedy(f.dir, err))
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// remedy says what a person can do about an error of the folder dir.
func remedy(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w; free some space where %s lies", err, dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; %s lies on a read-only disk: mount it for writing or choose another folder", err, dir)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; a file is where a folder should be, at or below %s: move it away", err, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let this user write to %s or choose another folder", err, dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; bring %s back, or start again to have it made", err, dir)
	}
	return err
}
