package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/s3test"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// clipService is a service with its clips at an address.
func clipService(t *testing.T, dir, address string, store settings.S3) *Service {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	s := New(Options{Config: settings.Config{DataDir: dir, DatabaseURL: "sqlite:" + filepath.Join(dir, "chortle.db"), ClipsURL: address, S3: store}, Log: log, Now: time.Now})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestMoveClips moves clips into a bucket and back, each way interrupted once, and loses none.
func TestMoveClips(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, "laughs")
	store := settings.S3{Endpoint: server.Endpoint, Region: s3test.Region, AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
	dir := t.TempDir()
	folder, bucket := "folder:"+filepath.Join(dir, "clips"), "s3://laughs/home"
	const n = 12
	first := clipService(t, dir, folder, store)
	kept, err := first.Clips(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := kept.Put(t.Context(), fmt.Sprintf("alice/2026/11/%02d/x.opus", i), fmt.Appendf(nil, "haha %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, way := range [][2]string{{folder, bucket}, {bucket, folder}} {
		s := clipService(t, dir, way[0], store)
		ctx, cancel := context.WithCancel(t.Context())
		moved, err := s.MoveClips(ctx, way[1], true, func(m document.MovedClips) {
			if m.Clips == n/2 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || moved.Copied != n/2 || moved.Removed != n/2 {
			t.Fatalf("%s, interrupted: %+v, %v", way, moved, err)
		}
		if moved, err = s.MoveClips(t.Context(), way[1], false, func(document.MovedClips) {}); err != nil || moved.Copied != n/2 || moved.Removed != 0 {
			t.Fatalf("%s, the rest: %+v, %v", way, moved, err)
		}
		if moved, err = s.MoveClips(t.Context(), way[1], true, func(document.MovedClips) {}); err != nil || moved.Already != n/2 || moved.Removed != n/2 {
			t.Fatalf("%s, again: %+v, %v", way, moved, err)
		}
		there, err := clipService(t, dir, way[1], store).Clips(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			data, err := readClip(t.Context(), there, fmt.Sprintf("alice/2026/11/%02d/x.opus", i))
			if want := fmt.Sprintf("haha %d", i); err != nil || string(data) != want {
				t.Errorf("%s: clip %d is %q, %v", way, i, data, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clipService(t, dir, folder, store).MoveClips(t.Context(), folder, true, func(document.MovedClips) {}); err == nil {
		t.Error("to where they are: no error")
	}
}

// TestProbe: a store that lacks a right is named by doctor, and nothing is left behind in one that has them all.
func TestProbe(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, "laughs")
	store := settings.S3{Endpoint: server.Endpoint, Region: s3test.Region, AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
	kept, err := clipService(t, t.TempDir(), "s3://laughs", store).Clips(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := probe(t.Context(), kept); err != nil {
		t.Error(err)
	}
	for key, err := range kept.Keys(t.Context(), "") {
		t.Errorf("%s is left, %v", key, err)
	}
	if err := probe(t.Context(), readOnly{kept}); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a store that keeps nothing: %v", err)
	}
}

// readOnly keeps nothing, and says that it does.
type readOnly struct{ orchestrator.Clips }

func (readOnly) Put(context.Context, string, []byte) error { return nil }
