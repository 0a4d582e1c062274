package yamnet

import "math"

// The spectrum of a step: 400 samples (25 ms), windowed and padded with zeros to 512.
const (
	stepSamples = 400
	fftSamples  = 512
	half        = fftSamples / 2 // points of the complex transform that does the work
)

// fourier transforms real sound by a complex transform of half its length, with even samples as real
// and odd ones as imaginary parts: radix 4, decimation in frequency. It is read-only once it was made.
type fourier struct {
	window [stepSamples]float32 // halved, which the last step of the transform wants
	// twiddles of the first three stages, for their three rotated outputs; the fourth has none.
	stage1 [64]rotations
	stage2 [16]rotations
	stage3 [4]rotations
	last   [half / 2]rotation // of the step from half's points to the real spectrum
	place  [half]uint8        // where the transform leaves its k-th point
}

type rotation struct{ re, im float32 }

type rotations [3]rotation

func newFourier(window []float32) *fourier {
	f := new(fourier)
	for i, v := range window {
		f.window[i] = v / 2
	}
	turn := func(k, n int) rotation {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		return rotation{float32(cos), float32(sin)}
	}
	fill := func(stage []rotations) {
		for j := range stage {
			for m := range 3 {
				stage[j][m] = turn(j*(m+1), 4*len(stage))
			}
		}
	}
	fill(f.stage1[:])
	fill(f.stage2[:])
	fill(f.stage3[:])
	for k := range f.last {
		f.last[k] = turn(k, fftSamples)
	}
	for k := range f.place { // its base 4 digits in reverse
		f.place[k] = uint8(k>>6 | k>>4&3<<2 | k>>2&3<<4 | k&3<<6)
	}
	return f
}

// spectrum is the work space of a transform.
type spectrum struct {
	re, im [half]float32
	// magnitude of each of the 257 frequencies but the first and the last, which no mel band hears. The
	// rest is zero.
	magnitude [half + 8]float32
}

// transform fills s.magnitude.
func (f *fourier) transform(s *spectrum, samples *[stepSamples]float32) {
	re, im := &s.re, &s.im
	for i := range stepSamples / 2 {
		re[i] = samples[2*i] * f.window[2*i]
		im[i] = samples[2*i+1] * f.window[2*i+1]
	}
	clear(re[stepSamples/2:])
	clear(im[stepSamples/2:])

	stage(re[:], im[:], f.stage1[:])
	for at := 0; at < half; at += 64 {
		stage(re[at:], im[at:], f.stage2[:])
	}
	for at := 0; at < half; at += 16 {
		stage(re[at:], im[at:], f.stage3[:])
	}
	for at := 0; at < half; at += 4 { // the fourth rotates nothing
		re, im := (*[4]float32)(re[at:]), (*[4]float32)(im[at:])
		sumR, sumI := re[0]+re[2], im[0]+im[2]
		difR, difI := re[0]-re[2], im[0]-im[2]
		sumR2, sumI2 := re[1]+re[3], im[1]+im[3]
		difR2, difI2 := re[1]-re[3], im[1]-im[3]
		re[0], im[0] = sumR+sumR2, sumI+sumI2
		re[1], im[1] = difR+difI2, difI-difR2
		re[2], im[2] = sumR-sumR2, sumI-sumI2
		re[3], im[3] = difR-difI2, difI+difR2
	}

	// Point k of the half and point half-k together make frequencies k and half-k of the whole.
	for k := 1; k < half/2; k++ {
		a, b := f.place[k], f.place[half-k]
		evenR, evenI := re[a]+re[b], im[a]-im[b]
		oddR, oddI := im[a]+im[b], re[b]-re[a]
		w := f.last[k]
		oddR, oddI = oddR*w.re-oddI*w.im, oddR*w.im+oddI*w.re
		s.magnitude[k] = length(evenR+oddR, evenI+oddI)
		s.magnitude[half-k] = length(evenR-oddR, evenI-oddI)
	}
	middle := f.place[half/2]
	s.magnitude[half/2] = 2 * length(re[middle], im[middle])
}

// stage takes points that lie a quarter of 4*len(w) apart through one step of the transform.
func stage(re, im []float32, w []rotations) {
	n := len(w)
	r0, r1, r2, r3 := re[:n], re[n:][:n], re[2*n:][:n], re[3*n:][:n]
	i0, i1, i2, i3 := im[:n], im[n:][:n], im[2*n:][:n], im[3*n:][:n]
	for j := range w {
		w := &w[j]
		sumR, sumI := r0[j]+r2[j], i0[j]+i2[j]
		difR, difI := r0[j]-r2[j], i0[j]-i2[j]
		sumR2, sumI2 := r1[j]+r3[j], i1[j]+i3[j]
		difR2, difI2 := r1[j]-r3[j], i1[j]-i3[j]
		r0[j], i0[j] = sumR+sumR2, sumI+sumI2
		re, im := difR+difI2, difI-difR2
		r1[j], i1[j] = re*w[0].re-im*w[0].im, re*w[0].im+im*w[0].re
		re, im = sumR-sumR2, sumI-sumI2
		r2[j], i2[j] = re*w[1].re-im*w[1].im, re*w[1].im+im*w[1].re
		re, im = difR-difI2, difI+difR2
		r3[j], i3[j] = re*w[2].re-im*w[2].im, re*w[2].im+im*w[2].re
	}
}

func length(re, im float32) float32 { return float32(math.Sqrt(float64(re*re + im*im))) }
