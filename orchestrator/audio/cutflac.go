package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/flac"
)

// maxClipBytes is where a FLAC clip is cut off: two minutes of stereo at 48 kHz fit well.
const maxClipBytes = 32 << 20

// cutFLAC decodes the file once, up to the end of the last span, and encodes each span meanwhile.
func (a *Audio) cutFLAC(ctx context.Context, file *file, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		waiting := spans
		var open []*flacClip // in order of their starts, which is that of delivery
		// deliver yields the clips at the front that end before the position, in samples at a rate.
		deliver := func(position, rate int64) (ok bool) {
			for len(open) > 0 && atRate(open[0].span.End, rate) <= position {
				clip, err := open[0].finish()
				open = open[1:]
				if !yield(clip, err) || err != nil {
					return false
				}
			}
			return true
		}
		for piece, err := range a.ffmpegSound(ctx, file, "s16le") {
			if damage := (*orchestrator.DamageError)(nil); errors.As(err, &damage) {
				break // it was told when the file was decoded
			}
			if err == nil && piece.rate > flac.MaxRateHz {
				err = damagedf("cut clip: FLAC holds no %d samples in a second", piece.rate)
			}
			if err != nil {
				yield(orchestrator.Clip{}, err)
				return
			}
			for len(waiting) > 0 && atRate(waiting[0].Start, piece.rate) < piece.end() {
				open = append(open, &flacClip{span: waiting[0]})
				waiting = waiting[1:]
			}
			for _, clip := range open {
				clip.add(piece)
			}
			if !deliver(piece.end(), piece.rate) || len(open) == 0 && len(waiting) == 0 {
				return
			}
		}
		for _, span := range waiting {
			open = append(open, &flacClip{span: span})
		}
		deliver(1<<63-1, orchestrator.SampleRateHz)
	}
}

// atRate converts a position in samples at orchestrator.SampleRateHz to one at another rate.
func atRate(position, rate int64) int64 {
	return (position*rate + orchestrator.SampleRateHz/2) / orchestrator.SampleRateHz
}

// flacClip is one span, which is encoded while its sound comes.
type flacClip struct {
	span orchestrator.SampleSpan
	rate int64
	file *flac.Writer // nil until there is sound
}

func (c *flacClip) add(piece pcm) {
	from := max(atRate(c.span.Start, piece.rate)-piece.start, 0)
	to := min(atRate(c.span.End, piece.rate), piece.end()) - piece.start
	if from >= to || c.file != nil && c.file.Size() > maxClipBytes {
		return
	}
	data, channels := piece.data[int(from)*piece.width:int(to)*piece.width], piece.width/2
	if channels > flac.MaxChannels {
		data, channels = mixed(data, channels), 1
	}
	if c.file == nil {
		c.rate, c.file = piece.rate, flac.NewWriter(int(piece.rate), channels)
	}
	c.file.Write(data)
}

func (c *flacClip) finish() (orchestrator.Clip, error) {
	if c.file == nil {
		return orchestrator.Clip{}, errNoSound(c.span)
	}
	length := (c.file.Samples()*orchestrator.SampleRateHz + c.rate/2) / c.rate
	c.span.End = min(c.span.End, c.span.Start+length)
	data, err := c.file.Finish()
	if err != nil {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	return orchestrator.Clip{Span: c.span, Data: data, Extension: ".flac"}, nil
}

// mixed is the mean of the channels of 16-bit samples.
func mixed(data []byte, channels int) []byte {
	mono := make([]byte, 0, len(data)/channels)
	for ; len(data) > 0; data = data[2*channels:] {
		sum := 0
		for i := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(data[2*i:])))
		}
		mono = binary.LittleEndian.AppendUint16(mono, uint16(int16(sum/channels)))
	}
	return mono
}
