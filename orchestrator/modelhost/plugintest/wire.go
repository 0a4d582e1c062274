package plugintest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/testkit"
)

const (
	s16 = pb.PcmEncoding_PCM_ENCODING_S16LE
	f32 = pb.PcmEncoding_PCM_ENCODING_F32LE
)

// wireCases checks what a plugin does with messages that the orchestrator would never send, and what the
// orchestrator does not ask for: it talks to the plugin itself, over a connection to its socket.
func wireCases(t *testing.T, conn *grpc.ClientConn) {
	w := &wire{client: pb.NewInferenceServiceClient(conn)}
	described, err := w.client.GetModel(t.Context(), &pb.GetModelRequest{})
	if err != nil {
		t.Fatal(err)
	}
	w.model = described
	w.sound = pcm(testkit.Laughter(int(3*described.GetWindowSamples() + 7)))
	w.want = w.classify(t, w.sound)

	t.Run("description", w.description)
	t.Run("health", func(t *testing.T) { health(t, conn) })
	t.Run("reflection", func(t *testing.T) { reflection(t, conn) })
	t.Run("empty stream", w.empty)
	t.Run("floats", w.floats)
	t.Run("two streams", w.together)
	t.Run("another hop", w.hop)
	t.Run("score floor", w.floor)
	t.Run("logits", w.logits)
	for name, breach := range w.breaches() {
		t.Run(name, func(t *testing.T) {
			got := w.refusal(t, breach.messages)
			if !slices.Contains(breach.codes, status.Code(got)) {
				t.Errorf("error is %v; want %v", got, breach.codes)
			}
			if again := w.classify(t, w.sound); !slices.EqualFunc(again, w.want, equalFrames) {
				t.Error("the next stream has other frames")
			}
		})
	}
}

type wire struct {
	client pb.InferenceServiceClient
	model  *pb.GetModelResponse
	sound  []byte // 16-bit samples
	want   []*pb.Frame
}

func equalFrames(a, b *pb.Frame) bool { return proto.Equal(a, b) }

func pcm(samples []float32) []byte {
	var b []byte
	for _, v := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(v*32767)))
	}
	return b
}

func (w *wire) config() *pb.StreamConfig {
	return &pb.StreamConfig{Labels: w.model.GetLaughter(), Encoding: s16}
}

func configure(c *pb.StreamConfig) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Config{Config: c}}
}

func chunk(index uint64, first int64, pcm []byte) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Chunk{Chunk: &pb.Chunk{Index: index, FirstSample: first, Pcm: pcm}}}
}

// stream sends the messages and returns the answers.
func (w *wire) stream(t *testing.T, messages ...*pb.ClassifyRequest) (answers []*pb.ClassifyResponse, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := w.client.Classify(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if stream.Send(m) != nil { // the receiver sees why
			break
		}
	}
	_ = stream.CloseSend()
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return answers, err
		}
		answers = append(answers, answer)
	}
}

// classify sends one recording in two chunks, as the given configuration says, and returns its frames.
func (w *wire) classify(t *testing.T, sound []byte, changes ...func(*pb.StreamConfig)) (frames []*pb.Frame) {
	t.Helper()
	config := w.config()
	for _, change := range changes {
		change(config)
	}
	width := 2
	if config.GetEncoding() == f32 {
		width = 4
	}
	half := len(sound) / 2 / width * width
	answers, err := w.stream(t, configure(config), chunk(0, 0, sound[:half]), chunk(1, int64(half/width), sound[half:]))
	if err != nil || len(answers) != 3 {
		t.Fatalf("%d answers, %v; want 3", len(answers), err)
	}
	for i, answer := range answers {
		if answer.GetChunkIndex() != uint64(i) || answer.GetFinal() != (i == 2) {
			t.Fatalf("answer %d is to chunk %d, final: %v", i, answer.GetChunkIndex(), answer.GetFinal())
		}
		frames = append(frames, answer.GetFrames()...)
	}
	return frames
}

func (w *wire) refusal(t *testing.T, messages []*pb.ClassifyRequest) error {
	t.Helper()
	_, err := w.stream(t, messages...)
	return err
}

func (w *wire) description(t *testing.T) {
	again, err := w.client.GetModel(t.Context(), &pb.GetModelRequest{})
	if err != nil || !proto.Equal(again, w.model) {
		t.Errorf("asked again, it answers %v, %v; before it was %v", again, err, w.model)
	}
}

