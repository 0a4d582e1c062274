package limitless_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/limitlesstest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
)

func TestArchiveGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(9*time.Hour, 3*time.Hour)}}, CallsPerMinute: 1 << 20}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Equal(day.Add(10*time.Hour)) && call.Attempt <= 6 {
			return limitlesstest.Status(503) // fails the first archive, passes in the second
		}
		return nil
	}
	dir, free := t.TempDir(), int64(1<<30)
	var told []limitless.ArchiveProgress
	options := limitless.ArchiveOptions{Client: serve(t, server), Dir: dir, Chunk: time.Hour,
		Span:     orchestrator.Span{Start: day, End: day.Add(24 * time.Hour)},
		KeepFree: 1 << 20, Free: func(string) (int64, error) { return free, nil },
		Progress: func(p limitless.ArchiveProgress) { told = append(told, p) }, Now: time.Now}

	progress, err := limitless.Archive(t.Context(), options)
	if err != nil || progress.Files != 2 || progress.Empty != 21 || progress.Failed != 1 || progress.Done != 24 || len(told) != 24 {
		t.Fatalf("%+v, error %v", progress, err)
	}
	path := filepath.Join(dir, "2026-11-22", "2026-11-22T09-00-00Z.ogg")
	if got, err := length(t.Context(), path); err != nil || got != time.Hour {
		t.Errorf("first file holds %s, %v", got, err)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*", "*.part")); len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}

	// A crash in the middle of a line, and a file that was lost.
	manifest, err := os.OpenFile(filepath.Join(dir, limitless.ManifestName), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	manifest.WriteString(`{"start":"2026-11-`)
	manifest.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	before := len(server.Calls())
	progress, err = limitless.Archive(t.Context(), options)
	if err != nil || progress.Files != 2 || progress.Skipped != 22 || progress.Failed != 0 {
		t.Fatalf("again: %+v, error %v", progress, err)
	}
	if asked := len(server.Calls()) - before; asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if progress, err = limitless.Archive(t.Context(), options); err != nil || progress.Skipped != 24 {
		t.Errorf("a third time: %+v, error %v", progress, err)
	}
}

func TestArchiveLeavesSpaceOnTheDisk(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}}
	left := int64(3)
	progress, err := limitless.Archive(t.Context(), limitless.ArchiveOptions{Client: serve(t, server), Dir: t.TempDir(), Chunk: time.Hour,
		Span: orchestrator.Span{Start: day, End: day.Add(24 * time.Hour)}, Now: time.Now,
		KeepFree: 1, Free: func(string) (int64, error) { left--; return left, nil }})
	if !errors.Is(err, limitless.ErrDiskFull) || progress.Files != 2 {
		t.Fatalf("%+v, error %v", progress, err)
	}
}
