package flac

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/mewkiz/flac"
)

// Format is what a file holds.
type Format struct {
	RateHz, Channels, Bits int
}

// Read yields a file's sound as the mean of its channels, in [-1, 1], a frame at a time, each valid until the next. A
// damaged file is read up to the damage; the error comes last and wraps ErrNotFLAC.
func Read(r io.Reader) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		var mono []float32
		_, err := frames(r, func(format Format, samples [][]int32) bool {
			mono = mono[:0]
			scale := 1 / (float32(int64(1)<<(format.Bits-1)) * float32(len(samples)))
			for i := range samples[0] {
				var sum int64
				for _, channel := range samples {
					sum += int64(channel[i])
				}
				mono = append(mono, float32(sum)*scale)
			}
			return yield(mono, nil)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// ReadFormat reads the start of a file.
func ReadFormat(r io.Reader) (Format, error) { return frames(r, nil) }

// frames calls take for each frame until it returns false. The library that reads them is not trusted with
// foreign bytes: where it panics, the file is damaged.
func frames(r io.Reader, take func(Format, [][]int32) bool) (format Format, err error) {
	taking := false
	defer func() {
		if taking {
			return // the caller's own
		}
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", ErrNotFLAC, cause)
		}
	}()
	stream, err := flac.New(r)
	if err != nil {
		return format, fmt.Errorf("%w: %w", ErrNotFLAC, err)
	}
	format = Format{int(stream.Info.SampleRate), int(stream.Info.NChannels), int(stream.Info.BitsPerSample)}
	if format.RateHz == 0 || format.Bits < 4 || format.Bits > 32 {
		return format, fmt.Errorf("%w: %d bits at %d Hz", ErrNotFLAC, format.Bits, format.RateHz)
	}
	channels := make([][]int32, 0, format.Channels)
	for take != nil {
		frame, err := stream.ParseNext()
		switch {
		case errors.Is(err, io.EOF):
			return format, nil
		case err != nil:
			return format, fmt.Errorf("%w: %w", ErrNotFLAC, err)
		case len(frame.Subframes) != format.Channels:
			return format, fmt.Errorf("%w: its channels change", ErrNotFLAC)
		}
		channels = channels[:0]
		for _, subframe := range frame.Subframes {
			if len(subframe.Samples) != len(frame.Subframes[0].Samples) {
				return format, fmt.Errorf("%w: channels of several lengths", ErrNotFLAC)
			}
			channels = append(channels, subframe.Samples)
		}
		taking = true
		more := take(format, channels)
		taking = false
		if !more {
			return format, nil
		}
	}
	return format, nil
}
