// Package owned decides which files this process believes: what chooses the code that it runs (settings, lists of
// models, programs, libraries, weights) must be out of the reach of other users, or they could run code as this one.
//
// A file is believed if it is regular, belongs to root or to the user of this process, and neither it nor a folder on
// its path can be written by anybody else. A folder with the sticky bit, such as /tmp, may be writable: there, only
// an entry's owner can replace it. Group write is allowed where the group is the owner's private one (its id is the
// owner's), which is how Debian and its kin set up users.
package owned

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Conditions that a caller branches on.
var (
	// ErrForeign marks a file or folder that belongs to another user.
	ErrForeign = errors.New("belongs to another user")
	// ErrExposed marks a file or folder of ours, or of root, that other users can write.
	ErrExposed = errors.New("can be written by other users")
	// ErrNotRegular marks a FIFO, a device or a folder where a file is expected.
	ErrNotRegular = errors.New("is not a regular file")
)

// Read returns the content of a file that may be believed, at most limit bytes of it: a larger file is an error. It
// never blocks on a FIFO, and reads what it checked. Errors: ErrForeign, ErrExposed, ErrNotRegular, and those of the
// file system.
func Read(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(regular(path, info), believe(path, info)); err != nil {
		return nil, err
	}
	if err := folders(path); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("read %s: larger than %d bytes", path, limit)
	}
	return content, err
}

// Check tells whether a file may be believed, without reading it: a program or a library. A link is followed, and the
// folders of the link and of what it leads to are looked at. Errors as those of Read.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := errors.Join(regular(path, info), believe(path, info)); err != nil {
		return err
	}
	return folders(path)
}

// CheckFolder tells whether a folder may be believed, as Check for a file.
func CheckFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "check", Path: path, Err: syscall.ENOTDIR}
	}
	if err := believe(path, info); err != nil {
		return err
	}
	return folders(path)
}

// Owner returns the id of the user to whom a file belongs; false where the system has no such thing.
func Owner(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

func regular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s %w", path, ErrNotRegular)
	}
	return nil
}

// folders looks at every folder from the file up to the root, by the name that was given and by the one that links lead to.
func folders(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, start := range []string{target, path} {
		for dir := filepath.Dir(start); ; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			if err != nil {
				return err
			}
			if err := believe(dir, info); err != nil {
				return err
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
		if target == path {
			break
		}
	}
	return nil
}

func believe(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil // a system without owners
	}
	if err := judge(info.Mode(), stat.Uid, stat.Gid, uint32(os.Geteuid())); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	return nil
}

// judge is the rule, without a file.
func judge(mode fs.FileMode, uid, gid, self uint32) error {
	if uid != 0 && uid != self {
		return fmt.Errorf("%w (uid %d)", ErrForeign, uid)
	}
	writable := mode.Perm()&0o002 != 0 || mode.Perm()&0o020 != 0 && gid != uid
	if writable && (!mode.IsDir() || mode&fs.ModeSticky == 0) {
		return fmt.Errorf("%w (mode %v); take that away: chmod go-w", ErrExposed, mode.Perm())
	}
	return nil
}
