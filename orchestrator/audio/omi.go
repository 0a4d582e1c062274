package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// omiName is what Omi's app calls its raw files: codec, rate, channels, samples in a frame, and the time.
var omiName = regexp.MustCompile(`^audio_[A-Za-z0-9._-]+_(opus|opus_fs320|pcm8|pcm16)_(\d{4,6})_([12])(?:_fs\d{2,4})?_1\d{9}(?:\d{3})?\.bin$`)

// omiFile is a file of frames of Omi's.
type omiFile struct {
	pcm              bool // 16-bit samples, the lowest byte first
	rateHz, channels int
}

// readOmi recognises such a file by the whole of its name, and by frames from its first byte on; nil for any other.
func readOmi(file *file) *omiFile {
	fields := omiName.FindStringSubmatch(filepath.Base(file.Name()))
	if fields == nil {
		return nil
	}
	o := &omiFile{pcm: fields[1] == "pcm8" || fields[1] == "pcm16"}
	o.rateHz, _ = strconv.Atoi(fields[2]) // digits
	o.channels, _ = strconv.Atoi(fields[3])
	if !rateIsSound(o.rateHz) {
		return nil
	}
	const frames = 8
	n := 0
	for frame, err := range opus.Frames(io.NewSectionReader(file, 0, 64<<10)) {
		if err != nil || !o.pcm && opus.Ticks(frame) == 0 || o.pcm && len(frame)%(2*o.channels) != 0 {
			return nil
		}
		if n++; n == frames {
			break
		}
	}
	if n == 0 {
		return nil
	}
	return o
}

// packets are those of a file of Opus frames.
func (o *omiFile) packets(file *file, damage *opus.Damage) iter.Seq2[opus.Packet, error] {
	return opus.RawPackets(file.reader(), o.channels, damage)
}

// samples yields a file of samples, all channels interleaved.
func (o *omiFile) samples(ctx context.Context, file *file) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		var samples []float32
		position := int64(0)
		for frame, err := range opus.Frames(file.reader()) {
			switch {
			case ctx.Err() != nil:
				yield(nil, context.Cause(ctx))
				return
			case errors.Is(err, opus.ErrFrame) && position > 0:
				yield(nil, &orchestrator.DamageError{First: scale(position, orchestrator.SampleRateHz, int64(o.rateHz))})
				return
			case err != nil:
				yield(nil, damaged(err))
				return
			}
			samples = samples[:0]
			for frame = frame[:len(frame)/(2*o.channels)*2*o.channels]; len(frame) > 0; frame = frame[2:] {
				samples = append(samples, float32(int16(binary.LittleEndian.Uint16(frame)))/(1<<15))
			}
			position += int64(len(samples) / o.channels)
			if len(samples) > 0 && !yield(samples, nil) {
				return
			}
		}
	}
}

// mono yields the same, mixed, at our rate.
func (o *omiFile) mono(ctx context.Context, a *Audio, file *file) iter.Seq2[[]float32, error] {
	var damage *orchestrator.DamageError // ffmpeg resamples what comes before it
	mixed := func(yield func([]float32, error) bool) {
		mix := newMixer(o.channels, o.rateHz)
		for piece, err := range o.samples(ctx, file) {
			if errors.As(err, &damage) {
				break
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if mono := mix.add(piece); len(mono) > 0 && !yield(mono, nil) {
				return
			}
		}
		if mono := mix.flush(); len(mono) > 0 {
			yield(mono, nil)
		}
	}
	return func(yield func([]float32, error) bool) {
		pieces := iter.Seq2[[]float32, error](mixed)
		if o.rateHz != orchestrator.SampleRateHz {
			pieces = a.atOurRate(ctx, mixed, o.rateHz)
		}
		for piece, err := range pieces {
			if !yield(piece, err) || err != nil {
				return
			}
		}
		if damage != nil {
			yield(nil, damage)
		}
	}
}

// cut makes clips of a file of samples.
func (o *omiFile) cut(ctx context.Context, file *file, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		for _, span := range spans {
			made, err := o.cutSpan(ctx, file, span)
			if !yield(made, err) || err != nil {
				return
			}
		}
	}
}

func (o *omiFile) cutSpan(ctx context.Context, file *file, span orchestrator.SampleSpan) (orchestrator.Clip, error) {
	for clip := newFLACClip(span); ; {
		position := int64(0)
		for piece, err := range o.samples(ctx, file) {
			if damage := (*orchestrator.DamageError)(nil); errors.As(err, &damage) {
				break
			}
			if err == nil {
				err = clip.add(piece, o.channels, position, int64(o.rateHz))
			}
			if err != nil {
				return orchestrator.Clip{}, err
			}
			position += int64(len(piece) / o.channels)
		}
		again, needed := clip.again()
		if !needed {
			return clip.finish()
		}
		clip = again
	}
}

// length is the length of the file in samples at orchestrator.SampleRateHz.
func (o *omiFile) length(ctx context.Context, file *file) (length int64) {
	if !o.pcm {
		for packet, err := range o.packets(file, nil) {
			if err != nil || ctx.Err() != nil {
				break
			}
			length = packet.End
		}
		return toSamples(max(length, 0))
	}
	for frame, err := range opus.Frames(file.reader()) {
		if err != nil || ctx.Err() != nil {
			break
		}
		length += int64(len(frame) / (2 * o.channels))
	}
	return scale(length, orchestrator.SampleRateHz, int64(o.rateHz))
}
