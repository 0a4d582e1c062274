package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"sync"

	"github.com/chortle-audio/chortle/orchestrator"
)

// resampling is the filter of ffmpeg's swresample: four times its usual length, and an edge as close to half
// the lower rate as that allows. What it is worth is measured by TestResampleQuality.
const resampling = ":filter_size=128:phase_shift=10:cutoff=0.975"

// Resample yields the sound of chunks at another rate, in Hz, with offsets that count samples at that
// rate. Sample 0 stays where it is, and the length is that of the recording to the nearest sample. It
// asks for chunks in the goroutine that asks for its own, and holds about one of them. An error of
// chunks ends it and is passed on as it is; others are ffmpeg's, which does the work.
func (a *Audio) Resample(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error], rateHz int) iter.Seq2[orchestrator.Chunk, error] {
	return a.resample(ctx, chunks, conversion{orchestrator.SampleRateHz, int64(rateHz), true}, resampling)
}

// atOurRate yields the sound of pieces of one channel at orchestrator.SampleRateHz, as ffmpeg does it for every other file. It may
// exceed full scale as they do.
func (a *Audio) atOurRate(ctx context.Context, pieces iter.Seq2[[]float32, error], rateHz int) iter.Seq2[[]float32, error] {
	chunks := func(yield func(orchestrator.Chunk, error) bool) {
		for piece, err := range pieces {
			if !yield(orchestrator.Chunk{Samples: piece}, err) || err != nil {
				return
			}
		}
	}
	return func(yield func([]float32, error) bool) {
		for chunk, err := range a.resample(ctx, chunks, conversion{int64(rateHz), orchestrator.SampleRateHz, false}, "") {
			if !yield(chunk.Samples, err) || err != nil {
				return
			}
		}
	}
}

// conversion is from one rate to another, in Hz.
type conversion struct {
	from, rate int64
	bounded    bool // what the filter overshoots is brought back to full scale
}

// resample does the work of both; filter are options of ffmpeg's.
func (a *Audio) resample(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error], task conversion, filter string) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		r := &resampler{conversion: task, yield: yield}
		ffmpeg := program{path: a.ffmpeg, confine: a.sandbox, read: r.read}
		ffmpeg.feed = func(w io.Writer) error { return r.feed(w, chunks) }
		rate := strconv.FormatInt(r.rate, 10)
		err := ffmpeg.run(ctx, "-v", "error", "-f", "f32le", "-ar", strconv.FormatInt(r.from, 10), "-ac", "1", "-i", "pipe:0",
			"-af", "aresample="+rate+filter, "-c:a", "pcm_f32le", "-f", "f32le", "-flush_packets", "1", "pipe:1")
		failed := (*chunkError)(nil)
		switch {
		case errors.Is(err, errStopped):
			return
		case errors.As(err, &failed):
			err = failed.cause
		case err == nil:
			if err = r.finish(); err == nil || errors.Is(err, errStopped) {
				return
			}
		}
		yield(orchestrator.Chunk{}, err)
	}
}

// chunkError is an error of the chunks that came in.
type chunkError struct{ cause error }

func (e *chunkError) Error() string { return e.cause.Error() }

// resampler is one recording on its way through ffmpeg. All but read is used by one goroutine.
type resampler struct {
	conversion
	yield func(orchestrator.Chunk, error) bool

	in, out int64 // samples that came in, and that went out
	samples []float32

	mu    sync.Mutex
	ready []byte // what read found and nobody took yet
}

// read collects what ffmpeg says, so that it never waits for us while we wait for it.
func (r *resampler) read(from io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		r.ready = append(r.ready, buffer[:n]...)
		r.mu.Unlock()
		if err != nil {
			return nil // the end, or a pipe that broke: then ffmpeg's end tells why
		}
	}
}

// feed writes all chunks, and passes on what is ready between them.
func (r *resampler) feed(to io.Writer, chunks iter.Seq2[orchestrator.Chunk, error]) error {
	var raw []byte
	for chunk, err := range chunks {
		if err != nil {
			return &chunkError{err}
		}
		raw = raw[:0]
		for _, v := range chunk.Samples {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		if _, err := to.Write(raw); err != nil {
			return nil // ffmpeg ended: how it did so says why
		}
		r.in += int64(len(chunk.Samples))
		if err := r.pass(r.take()); err != nil {
			return err
		}
	}
	return nil
}

// take returns the whole samples that are ready. They are valid until the next call.
func (r *resampler) take() []float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := len(r.ready) / 4 * 4
	r.samples = r.samples[:0]
	for i := 0; i < whole; i += 4 {
		r.samples = append(r.samples, math.Float32frombits(binary.LittleEndian.Uint32(r.ready[i:])))
	}
	r.ready = append(r.ready[:0], r.ready[whole:]...)
	return r.samples
}

// finish passes on the rest, once ffmpeg has ended, and makes the length what it must be.
func (r *resampler) finish() error {
	length := scale(r.in, r.rate, r.from)
	rest := r.take()
	missing := length - r.out - int64(len(rest))
	const most = 64 // samples by which the end of a filter may be cut off
	if missing > most || missing < -most {
		return fmt.Errorf("resample to %d Hz: ffmpeg made %d samples; want %d", r.rate, r.out+int64(len(rest)), length)
	}
	if missing > 0 {
		rest = append(rest, make([]float32, missing)...)
	}
	return r.pass(rest[:max(0, length-r.out)])
}

func (r *resampler) pass(samples []float32) error {
	if len(samples) == 0 {
		return nil
	}
	if r.bounded {
		for i, v := range samples {
			samples[i] = min(max(v, -1), 1)
		}
	}
	if !r.yield(orchestrator.Chunk{Offset: r.out, Samples: samples}, nil) {
		return errStopped
	}
	r.out += int64(len(samples))
	return nil
}
