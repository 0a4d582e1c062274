package modelhost

import (
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// BenchmarkRound starts, checks and kills a process, as every user costs once.
func BenchmarkRound(b *testing.B) { benchmarkRound(b, testConfig(b, "good")) }

func benchmarkRound(b *testing.B, config Config) {
	host := New(config)
	var starting, stopping time.Duration
	before := testkit.CPU(b)
	for b.Loop() {
		start := time.Now()
		p, err := host.Spawn(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		started := time.Now()
		p.Stop()
		starting += started.Sub(start)
		stopping += time.Since(started)
	}
	b.ReportMetric(float64(starting.Microseconds())/1000/float64(b.N), "ms/spawn")
	b.ReportMetric(float64(stopping.Microseconds())/1000/float64(b.N), "ms/stop")
	b.ReportMetric(float64((testkit.CPU(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op") // of the host alone
}

// BenchmarkSample is what one measurement of memory costs while a model runs.
func BenchmarkSample(b *testing.B) {
	p := spawn(b, testConfig(b, "good")).(*process)
	for b.Loop() {
		p.memory.sample()
	}
}

func BenchmarkSettledMemory(b *testing.B) {
	for b.Loop() {
		settledMemory()
	}
}

// blockLength is what a decoder hands on at once: 10 s.
const blockLength = 10 * orchestrator.SampleRateHz

// BenchmarkClassify streams an hour of sound a time through a model that costs little.
func BenchmarkClassify(b *testing.B) {
	p := spawn(b, testConfig(b, "good"))
	block := make([]float32, blockLength)
	hour := func(yield func(orchestrator.Chunk, error) bool) {
		for i := range 360 {
			if !yield(orchestrator.Chunk{Offset: int64(i * blockLength), Samples: block}, nil) {
				return
			}
		}
	}
	for b.Loop() {
		for _, err := range p.Classify(b.Context(), hour) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAppendPCM(b *testing.B) {
	samples, pcm := make([]float32, blockLength), make([]byte, 0, 2*blockLength)
	for i := range samples {
		samples[i] = float32(i%4001-2000) / 2000
	}
	b.SetBytes(4 * blockLength)
	before := testkit.CPU(b)
	for b.Loop() {
		appendPCM(pcm, samples)
	}
	b.ReportMetric(float64((testkit.CPU(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}
