package inferd

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
)

var convertModel = Description{
	Name: "test", SampleRateHz: 16000, Window: 100, Hop: 40, Labels: []string{"a", "b", "c"}, Laughter: []int{2},
}

func configRequest(config *pb.StreamConfig) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Config{Config: config}}
}

func chunkRequest(index uint64, first int64, pcm []byte) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Chunk{
		Chunk: &pb.Chunk{Index: index, FirstSample: first, Pcm: pcm},
	}}
}

const (
	s16 = pb.PcmEncoding_PCM_ENCODING_S16LE
	f32 = pb.PcmEncoding_PCM_ENCODING_F32LE
)

func TestConfigFromProto(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		request *pb.ClassifyRequest
		want    codes.Code
		hop     int
	}{
		{"own hop", configRequest(&pb.StreamConfig{Labels: []uint32{2, 0}, Encoding: s16}), codes.OK, 40},
		{"other hop", configRequest(&pb.StreamConfig{Labels: []uint32{1}, Encoding: f32, HopSamples: 100}), codes.OK, 100},
		{"hop of one", configRequest(&pb.StreamConfig{Labels: []uint32{1}, Encoding: f32, HopSamples: 1}), codes.OK, 1},
		{"hop beyond window", configRequest(&pb.StreamConfig{Labels: []uint32{1}, Encoding: f32, HopSamples: 101}), codes.Unimplemented, 0},
		{"largest hop", configRequest(&pb.StreamConfig{Labels: []uint32{1}, Encoding: f32, HopSamples: math.MaxUint32}), codes.Unimplemented, 0},
		{"no labels", configRequest(&pb.StreamConfig{Encoding: s16}), codes.InvalidArgument, 0},
		{"too many labels", configRequest(&pb.StreamConfig{Labels: make([]uint32, 4), Encoding: s16}), codes.InvalidArgument, 0},
		{"unknown label", configRequest(&pb.StreamConfig{Labels: []uint32{3}, Encoding: s16}), codes.InvalidArgument, 0},
		{"largest label", configRequest(&pb.StreamConfig{Labels: []uint32{math.MaxUint32}, Encoding: s16}), codes.InvalidArgument, 0},
		{"no encoding", configRequest(&pb.StreamConfig{Labels: []uint32{0}}), codes.InvalidArgument, 0},
		{"unknown encoding", configRequest(&pb.StreamConfig{Labels: []uint32{0}, Encoding: 7}), codes.Unimplemented, 0},
		{"floor below 0", configRequest(&pb.StreamConfig{Labels: []uint32{0}, Encoding: s16, ScoreFloor: -0.1}), codes.InvalidArgument, 0},
		{"floor above 1", configRequest(&pb.StreamConfig{Labels: []uint32{0}, Encoding: s16, ScoreFloor: 1.1}), codes.InvalidArgument, 0},
		{"floor not a number", configRequest(&pb.StreamConfig{Labels: []uint32{0}, Encoding: s16, ScoreFloor: float32(math.NaN())}), codes.InvalidArgument, 0},
		{"chunk first", chunkRequest(0, 0, nil), codes.InvalidArgument, 0},
		{"nothing", &pb.ClassifyRequest{}, codes.InvalidArgument, 0},
	} {
		config, err := configFromProto(c.request, convertModel, logits{})
		if status.Code(err) != c.want || config.hop != c.hop {
			t.Errorf("%s: hop %d, error %v, want %d and %v", c.name, config.hop, err, c.hop, c.want)
		}
	}
}

