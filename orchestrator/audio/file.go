package audio

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/chortle-audio/chortle/orchestrator"
)

// file is an open recording.
type file struct {
	*os.File
	info os.FileInfo
}

// openFile opens a recording that is a regular file with something in it, and the one that the source
// saw, where the recording says its size and time.
func openFile(rec orchestrator.Recording) (*file, error) {
	opened, err := reopen(rec)
	if err != nil {
		return nil, err
	}
	info, err := opened.Stat()
	switch {
	case err != nil:
		err = damaged(err)
	case !info.Mode().IsRegular():
		err = damagedf("%q is no regular file", rec.Path)
	case info.Size() == 0:
		err = damagedf("the file is empty")
	case rec.Size != 0 && rec.Size != info.Size(), !rec.ModTime.IsZero() && !rec.ModTime.Equal(info.ModTime()):
		err = errChanged
	}
	if err != nil {
		opened.Close()
		return nil, err
	}
	return &file{File: opened, info: info}, nil
}

// reopen opens the file that the recording has open already, with a position of its own, else the one at its path.
func reopen(rec orchestrator.Recording) (*os.File, error) {
	// Without O_NONBLOCK, opening a pipe that was put there would wait for ever.
	const how = os.O_RDONLY | syscall.O_NONBLOCK
	if rec.File == nil {
		opened, err := os.OpenFile(rec.Path, how, 0)
		if err != nil {
			return nil, orchestrator.Unreadable(err)
		}
		return opened, nil
	}
	path := fmt.Sprintf("/proc/self/fd/%d", rec.File.Fd())
	opened, err := os.OpenFile(path, how, 0)
	if err != nil { // no such folder on this system, or it may not be read: by name, if that is the same file
		if opened, err = os.OpenFile(rec.Path, how|syscall.O_NOFOLLOW, 0); err != nil {
			return nil, orchestrator.Unreadable(err)
		}
	}
	was, err := rec.File.Stat()
	var is os.FileInfo
	if err == nil {
		is, err = opened.Stat()
	}
	if err == nil && !os.SameFile(was, is) {
		err = errChanged
	}
	if err != nil {
		opened.Close()
		return nil, err
	}
	return opened, nil
}

var errChanged = orchestrator.WithCode(damagedf("the file changed since it was listed"), orchestrator.CodeRecordingChanged)

// checkUnchanged refuses a file that was written to since it was opened.
func (f *file) checkUnchanged() error {
	info, err := f.Stat()
	if err != nil {
		return damaged(err)
	}
	if info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime()) {
		return errChanged
	}
	return nil
}

// reader reads the whole file from its start, independent of other readers of it.
func (f *file) reader() io.Reader { return io.NewSectionReader(f, 0, f.info.Size()) }
