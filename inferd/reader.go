package inferd

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

// reader takes the chunks of one stream, cuts them into batches and hands these to the models.
type reader struct {
	server *Server
	stream pb.InferenceService_ClassifyServer
	ctx    context.Context
	config streamConfig
	// answers, in the order of the chunks; closed when there will be no more.
	answers chan *answer
	// buffers that no batch holds; nil is one that was not needed yet.
	buffers chan []float32
	framer  *Framer
	index   uint64 // of the next chunk
	samples int64  // read so far
}

func newReader(s *Server, stream pb.InferenceService_ClassifyServer, config streamConfig) *reader {
	// One buffer for each model to work on, one that waits for it, and one that is being filled.
	count := 2*len(s.models) + 1
	r := &reader{
		server:  s,
		stream:  stream,
		ctx:     stream.Context(),
		config:  config,
		answers: make(chan *answer, count),
		buffers: make(chan []float32, count),
	}
	for range count {
		r.buffers <- nil
	}
	return r
}

// run reads the stream to its end. An error becomes the last answer.
func (r *reader) run() {
	defer close(r.answers)
	if err := r.read(); err != nil {
		_ = r.answer(&answer{err: err}) // where nobody waits for it any more, nobody misses it
	}
}

func (r *reader) read() error {
	buffer, err := r.buffer()
	if err != nil {
		return err
	}
	r.framer = NewFramer(r.server.model.Window, r.config.hop, buffer)
	var request pb.ClassifyRequest // reused: see Codec
	for {
		err := r.stream.RecvMsg(&request)
		if errors.Is(err, io.EOF) {
			return r.finish()
		} else if err != nil {
			return err
		}
		pcm, err := r.config.chunkFromProto(&request, r.index, r.samples)
		if err != nil {
			return err
		}
		if err := r.chunk(pcm); err != nil {
			return err
		}
	}
}

// chunk cuts a chunk into batches, which are scored while it goes on, and queues the answer.
func (r *reader) chunk(pcm []byte) error {
	a := &answer{index: r.index}
	samples := int64(len(pcm) / r.config.sampleBytes)
	if n, most := r.complete(r.samples+samples)-r.complete(r.samples), r.config.maxFrames(); n > int64(most) {
		return invalid("check chunk %d: its %d frames do not fit into one answer, which holds %d; send shorter chunks or ask for a larger hop",
			r.index, n, most)
	}
	for len(pcm) > 0 {
		room := r.framer.Room()
		n := min(len(pcm), len(room)*r.config.sampleBytes)
		if err := r.config.decode(room, pcm[:n]); err != nil {
			return invalid("check chunk %d: %v", r.index, err)
		}
		r.framer.Grow(n / r.config.sampleBytes)
		pcm = pcm[n:]
		if len(pcm) > 0 || r.framer.Windows() > 0 {
			if err := r.cut(a); err != nil {
				return err
			}
		}
	}
	r.index++
	r.samples += samples
	return r.answer(a)
}

// complete is the number of whole windows in a recording of so many samples.
func (r *reader) complete(samples int64) int64 {
	window, hop := int64(r.server.model.Window), int64(r.config.hop)
	if samples < window {
		return 0
	}
	return 1 + (samples-window)/hop
}

// finish queues the final answer.
func (r *reader) finish() error {
	a := &answer{index: r.index, final: true}
	if batch, ok := r.framer.Rest(); ok {
		if err := r.submit(a, batch); err != nil {
			return err
		}
	}
	return r.answer(a)
}

// cut hands the complete windows to the models.
func (r *reader) cut(a *answer) error {
	next, err := r.buffer()
	if err != nil {
		return err
	}
	return r.submit(a, r.framer.Cut(next))
}

// buffer waits for one that no batch holds.
func (r *reader) buffer() ([]float32, error) {
	select {
	case buffer := <-r.buffers:
		if buffer == nil {
			buffer = make([]float32, BufferLength(r.server.model.Window, r.config.hop, batchWindows))
		}
		return buffer[:cap(buffer)], nil
	case <-r.ctx.Done():
		return nil, status.FromContextError(r.ctx.Err()).Err()
	case <-r.server.quit:
		return nil, errClosing
	}
}

func (r *reader) submit(a *answer, batch Batch) error {
	j := &job{ctx: r.ctx, config: r.config, batch: batch, done: make(chan struct{}), free: r.buffers}
	a.jobs = append(a.jobs, j)
	select {
	case r.server.jobs <- j:
		return nil
	case <-r.ctx.Done():
		return status.FromContextError(r.ctx.Err()).Err()
	case <-r.server.quit:
		return errClosing
	}
}

func (r *reader) answer(a *answer) error {
	select {
	case r.answers <- a:
		return nil
	case <-r.ctx.Done():
		return status.FromContextError(r.ctx.Err()).Err()
	}
}

var errClosing = status.Error(codes.Unavailable, "score frames: the service is closing")
