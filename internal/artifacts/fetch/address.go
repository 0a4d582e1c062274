package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// attempts is how often a download is tried that makes no progress.
const attempts = 4

// address has the file at an http or https address.
type address struct {
	*fetcher
	url string
}

func (s *address) name() string { return redacted(s.url) }

// transientError is a failure that may pass: it is worth another attempt.
type transientError struct{ err error }

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// get downloads into a file that stays where it is cut off, and is resumed by the next call, also of another process.
func (s *address) get(ctx context.Context) (string, func(), error) {
	published := s.published()
	dir := filepath.Join(s.Dir, "downloads")
	part := filepath.Join(dir, published.SHA256[:16]+".part")
	remove := func() { _ = errors.Join(os.Remove(part), os.Remove(dir)) } // the folder only where it is empty
	for attempt := 1; ; attempt++ {
		before := size(part)
		err := s.download(ctx, part, published.Size)
		if err == nil {
			if err = published.Check(part); err == nil {
				return part, remove, nil
			}
			remove()
			if before == 0 {
				return "", nil, err
			}
			err = &transientError{err} // another file was begun there: once more from the start
		}
		passing := (*transientError)(nil)
		if !errors.As(err, &passing) {
			if size(part) == 0 {
				remove()
			}
			return "", nil, err
		}
		if size(part) > before {
			attempt = 1
		}
		if attempt >= attempts {
			if size(part) == 0 {
				remove()
			}
			return "", nil, err
		}
		if err := s.pause(ctx, time.Second<<(attempt-1)); err != nil {
			return "", nil, err
		}
	}
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// download asks once for what is missing of the file, and appends it.
func (s *address) download(ctx context.Context, part string, total int64) (err error) {
	if err := os.MkdirAll(filepath.Dir(part), 0o755); err != nil { //nolint:gosec // what is fetched is for everybody
		return &localError{err}
	}
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE, 0o644) //nolint:gosec // as the folder
	if err != nil {
		return &localError{err}
	}
	defer func() {
		if closeErr := file.Close(); closeErr != nil && err == nil {
			err = &localError{closeErr}
		}
	}()
	done, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return &localError{err}
	}
	if done > total {
		done = 0
	}
	if done == total {
		return nil
	}
	s.Progress(Progress{Title: s.artifact.Title, Source: s.name(), Done: done, Total: total})
	answer, body, err := s.ask(ctx, done) //nolint:bodyclose // body is its body
	if err != nil {
		return err
	}
	defer body.Close()
	if answer.StatusCode == http.StatusOK {
		done = 0 // the server does not resume
	}
	if err := file.Truncate(done); err != nil {
		return &localError{err}
	}
	if _, err := file.Seek(done, io.SeekStart); err != nil {
		return &localError{err}
	}
	return s.copy(file, body, done, total)
}

// ask sends the request. Its body ends with an error where nothing came for too long.
func (s *address) ask(ctx context.Context, done int64) (*http.Response, io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(s.stall, func() { cancel(fmt.Errorf("no byte came for %s", s.stall)) })
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		watch.Stop()
		cancel(nil)
		return nil, nil, fmt.Errorf("%s is not an address", s.name())
	}
	if done > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", done))
	}
	answer, err := s.Client.Do(request)
	if err != nil {
		watch.Stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
			return nil, nil, bare(err)
		}
		return nil, nil, &transientError{bare(err)}
	}
	body := &watched{answer.Body, watch, s.stall, ctx, cancel}
	switch code := answer.StatusCode; {
	case code == http.StatusOK, code == http.StatusPartialContent && done > 0:
		return answer, body, nil
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestedRangeNotSatisfiable:
		return nil, nil, errors.Join(&transientError{fmt.Errorf("the server answers %s", answer.Status)}, body.Close())
	default:
		return nil, nil, errors.Join(fmt.Errorf("the server answers %s", answer.Status), body.Close())
	}
}

// copy appends to the file what comes, and says how far it is.
func (s *address) copy(file *os.File, body io.Reader, done, total int64) error {
	buffer := make([]byte, 128<<10)
	for {
		n, err := body.Read(buffer)
		if done += int64(n); done > total {
			return fmt.Errorf("the answer is longer than %d bytes: it is another file", total)
		}
		if _, err := file.Write(buffer[:n]); err != nil {
			return &localError{err}
		}
		s.Progress(Progress{Title: s.artifact.Title, Source: s.name(), Done: done, Total: total})
		switch {
		case errors.Is(err, io.EOF) && done < total:
			return &transientError{fmt.Errorf("the answer ended after %d of %d bytes", done, total)}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &transientError{bare(err)}
		}
	}
}

// bare takes the method and the address, which may hold a password, out of an error of net/http.
func bare(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// watched is a body whose request ends where nothing comes for too long.
type watched struct {
	io.ReadCloser
	timer  *time.Timer
	stall  time.Duration
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (w *watched) Read(buffer []byte) (int, error) {
	n, err := w.ReadCloser.Read(buffer)
	w.timer.Reset(w.stall)
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(w.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	w.cancel(fs.ErrClosed)
	return w.ReadCloser.Close()
}
