package synth

import "math"

// sound adds the next samples of itself to out, the same however they are asked for.
type sound interface{ add(out []float64) }

// control is how often, in samples, the slow things of a sound move.
const control = 80

// scenes are the backgrounds of a recording; each makes a fresh sound.
var scenes = []func(random noise) sound{
	func(random noise) sound { return &hush{random: random, level: random.within(0.001, 0.003)} },
	func(random noise) sound { return newDraught(random) },
	func(random noise) sound { return &babble{random: random, pitch: random.within(95, 210)} },
	func(random noise) sound { return &babble{random: random, pitch: random.within(95, 210)} }, // people talk most
	func(random noise) sound { return &tones{random: random} },
}

// hush is the noise of a quiet room.
type hush struct {
	random noise
	level  float64
}

func (h *hush) add(out []float64) {
	for i := range out {
		out[i] += h.level * h.random.white()
	}
}

// draught is wind or traffic: low noise that swells and goes.
type draught struct {
	random       noise
	at           int
	level, low   float64
	phase, swell float64 // of the level, and its step
}

func newDraught(random noise) *draught {
	return &draught{random: random, swell: 2 * math.Pi * control / (rate * random.within(4, 12))}
}

func (d *draught) add(out []float64) {
	for i := range out {
		if d.at%control == 0 {
			d.level = 0.25 * (1 + 0.6*math.Sin(d.phase))
			d.phase += d.swell
		}
		d.at++
		d.low += 0.04 * (d.random.white() - d.low)
		out[i] += d.level*d.low + 0.002*d.random.white()
	}
}

// tones is something like music: chords of decaying partials.
type tones struct {
	random noise
	left   int // samples of the chord
	notes  []note
}

// note is a turning pointer: multiplying it by a constant makes a sine without calling one.
type note struct{ re, im, turnRe, turnIm float64 }

func (t *tones) add(out []float64) {
	for len(out) > 0 {
		if t.left == 0 {
			t.chord()
		}
		n := min(t.left, len(out))
		for k := range t.notes {
			t.notes[k].add(out[:n])
		}
		t.left -= n
		out = out[n:]
	}
}

func (t *tones) chord() {
	t.left = rate * 3 / 10 * (1 + t.random.below(4))
	t.notes = t.notes[:0]
	root := 110 * math.Pow(2, float64(t.random.below(24))/12)
	for _, interval := range []float64{1, 1.25, 1.5} {
		for partial := 1.0; partial <= 3; partial++ {
			hz := root * interval * partial
			angle, decay := 2*math.Pi*hz/rate, math.Exp(-partial*2/rate)
			t.notes = append(t.notes, note{im: 0.06 / partial, turnRe: decay * math.Cos(angle), turnIm: decay * math.Sin(angle)})
		}
	}
}

func (n *note) add(out []float64) {
	re, im := n.re, n.im
	for i := range out {
		out[i] += re
		re, im = re*n.turnRe-im*n.turnIm, re*n.turnIm+im*n.turnRe
	}
	n.re, n.im = re, im
}
