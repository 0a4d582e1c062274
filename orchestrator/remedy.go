package orchestrator

import (
	"errors"
	"fmt"
	"io/fs"
)

// remedied is an error that knows its remedy.
type remedied struct {
	error
	remedy string
}

// WithRemedy says at the end of an error what a person can do about it. The log of a run then tells that
// instead of what is true of errors of its kind.
func WithRemedy(err error, remedy string) error { return &remedied{err, remedy} }

func (e *remedied) Error() string { return e.error.Error() + "; " + e.remedy }
func (e *remedied) Unwrap() error { return e.error }

// Remedy is for the log of a run.
func (e *remedied) Remedy() string { return e.remedy }

// Unreadable makes an ErrBadRecording of an error of the file system about one, with its remedy where there is one.
func Unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return WithRemedy(fmt.Errorf("%w: %w", ErrBadRecording, err), "let this user read it")
	case errors.Is(err, fs.ErrNotExist):
		return WithRemedy(fmt.Errorf("%w: %w; it vanished after it was listed", ErrBadRecording, err), "put it back, unless it was taken away on purpose")
	}
	return fmt.Errorf("%w: %w", ErrBadRecording, err)
}
