package inferd

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

func marshal(t testing.TB, request *pb.ClassifyRequest) []byte {
	t.Helper()
	data, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func chunkOf(index uint64, first int64, pcm []byte) *pb.ClassifyRequest {
	return &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Chunk{Chunk: &pb.Chunk{Index: index, FirstSample: first, Pcm: pcm}}}
}

// FuzzCodec holds the codec against protobuf's own, on a message that held another before.
func FuzzCodec(f *testing.F) {
	f.Add(marshal(f, chunkOf(0, 0, []byte{1, 2})), uint(3))
	f.Add(marshal(f, chunkOf(7, 1<<40, bytes.Repeat([]byte{9}, 300))), uint(12))
	f.Add(marshal(f, chunkOf(7, -1, nil)), uint(1))
	f.Add(append(marshal(f, chunkOf(7, 5, []byte{1})), 0x40, 1), uint(100))                                                // a field that is not known
	f.Add(append(marshal(f, chunkOf(7, 5, []byte{1})), marshal(f, chunkOf(8, 0, []byte{2, 3}))...), uint(5))               // merged
	f.Add(marshal(f, &pb.ClassifyRequest{Payload: &pb.ClassifyRequest_Config{Config: &pb.StreamConfig{}}}), uint(1))       // no chunk
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0x1a, 0xff, 0xff, 0xff, 0xff, 7}, uint(4)) // absurd lengths
	f.Fuzz(func(t *testing.T, data []byte, cut uint) {
		at := min(int(cut%4096), len(data))
		pieces := mem.BufferSlice{mem.SliceBuffer(data[:at]), mem.SliceBuffer(data[at:])}
		var want pb.ClassifyRequest
		wantErr := proto.Unmarshal(data, &want)
		got := chunkOf(3, 4, []byte{5, 6, 7, 8})
		err := Codec().Unmarshal(pieces, got)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, protobuf's %v", err, wantErr)
		}
		if err == nil && !proto.Equal(got, &want) {
			t.Fatalf("read %v, want %v", got, &want)
		}
	})
}

func TestCodecUsesTheSameBytesAgain(t *testing.T) {
	t.Parallel()
	request := chunkOf(0, 0, make([]byte, 0, 1000))
	before := &request.GetChunk().Pcm[:1][0]
	if err := Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(marshal(t, chunkOf(1, 2, make([]byte, 1000))))}, request); err != nil {
		t.Fatal(err)
	}
	if pcm := request.GetChunk().GetPcm(); len(pcm) != 1000 || &pcm[0] != before {
		t.Error("the bytes were allocated anew")
	}
}
