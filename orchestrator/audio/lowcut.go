package audio

import (
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
)

// lowCut takes away what lies below a voice: mains hum, rumble and a constant offset are 50 dB down and more below 60 Hz;
// it is -3 dB at 95 Hz, and nothing is changed above 125 Hz, where what YAMNet hears begins. It moves nothing in
// time. What is low is computed at a sixteenth of the rate, and subtracted. The zero value is ready for use.
type lowCut struct {
	before []float32 // the end of the block before, as it was
	coarse []float32
	low    []float32
}

const (
	// lowStep is how many samples the coarse sound has one for.
	lowStep = 16
	// lowReach is how far the coarse filter reaches to either side.
	lowReach = 30
	// lowMargin is how many samples beside a block it depends on.
	lowMargin = (lowReach + 6) * lowStep
	lowEdge   = 94 // Hz: in the middle of what it lets through in part
)

// gather are the weights by which samples make a coarse one: a cubic spline over four steps.
var gather = func() (weights [4 * lowStep]float32) {
	for i := range lowStep {
		t := float64(i) / lowStep
		for part, weight := range [4]float64{t * t * t, 1 + 3*t + 3*t*t - 3*t*t*t, 4 - 6*t*t + 3*t*t*t, (1 - t) * (1 - t) * (1 - t)} {
			weights[part*lowStep+i] = float32(weight / 6 / lowStep)
		}
	}
	return weights
}()

// lowFilter lets pass what is low, at the coarse rate, and makes up for what the splines take away.
var lowFilter = func() (taps [2*lowReach + 1]float32) {
	const rate, steps, beta = orchestrator.SampleRateHz / lowStep, 400, 5.2
	bessel := func(x float64) float64 {
		sum, term := 1.0, 1.0
		for k := 1.0; k < 30; k++ {
			term *= x * x / (4 * k * k)
			sum += term
		}
		return sum
	}
	var wanted [2*lowReach + 1]float64
	total := 0.0
	for m := -lowReach; m <= lowReach; m++ {
		sum := 0.0
		for i := range steps {
			f := (float64(i) + 0.5) / steps * lowEdge / rate
			sinc := math.Sin(math.Pi*f) / (math.Pi * f)
			sum += math.Cos(2*math.Pi*f*float64(m)) / math.Pow(sinc, 8)
		}
		place := float64(m) / (lowReach + 1)
		wanted[m+lowReach] = 2 * sum * lowEdge / rate / steps * bessel(beta*math.Sqrt(1-place*place)) / bessel(beta)
		total += wanted[m+lowReach]
	}
	for i, tap := range wanted {
		taps[i] = float32(tap / total) // a constant offset goes altogether
	}
	return taps
}()

// filter filters a block of whole steps in place; next is the block behind it, as it is, or none: then the block may end
// within a step. What is no number becomes 0.
func (c *lowCut) filter(block, next []float32) {
	if !c.coarsen(block, next) {
		believe(block)
		believe(next[:min(len(next), lowMargin)])
		c.coarsen(block, next)
	}
	if len(block) >= lowMargin {
		c.before = append(c.before[:0], block[len(block)-lowMargin:]...)
	}
	if peakOf(c.coarse) < inaudible/8 {
		return
	}
	// low[k] is the low sound at step k-1 of the block.
	c.low = c.low[:0]
	for k := range len(c.coarse) - 2*lowReach {
		c.low = append(c.low, product(c.coarse[k:k+len(lowFilter)], lowFilter[:]))
	}
	for k, rest := 0, block; len(rest) > 0; k++ {
		// The spline from one step to the next, by its differences.
		const step = 1. / lowStep
		a, b, d, e := c.low[k], c.low[k+1], c.low[k+2], c.low[k+3]
		linear, square, cubic := (d-a)/2*step, (a-2*b+d)/2*step*step, (3*(b-d)+e-a)/6*step*step*step
		value, first, second, third := (a+4*b+d)/6, linear+square+cubic, 2*square+6*cubic, 6*cubic
		piece := rest[:min(lowStep, len(rest))]
		for i := range piece {
			piece[i] -= value
			value += first
			first += second
			second += third
		}
		rest = rest[len(piece):]
	}
}

// coarsen fills coarse: from lowReach+1 steps before the block to lowReach+2 steps behind its last one. Beyond the
// recording's ends its first and last sample go on. False where a sample is no number, or beyond belief.
func (c *lowCut) coarsen(block, next []float32) bool {
	at := func(i int) float32 {
		switch {
		case i < 0 && len(c.before) == 0:
			return block[0]
		case i < 0:
			return c.before[max(0, len(c.before)+i)]
		case i < len(block):
			return block[i]
		case len(next) == 0:
			return block[len(block)-1]
		}
		return next[min(i-len(block), len(next)-1)]
	}
	c.coarse = c.coarse[:0]
	whole := true
	var edge [len(gather)]float32
	steps := (len(block) + lowStep - 1) / lowStep
	for k := -lowReach - 1; k < steps+lowReach+2; k++ {
		from := (k - 2) * lowStep // the weights reach over two steps to either side
		samples := edge[:]
		if from >= 0 && from+len(gather) <= len(block) {
			samples = block[from : from+len(gather)]
		} else {
			for i := range edge {
				edge[i] = at(from + i)
			}
		}
		sum := product(samples, gather[:])
		whole = whole && sum <= mostBelieved && sum >= -mostBelieved
		c.coarse = append(c.coarse, sum)
	}
	return whole
}

// product is the sum of the products of two equally long rows: four sums at a time, as one would wait for itself.
func product(a, b []float32) float32 {
	var s, t, u, v float32
	for len(a) >= 4 && len(b) >= 4 {
		s += a[0] * b[0]
		t += a[1] * b[1]
		u += a[2] * b[2]
		v += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s += a[i] * b[i]
	}
	return s + t + (u + v)
}

// mostBelieved is the largest sample that is believed, 72 dB above full scale.
const mostBelieved = 4096

// believe makes what is no number 0, and brings what is beyond belief down.
func believe(block []float32) {
	for i, sample := range block {
		if !(sample <= mostBelieved && sample >= -mostBelieved) {
			block[i] = believed(sample, mostBelieved)
		}
	}
}

func believed(sample, most float32) float32 {
	switch {
	case sample > most:
		return most
	case sample < -most:
		return -most
	}
	return 0
}
