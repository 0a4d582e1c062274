package inferd_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/fake"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model is small: a window's scores are its first sample and its mean, so that a test can tell which
// samples were scored.
type model struct {
	predict func() error // called for every batch
	closed  *atomic.Int32
}

const testWindow, testHop = 100, 40

func (model) Describe() inferd.Description {
	return inferd.Description{
		Name: "test", SampleRateHz: 16000, Window: testWindow, Hop: testHop,
		Labels: []string{"first", "mean"}, Laughter: []int{1},
	}
}

func (m model) Predict(samples []float32, hop int, scores []float32) error {
	for i := range len(scores) / 2 {
		scores[2*i], scores[2*i+1] = testScores(samples[i*hop : i*hop+testWindow])
	}
	return m.predict()
}

func (m model) Close() error { m.closed.Add(1); return nil }

func testScores(window []float32) (first, mean float32) {
	for _, v := range window {
		mean += v / testWindow
	}
	return window[0], mean
}

// serve starts a service in this process and returns a client of it.
func serve(t testing.TB, models ...inferd.Model) pb.InferenceServiceClient {
	t.Helper()
	service, err := inferd.NewServer("inferd", models...)
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.MaxRecvMsgSize(handshake.MaxMessageBytes))
	pb.RegisterInferenceServiceServer(server, service)
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:test", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(handshake.MaxMessageBytes)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		done.Wait()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return pb.NewInferenceServiceClient(conn)
}

func fine() error { return nil }

func goodModel() model { return model{predict: fine, closed: new(atomic.Int32)} }

func configure(config *pb.StreamConfig) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Config{Config: config}}
}

func chunk(index int, first int, pcm []byte) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Chunk{
		Chunk: &pb.Chunk{Index: uint64(index), FirstSample: int64(first), Pcm: pcm},
	}}
}

func floats(samples []float32) []byte {
	var pcm []byte
	for _, v := range samples {
		pcm = binary.LittleEndian.AppendUint32(pcm, math.Float32bits(v))
	}
	return pcm
}

// exchange sends all requests, closes its side, and returns all responses and how the stream ended.
func exchange(t testing.TB, client pb.InferenceServiceClient, requests ...*pb.ClassifyRequest) ([]*pb.ClassifyResponse, error) {
	t.Helper()
	stream, err := client.Classify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sender sync.WaitGroup
	defer sender.Wait()
	sender.Go(func() {
		for _, request := range requests {
			if stream.Send(request) != nil { // the answer tells why
				return
			}
		}
		_ = stream.CloseSend()
	})
	var responses []*pb.ClassifyResponse
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return responses, nil
		} else if err != nil {
			return responses, err
		}
		responses = append(responses, response)
	}
}

func floatConfig() *pb.ClassifyRequest {
	return configure(&pb.StreamConfig{Labels: []uint32{1, 0}, Encoding: pb.PcmEncoding_PCM_ENCODING_F32LE})
}

