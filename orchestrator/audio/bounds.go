package audio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/wave"
)

// Bounds of every recording, and of what decodes it.
const (
	// DefaultMaxLength is the most sound that a recording is believed to have.
	DefaultMaxLength = 48 * time.Hour
	// decoderMemory is ffmpeg's address space, in bytes; it takes less than 100 MB of it for any real file.
	decoderMemory = 1 << 30
	// decoderCPU is ffmpeg's time on processors, in seconds: 48 hours of sound take minutes.
	decoderCPU = 3600
	// stallTime is how long ffmpeg may say nothing while something waits for it.
	stallTime = 2 * time.Minute
)

// errRate is a sample rate that is none of sound: a few bytes would become hours of it.
func errRate(rateHz int) error {
	return damagedf("a sample rate of %d Hz; want %d to %d", rateHz, wave.MinRateHz, wave.MaxRateHz)
}

func rateIsSound(rateHz int) bool { return rateHz >= wave.MinRateHz && rateHz <= wave.MaxRateHz }

// bounded ends a recording that is longer than it may be.
func bounded(pieces iter.Seq2[[]float32, error], most int64) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		length := int64(0)
		for piece, err := range pieces {
			if length += int64(len(piece)); length > most && err == nil {
				yield(nil, damagedf("it is longer than %v", orchestrator.SamplesToDuration(most)))
				return
			}
			if !yield(piece, err) || err != nil {
				return
			}
		}
	}
}

// errStalled is a decoder that hangs.
var errStalled = errors.New("ffmpeg hangs")

// watched is a pipe whose other end is ended where nothing comes while somebody waits for it. Time in which nobody waits does
// not count.
type watched struct {
	from  io.Reader
	after time.Duration
	end   context.CancelCauseFunc
}

func (w *watched) Read(data []byte) (int, error) {
	timer := time.AfterFunc(w.after, func() {
		w.end(damaged(fmt.Errorf("%w: it said nothing for %v", errStalled, w.after)))
	})
	defer timer.Stop()
	return w.from.Read(data)
}
