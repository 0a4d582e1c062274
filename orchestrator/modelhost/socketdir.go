package modelhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/flock"
)

// socketDirPrefix begins the name of every socketDir; digits follow.
const socketDirPrefix = "chortle-plugin"

// socketDir is a folder around the one for the socket of one process, which only this user can enter. It is
// locked as long as this orchestrator lives: what lies in one whose lock is free, and who has it in the
// environment, was left behind.
type socketDir struct {
	path string
	lock *os.File // the folder itself
}

// sockets is the folder that the process is given, and by which its family is known. The process may remove it at
// its end. The name is short, as a socket's path must be.
func (d *socketDir) sockets() string { return filepath.Join(d.path, "s") }

// makeSocketDir makes one below a folder.
func makeSocketDir(below string) (*socketDir, error) {
	for {
		path, err := os.MkdirTemp(below, socketDirPrefix)
		if err != nil {
			return nil, err
		}
		d, err := lockSocketDir(path)
		if errors.Is(err, flock.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
			continue // another orchestrator's sweep came between
		}
		if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
		if err := os.Mkdir(d.sockets(), 0o700); err != nil {
			return nil, errors.Join(err, d.remove())
		}
		return d, nil
	}
}

// lockSocketDir takes a folder of this user's that nobody has. Errors: flock.ErrLocked; fs.ErrNotExist where it
// is gone.
func lockSocketDir(path string) (_ *socketDir, err error) {
	folder, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = folder.Close()
		}
	}()
	locked, err := folder.Stat()
	if err != nil {
		return nil, err
	}
	if owner, ok := locked.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("lock folder %s: it is another user's", path)
	}
	if err := flock.TryLock(folder); err != nil {
		return nil, err
	}
	if there, err := os.Lstat(path); err != nil {
		return nil, err
	} else if !os.SameFile(there, locked) {
		return nil, fmt.Errorf("lock folder %s: %w", path, fs.ErrNotExist)
	}
	return &socketDir{path, folder}, nil
}

// remove removes the folder, and then lets go of it.
func (d *socketDir) remove() error { return errors.Join(os.RemoveAll(d.path), flock.Close(d.lock)) }

// sweep clears away what orchestrators that were killed left below a folder: the processes of their models'
// families, and their sockets.
func sweep(below string, log logrus.FieldLogger) {
	folder, err := os.Open(below)
	if err != nil {
		return
	}
	names, _ := folder.Readdirnames(-1)
	_ = folder.Close()
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, socketDirPrefix)
		if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		d, err := lockSocketDir(filepath.Join(below, name))
		if err != nil {
			continue // not ours to clear away
		}
		left := log.WithField(keyFolder, d.path)
		if !endFamily(d.sockets()) {
			left.Warn("a model process that a killed orchestrator left behind cannot be ended; end it by hand")
			_ = flock.Close(d.lock)
			continue
		}
		if err := d.remove(); err != nil {
			left.WithError(err).Warn("remove what a killed orchestrator left behind")
			continue
		}
		left.Info("cleared away what a killed orchestrator left behind")
	}
}