func TestGetModel(t *testing.T) {
	t.Parallel()
	got, err := serve(t, fake.Model{}).GetModel(t.Context(), &pb.GetModelRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got.GetName() != "fake" || got.GetPlugin() != "inferd" || got.GetSampleRateHz() != 16000 ||
		got.GetWindowSamples() != 15600 || got.GetHopSamples() != 7680 ||
		len(got.GetLabels()) != 4 || !slices.Equal(got.GetLaughter(), []uint32{2, 3}) {
		t.Errorf("got %v", got)
	}
}

// TestAnswersDoNotDependOnCutting also checks that every chunk is answered by the frames that became
// complete with it, in order, by several models.
func TestAnswersDoNotDependOnCutting(t *testing.T) {
	t.Parallel()
	client := serve(t, goodModel(), goodModel(), goodModel())
	rapid.Check(t, func(rt *rapid.T) {
		recording := rapid.SliceOfN(rapid.Float32Range(0, 1), 0, 3000).Draw(rt, "recording")
		pieces := rapid.SliceOfN(rapid.IntRange(0, 1500), 1, 10).Draw(rt, "pieces")
		requests := []*pb.ClassifyRequest{floatConfig()}
		var ends []int
		for sent := 0; sent < len(recording); {
			n := min(pieces[len(ends)%len(pieces)]+len(ends)/100, len(recording)-sent)
			requests = append(requests, chunk(len(ends), sent, floats(recording[sent:sent+n])))
			sent += n
			ends = append(ends, sent)
		}
		responses, err := exchange(t, client, requests...)
		if err != nil || len(responses) != len(ends)+1 {
			rt.Fatalf("%d responses to %d chunks, %v", len(responses), len(ends), err)
		}
		first := 0
		check := func(frame *pb.Frame) {
			window := make([]float32, testWindow)
			copy(window, recording[first:])
			score, mean := testScores(window)
			if frame.GetFirstSample() != int64(first) || !slices.Equal(frame.GetScores(), []float32{mean, score}) {
				rt.Fatalf("got frame %v, want %d: %v %v", frame, first, mean, score)
			}
			first += testHop
		}
		for i, response := range responses {
			if response.GetChunkIndex() != uint64(i) || response.GetFinal() != (i == len(ends)) {
				rt.Fatalf("response %d: %v", i, response)
			}
			for _, frame := range response.GetFrames() {
				check(frame)
			}
			if !response.GetFinal() && ends[i] >= first+testWindow {
				rt.Fatalf("chunk %d ends at %d, and the frame at %d was not in its answer", i, ends[i], first)
			}
		}
		if covered := first - testHop + testWindow; len(recording) > 0 && covered < len(recording) {
			rt.Fatalf("frames cover %d of %d samples", covered, len(recording))
		}
	})
}

func TestBrokenContract(t *testing.T) {
	t.Parallel()
	client := serve(t, goodModel())
	pcm := floats(make([]float32, 150))
	for _, c := range []struct {
		name     string
		requests []*pb.ClassifyRequest
		want     codes.Code
		answered int
	}{
		{"nothing at all", nil, codes.InvalidArgument, 0},
		{"chunk first", []*pb.ClassifyRequest{chunk(0, 0, pcm)}, codes.InvalidArgument, 0},
		{"empty message", []*pb.ClassifyRequest{{}}, codes.InvalidArgument, 0},
		{"second config", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, pcm), floatConfig()}, codes.InvalidArgument, 1},
		{"wrong order", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, pcm), chunk(2, 150, pcm)}, codes.InvalidArgument, 1},
		{"gap", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, pcm), chunk(1, 151, pcm)}, codes.InvalidArgument, 1},
		{"half a sample", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, pcm[1:])}, codes.InvalidArgument, 0},
		{"infinite sample", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, floats([]float32{0, float32(math.Inf(1))}))}, codes.InvalidArgument, 0},
		{"too long", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, make([]byte, 4<<20+4))}, codes.InvalidArgument, 0},
		{"beyond the message limit", []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, make([]byte, 5<<20))}, codes.ResourceExhausted, 0},
		{"answer too long", []*pb.ClassifyRequest{configure(&pb.StreamConfig{
			Labels: []uint32{0}, HopSamples: 1, Encoding: pb.PcmEncoding_PCM_ENCODING_S16LE,
		}), chunk(0, 0, make([]byte, 4<<20))}, codes.InvalidArgument, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			responses, err := exchange(t, client, c.requests...)
			if status.Code(err) != c.want || len(responses) != c.answered {
				t.Errorf("%d answers and %v, want %d and %v", len(responses), err, c.answered, c.want)
			}
		})
	}
}

func TestLongestChunk(t *testing.T) {
	t.Parallel()
	client := serve(t, goodModel(), goodModel())
	config := configure(&pb.StreamConfig{Labels: []uint32{0}, Encoding: pb.PcmEncoding_PCM_ENCODING_S16LE})
	const samples = 2 << 20
	responses, err := exchange(t, client, config, chunk(0, 0, make([]byte, 2*samples)), chunk(1, samples, nil))
	if err != nil || len(responses) != 3 {
		t.Fatalf("%d responses, %v", len(responses), err)
	}
	if got, want := len(responses[0].GetFrames()), 1+(samples-testWindow)/testHop; got != want {
		t.Errorf("%d frames, want %d", got, want)
	}
}

