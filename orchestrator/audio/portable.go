package audio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator"
)

// maxPortable bounds what Portable makes of a clip, in bytes: two minutes at its rate take 1.5 MB.
const maxPortable = 8 << 20

// Portable makes of a clip an MP3 file that phones, mail programs and players have played for decades: mono, 96 kbit/s,
// as loud as others, with a title and an artist. It needs an ffmpeg with libmp3lame. Errors that are the clip's fault
// wrap orchestrator.ErrBadRecording.
func (a *Audio) Portable(ctx context.Context, clip []byte, title, artist string) ([]byte, error) {
	sound, err := a.Sound(ctx, clip, orchestrator.SampleRateHz)
	if err != nil {
		return nil, err
	}
	var mp3 bytes.Buffer
	ffmpeg := program{path: a.ffmpeg, confine: a.sandbox,
		feed: func(w io.Writer) error {
			_, _ = w.Write(clip) // ffmpeg's end tells why
			return nil
		},
		read: func(r io.Reader) error {
			if n, err := mp3.ReadFrom(io.LimitReader(r, maxPortable+1)); err != nil || n > maxPortable {
				return errors.Join(err, errors.New("it became too large"))
			}
			return nil
		}}
	err = ffmpeg.run(ctx, "-v", "error", "-threads", "1", "-i", "pipe:0", "-map", "0:a:0", "-map_metadata", "-1",
		"-metadata", "title="+title, "-metadata", "artist="+artist,
		"-af", "volume="+strconv.FormatFloat(sound.ListeningGain(), 'f', 3, 64)+",alimiter=limit=0.9:level=disabled",
		"-ac", "1", "-c:a", "libmp3lame", "-b:a", "96k", "-id3v2_version", "3", "-write_xing", "0", "-fflags", "+bitexact", "-f", "mp3", "pipe:1")
	if err != nil {
		return nil, fmt.Errorf("make MP3: %w", err)
	}
	return mp3.Bytes(), nil
}
