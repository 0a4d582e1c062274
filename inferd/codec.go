package inferd

import (
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

// Codec reads and writes protobuf as gRPC's own codec does, and reads a chunk of sound into the bytes of
// the chunk that the message held before. An hour of sound is 115 MB that need not be allocated.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2(encodingproto.Name)} }

type codec struct{ encoding.CodecV2 }

// Unmarshal leaves all but usual chunks to gRPC's codec.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if request, ok := v.(*pb.ClassifyRequest); ok && readChunk(data, request) {
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Fields of ClassifyRequest and Chunk.
const (
	fieldChunk       = 2
	fieldIndex       = 1
	fieldFirstSample = 2
	fieldPCM         = 3
)

// readChunk fills a request of which nothing remains. It does nothing and returns false unless the
// message is a chunk, with its fields in order and samples at its end, and the first piece of the data
// reaches up to these.
func readChunk(data mem.BufferSlice, request *pb.ClassifyRequest) bool {
	if len(data) == 0 {
		return false
	}
	rest, left := data[0].ReadOnlyData(), data.Len()
	number := func(field protowire.Number, kind protowire.Type) (uint64, bool) {
		got, gotKind, n := protowire.ConsumeTag(rest)
		if n < 0 || got != field || gotKind != kind {
			return 0, false
		}
		value, m := protowire.ConsumeVarint(rest[n:])
		if m < 0 {
			return 0, false
		}
		rest, left = rest[n+m:], left-n-m
		return value, true
	}
	if length, ok := number(fieldChunk, protowire.BytesType); !ok || length != uint64(left) {
		return false
	}
	index, _ := number(fieldIndex, protowire.VarintType) // zero is left out
	first, _ := number(fieldFirstSample, protowire.VarintType)
	if length, ok := number(fieldPCM, protowire.BytesType); !ok || length != uint64(left) {
		return false
	}
	var pcm []byte
	if old := request.GetChunk(); old != nil {
		pcm = old.Pcm[:0]
	}
	if cap(pcm) < left {
		pcm = make([]byte, 0, left)
	}
	pcm = append(pcm, rest...)
	for _, piece := range data[1:] {
		pcm = append(pcm, piece.ReadOnlyData()...)
	}
	request.Reset()
	request.Payload = &pb.ClassifyRequest_Chunk{Chunk: &pb.Chunk{Index: index, FirstSample: int64(first), Pcm: pcm}}
	return true
}
