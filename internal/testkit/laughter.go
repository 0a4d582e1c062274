package testkit

import (
	"math"
	"math/rand/v2"
)

const laughterRate = 16000

// Laughter makes n samples at 16 kHz that a model may take for laughter: series of calls, each led by a breath, of
// a pitch that falls within the call and from call to call, through the resonances of a mouth. It is
// the same every time.
func Laughter(n int) []float32 {
	const (
		rate   = laughterRate
		call   = rate * 100 / 547 // from the start of one call to the next
		voice  = rate * 109 / 1000
		breath = rate * 80 / 1000 // ends where the voice begins
		calls  = 8                // of one laugh, and then a pause of three
	)
	mouth := [...]resonator{newResonator(778, 72, 0.631), newResonator(1347, 72, 0.178), newResonator(2071, 412, 0.138), newResonator(5059, 416, 0.25)}
	noise := rand.New(rand.NewPCG(1, 2))
	samples := make([]float32, n)
	phase := 0.0
	for i := range samples {
		at, nth := i%call, i/call%(calls+3)
		loud := math.Pow(0.93, float64(nth))
		var source float64
		if place := float64(at) / voice; place < 1 && nth < calls {
			pitch := 399 * math.Pow(0.988, float64(nth)) * (1.1 - 0.2*place)
			phase += 2 * math.Pi * pitch / rate
			for h := 1.0; h*pitch < rate/2; h++ {
				source += math.Cos(h*phase) / math.Pow(h, 1.9)
			}
			swell := min(1, place/0.214, (1-place)/0.1) * math.Exp(-1.86*place)
			source = loud * swell * (source/1.7 + 0.2*noise.NormFloat64())
		}
		if left := call - at; left <= breath && nth < calls-1 {
			swell := math.Sin(math.Pi * float64(left) / breath)
			source += loud * 0.4 * swell * swell * noise.NormFloat64()
		}
		v := 0.002 * noise.NormFloat64()
		for k := range mouth {
			v += mouth[k].filter(source)
		}
		samples[i] = float32(min(max(v, -1), 1))
	}
	return samples
}

// resonator lets one frequency through.
type resonator struct{ gain, a, b, y1, y2 float64 }

func newResonator(hz, width, gain float64) resonator {
	r := math.Exp(-math.Pi * width / laughterRate)
	angle := 2 * math.Pi * hz / laughterRate
	gain *= (1 - r) * math.Sqrt(1-2*r*math.Cos(2*angle)+r*r) // 1 at its frequency
	return resonator{gain: gain, a: 2 * r * math.Cos(angle), b: -r * r}
}

func (r *resonator) filter(x float64) float64 {
	y := r.gain*x + r.a*r.y1 + r.b*r.y2
	r.y1, r.y2 = y, r.y1
	return y
}
