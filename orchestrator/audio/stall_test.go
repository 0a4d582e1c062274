package audio

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
)

// A decoder that says nothing any more is ended, and its recording is named as the cause; one that waits for us is not.
func TestStalledDecoderIsEnded(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho begun\nsleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	source, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	p := program{path: script, confine: sandbox.Off, file: &file{File: source}, stall: 50 * time.Millisecond}
	p.read = func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if err := p.run(t.Context()); !errors.Is(err, errStalled) || !errors.Is(err, orchestrator.ErrBadRecording) {
		t.Errorf("got %v", err)
	}
}

// Time in which nobody reads is not the decoder's.
func TestWatchCountsWaitingOnly(t *testing.T) {
	t.Parallel()
	ended := false
	w := watched{strings.NewReader("ab"), time.Hour, func(error) { ended = true }}
	for range 2 {
		if n, err := w.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
	}
	if ended {
		t.Error("a pipe that answers was ended")
	}
}
