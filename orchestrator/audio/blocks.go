package audio

import (
	"context"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// blockLength is a block's length in samples: 10 s.
	blockLength = 10 * orchestrator.SampleRateHz
	// blocksAhead wait to be levelled: while a busy stretch keeps the models, decoding gets ahead by a quiet one.
	blocksAhead = 4
	// blockBuffers: beside those, one is being filled, two wait for their neighbours, and one is the consumer's.
	blockBuffers = blocksAhead + 4
)

type block struct {
	samples []float32
	err     error
}

// ahead decodes in a goroutine of its own, a little before the consumer, in whose goroutine blocks are
// levelled: on a quiet day decoding is the longest of all stages. The goroutine has ended when the
// iteration has.
func ahead(ctx context.Context, silence float32, decode func(context.Context) iter.Seq2[[]float32, error]) iter.Seq2[orchestrator.Chunk, error] { //nolint:gocognit // one hand-over, whose ends belong together
	return func(yield func(orchestrator.Chunk, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		full := make(chan block, blocksAhead)
		free := make(chan []float32, blockBuffers)
		for range blockBuffers {
			free <- nil // made when it is needed: most clips and tests are short
		}
		go func() {
			defer close(full)
			produce(inner, decode(inner), free, full)
		}()
		defer func() {
			cancel()
			for range full {
				// What is left is thrown away; the channel is closed when the goroutine ends.
			}
		}()

		var offset int64
		level := leveller{silencer: silencer{below: silence}}
		send := func(samples []float32) bool {
			if len(samples) == 0 {
				return true
			}
			if !yield(orchestrator.Chunk{Offset: offset, Samples: samples}, nil) {
				return false
			}
			offset += int64(len(samples))
			free <- samples // never blocks: there is room for every buffer
			return true
		}
		flush := func() bool {
			for ready := level.flush(); ready != nil; ready = level.flush() {
				if !send(ready) {
					return false
				}
			}
			return true
		}
		for b := range full {
			if ctx.Err() != nil {
				break
			}
			if b.err != nil {
				if flush() {
					yield(orchestrator.Chunk{}, b.err)
				}
				return
			}
			if !send(level.push(b.samples)) {
				return
			}
		}
		if ctx.Err() == nil && !flush() {
			return
		}
		if ctx.Err() != nil {
			yield(orchestrator.Chunk{}, context.Cause(ctx))
		}
	}
}

// produce cuts pieces into blocks and sends them on, an error behind them.
func produce(ctx context.Context, pieces iter.Seq2[[]float32, error], free <-chan []float32, full chan<- block) {
	send := func(b block) bool {
		select {
		case full <- b:
			return true
		case <-ctx.Done():
			return false
		}
	}
	var filling []float32
	var failed error
	for piece, err := range pieces {
		if failed = err; err != nil {
			break
		}
		for len(piece) > 0 {
			if filling == nil {
				select {
				case filling = <-free:
				case <-ctx.Done():
					return
				}
				if filling == nil {
					filling = make([]float32, 0, blockLength)
				}
				filling = filling[:0]
			}
			n := min(len(piece), blockLength-len(filling))
			filling = append(filling, piece[:n]...)
			piece = piece[n:]
			if len(filling) == blockLength {
				if !send(block{samples: filling}) {
					return
				}
				filling = nil
			}
		}
	}
	if len(filling) > 0 && !send(block{samples: filling}) {
		return
	}
	if failed != nil {
		send(block{err: failed})
	}
}
