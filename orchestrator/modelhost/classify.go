package modelhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// maxChunk is the most that one message carries, in samples: 3.4 s, 108 kB, a third of a block of the
	// decoder's, and seven of YAMNet's hops. Longer ones are no cheaper, and take more memory.
	maxChunk = 54000
	// maxUnanswered chunks may be under way: enough to keep several models busy while the next is decoded.
	maxUnanswered = 4
)

// errLeft ends a stream whose frames nobody wants any more.
var errLeft = errors.New("no more frames wanted")

// Classify scores one recording. Chunks are asked for by the goroutine that asks for frames.
func (p *process) Classify(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error]) iter.Seq2[orchestrator.Frame, error] {
	return func(yield func(orchestrator.Frame, error) bool) {
		err := p.classify(ctx, chunks, func(f orchestrator.Frame) bool { return yield(f, nil) })
		if err != nil && !errors.Is(err, errLeft) {
			yield(orchestrator.Frame{}, err)
		}
	}
}

func (p *process) classify(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error], yield func(orchestrator.Frame) bool) error {
	s, err := p.open(ctx, yield)
	defer s.close()
	if err != nil {
		return s.explain(err)
	}
	if p.wire.rateHz != orchestrator.SampleRateHz {
		chunks = p.config.Resample(ctx, chunks, p.wire.rateHz)
	}
	for chunk, err := range chunks {
		if err != nil {
			return err
		}
		if chunk.Offset != s.answers.sent {
			return fmt.Errorf("classify: chunk starts at sample %d; want %d, where the last one ended", chunk.Offset, s.answers.sent)
		}
		for samples := range slices.Chunk(chunk.Samples, maxChunk) {
			if err := s.send(samples); err != nil {
				return s.explain(err)
			}
		}
	}
	return s.explain(s.finish())
}

// stream is one recording on its way through the model. Its methods are called by one goroutine; one
// more receives.
type stream struct {
	p       *process
	ctx     context.Context // the caller's
	rpc     inferencev1.InferenceService_ClassifyClient
	cancel  context.CancelFunc
	unlink  func() bool // from the process's end
	yield   func(orchestrator.Frame) bool
	pending watchdog

	received chan response
	receiver sync.WaitGroup

	answers answers
	closed  bool
	message inferencev1.ClassifyRequest // reused, as is its chunk and the chunk's bytes
	chunk   inferencev1.Chunk
	frame   orchestrator.Frame
}

type response struct {
	message *inferencev1.ClassifyResponse
	err     error
}

// open begins a stream. The stream must be closed also after an error.
func (p *process) open(ctx context.Context, yield func(orchestrator.Frame) bool) (*stream, error) {
	s := &stream{p: p, ctx: ctx, yield: yield,
		// Room for every answer that may come, so that the receiver always goes on and sees an end.
		received: make(chan response, maxUnanswered+2),
		answers:  answers{window: p.wire.window, hop: p.wire.hop, names: p.wire.names, logits: p.wire.logits}}
	s.pending.patience = p.config.StallTimeout
	s.pending.bark = func() { p.kill(fmt.Errorf("it gave no answer for %v", p.config.StallTimeout)) }
	ctx, s.cancel = context.WithCancel(ctx)
	s.unlink = context.AfterFunc(p.child.ended, s.cancel)

	s.pending.expect()
	defer s.pending.got()
	var err error
	if s.rpc, err = p.rpc.Classify(ctx); err != nil {
		return s, err
	}
	s.receiver.Go(func() { s.receive(ctx) })
	s.message.Payload = &inferencev1.ClassifyRequest_Config{Config: &inferencev1.StreamConfig{
		Labels:     p.wire.labels,
		ScoreFloor: p.wire.floor(),
		HopSamples: p.wire.otherHop,
		Encoding:   inferencev1.PcmEncoding_PCM_ENCODING_S16LE,
		Logits:     p.wire.logits,
	}}
	if err := s.rpc.Send(&s.message); err != nil {
		return s, s.ended(err)
	}
	s.message.Payload = &inferencev1.ClassifyRequest_Chunk{Chunk: &s.chunk}
	return s, nil
}

