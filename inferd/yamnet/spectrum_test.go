package yamnet

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// hann is the window that the model has.
func hann() []float32 {
	window := make([]float32, stepSamples)
	for i := range window {
		window[i] = float32(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/stepSamples))
	}
	return window
}

// TestTransform compares with the definition of the Fourier transform.
func TestTransform(t *testing.T) {
	t.Parallel()
	window := hann()
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		sound func(i int) float64
	}{
		{"noise", func(int) float64 { return 2*random.Float64() - 1 }},
		{"one sample", func(i int) float64 { return float64(i / 301 * (301 / max(i, 1))) }},
		{"tone", func(i int) float64 { return math.Cos(0.3 * float64(i)) }},
		{"constant", func(int) float64 { return 1 }},
	} {
		var samples [stepSamples]float32
		for i := range samples {
			samples[i] = float32(c.sound(i))
		}
		var s spectrum
		newFourier(window).transform(&s, &samples)
		for k := 1; k < half; k++ {
			var sum complex128
			for i, v := range samples {
				sum += complex(float64(v)*float64(window[i]), 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(i*k)/fftSamples))
			}
			if got, want := float64(s.magnitude[k]), cmplx.Abs(sum); math.Abs(got-want) > 3e-5 {
				t.Errorf("%s: magnitude of frequency %d is %v, want %v", c.name, k, got, want)
			}
		}
	}
}

func BenchmarkTransform(b *testing.B) {
	f := newFourier(hann())
	var s spectrum
	var samples [stepSamples]float32
	for i := range samples {
		samples[i] = float32(i*i%777)/777 - 0.5
	}
	for b.Loop() {
		f.transform(&s, &samples)
	}
}
