package picture

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fft computes spectra of a fixed number of samples, a power of two.
type fft struct {
	window []float64
	turns  []complex128
	order  []int
	values []complex128
}

func newFFT(size int) *fft {
	f := &fft{window: make([]float64, size), turns: make([]complex128, size/2), order: make([]int, size), values: make([]complex128, size)}
	for i := range size {
		f.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(size))
		f.order[i] = int(bits.Reverse64(uint64(i)) >> (65 - bits.Len(uint(size))))
	}
	for i := range f.turns {
		f.turns[i] = cmplx.Exp(complex(0, -2*math.Pi*float64(i)/float64(size)))
	}
	return f
}

// power raises the power of each bin to that of the sound from a position on, where it is more; 1 is a tone of full scale. What lies
// outside of the sound is silence.
func (f *fft) power(samples []float32, from int, power []float64) {
	size := len(f.values)
	for i, at := range f.order {
		v := 0.0
		if n := from + i; n >= 0 && n < len(samples) {
			v = float64(samples[n]) * f.window[i]
		}
		f.values[at] = complex(v, 0)
	}
	for half := 1; half < size; half *= 2 {
		stride := size / (2 * half)
		for start := 0; start < size; start += 2 * half {
			for k := range half {
				a, b := f.values[start+k], f.values[start+k+half]*f.turns[k*stride]
				f.values[start+k], f.values[start+k+half] = a+b, a-b
			}
		}
	}
	norm := 16 / (float64(size) * float64(size)) // of the window's mean and of the two halves of a real tone
	for bin := range power {
		re, im := real(f.values[bin]), imag(f.values[bin])
		power[bin] = max(power[bin], (re*re+im*im)*norm)
	}
}