// receive takes answers until the stream ends.
func (s *stream) receive(ctx context.Context) {
	defer close(s.received)
	for {
		message, err := s.rpc.Recv()
		if err == nil || err == io.EOF {
			s.pending.got()
		}
		select {
		case s.received <- response{message, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// send sends one chunk, and hands on the frames that are there meanwhile.
func (s *stream) send(samples []float32) error {
	s.chunk.Index = s.answers.next + uint64(len(s.answers.ends))
	s.chunk.FirstSample = s.answers.sent
	s.chunk.Pcm = appendPCM(s.chunk.Pcm[:0], samples)
	s.answers.expect(len(samples))
	s.pending.expect()
	if err := s.rpc.Send(&s.message); err != nil {
		return s.ended(err)
	}
	for len(s.answers.ends) >= maxUnanswered || len(s.received) > 0 {
		if err := s.take(s.next()); err != nil {
			return err
		}
	}
	return nil
}

// finish says that all was sent and hands on what is still to come.
func (s *stream) finish() error {
	s.closed = true
	s.pending.expect() // the final response
	s.pending.expect() // the end
	if err := s.rpc.CloseSend(); err != nil {
		return s.ended(err)
	}
	for {
		r := s.next()
		if r.err == io.EOF && s.answers.final {
			return nil
		}
		if err := s.take(r); err != nil {
			return err
		}
	}
}

// next waits for what the receiver sees next.
func (s *stream) next() response {
	r, ok := <-s.received
	if !ok { // it went away unseen, as the stream was canceled: told as gRPC would
		r.err = status.FromContextError(s.rpc.Context().Err()).Err()
	}
	return r
}

// take checks one response and hands its frames on.
func (s *stream) take(r response) error {
	if r.err == io.EOF {
		return badAnswer("it ended the stream after %d of %d samples, without a final response", s.answers.from, s.answers.sent)
	}
	if r.err != nil {
		return r.err
	}
	if err := s.answers.check(r.message, s.closed); err != nil {
		return err
	}
	for _, f := range r.message.GetFrames() {
		s.p.wire.frame(f, &s.frame)
		if !s.yield(s.frame) {
			return errLeft
		}
	}
	return nil
}

// ended finds the reason why nothing can be sent any more: the receiver sees it.
func (s *stream) ended(err error) error {
	if err != io.EOF {
		return err
	}
	for {
		if err := s.take(s.next()); err != nil {
			return err
		}
	}
}

// explain names the cause of a stream's failure.
func (s *stream) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, errLeft):
		return err
	case s.ctx.Err() != nil:
		return fmt.Errorf("classify: %w", s.ctx.Err())
	case errors.Is(err, orchestrator.ErrBadPlugin):
		return s.p.bad("classify", err)
	}
	if _, ok := s.ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded {
		return fmt.Errorf("classify: %w", context.DeadlineExceeded) // the other side's clock was faster
	}
	return s.p.explain("classify", err)
}

// close ends the stream, whatever is under way, and returns when nothing of it is left here.
func (s *stream) close() {
	s.unlink()
	s.cancel()
	s.receiver.Wait()
	s.pending.stop()
}

// watchdog barks when nothing has come for too long while something is expected.
type watchdog struct {
	patience time.Duration
	bark     func()

	mu       sync.Mutex
	expected int
	timer    *time.Timer
}

// expect says that one more answer is to come.
func (w *watchdog) expect() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected++
	if w.timer == nil {
		w.timer = time.AfterFunc(w.patience, w.bark)
	} else if w.expected == 1 {
		w.timer.Reset(w.patience)
	}
}

// got says that one came.
func (w *watchdog) got() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected--
	if w.expected > 0 {
		w.timer.Reset(w.patience)
	} else if w.timer != nil {
		w.timer.Stop()
	}
}

// stop expects nothing any more.
func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}
