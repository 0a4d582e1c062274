package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// InvalidError reports a request that cannot be carried out as it was made, such as an unknown time zone: the caller
// must change it.
type InvalidError struct{ Err error }

// Error says what is wrong.
func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *InvalidError) Unwrap() error { return e.Err }

// invalid makes an InvalidError.
func invalid(format string, args ...any) error { return &InvalidError{fmt.Errorf(format, args...)} }

// invalidCode makes an InvalidError with a code.
func invalidCode(code orchestrator.Code, format string, args ...any) error {
	return &InvalidError{orchestrator.WithCode(fmt.Errorf(format, args...), code)}
}

// UnknownUserError reports a name that no user has. It is an orchestrator.ErrNotFound.
type UnknownUserError struct {
	Name string
	// Known are the names that there are, in the order in which users are read.
	Known []string
}

// Error names the user, and those that may have been meant.
func (e *UnknownUserError) Error() string {
	hint := advice.DidYouMean(settings.Nearest(e.Name, e.Known))
	switch {
	case hint != "":
	case len(e.Known) == 0:
		hint = ": there are no users yet"
	default:
		hint = "; known users: " + strings.Join(e.Known[:min(len(e.Known), 5)], ", ")
	}
	return fmt.Sprintf("unknown user %q%s", e.Name, hint)
}

// Problem returns its code.
func (e *UnknownUserError) Problem() (orchestrator.Code, orchestrator.Facts) {
	if len(e.Known) == 0 {
		return orchestrator.CodeNoUsers, nil
	}
	return "", nil
}

// Is makes it an orchestrator.ErrNotFound.
func (e *UnknownUserError) Is(target error) bool { return target == orchestrator.ErrNotFound }

// LockedError reports that a run, or a command that must be alone, is in the way. It is an orchestrator.ErrLocked.
type LockedError struct {
	// What is locked, such as "user alice".
	What string
	// Holder says who holds it.
	Holder string
	// Since is from when it has been held; zero where that is not known.
	Since time.Time
}

// Error names what is locked and who holds it.
func (e *LockedError) Error() string {
	return fmt.Sprintf("lock %s: %s; wait until it ends", e.What, e.Holder)
}

// Is makes it an orchestrator.ErrLocked.
func (e *LockedError) Is(target error) bool { return target == orchestrator.ErrLocked }

// ExitCode is the exit code of a command that ended with err: the one place that maps errors to codes. ctx is the
// command's: an error after it was canceled means that a signal ended the command.
func ExitCode(ctx context.Context, err error) int {
	bad, unknown := (*InvalidError)(nil), (*UnknownUserError)(nil)
	switch {
	case err == nil:
		return orchestrator.ExitOK
	case errors.As(err, &bad), errors.As(err, &unknown):
		return orchestrator.ExitUsage
	case errors.Is(err, orchestrator.ErrLocked):
		return orchestrator.ExitLocked
	case ctx.Err() != nil:
		return orchestrator.ExitInterrupted
	}
	return orchestrator.ExitFailed
}
