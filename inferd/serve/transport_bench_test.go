package serve

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/internal/footprint"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// instant has YAMNet's shape and takes no time, so that what is measured is the way there and back.
type instant struct{}

func (instant) Describe() inferd.Description {
	return inferd.Description{Name: "instant", SampleRateHz: 16000, Window: 15600, Hop: 7680,
		Labels: make([]string, 521), Laughter: []int{13, 14, 15, 16, 17, 18}}
}

func (instant) Predict(_ []float32, _ int, scores []float32) error {
	for i := range scores {
		scores[i] = float32(i/521%8) * 0.07 // of eight frames, one rounds to nothing
	}
	return nil
}

func (instant) Close() error { return nil }

// BenchmarkTransport sends an hour of sound a time over a Unix socket, both sides in this process, by
// length of the chunks, by how many may be unanswered, by the form of samples, and with or without the
// frames that round to nothing. docs/benchmarks.md says what was chosen.
func BenchmarkTransport(b *testing.B) {
	const s16, f32 = pb.PcmEncoding_PCM_ENCODING_S16LE, pb.PcmEncoding_PCM_ENCODING_F32LE
	const floor = 1. / 512 // of the orchestrator's choice
	footprint.Tune()
	for _, c := range []transport{
		{54000, 4, s16, floor},
		{8000, 4, s16, floor}, {27000, 4, s16, floor}, {160000, 4, s16, floor}, {480000, 4, s16, floor},
		{54000, 1, s16, floor}, {54000, 2, s16, floor}, {54000, 8, s16, floor},
		{54000, 4, f32, floor}, {54000, 4, s16, 0}, {54000, 4, s16, 0.5},
	} {
		b.Run(fmt.Sprintf("samples=%d/unanswered=%d/%v/floor=%v", c.samples, c.unanswered, c.encoding, c.floor), c.run)
	}
}

type transport struct {
	samples, unanswered int
	encoding            pb.PcmEncoding
	floor               float32
}

func (c transport) run(b *testing.B) {
	client := overUnixSocket(b)
	const hour = 3600 * 16000
	bytes := 2
	if c.encoding == pb.PcmEncoding_PCM_ENCODING_F32LE {
		bytes = 4
	}
	message := &pb.Chunk{Pcm: make([]byte, c.samples*bytes)}
	config := &pb.StreamConfig{Labels: []uint32{13, 14, 15, 16, 17, 18}, Encoding: c.encoding, ScoreFloor: c.floor}
	b.ReportAllocs()
	before, started := testkit.CPU(b), time.Now()
	for b.Loop() {
		stream, err := client.Classify(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := stream.Send(&pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Config{Config: config}}); err != nil {
			b.Fatal(err)
		}
		room := make(chan struct{}, c.unanswered)
		var sender sync.WaitGroup
		sender.Go(func() {
			request := &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Chunk{Chunk: message}}
			for i := range hour / c.samples {
				room <- struct{}{}
				message.Index, message.FirstSample = uint64(i), int64(i*c.samples)
				if stream.Send(request) != nil {
					return
				}
			}
			_ = stream.CloseSend()
		})
		for final := false; !final; {
			response, err := stream.Recv()
			if err != nil {
				b.Fatal(err)
			}
			if final = response.GetFinal(); !final {
				<-room
			}
		}
		sender.Wait()
	}
	hours := float64(b.N)
	b.ReportMetric((testkit.CPU(b)-before).Seconds()*1000/hours, "cpu-ms/hour")
	b.ReportMetric(time.Since(started).Seconds()*1000/hours, "wall-ms/hour")
}

// overUnixSocket serves as a plugin does.
func overUnixSocket(b *testing.B) pb.InferenceServiceClient {
	service, err := inferd.NewServer("inferd", instant{}, instant{})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "socket")
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "unix", path)
	if err != nil {
		b.Fatal(err)
	}
	server := newGRPCServer(nil)
	pb.RegisterInferenceServiceServer(server, service)
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		done.Wait()
		if err := service.Close(); err != nil {
			b.Error(err)
		}
	})
	return pb.NewInferenceServiceClient(conn)
}
