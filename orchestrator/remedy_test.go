package orchestrator_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause        error
		says, remedy string
	}{
		{syscall.EACCES, "permission denied; let this user read it", "let this user read it"},
		{syscall.ENOENT, "vanished", "put it back, unless it was taken away on purpose"},
		{syscall.EIO, "input/output error", ""},
	} {
		err := orchestrator.Unreadable(&fs.PathError{Op: "open", Path: "a.ogg", Err: test.cause})
		if !errors.Is(err, orchestrator.ErrBadRecording) || !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: got %v", test.cause, err)
		}
		remedy, knows := "", interface{ Remedy() string }(nil)
		if errors.As(err, &knows) {
			remedy = knows.Remedy()
		}
		if remedy != test.remedy {
			t.Errorf("%v: the remedy is %q, want %q", test.cause, remedy, test.remedy)
		}
	}
}
