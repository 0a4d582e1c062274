package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// maxClipBytes bounds a FLAC clip: two minutes of stereo at 48 kHz fit well.
	maxClipBytes = 32 << 20
	// maxFLACChannels is how many FLAC holds.
	maxFLACChannels = 8
)

// cutFLAC decodes the file once, up to the end of the last span, and encodes each span meanwhile.
func (a *Audio) cutFLAC(ctx context.Context, file *file, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		waiting := spans
		var open []*flacClip // in order of their starts, which is that of delivery
		defer func() {
			for _, clip := range open {
				clip.discard()
			}
		}()
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
			if err != nil {
				yield(orchestrator.Clip{}, err)
				return
			}
			for len(waiting) > 0 && atRate(waiting[0].Start, piece.rate) < piece.end() {
				open = append(open, &flacClip{span: waiting[0]})
				waiting = waiting[1:]
			}
			for _, clip := range open {
				if err := clip.add(ctx, a.ffmpeg, piece); err != nil {
					yield(orchestrator.Clip{}, err)
					return
				}
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

// flacClip is one span, which an ffmpeg of its own encodes from its first sound on.
type flacClip struct {
	span    orchestrator.SampleSpan
	encoder *flacEncoder // nil until there is sound
}

func (c *flacClip) add(ctx context.Context, path string, piece pcm) (err error) {
	from := max(atRate(c.span.Start, piece.rate)-piece.start, 0)
	to := min(atRate(c.span.End, piece.rate), piece.end()) - piece.start
	if from >= to {
		return nil
	}
	data, channels := piece.data[int(from)*piece.width:int(to)*piece.width], piece.width/2
	if channels > maxFLACChannels {
		data, channels = mixed(data, channels), 1
	}
	if c.encoder == nil {
		if c.encoder, err = startFLAC(ctx, path, piece.rate, channels); err != nil {
			return fmt.Errorf("cut clip: %w", err)
		}
	}
	c.encoder.write(data)
	return nil
}

func (c *flacClip) finish() (orchestrator.Clip, error) {
	if c.encoder == nil {
		return orchestrator.Clip{}, errNoSound(c.span)
	}
	data, err := c.encoder.finish()
	if err != nil {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	c.span.End = min(c.span.End, c.span.Start+flacLength(data))
	return orchestrator.Clip{Span: c.span, Data: data, Extension: ".flac"}, nil
}

func (c *flacClip) discard() {
	if c.encoder != nil {
		c.encoder.discard()
	}
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

// flacEncoder is an ffmpeg that makes FLAC of 16-bit samples. It must be finished or discarded.
type flacEncoder struct {
	sound  *io.PipeWriter
	output *os.File
	ended  chan error // one, when ffmpeg has ended
}

func startFLAC(ctx context.Context, path string, rate int64, channels int) (*flacEncoder, error) {
	// ffmpeg completes a FLAC file's header when it is done, so a pipe will not do.
	output, err := scratchFile()
	if err != nil {
		return nil, err
	}
	from, sound := io.Pipe()
	ffmpeg := program{path: path, output: output, feed: func(to io.Writer) error {
		if _, err := io.Copy(to, from); errors.Is(err, errStopped) {
			return err
		}
		return nil // the end, or a pipe that broke: then ffmpeg's end tells why
	}}
	e := &flacEncoder{sound: sound, output: output, ended: make(chan error, 1)}
	go func() {
		err := ffmpeg.run(ctx, "-v", "error", "-threads", "1", "-f", "s16le", "-ar", strconv.FormatInt(rate, 10), "-ac", strconv.Itoa(channels),
			"-i", "pipe:0", "-c:a", "flac", "-sample_fmt", "s16", "-fs", strconv.Itoa(maxClipBytes), "-f", "flac", "-y", "file:"+inheritedOutput)
		from.Close() // nobody waits for it any more
		e.ended <- err
	}()
	return e, nil
}

// write passes samples on; what comes behind the end of an ffmpeg that has ended is lost.
func (e *flacEncoder) write(data []byte) { _, _ = e.sound.Write(data) }

// finish returns the whole file.
func (e *flacEncoder) finish() ([]byte, error) {
	defer e.output.Close()
	e.sound.Close()
	if err := <-e.ended; err != nil {
		return nil, err
	}
	info, err := e.output.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	if _, err := e.output.ReadAt(data, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return data, nil
}

func (e *flacEncoder) discard() {
	e.sound.CloseWithError(errStopped)
	<-e.ended
	e.output.Close()
}

// flacLength reads the length, in samples at orchestrator.SampleRateHz, out of a FLAC file's header.
func flacLength(data []byte) int64 {
	const streamInfo = 8 // behind the magic and the block's own header
	if len(data) < streamInfo+18 {
		return 0
	}
	rateHz := int64(data[streamInfo+10])<<12 | int64(data[streamInfo+11])<<4 | int64(data[streamInfo+12])>>4
	samples := int64(data[streamInfo+13]&15)<<32 | int64(binary.BigEndian.Uint32(data[streamInfo+14:]))
	if rateHz == 0 {
		return 0
	}
	return (samples*orchestrator.SampleRateHz + rateHz/2) / rateHz
}
