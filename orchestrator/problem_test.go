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
		cause error
		says  string
		code  orchestrator.Code
	}{
		{syscall.EACCES, "permission denied", orchestrator.CodeRecordingForbidden},
		{syscall.ENOENT, "vanished", orchestrator.CodeRecordingVanished},
		{syscall.EIO, "input/output error", orchestrator.CodeRecording},
	} {
		err := orchestrator.Unreadable(&fs.PathError{Op: "open", Path: "a.ogg", Err: test.cause})
		if !errors.Is(err, orchestrator.ErrBadRecording) || !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: got %v", test.cause, err)
		}
		if code, _ := orchestrator.CodeOf(orchestrator.StageDecode, err); code != test.code {
			t.Errorf("%v: the code is %q, want %q", test.cause, code, test.code)
		}
	}
}
