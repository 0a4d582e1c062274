package synth

import "math"

// noise is a small fast generator of pseudo-random numbers (SplitMix64). Its numbers are part of what
// a seed means, so it is our own: they stay the same for ever.
type noise uint64

func (n *noise) next() uint64 {
	*n += 0x9e3779b97f4a7c15
	z := uint64(*n)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// white is uniform in [-1, 1).
func (n *noise) white() float64 { return float64(int64(n.next())) / (1 << 63) }

// within is uniform between low and high.
func (n *noise) within(low, high float64) float64 {
	return low + (high-low)*float64(n.next()>>11)/(1<<53)
}

// gauss is as good as normal, with a deviation of 1: the sum of a few that are uniform.
func (n *noise) gauss() float64 {
	return n.white() + n.white() + n.white()
}

// below is uniform in 0..count-1.
func (n *noise) below(count int) int { return int(n.next() % uint64(count)) }

// resonator is a filter with one resonance: two poles, unit gain at the resonance's centre.
type resonator struct {
	gain, a, b float64
	y1, y2     float64
}

func newResonator(hz, bandwidthHz float64) resonator {
	r := math.Exp(-math.Pi * bandwidthHz / rate)
	angle := 2 * math.Pi * hz / rate
	return resonator{
		gain: (1 - r) * math.Sqrt(1-2*r*math.Cos(2*angle)+r*r),
		a:    2 * r * math.Cos(angle),
		b:    -r * r,
	}
}

func (f *resonator) filter(x float64) float64 {
	y := f.gain*x + f.a*f.y1 + f.b*f.y2
	f.y2, f.y1 = f.y1, y
	return y
}

// hann is the window's value at a place in 0..1, and 0 outside.
func hann(place float64) float64 {
	if place <= 0 || place >= 1 {
		return 0
	}
	s := math.Sin(math.Pi * place)
	return s * s
}