func TestScoreFloor(t *testing.T) {
	t.Parallel()
	client := serve(t, goodModel())
	loud := slices.Concat(make([]float32, 400), slices.Repeat([]float32{0.9}, 100), make([]float32, 400))
	config := configure(&pb.StreamConfig{Labels: []uint32{1}, Encoding: pb.PcmEncoding_PCM_ENCODING_F32LE, ScoreFloor: 0.5})
	responses, err := exchange(t, client, config, chunk(0, 0, floats(loud)))
	if err != nil {
		t.Fatal(err)
	}
	var starts []int64
	for _, response := range responses {
		for _, frame := range response.GetFrames() {
			starts = append(starts, frame.GetFirstSample())
		}
	}
	if want := []int64{360, 400, 440}; !slices.Equal(starts, want) {
		t.Errorf("frames at %v, want %v", starts, want)
	}
}

func TestModelError(t *testing.T) {
	t.Parallel()
	broken := goodModel()
	broken.predict = func() error { return errors.New("out of tune") }
	_, err := exchange(t, serve(t, broken), floatConfig(), chunk(0, 0, floats(make([]float32, 1000))))
	if status.Code(err) != codes.Internal {
		t.Errorf("got %v, want Internal", err)
	}
}

// TestModelErrorReachesWaitingClient has a client that keeps its side open and waits for the answer.
func TestModelErrorReachesWaitingClient(t *testing.T) {
	t.Parallel()
	broken := goodModel()
	broken.predict = func() error { return errors.New("out of tune") }
	stream, err := serve(t, broken).Classify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []*pb.ClassifyRequest{floatConfig(), chunk(0, 0, floats(make([]float32, 1000)))} {
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Internal {
		t.Errorf("got %v, want Internal", err)
	}
}

// TestCanceledStream cancels while a model works and the client has sent far more than fits; a second
// stream then gets the model.
func TestCanceledStream(t *testing.T) {
	t.Parallel()
	working, release := make(chan struct{}, 1000), make(chan struct{})
	slow := goodModel()
	slow.predict = func() error { working <- struct{}{}; <-release; return nil }
	client := serve(t, slow)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Classify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(floatConfig()); err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(chunk(0, 0, make([]byte, 1<<20))); err != nil {
		t.Fatal(err)
	}
	<-working
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want Canceled", err)
	}
	close(release)
	if _, err := exchange(t, client, floatConfig(), chunk(0, 0, floats(make([]float32, 1000)))); err != nil {
		t.Error(err)
	}
}

// TestModelsWorkSideBySide has each of two models wait, in its first batch, for the other's.
func TestModelsWorkSideBySide(t *testing.T) {
	t.Parallel()
	var both sync.WaitGroup
	both.Add(2)
	waiting := func() inferd.Model {
		var first sync.Once
		m := goodModel()
		m.predict = func() error { first.Do(both.Done); both.Wait(); return nil }
		return m
	}
	client := serve(t, waiting(), waiting())
	if _, err := exchange(t, client, floatConfig(), chunk(0, 0, floats(make([]float32, 2000)))); err != nil {
		t.Error(err)
	}
}

func TestStreamsShareModels(t *testing.T) {
	t.Parallel()
	client := serve(t, goodModel(), goodModel())
	recording := make([]float32, 5000)
	for i := range recording {
		recording[i] = float32(i) / 5000
	}
	var streams sync.WaitGroup
	for range 4 {
		streams.Go(func() {
			responses, err := exchange(t, client, floatConfig(), chunk(0, 0, floats(recording)))
			if err != nil || len(responses) != 2 {
				t.Errorf("%d responses, %v", len(responses), err)
				return
			}
			for i, frame := range responses[0].GetFrames() {
				if frame.GetFirstSample() != int64(i*testHop) || frame.GetScores()[1] != recording[i*testHop] {
					t.Errorf("frame %d: %v", i, frame)
				}
			}
		})
	}
	streams.Wait()
}

// TestLongRecording sends twenty minutes of sound in 10 s chunks and counts the frames.
func TestLongRecording(t *testing.T) {
	t.Parallel()
	client := serve(t, fake.Model{}, fake.Model{})
	stream, err := client.Classify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const chunks, samples = 120, 160000
	var sender sync.WaitGroup
	defer sender.Wait()
	sender.Go(func() {
		pcm := make([]byte, 2*samples)
		_ = stream.Send(configure(&pb.StreamConfig{Labels: []uint32{2}, Encoding: pb.PcmEncoding_PCM_ENCODING_S16LE}))
		for i := range chunks {
			if stream.Send(chunk(i, i*samples, pcm)) != nil {
				return
			}
		}
		_ = stream.CloseSend()
	})
	frames := 0
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		frames += len(response.GetFrames())
	}
	const want = 1 + (chunks*samples-15600+7680-1)/7680
	if frames != want {
		t.Errorf("%d frames, want %d", frames, want)
	}
}

