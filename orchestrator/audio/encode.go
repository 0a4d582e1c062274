package audio

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strconv"

	"github.com/chortle-audio/chortle/internal/atomicfile"
)

// Encode writes mono samples in [-1, 1] at rateHz as Ogg Opus with 24 kbit/s. The file is there as a
// whole, synced, or not at all. It needs an ffmpeg with libopus.
func (a *Audio) Encode(ctx context.Context, path string, rateHz int, samples iter.Seq[[]float32]) error {
	feed := func(w io.Writer) error {
		var raw []byte
		for piece := range samples {
			raw = raw[:0]
			for _, sample := range piece {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(sample))
			}
			if _, err := w.Write(raw); err != nil {
				return nil // ffmpeg's end tells why
			}
		}
		return nil
	}
	err := atomicfile.Write(path, 0o644, func(file *os.File) error {
		ffmpeg := program{path: a.ffmpeg, confine: a.sandbox, feed: feed, stdout: file}
		return ffmpeg.run(ctx, "-v", "error", "-threads", "1", "-f", "f32le", "-ar", strconv.Itoa(rateHz), "-ac", "1", "-i", "pipe:0",
			"-c:a", "libopus", "-b:a", "24k", "-compression_level", "0", "-f", "ogg", "pipe:1")
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
