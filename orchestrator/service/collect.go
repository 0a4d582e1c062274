package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// maxClip bounds a clip that is read into memory, in bytes.
const maxClip = 256 << 20

// Clip returns the sound of a laugh as it is stored. orchestrator.ErrNotFound where it has none, or it is gone.
func (s *Service) Clip(ctx context.Context, laugh orchestrator.StoredLaugh) ([]byte, error) {
	if laugh.Clip == "" {
		return nil, fmt.Errorf("open clip of laugh %s: %w: none was kept", laugh.ID, orchestrator.ErrNotFound)
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return nil, err
	}
	data, err := readClip(ctx, kept, laugh.Clip)
	if err != nil {
		return nil, fmt.Errorf("read clip of laugh %s: %w", laugh.ID, err)
	}
	return data, nil
}

// readClip reads a clip as a whole. One that is larger than maxClip is an error, not cut short.
func readClip(ctx context.Context, clips orchestrator.Clips, key string) ([]byte, error) {
	clip, info, err := clips.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer clip.Close()
	if info.Size > maxClip {
		return nil, fmt.Errorf("%d bytes are no clip", info.Size)
	}
	var data bytes.Buffer
	data.Grow(int(info.Size))
	if _, err := io.Copy(&data, clip); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// Collected tells what CollectLaughs did.
type Collected struct {
	// Copied clips, Present ones that were there already, and Missing ones that are gone from the clip store.
	Copied, Present, Missing int
	// Playlist that was written: a path; empty where there was nothing to play.
	Playlist string
}

// CollectLaughs copies the clips of the chosen laughs into a folder, under names that a person reads, in the zone of
// who laughed, with title, artist and date as tags, and writes a playlist of them all. What is there already is left
// alone, so that it can be called again and again. It makes the folder.
func (s *Service) CollectLaughs(ctx context.Context, filter orchestrator.LaughFilter, folder string) (done Collected, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return done, fmt.Errorf("make folder: %w", err)
	}
	filter.WithClip = true
	laughs, err := s.Laughs(ctx, filter)
	if err != nil {
		return done, err
	}
	var list strings.Builder
	list.WriteString("#EXTM3U\n")
	for laugh, err := range laughs {
		if err != nil {
			return done, err
		}
		name := clipName(laugh)
		path := filepath.Join(folder, name)
		if _, err := os.Lstat(path); err == nil {
			done.Present++
		} else if err := s.collect(ctx, laugh, path); errors.Is(err, orchestrator.ErrNotFound) {
			done.Missing++
			continue
		} else if err != nil {
			return done, err
		} else {
			done.Copied++
		}
		fmt.Fprintf(&list, "#EXTINF:%d,%s\n%s\n", int(laugh.End.Sub(laugh.Start).Round(time.Second)/time.Second), clipTitle(laugh), name)
	}
	if done.Copied+done.Present == 0 {
		return done, nil
	}
	done.Playlist = filepath.Join(folder, "laughs.m3u8")
	if err := writeWhole(done.Playlist, []byte(list.String())); err != nil {
		return done, fmt.Errorf("write playlist: %w", err)
	}
	return done, nil
}

func (s *Service) collect(ctx context.Context, laugh orchestrator.StoredLaugh, path string) error {
	data, err := s.Clip(ctx, laugh)
	if err != nil {
		return err
	}
	tagged, err := audio.Tagged(data, []audio.Tag{{Name: "TITLE", Value: clipTitle(laugh)}, {Name: "ARTIST", Value: laugh.User},
		{Name: "ALBUM", Value: "Laughs of " + laugh.Day.String()}, {Name: "DATE", Value: localTime(laugh).Format(time.RFC3339)},
		{Name: "COMMENT", Value: "chortle " + laugh.ID}})
	if err != nil {
		tagged = data // another form of clip, from an older installation: its sound is what counts
	}
	if err := writeWhole(path, tagged); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeWhole(path string, data []byte) error {
	return atomicfile.Write(path, 0o600, func(file *os.File) error {
		_, err := file.Write(data)
		return err
	})
}

// localTime is when a laugh begins, in the zone of who laughed.
func localTime(laugh orchestrator.StoredLaugh) time.Time {
	location, err := time.LoadLocation(laugh.Timezone)
	if err != nil {
		location = time.UTC
	}
	return laugh.Start.In(location)
}

func clipTitle(laugh orchestrator.StoredLaugh) string {
	return fmt.Sprintf("%s, %s", laugh.Class, localTime(laugh).Format("2 January 2006, 15:04:05"))
}

// clipName is "2026-11-22 11.01.28 Laughter 59% alice 7k3q9x2m4p.opus": in order of time, and a name that every file
// system takes. The id makes it unique where clocks show an hour twice.
func clipName(laugh orchestrator.StoredLaugh) string {
	safe := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, laugh.Class)
	return fmt.Sprintf("%s %s %d%% %s %s%s", localTime(laugh).Format("2006-01-02 15.04.05"), safe, int(laugh.Score*100+0.5), laugh.User, laugh.ID, filepath.Ext(laugh.Clip))
}
