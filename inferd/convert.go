package inferd

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
)

// maxChunkBytes is the longest chunk that the contract allows.
const maxChunkBytes = 4 << 20

// streamConfig is a StreamConfig that was found valid for a model.
type streamConfig struct {
	labels      []uint32
	floor       float32
	hop         int
	sampleBytes int // 2: S16LE, 4: F32LE
	logits      bool
}

// logits of a model: whether it has them, and their step.
type logits struct {
	has  bool
	step float32
}

func logitsOf(m Model) logits {
	if m, ok := m.(LogitModel); ok {
		return logits{true, m.LogitStep()}
	}
	return logits{}
}

func modelToProto(d Description, l logits, plugin string) *pb.GetModelResponse {
	laughter := make([]uint32, len(d.Laughter))
	for i, label := range d.Laughter {
		laughter[i] = uint32(label)
	}
	return &pb.GetModelResponse{
		Name:          d.Name,
		Version:       d.Version,
		WeightsSha256: d.WeightsSHA256,
		SampleRateHz:  uint32(d.SampleRateHz),
		WindowSamples: uint32(d.Window),
		HopSamples:    uint32(d.Hop),
		Labels:        d.Labels,
		Laughter:      laughter,
		Plugin:        plugin,
		Logits:        l.has,
		LogitStep:     l.step,
	}
}

// configFromProto checks the first message of a stream; its errors are gRPC statuses.
func configFromProto(request *pb.ClassifyRequest, d Description, l logits) (streamConfig, error) {
	message := request.GetConfig()
	if message == nil {
		return streamConfig{}, invalid("check first message: want the config, got %s", payloadName(request))
	}
	config := streamConfig{labels: message.GetLabels(), floor: message.GetScoreFloor(), hop: d.Hop, logits: message.GetLogits()}
	if n := len(config.labels); n < 1 || n > len(d.Labels) {
		return streamConfig{}, invalid("check config: %d labels wanted, want 1 to %d", n, len(d.Labels))
	}
	for _, label := range config.labels {
		if int64(label) >= int64(len(d.Labels)) {
			return streamConfig{}, invalid("check config: label %d wanted, the last is %d", label, len(d.Labels)-1)
		}
	}
	if !(config.floor >= 0 && config.floor <= 1) {
		return streamConfig{}, invalid("check config: score floor %v, want 0 to 1", config.floor)
	}
	if hop := int64(message.GetHopSamples()); hop > int64(d.Window) {
		return streamConfig{}, status.Errorf(codes.Unimplemented,
			"check config: hop of %d samples, this model supports 1 to %d", hop, d.Window)
	} else if hop > 0 {
		config.hop = int(hop)
	}
	if config.logits && !l.has {
		return streamConfig{}, status.Error(codes.Unimplemented, "check config: logits wanted, this model has scores only")
	}
	switch encoding := message.GetEncoding(); encoding {
	case pb.PcmEncoding_PCM_ENCODING_S16LE:
		config.sampleBytes = 2
	case pb.PcmEncoding_PCM_ENCODING_F32LE:
		config.sampleBytes = 4
	case pb.PcmEncoding_PCM_ENCODING_UNSPECIFIED:
		return streamConfig{}, invalid("check config: no encoding")
	default:
		return streamConfig{}, status.Errorf(codes.Unimplemented, "check config: encoding %d is not known", encoding)
	}
	return config, nil
}

