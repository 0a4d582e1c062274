package modelhost

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

// tracer writes a line for every message of every call: when, which call, which way, and what is in
// it. Samples and scores are counted, not shown. Safe for concurrent use.
type tracer struct {
	began time.Time

	mu    sync.Mutex
	to    io.Writer
	calls int
}

// traced are the options that let a connection be traced; none where to is nil.
func traced(to io.Writer) []grpc.DialOption {
	if to == nil {
		return nil
	}
	t := &tracer{to: to, began: time.Now()}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(t.unary), grpc.WithChainStreamInterceptor(t.stream)}
}

// call numbers a call and returns what writes its lines.
func (t *tracer) call(method string) func(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	name := fmt.Sprintf("grpc %d %s", t.calls, method[strings.LastIndexByte(method, '.')+1:])
	return func(format string, args ...any) {
		t.mu.Lock()
		defer t.mu.Unlock()
		// Who debugs looks at the lines; a writer that fails is no matter of the model's.
		_, _ = fmt.Fprintf(t.to, "%8.3f s  %s  %s\n", time.Since(t.began).Seconds(), name, fmt.Sprintf(format, args...))
	}
}

func (t *tracer) unary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	say := t.call(method)
	say("→ %s", summary(request))
	err := invoke(ctx, method, request, reply, conn, options...)
	if err != nil {
		say("← %v", outcome(err))
	} else {
		say("← %s", summary(reply))
	}
	return err
}

func (t *tracer) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	say := t.call(method)
	stream, err := open(ctx, desc, conn, method, options...)
	if err != nil {
		say("← %v", outcome(err))
		return nil, err
	}
	say("opened")
	return &tracedStream{stream, say}, nil
}

type tracedStream struct {
	grpc.ClientStream
	say func(format string, args ...any)
}

func (s *tracedStream) SendMsg(m any) error {
	s.say("→ %s", summary(m))
	return s.ClientStream.SendMsg(m)
}

func (s *tracedStream) CloseSend() error {
	s.say("→ no more")
	return s.ClientStream.CloseSend()
}

func (s *tracedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.say("← %v", outcome(err))
	} else {
		s.say("← %s", summary(m))
	}
	return err
}

// outcome names the end of a call.
func outcome(err error) string {
	if err == io.EOF {
		return "end"
	}
	s := status.Convert(err)
	return fmt.Sprintf("%v: %s", s.Code(), printable(s.Message()))
}

// longestSummary cuts what is shown of a message of which more is not known.
const longestSummary = 400

// summary writes what is in a message, in a line.
func summary(m any) string {
	switch m := m.(type) {
	case *inferencev1.ClassifyRequest:
		if chunk := m.GetChunk(); chunk != nil {
			return fmt.Sprintf("chunk %d at sample %d, %d bytes", chunk.GetIndex(), chunk.GetFirstSample(), len(chunk.GetPcm()))
		}
		return "config " + text(m.GetConfig())
	case *inferencev1.ClassifyResponse:
		frames := m.GetFrames()
		said := fmt.Sprintf("answer to chunk %d, %d frames", m.GetChunkIndex(), len(frames))
		if m.GetFinal() {
			said = fmt.Sprintf("final answer after %d chunks, %d frames", m.GetChunkIndex(), len(frames))
		}
		if n := len(frames); n > 0 {
			said += fmt.Sprintf(" from %d to %d", frames[0].GetFirstSample(), frames[n-1].GetFirstSample())
		}
		return said
	case *inferencev1.GetModelResponse:
		return fmt.Sprintf("model %q, version %q, sha256 %q, %d Hz, window %d, hop %d, %d labels, laughter %v, plugin %q", m.GetName(), m.GetVersion(),
			m.GetWeightsSha256(), m.GetSampleRateHz(), m.GetWindowSamples(), m.GetHopSamples(), len(m.GetLabels()), m.GetLaughter(), m.GetPlugin())
	case proto.Message:
		return text(m)
	}
	return fmt.Sprintf("%T", m)
}

func text(m proto.Message) string {
	said := printable(prototext.MarshalOptions{}.Format(m))
	if said == "" {
		return "{}"
	}
	// The library varies the spaces, so that nobody takes the text for a format.
	return "{" + strings.Join(strings.Fields(said[:min(len(said), longestSummary)]), " ") + "}"
}