func health(t *testing.T, conn *grpc.ClientConn) {
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("service plugin: %v, %v", answer, err)
	}
}

// reflection is what lets grpcurl talk to a plugin. Python's has only the service's older version.
func reflection(t *testing.T, conn *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	names, err := services(ctx, conn)
	if status.Code(err) == codes.Unimplemented {
		names, err = olderServices(ctx, conn)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, pb.InferenceService_ServiceDesc.ServiceName) {
		t.Errorf("reflection lists %q", names)
	}
}

func services(ctx context.Context, conn *grpc.ClientConn) (names []string, err error) {
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
		return nil, err
	}
	answer, err := stream.Recv()
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names, err
}

// olderServices asks the version that is marked as deprecated, and is the only one that Python's package has.
//
//nolint:staticcheck // see above
func olderServices(ctx context.Context, conn *grpc.ClientConn) (names []string, err error) {
	stream, err := grpc_reflection_v1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&grpc_reflection_v1alpha.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1alpha.ServerReflectionRequest_ListServices{}}); err != nil {
		return nil, err
	}
	answer, err := stream.Recv()
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names, err
}

func (w *wire) empty(t *testing.T) {
	answers, err := w.stream(t, configure(w.config()))
	if err != nil || len(answers) != 1 || !answers[0].GetFinal() || answers[0].GetChunkIndex() != 0 || len(answers[0].GetFrames()) != 0 {
		t.Errorf("a stream without chunks is answered by %v, %v", answers, err)
	}
}

// floats: the same sound as 32-bit floats has the same frames.
func (w *wire) floats(t *testing.T) {
	var sound []byte
	for i := 0; i < len(w.sound); i += 2 {
		v := float32(int16(binary.LittleEndian.Uint16(w.sound[i:]))) / 32768
		sound = binary.LittleEndian.AppendUint32(sound, math.Float32bits(v))
	}
	got := w.classify(t, sound, func(c *pb.StreamConfig) { c.Encoding = f32 })
	if !slices.EqualFunc(got, w.want, equalFrames) {
		t.Errorf("frames are %v; want %v", got, w.want)
	}
}

func (w *wire) together(t *testing.T) {
	const streams = 2
	done := make(chan []*pb.Frame, streams)
	for range streams {
		go func() {
			answers, _ := w.stream(t, configure(w.config()), chunk(0, 0, w.sound))
			var frames []*pb.Frame
			for _, answer := range answers {
				frames = append(frames, answer.GetFrames()...)
			}
			done <- frames
		}()
	}
	for range streams {
		if got := <-done; !slices.EqualFunc(got, w.want, equalFrames) {
			t.Errorf("a stream beside another has the frames %v; want %v", got, w.want)
		}
	}
}

