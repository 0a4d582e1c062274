package yamnet

import (
	"math"
	"slices"
)

// The network's patch: 96 steps, 10 ms apart, of 64 bands.
const (
	bands      = 64
	patchSteps = 96
	stepHop    = 160
	patchSize  = patchSteps * bands
)

// features turns sound into rows of the network's patch. It is read-only once it was made.
type features struct {
	fourier *fourier
	bands   [bands]band
	offset  float32
	quantiser
	silence [bands]int8 // the row of a step without any sound
}

// band weighs neighbouring frequencies, from the first on; padded to a multiple of four.
type band struct {
	first   int
	weights []float32
}

func newFeatures(g graph) *features {
	f := &features{fourier: newFourier(g.window), offset: g.offset, quantiser: newQuantiser(g.scale, g.zero)}
	for i := range f.bands {
		weights := g.mel[i*(half+1) : (i+1)*(half+1)]
		first := slices.IndexFunc(weights, func(w float32) bool { return w != 0 })
		end := len(weights)
		for end > first && weights[end-1] == 0 {
			end--
		}
		padded := make([]float32, (end-first+3)/4*4)
		copy(padded, weights[first:end])
		f.bands[i] = band{first, padded}
		f.silence[i] = f.quantise(f.offset)
	}
	return f
}

// row fills one step's bands.
func (f *features) row(s *spectrum, row *[bands]int8, samples *[stepSamples]float32) {
	if *samples == [stepSamples]float32{} {
		*row = f.silence
		return
	}
	f.fourier.transform(s, samples)
	for i := range f.bands {
		weights := f.bands[i].weights
		heard := s.magnitude[f.bands[i].first:][:len(weights)]
		var a, b, c, d float32 // four sums at once
		for len(weights) >= 4 && len(heard) >= 4 {
			a += weights[0] * heard[0]
			b += weights[1] * heard[1]
			c += weights[2] * heard[2]
			d += weights[3] * heard[3]
			weights, heard = weights[4:], heard[4:]
		}
		row[i] = f.quantise((a + b) + (c + d) + f.offset)
	}
}

// quantiser rounds the logarithm of a value to the network's integers, without computing it: the
// leading bits of a float are close to its logarithm, so that they tell the integer but for one
// comparison.
type quantiser struct {
	first uint32 // leading bits of the least value that is not clamped
	steps []quantStep
}

// quantStep belongs to the values with the same leading bits: below is the integer of the lower ones,
// and from the value with the bits of limit on it is one more.
type quantStep struct {
	limit uint32
	below int8
}

// quantShift leaves sign, exponent and 5 bits of the fraction: at most 3 % between values, where the
// integers are 5 % apart.
const quantShift = 23 - 5

func newQuantiser(scale float32, zero int) quantiser {
	// limit is the least value that is rounded to q or more.
	limit := func(q int) float64 { return math.Exp((float64(q-zero) - 0.5) * float64(scale)) }
	lead := func(v float64) uint32 { return math.Float32bits(float32(v)) >> quantShift }
	z := quantiser{first: lead(limit(-127))}
	q := -128
	for bits := z.first; bits <= lead(limit(127))+1; bits++ {
		below := q
		for q < 127 && lead(limit(q+1)) <= bits {
			q++
		}
		step := quantStep{limit: math.MaxUint32, below: int8(below)}
		if q > below {
			step.limit = math.Float32bits(float32(limit(q)))
		}
		z.steps = append(z.steps, step)
	}
	return z
}

// quantise takes values that are not negative: their order is that of their bits. What is no number
// counts as large.
func (z *quantiser) quantise(v float32) int8 {
	bits := math.Float32bits(v)
	i := int(bits>>quantShift) - int(z.first)
	if i < 0 {
		return -128
	}
	step := &z.steps[min(i, len(z.steps)-1)]
	if bits >= step.limit {
		return step.below + 1
	}
	return step.below
}
