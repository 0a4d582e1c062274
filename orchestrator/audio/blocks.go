package audio

import (
	"context"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// blockLength is a block's length in samples: 10 s.
	blockLength = 10 * orchestrator.SampleRateHz
	// blockBuffers: one is being filled, one waits for its neighbour's level, one waits for the
	// consumer and one is the consumer's.
	blockBuffers = 4
)

type block struct {
	samples []float32
	err     error
}

// ahead decodes in a goroutine of its own, a little before the consumer. The goroutine has ended when
// the iteration has.
func ahead(ctx context.Context, silence float32, decode func(context.Context) iter.Seq2[[]float32, error]) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		full := make(chan block, 1)
		free := make(chan []float32, blockBuffers)
		for range blockBuffers {
			free <- nil // made when it is needed: most clips and tests are short
		}
		go func() {
			defer close(full)
			produce(inner, silence, decode(inner), free, full)
		}()
		defer func() {
			cancel()
			for range full {
				// What is left is thrown away; the channel is closed when the goroutine ends.
			}
		}()

		var offset int64
		for b := range full {
			if ctx.Err() != nil {
				break
			}
			if b.err != nil {
				yield(orchestrator.Chunk{}, b.err)
				return
			}
			if !yield(orchestrator.Chunk{Offset: offset, Samples: b.samples}, nil) {
				return
			}
			offset += int64(len(b.samples))
			free <- b.samples // never blocks: there is room for every buffer
		}
		if ctx.Err() != nil {
			yield(orchestrator.Chunk{}, context.Cause(ctx))
		}
	}
}

// produce cuts pieces into blocks, levels them and sends them on.
func produce(ctx context.Context, silence float32, pieces iter.Seq2[[]float32, error], free <-chan []float32, full chan<- block) {
	send := func(b block) bool {
		if len(b.samples) == 0 && b.err == nil {
			return true
		}
		select {
		case full <- b:
			return true
		case <-ctx.Done():
			return false
		}
	}
	level := leveller{silencer: silencer{below: silence}}
	var filling []float32
	for piece, err := range pieces {
		if err != nil {
			send(block{err: err})
			return
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
				if !send(block{samples: level.push(filling)}) {
					return
				}
				filling = nil
			}
		}
	}
	if len(filling) > 0 && !send(block{samples: level.push(filling)}) {
		return
	}
	send(block{samples: level.flush()})
}