// hop: a plugin may say that it knows only its own, and else must keep to what was asked.
func (w *wire) hop(t *testing.T) {
	hop := max(1, w.model.GetHopSamples()/2)
	config := w.config()
	config.HopSamples = hop
	answers, err := w.stream(t, configure(config), chunk(0, 0, w.sound))
	if status.Code(err) == codes.Unimplemented {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	at := int64(0)
	for _, answer := range answers {
		for _, f := range answer.GetFrames() {
			if f.GetFirstSample() != at {
				t.Fatalf("frame at %d; want %d", f.GetFirstSample(), at)
			}
			at += int64(hop)
		}
	}
	if at == 0 {
		t.Error("no frames")
	}
}

func (w *wire) floor(t *testing.T) {
	const floor = 0.25
	got := w.classify(t, w.sound, func(c *pb.StreamConfig) { c.ScoreFloor = floor })
	var want []*pb.Frame
	for _, f := range w.want {
		if slices.Max(f.GetScores()) >= floor {
			want = append(want, f)
		}
	}
	if !slices.EqualFunc(got, want, equalFrames) {
		t.Errorf("frames are %v; want %v", got, want)
	}
}

// logits stand for the scores, in whole steps where the model says so; a model that has none refuses to be asked.
func (w *wire) logits(t *testing.T) {
	config := w.config()
	config.Logits = true
	if !w.model.GetLogits() {
		if _, err := w.stream(t, configure(config), chunk(0, 0, w.sound)); status.Code(err) != codes.Unimplemented {
			t.Errorf("logits of a model without: %v; want %v", err, codes.Unimplemented)
		}
		return
	}
	got := w.classify(t, w.sound, func(c *pb.StreamConfig) { c.Logits = true })
	if len(got) != len(w.want) {
		t.Fatalf("%d frames of logits; want %d", len(got), len(w.want))
	}
	const rounding = 5e-3
	for i, f := range got {
		scores, step := w.want[i].GetScores(), float64(w.model.GetLogitStep())
		if f.GetFirstSample() != w.want[i].GetFirstSample() || len(f.GetScores()) != 0 || len(f.GetLogits()) != len(scores) {
			t.Fatalf("frame is %v; want logits of %v", f, w.want[i])
		}
		for k, logit := range f.GetLogits() {
			if want := 1 / (1 + math.Exp(-float64(logit))); math.Abs(float64(scores[k])-want) > rounding {
				t.Fatalf("the logit %v stands for %v; the score is %v", logit, want, scores[k])
			}
			if steps := float64(logit) / step; step > 0 && math.Abs(steps-math.Round(steps)) > 1e-3 {
				t.Fatalf("the logit %v is %v steps of %v", logit, steps, step)
			}
		}
	}
}

// breach is a stream that breaks the contract, and the errors that may answer it.
type breach struct {
	messages []*pb.ClassifyRequest
	codes    []codes.Code
}

func (w *wire) breaches() map[string]breach {
	invalid := []codes.Code{codes.InvalidArgument}
	labels := uint32(len(w.model.GetLabels()))
	changed := func(change func(*pb.StreamConfig)) []*pb.ClassifyRequest {
		config := w.config()
		change(config)
		return []*pb.ClassifyRequest{configure(config), chunk(0, 0, []byte{1, 2})}
	}
	after := func(messages ...*pb.ClassifyRequest) []*pb.ClassifyRequest {
		return append([]*pb.ClassifyRequest{configure(w.config())}, messages...)
	}
	two := []byte{1, 2, 3, 4}
	all := map[string]breach{
		"chunk before config": {[]*pb.ClassifyRequest{chunk(0, 0, two)}, invalid},
		"nothing in it":       {[]*pb.ClassifyRequest{{}}, invalid},
		"second config":       {after(configure(w.config())), invalid},
		"no labels":           {changed(func(c *pb.StreamConfig) { c.Labels = nil }), invalid},
		"unknown label":       {changed(func(c *pb.StreamConfig) { c.Labels = []uint32{labels} }), invalid},
		"no encoding":         {changed(func(c *pb.StreamConfig) { c.Encoding = 0 }), invalid},
		"unknown encoding":    {changed(func(c *pb.StreamConfig) { c.Encoding = 99 }), []codes.Code{codes.Unimplemented, codes.InvalidArgument}},
		"hop beyond window":   {changed(func(c *pb.StreamConfig) { c.HopSamples = w.model.GetWindowSamples() + 1 }), []codes.Code{codes.Unimplemented}},
		"floor above 1":       {changed(func(c *pb.StreamConfig) { c.ScoreFloor = 1.5 }), invalid},
		"floor not a number":  {changed(func(c *pb.StreamConfig) { c.ScoreFloor = float32(math.NaN()) }), invalid},
		"wrong index":         {after(chunk(1, 0, two)), invalid},
		"chunk twice":         {after(chunk(0, 0, two), chunk(0, 2, two)), invalid},
		"wrong order":         {after(chunk(0, 0, two), chunk(2, 4, two), chunk(1, 2, two)), invalid},
		"gap":                 {after(chunk(0, 0, two), chunk(1, 3, two)), invalid},
		"overlap":             {after(chunk(0, 0, two), chunk(1, 1, two)), invalid},
		"half a sample":       {after(chunk(0, 0, two[:3])), invalid},
		"5 MiB":               {after(chunk(0, 0, make([]byte, 5<<20))), []codes.Code{codes.InvalidArgument, codes.ResourceExhausted}},
	}
	for name, v := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(1), "minus infinite": math.Inf(-1)} {
		samples := make([]byte, 4*w.model.GetWindowSamples())
		binary.LittleEndian.PutUint32(samples[len(samples)-4:], math.Float32bits(float32(v)))
		config := w.config()
		config.Encoding = f32
		all[name] = breach{[]*pb.ClassifyRequest{configure(config), chunk(0, 0, samples)}, invalid}
	}
	return all
}