func TestChunkFromProto(t *testing.T) {
	t.Parallel()
	config := streamConfig{sampleBytes: 2}
	for _, c := range []struct {
		name    string
		request *pb.ClassifyRequest
		want    codes.Code
	}{
		{"right", chunkRequest(3, 500, make([]byte, 6)), codes.OK},
		{"empty", chunkRequest(3, 500, nil), codes.OK},
		{"longest", chunkRequest(3, 500, make([]byte, maxChunkBytes)), codes.OK},
		{"too long", chunkRequest(3, 500, make([]byte, maxChunkBytes+2)), codes.InvalidArgument},
		{"half a sample", chunkRequest(3, 500, make([]byte, 5)), codes.InvalidArgument},
		{"again", chunkRequest(2, 500, nil), codes.InvalidArgument},
		{"one left out", chunkRequest(4, 500, nil), codes.InvalidArgument},
		{"overlap", chunkRequest(3, 499, nil), codes.InvalidArgument},
		{"gap", chunkRequest(3, 501, nil), codes.InvalidArgument},
		{"before the start", chunkRequest(3, -500, nil), codes.InvalidArgument},
		{"second config", configRequest(&pb.StreamConfig{}), codes.InvalidArgument},
		{"nothing", &pb.ClassifyRequest{}, codes.InvalidArgument},
	} {
		if _, err := config.chunkFromProto(c.request, 3, 500); status.Code(err) != c.want {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	dst := make([]float32, 4)
	pcm := []byte{0x00, 0x80, 0xff, 0x7f, 0x00, 0x40, 0x00, 0x00}
	if err := (streamConfig{sampleBytes: 2}).decode(dst, pcm); err != nil {
		t.Error(err)
	}
	if want := []float32{-1, 32767. / 32768, 0.5, 0}; !slices.Equal(dst, want) {
		t.Errorf("got %v, want %v", dst, want)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		pcm := binary.LittleEndian.AppendUint32(make([]byte, 4), math.Float32bits(float32(bad)))
		if err := (streamConfig{sampleBytes: 4}).decode(dst, pcm); err == nil {
			t.Errorf("%v was taken for a sample", bad)
		}
	}
}

func TestFramesToProto(t *testing.T) {
	t.Parallel()
	batch := Batch{First: 80, Windows: 3}
	scores := []float32{.1, .2, .3, .4, .5, .6, .7, .8, .9}
	frames, err := streamConfig{labels: []uint32{2, 0}, floor: 0.5, hop: 40}.framesToProto(batch, scores)
	want := []*pb.Frame{
		{FirstSample: 120, Scores: []float32{.6, .4}},
		{FirstSample: 160, Scores: []float32{.9, .7}},
	}
	if err != nil || !slices.EqualFunc(frames, want, func(a, b *pb.Frame) bool { return proto.Equal(a, b) }) {
		t.Errorf("got %v, %v, want %v", frames, err, want)
	}
	for _, bad := range []float32{-0.1, 1.1, float32(math.NaN())} {
		if _, err := (streamConfig{labels: []uint32{0}}).framesToProto(Batch{Windows: 1}, []float32{bad}); err == nil {
			t.Errorf("%v was taken for a score", bad)
		}
	}
}

func TestFullAnswerFits(t *testing.T) {
	t.Parallel()
	for _, labels := range []int{1, 6, 521} {
		config := streamConfig{labels: make([]uint32, labels)}
		response := &pb.ClassifyResponse{ChunkIndex: math.MaxUint64, Final: true}
		for range config.maxFrames() {
			response.Frames = append(response.Frames, &pb.Frame{FirstSample: math.MaxInt64, Scores: make([]float32, labels)})
		}
		if size := proto.Size(response); size > handshake.MaxMessageBytes || size < handshake.MaxMessageBytes/3 {
			t.Errorf("%d labels: %d frames take %d bytes of %d", labels, config.maxFrames(), size, handshake.MaxMessageBytes)
		}
	}
}

// FuzzConvert reads two messages as a stream would begin with.
func FuzzConvert(f *testing.F) {
	seed := func(first, second *pb.ClassifyRequest) {
		a, _ := proto.Marshal(first)
		b, _ := proto.Marshal(second)
		f.Add(a, b)
	}
	seed(configRequest(&pb.StreamConfig{Labels: []uint32{2}, Encoding: s16}), chunkRequest(0, 0, []byte{1, 2}))
	seed(configRequest(&pb.StreamConfig{Labels: []uint32{0, 1}, Encoding: f32, HopSamples: 3}), chunkRequest(0, 0, []byte{0, 0, 0xc0, 0x7f}))
	seed(chunkRequest(0, 0, nil), configRequest(nil))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var request pb.ClassifyRequest
		if proto.Unmarshal(first, &request) != nil {
			return
		}
		config, err := configFromProto(&request, convertModel, logits{})
		if err != nil {
			if status.Code(err) == codes.Unknown {
				t.Fatalf("error without a code: %v", err)
			}
			return
		}
		if config.hop < 1 || config.hop > convertModel.Window || len(config.labels) == 0 {
			t.Fatalf("accepted %+v", config)
		}
		if proto.Unmarshal(second, &request) != nil {
			return
		}
		pcm, err := config.chunkFromProto(&request, 0, 0)
		if err != nil {
			if status.Code(err) != codes.InvalidArgument {
				t.Fatalf("error without a code: %v", err)
			}
			return
		}
		samples := make([]float32, len(pcm)/config.sampleBytes)
		if err := config.decode(samples, pcm); err != nil {
			return
		}
		for _, v := range samples {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("accepted sample %v", v)
			}
		}
	})
}
