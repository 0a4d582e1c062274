package inferd_test

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/yamnet"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/testkit"
)

// BenchmarkInterpreters has the real model, one or two of it side by side.
func BenchmarkInterpreters(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			models, err := yamnet.Open(yamnet.Options{Path: testkit.Model(b), Library: testkit.TFLite(b), Models: n})
			if err != nil {
				b.Fatal(err)
			}
			benchmarkService(b, models...)
		})
	}
}

// benchmarkService sends chunks of ten seconds of noise, a few of them unanswered at a time.
func benchmarkService(b *testing.B, models ...inferd.Model) {
	stream, err := serve(b, models...).Classify(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const samples, unanswered = 160000, 4
	var pcm []byte
	random := rand.New(rand.NewPCG(3, 3))
	for range samples {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(random.IntN(4096)))
	}
	if err := stream.Send(configure(&pb.StreamConfig{Labels: []uint32{2, 3}, Encoding: pb.PcmEncoding_PCM_ENCODING_S16LE})); err != nil {
		b.Fatal(err)
	}
	room := make(chan struct{}, unanswered)
	var sender sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	sender.Go(func() {
		for i := range b.N {
			room <- struct{}{}
			if stream.Send(chunk(i, i*samples, pcm)) != nil {
				return
			}
		}
		_ = stream.CloseSend()
	})
	for range b.N + 1 {
		response, err := stream.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if !response.GetFinal() {
			<-room
		}
	}
	sender.Wait()
	b.StopTimer()
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x_real_time")
}