func TestNewServerRefuses(t *testing.T) {
	t.Parallel()
	if _, err := inferd.NewServer("inferd"); err == nil {
		t.Error("a service without a model was started")
	}
	nameless := namelessModel{goodModel()}
	if _, err := inferd.NewServer("inferd", nameless); err == nil || nameless.closed.Load() != 1 {
		t.Errorf("error %v, closed %d times", err, nameless.closed.Load())
	}
}

type namelessModel struct{ model }

func (namelessModel) Describe() inferd.Description { return inferd.Description{} }

// logitModel answers the sum of a window's samples as the logit of one class, and minus that of another.
type logitModel struct{ model }

func (logitModel) LogitStep() float32 { return 0.25 }

func (logitModel) PredictLogits(samples []float32, hop int, logits []float32) error {
	for i := range len(logits) / 2 {
		_, mean := testScores(samples[i*hop : i*hop+testWindow])
		logits[2*i], logits[2*i+1] = 100*mean, -100*mean
	}
	return nil
}

func TestLogits(t *testing.T) {
	t.Parallel()
	client := serve(t, logitModel{goodModel()})
	described, err := client.GetModel(t.Context(), &pb.GetModelRequest{})
	if err != nil || !described.GetLogits() || described.GetLogitStep() != 0.25 {
		t.Errorf("description: %v, %v; want logits in steps of 0.25", described, err)
	}
	sound := make([]float32, testWindow+testHop)
	for i := range sound {
		sound[i] = 0.03 // of 100 samples: 3
	}
	for _, c := range []struct {
		config *pb.StreamConfig
		scores bool
		frames int
		want   []float64
	}{
		{&pb.StreamConfig{Labels: []uint32{1, 0}, Logits: true}, false, 2, []float64{-3, 3}},
		{&pb.StreamConfig{Labels: []uint32{1}, Logits: true}, false, 2, []float64{-3}},
		{&pb.StreamConfig{Labels: []uint32{0}, Logits: true, ScoreFloor: 0.9}, false, 2, []float64{3}}, // its score is 0.953
		{&pb.StreamConfig{Labels: []uint32{0}, Logits: true, ScoreFloor: 0.96}, false, 0, nil},
		{&pb.StreamConfig{Labels: []uint32{1}}, true, 2, []float64{0.03}},
	} {
		c.config.Encoding = pb.PcmEncoding_PCM_ENCODING_F32LE
		responses, err := exchange(t, client, configure(c.config), chunk(0, 0, floats(sound)))
		if err != nil {
			t.Fatal(err)
		}
		var frames []*pb.Frame
		for _, response := range responses {
			frames = append(frames, response.GetFrames()...)
		}
		if len(frames) != c.frames {
			t.Errorf("%v: %d frames, want %d", c.config, len(frames), c.frames)
		}
		for _, frame := range frames {
			got, other := frame.GetLogits(), frame.GetScores()
			if c.scores {
				got, other = other, got
			}
			if len(got) != len(c.want) || len(other) != 0 {
				t.Errorf("%v: frame %v, want %v and nothing else", c.config, frame, c.want)
				continue
			}
			for i := range got {
				if math.Abs(float64(got[i])-c.want[i]) > 1e-3 {
					t.Errorf("%v: %v, want %v", c.config, got, c.want)
				}
			}
		}
	}
	_, err = exchange(t, serve(t, goodModel()), configure(&pb.StreamConfig{Labels: []uint32{1}, Logits: true, Encoding: pb.PcmEncoding_PCM_ENCODING_F32LE}))
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a model of scores alone: %v", err)
	}
	for i := range sound {
		sound[i] = float32(math.MaxFloat32)
	}
	_, err = exchange(t, client, configure(&pb.StreamConfig{Labels: []uint32{1}, Logits: true, Encoding: pb.PcmEncoding_PCM_ENCODING_F32LE}), chunk(0, 0, floats(sound)))
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "logit of class 1 is") {
		t.Errorf("a logit that is not finite: %v", err)
	}
}
