// Package atomicfile replaces files as a whole. A reader, or the machine after a power cut, finds the old
// content or the new one and nothing between: the content is written beside the file, synced, renamed, and the
// folder is synced. After an error the old file is still there and nothing is left beside it. A process that is
// killed while it writes leaves a file that matches Temporary. Functions are safe for concurrent use; of several
// writers of one file the last one wins.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Temporary is the pattern, for filepath.Match, of the names that files have until they are complete. The folder
// source ignores such names.
const Temporary = ".chortle-*.tmp"

// Write replaces the file at path with what write writes, with the permissions perm whatever the umask is. write
// may seek and read the file; it does not close it. Its folder must exist. A path that leads to a device, a
// socket or a folder is refused; a symbolic link is replaced, not followed.
func Write(path string, perm fs.FileMode, write func(file *os.File) error) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink {
		return &fs.PathError{Op: "replace", Path: path, Err: errors.New("not a regular file")}
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	temporary := ".chortle-" + rand.Text() + ".tmp"
	if err := Stage(root, temporary, perm, write); err != nil {
		return err
	}
	return Settle(root, temporary, filepath.Base(path))
}

// WriteData is Write with content that is at hand.
func WriteData(path string, perm fs.FileMode, data []byte) error {
	return Write(path, perm, func(file *os.File) error {
		_, err := file.Write(data)
		return err
	})
}

// Stage is the first half of Write, below a root: a complete and synced file under a name that must be free.
// After an error it is gone again.
func Stage(root *os.Root, name string, perm fs.FileMode, write func(file *os.File) error) error {
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Chmod(perm)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// Settle is the second half: it gives a complete and synced file its final name and syncs the folder of that name.
// Both names are slash-separated. After an error the file is gone.
func Settle(root *os.Root, name, final string) error {
	if err := root.Rename(name, final); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return SyncDir(root, path.Dir(final))
}

// Rename syncs a file that is complete, renames it within its file system and syncs the new folder. After an error
// it lies where it was, or under its new name if only the folder could not be synced.
func Rename(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(SyncDir(root, "."), root.Close())
}

// SyncDir makes the names in a folder below root durable.
func SyncDir(root *os.Root, name string) error {
	folder, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
