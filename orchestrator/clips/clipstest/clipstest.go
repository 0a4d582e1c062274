// Package clipstest holds every implementation of orchestrator.Clips to the same behaviour.
package clipstest

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
)

// Keys of the tests; they sort in this order.
const (
	first  = "alice/2026/11/22/143002.120-8f3a91c2-81dd.opus"
	second = "alice/2026/11/22/150000.000-8f3a91c2-81dd.opus"
	third  = "alicia/2026/11/22/150000.000-8f3a91c2-81dd.flac"
)

// Run tries the clips that open returns, which must be empty; it is called once for each test.
func Run(t *testing.T, open func(t *testing.T) orchestrator.Clips) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, orchestrator.Clips){
		"put, open, delete": putOpenDelete, "seek": seek, "keys": keys, "bad keys": badKeys, "canceled": canceled, "side by side": sideBySide,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func put(t *testing.T, c orchestrator.Clips, key, data string) {
	t.Helper()
	if err := c.Put(t.Context(), key, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, c orchestrator.Clips, key string) string {
	t.Helper()
	clip, info, err := c.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(clip)
	if err := errors.Join(err, clip.Close()); err != nil {
		t.Fatal(err)
	}
	if info.Size != int64(len(data)) || info.ModTime.IsZero() {
		t.Errorf("%s: %d bytes are described as %+v", key, len(data), info)
	}
	return string(data)
}

func putOpenDelete(t *testing.T, c orchestrator.Clips) {
	put(t, c, first, "ha")
	put(t, c, first, "haha")
	put(t, c, second, "")
	if got := read(t, c, first) + read(t, c, second); got != "haha" {
		t.Errorf("clips: %q", got)
	}
	for range 2 { // the second time it is gone already
		if err := c.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	for _, absent := range []string{first, "alice/2026", "nobody/x.opus"} {
		if _, _, err := c.Open(t.Context(), absent); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("open %s: %v", absent, err)
		}
	}
	if got := read(t, c, second); got != "" {
		t.Errorf("its neighbour: %q", got)
	}
}

func seek(t *testing.T, c orchestrator.Clips) {
	put(t, c, first, "0123456789")
	clip, _, err := c.Open(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	defer clip.Close()
	for _, s := range []struct {
		offset int64
		whence int
		want   string
	}{{4, io.SeekStart, "45"}, {1, io.SeekCurrent, "78"}, {-2, io.SeekEnd, "89"}, {0, io.SeekStart, "01"}} {
		var got [2]byte
		_, err := clip.Seek(s.offset, s.whence)
		if err == nil {
			_, err = io.ReadFull(clip, got[:])
		}
		if err != nil || string(got[:]) != s.want {
			t.Errorf("seek to %d of %d: %q, %v; want %q", s.offset, s.whence, got, err, s.want)
		}
	}
}

func keys(t *testing.T, c orchestrator.Clips) {
	list := func(below string) (found []string) {
		t.Helper()
		for key, err := range c.Keys(t.Context(), below) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, key)
		}
		return found
	}
	if got := list(""); len(got) != 0 {
		t.Fatalf("keys of nothing: %v", got)
	}
	for _, key := range []string{third, second, first} {
		put(t, c, key, "x")
	}
	for below, want := range map[string][]string{
		"": {first, second, third}, "alice": {first, second}, "alicia": {third}, "alice/2026/11": {first, second}, "ali": nil, "bob": nil,
	} {
		if got := list(below); !slices.Equal(got, want) {
			t.Errorf("keys below %q: %v, want %v", below, got, want)
		}
	}
	for key, err := range c.Keys(t.Context(), "") {
		if key != first || err != nil {
			t.Errorf("first key: %q, %v", key, err)
		}
		break // a caller may stop
	}
}

func badKeys(t *testing.T, c orchestrator.Clips) {
	for _, bad := range []string{".", "/", "..", "../secret", "a/../../secret", "/etc/passwd", "a//b", "a/", "./a", "a/.",
		".incoming/x", "a/.hidden", "a\x00b", "a\nb", "a\u202eb", "a\\b", "a\xffb"} {
		errs := []error{c.Put(t.Context(), bad, nil), c.Delete(t.Context(), bad)}
		_, _, err := c.Open(t.Context(), bad)
		errs = append(errs, err)
		for _, err := range c.Keys(t.Context(), bad) {
			errs = append(errs, err)
		}
		if len(errs) != 4 {
			t.Errorf("key %q: %v", bad, errs)
		}
		for _, err := range errs {
			if !errors.Is(err, clips.ErrBadKey) {
				t.Errorf("key %q: %v", bad, err)
			}
		}
	}
}

func canceled(t *testing.T, c orchestrator.Clips) {
	put(t, c, first, "old")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := []error{c.Put(ctx, first, []byte("new")), c.Delete(ctx, first)}
	_, _, err := c.Open(ctx, first)
	errs = append(errs, err)
	for _, err := range c.Keys(ctx, "") {
		errs = append(errs, err)
	}
	for i, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if got := read(t, c, first); len(errs) != 4 || got != "old" {
		t.Errorf("%d errors, and the clip is %q", len(errs), got)
	}
}

func sideBySide(t *testing.T, c orchestrator.Clips) {
	var workers sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		workers.Go(func() {
			for range 20 {
				key := "alice/2026/" + name
				if err := errors.Join(c.Put(t.Context(), key, []byte(name)), c.Delete(t.Context(), key)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
}
