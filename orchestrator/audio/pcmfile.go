package audio

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/wave"
)

// readWave finds the sound of a file of linear PCM; nil for any other file.
func readWave(file *file) (*wave.File, error) {
	sound, err := wave.Parse(file, file.info.Size())
	switch {
	case errors.Is(err, wave.ErrNotPCM):
		return nil, nil
	case err != nil:
		return nil, damaged(err)
	}
	return sound, nil
}

// pcmLength is the length of a file of linear PCM, in samples at orchestrator.SampleRateHz.
func pcmLength(sound *wave.File) (length int64) {
	for run := range pcmRuns(sound) {
		length += run.length()
	}
	return length
}

// pcmRun are parts of one rate that follow each other.
type pcmRun []wave.Part

func (r pcmRun) rate() int64 { return int64(r[0].Format.RateHz) }

// frames is how many samples of all channels it has.
func (r pcmRun) frames() (n int64) {
	for _, part := range r {
		n += part.Span.Length / int64(part.Format.Frame())
	}
	return n
}

// length is its length in samples at orchestrator.SampleRateHz.
func (r pcmRun) length() int64 { return scale(r.frames(), orchestrator.SampleRateHz, r.rate()) }

// pcmRuns yields the runs of a file.
func pcmRuns(sound *wave.File) iter.Seq[pcmRun] {
	return func(yield func(pcmRun) bool) {
		for parts := sound.Parts; len(parts) > 0; {
			n := 1
			for n < len(parts) && parts[n].Format.RateHz == parts[0].Format.RateHz {
				n++
			}
			if !yield(pcmRun(parts[:n])) {
				return
			}
			parts = parts[n:]
		}
	}
}

// scale converts a position from one rate to another, to the nearest sample.
func scale(position, to, from int64) int64 { return (2*position*to + from) / (2 * from) }

// pcmSamples decodes a file of linear PCM: its channels are mixed here, and brought to our rate by ffmpeg.
func (a *Audio) pcmSamples(ctx context.Context, file *file, sound *wave.File) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for run := range pcmRuns(sound) {
			samples := mixedPCM(ctx, file, run)
			if run.rate() != orchestrator.SampleRateHz {
				samples = a.atOurRate(ctx, samples, int(run.rate()))
			}
			for piece, err := range samples {
				if !yield(piece, err) || err != nil {
					return
				}
			}
		}
	}
}

// mixedPCM yields the sound of a run at its own rate, mixed to one channel.
func mixedPCM(ctx context.Context, file *file, run pcmRun) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for _, part := range run {
			mix := newMixer(part.Format.Channels, part.Format.RateHz)
			for piece, err := range readPCM(ctx, file, part, 0, part.Span.Length/int64(part.Format.Frame())) {
				if err != nil {
					yield(nil, err)
					return
				}
				if mono := mix.add(piece); len(mono) > 0 && !yield(mono, nil) {
					return
				}
			}
			if mono := mix.flush(); len(mono) > 0 && !yield(mono, nil) {
				return
			}
		}
	}
}

// readPCM yields samples of all channels of a part, from one place to another, each piece valid until the next.
func readPCM(ctx context.Context, file *file, part wave.Part, from, to int64) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		format, frame := part.Format, int64(part.Format.Frame())
		raw := make([]byte, max(1, pieceBytes/frame)*frame)
		samples := make([]float32, len(raw)/format.Width)
		for from < to {
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			data := raw[:min(int64(len(raw)), (to-from)*frame)]
			if _, err := file.ReadAt(data, part.Span.Offset+from*frame); err != nil {
				if errors.Is(err, io.EOF) {
					err = errChanged
				}
				yield(nil, damaged(err))
				return
			}
			format.Decode(data, samples)
			if !yield(samples[:len(data)/format.Width], nil) {
				return
			}
			from += int64(len(data)) / frame
		}
	}
}

// cutPCM makes clips of a file of linear PCM. It reads each span alone.
func cutPCM(ctx context.Context, file *file, sound *wave.File, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		for _, span := range spans {
			clip, err := cutPCMSpan(ctx, file, stretchesOf(sound, span), span)
			if !yield(clip, err) || err != nil {
				return
			}
		}
	}
}

// stretch is a piece of a part, in its own samples.
type stretch struct {
	part     wave.Part
	from, to int64
	start    int64 // position of from in the run, in samples
}

// stretchesOf finds the pieces that a span lies in: of one rate and number of channels, those which have most of it.
func stretchesOf(sound *wave.File, span orchestrator.SampleSpan) (best []stretch) {
	var current []stretch
	var longest, length, start int64 // start: of the run, at our rate
	for run := range pcmRuns(sound) {
		rate, first := run.rate(), int64(0) // first: sample of the run
		for _, part := range run {
			n := part.Span.Length / int64(part.Format.Frame())
			from := max(atRate(span.Start-start, rate), first)
			to := min(atRate(span.End-start, rate), first+n)
			if from < to {
				if k := len(current); k > 0 && (current[k-1].part.Format.RateHz != part.Format.RateHz || current[k-1].part.Format.Channels != part.Format.Channels) {
					current, length = nil, 0
				}
				current = append(current, stretch{part, from - first, to - first, from + atRate(start, rate)})
				if length += scale(to-from, orchestrator.SampleRateHz, rate); length > longest {
					best, longest = current, length
				}
			}
			first += n
		}
		start += run.length()
	}
	return best
}

func cutPCMSpan(ctx context.Context, file *file, stretches []stretch, span orchestrator.SampleSpan) (orchestrator.Clip, error) {
	if len(stretches) == 0 {
		return orchestrator.Clip{}, errNoSound(span)
	}
	for clip := newFLACClip(span); ; {
		for _, s := range stretches {
			at := s.start
			for piece, err := range readPCM(ctx, file, s.part, s.from, s.to) {
				if err != nil {
					return orchestrator.Clip{}, err
				}
				if err := clip.add(piece, s.part.Format.Channels, at, int64(s.part.Format.RateHz)); err != nil {
					return orchestrator.Clip{}, err
				}
				at += int64(len(piece) / s.part.Format.Channels)
			}
		}
		again, needed := clip.again()
		if !needed {
			return clip.finish()
		}
		clip = again
	}
}
