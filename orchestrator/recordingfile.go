package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// stallTime is how long a file may not give a byte before what it lies on counts as gone.
const stallTime = 2 * time.Minute

// OpenRecording opens the file at path for reading: a regular file, no link, and without waiting for whoever writes to a
// FIFO. Errors wrap ErrBadRecording.
func OpenRecording(path string) (*os.File, error) {
	return CheckRecording(os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0))
}

// CheckRecording takes what opening a recording's file answered, and refuses all but a regular file. Errors wrap
// ErrBadRecording.
func CheckRecording(file *os.File, err error) (*os.File, error) {
	if errors.Is(err, syscall.ELOOP) {
		return nil, WithCode(fmt.Errorf("%w: a symbolic link is where the file was", ErrBadRecording), CodeRecordingChanged)
	}
	if err != nil {
		return nil, Unreadable(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = WithCode(fmt.Errorf("%w: it is no regular file any more", ErrBadRecording), CodeRecordingNoFile)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Opener is a Source that opens its recordings in a way that a path does not tell, such as below a folder that links must
// not lead out of.
type Opener interface {
	// OpenRecording opens a recording that the source yielded: the very file that it saw. Errors wrap ErrBadRecording.
	OpenRecording(rec Recording) (*os.File, error)
}

// open opens the recording's file, unless it is open: everything that follows is of that one descriptor. The caller
// closes File. source may be an Opener; elsewhere the file at Path is opened, and no link is followed. A file that changed
// since the source saw it is CodeRecordingChanged.
func (r *Recording) open(source Source) (err error) {
	if r.File != nil {
		return nil
	}
	var file *os.File
	opener, ok := source.(Opener)
	if ok {
		file, err = opener.OpenRecording(*r)
	} else {
		file, err = OpenRecording(r.Path)
	}
	if err != nil {
		return err
	}
	if err := r.same(file); ok && err != nil { // elsewhere, whoever decodes it compares
		return errors.Join(err, file.Close())
	}
	r.File = file
	return nil
}

// same refuses a file that is not as the source saw it.
func (r *Recording) same(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return Unreadable(err)
	}
	if r.Size != 0 && info.Size() != r.Size || !r.ModTime.IsZero() && !info.ModTime().Equal(r.ModTime) {
		return WithCode(fmt.Errorf("%w: the file changed since it was listed", ErrBadRecording), CodeRecordingChanged)
	}
	return nil
}

// hash opens the recording and sets its SHA256. What it lies on may hang, such as a network: after stallTime without a byte that
// is an error, and the reading is left behind. It ends when the system lets it.
func (r *Recording) hash(ctx context.Context, source Source) error {
	var read atomic.Int64
	var rec = *r // of the goroutine's own
	opened := rec.File != nil
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		file *os.File
		sum  string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		err := rec.open(source)
		var sum string
		if err == nil {
			sum, err = sumOf(ctx, rec.File, &read)
		}
		if (err != nil || ctx.Err() != nil) && rec.File != nil && !opened {
			_ = rec.File.Close() // it was only read
			rec.File = nil
		}
		done <- answer{rec.File, sum, err}
	}()
	ticker := time.NewTicker(stallTime)
	defer ticker.Stop()
	for last := int64(-1); ; {
		select {
		case a := <-done:
			if a.err == nil {
				r.File, r.SHA256 = a.file, a.sum
			}
			return a.err
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			now := read.Load()
			if now == last {
				return fmt.Errorf("read %s: nothing came for %v; is what it lies on still there?", r.Name, stallTime)
			}
			last = now
		}
	}
}

func sumOf(ctx context.Context, file *os.File, read *atomic.Int64) (string, error) {
	hash := sha256.New()
	buffer := make([]byte, 256<<10)
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := file.ReadAt(buffer, at)
		hash.Write(buffer[:n])
		at += int64(n)
		read.Store(at)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", Unreadable(err)
		}
	}
}