// chunkFromProto checks a later message of a stream, which must be the chunk that has this index and
// starts at this sample; its errors are gRPC statuses.
func (c streamConfig) chunkFromProto(request *pb.ClassifyRequest, index uint64, first int64) (pcm []byte, err error) {
	chunk := request.GetChunk()
	switch {
	case chunk == nil:
		return nil, invalid("check message after chunk %d: want a chunk, got %s", int64(index)-1, payloadName(request))
	case chunk.GetIndex() != index:
		return nil, invalid("check chunk %d: its index is %d", index, chunk.GetIndex())
	case chunk.GetFirstSample() != first:
		return nil, invalid("check chunk %d: it starts at sample %d, want %d", index, chunk.GetFirstSample(), first)
	}
	pcm = chunk.GetPcm()
	switch {
	case len(pcm) > maxChunkBytes:
		return nil, invalid("check chunk %d: %d bytes, want at most %d", index, len(pcm), maxChunkBytes)
	case len(pcm)%c.sampleBytes != 0:
		return nil, invalid("check chunk %d: %d bytes are no whole number of samples of %d bytes", index, len(pcm), c.sampleBytes)
	}
	return pcm, nil
}

// maxFrames is how many frames surely fit into one response.
func (c streamConfig) maxFrames() int {
	const wrapping = 32 // of a frame: tags, lengths and position take less
	return (handshake.MaxMessageBytes - 64) / (wrapping + 4*len(c.labels))
}

// decode writes the samples of pcm to dst, which has the room. It reports the first one that is not finite.
func (c streamConfig) decode(dst []float32, pcm []byte) error {
	if c.sampleBytes == 2 {
		const unit = 1. / 32768
		for ; len(pcm) >= 8 && len(dst) >= 4; pcm, dst = pcm[8:], dst[4:] { // four at once
			bits := binary.LittleEndian.Uint64(pcm)
			dst[0] = float32(int16(bits)) * unit
			dst[1] = float32(int16(bits>>16)) * unit
			dst[2] = float32(int16(bits>>32)) * unit
			dst[3] = float32(int16(bits>>48)) * unit
		}
		for i := range len(pcm) / 2 {
			dst[i] = float32(int16(binary.LittleEndian.Uint16(pcm[2*i:]))) * unit
		}
		return nil
	}
	const exponent = 0x7f800000 // all ones: infinite or not a number
	dst = dst[:len(pcm)/4]
	for i := range dst {
		bits := binary.LittleEndian.Uint32(pcm[4*i:])
		if bits&exponent == exponent {
			return fmt.Errorf("sample %d is not finite", i)
		}
		dst[i] = math.Float32frombits(bits)
	}
	return nil
}

// framesToProto picks the wanted scores or logits of a batch that was scored, and leaves out what is below the floor.
func (c streamConfig) framesToProto(batch Batch, scores []float32) ([]*pb.Frame, error) {
	classes := len(scores) / batch.Windows
	low, high, floor := float32(0), float32(1), c.floor
	if c.logits {
		low, high, floor = -math.MaxFloat32, math.MaxFloat32, float32(math.Log(float64(c.floor)/(1-float64(c.floor))))
	}
	wanted := make([]float32, 0, batch.Windows*len(c.labels))
	messages := make([]pb.Frame, batch.Windows) // one allocation for all
	frames := make([]*pb.Frame, 0, batch.Windows)
	for i := range batch.Windows {
		keep := c.floor == 0
		begin := len(wanted)
		for _, label := range c.labels {
			score := scores[i*classes+int(label)]
			if !(score >= low && score <= high) {
				if c.logits {
					return nil, fmt.Errorf("logit of class %d is %v, want a finite number", label, score)
				}
				return nil, fmt.Errorf("score of class %d is %v, want 0 to 1", label, score)
			}
			keep = keep || score >= floor
			wanted = append(wanted, score)
		}
		if !keep {
			wanted = wanted[:begin]
			continue
		}
		frame := &messages[i]
		frame.FirstSample = batch.First + int64(i*c.hop)
		if c.logits {
			frame.Logits = wanted[begin:len(wanted):len(wanted)]
		} else {
			frame.Scores = wanted[begin:len(wanted):len(wanted)]
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

func payloadName(request *pb.ClassifyRequest) string {
	switch request.GetPayload().(type) {
	case *pb.ClassifyRequest_Config:
		return "a config"
	case *pb.ClassifyRequest_Chunk:
		return "a chunk"
	default:
		return "nothing"
	}
}

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
