package audio

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause error
		want  string
	}{
		{syscall.EACCES, "let this user read the file"},
		{syscall.ENOENT, "vanished"},
		{syscall.EIO, "input/output error"},
	} {
		err := openError(&fs.PathError{Op: "open", Path: "a.ogg", Err: test.cause})
		if !errors.Is(err, orchestrator.ErrBadRecording) || !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v", test.cause, err)
		}
	}
}
