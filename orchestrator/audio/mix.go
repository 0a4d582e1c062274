package audio

import (
	"math"
	"slices"
)

const (
	// mixOpposite is the correlation below which a channel is another one upside down, as a balanced microphone in a stereo jack
	// has it: it is turned, until the correlation is above 0 again.
	mixOpposite = -0.5
	// mixDead is how much weaker than the strongest a channel is that does not count when the others' share is
	// found, 50 dB, until it is mixLive again: 30 dB.
	mixDead, mixLive = 1e-5, 1e-3
)

// mixer makes one channel of several, all of them alike, whatever loudspeakers they are meant for: their mean, in which
// nothing cancels and a dead channel halves nothing. It measures half a second at a time before it mixes it. Not safe for
// concurrent use.
type mixer struct {
	channels int
	window   int // samples of each channel that are measured together
	held     []float32
	last     []float32 // the last sample of each channel of the window before
	weights  []float32 // of the window before; nil at the start
	signs    []float32
	dead     []bool
	energy   []float64
	with     []float64 // of each channel with the strongest
	mono     []float32
}

func newMixer(channels, rateHz int) *mixer {
	const most = 1 << 20 // samples that are held
	return &mixer{channels: channels, window: max(1, min(rateHz/2, most/channels)), last: make([]float32, channels),
		signs: slices.Repeat([]float32{1}, channels), dead: make([]bool, channels), energy: make([]float64, channels), with: make([]float64, channels)}
}

// add takes whole samples of all channels, interleaved, and returns what can be mixed by now, valid until the next call.
func (m *mixer) add(samples []float32) []float32 {
	if m.channels == 1 {
		return samples
	}
	m.mono = m.mono[:0]
	for len(samples) > 0 {
		n := min(len(samples), m.window*m.channels-len(m.held))
		m.held = append(m.held, samples[:n]...)
		if samples = samples[n:]; len(m.held) == m.window*m.channels {
			m.mix()
		}
	}
	return m.mono
}

// flush returns the rest.
func (m *mixer) flush() []float32 {
	m.mono = m.mono[:0]
	if len(m.held) > 0 {
		m.mix()
	}
	return m.mono
}

// mix mixes what is held.
func (m *mixer) mix() {
	weights := m.measure()
	n := len(m.held) / m.channels
	ramp := 0
	if m.weights != nil && !slices.Equal(weights, m.weights) {
		ramp = min(n, m.window/50) // 10 ms
	}
	for i := range n {
		frame := m.held[i*m.channels : (i+1)*m.channels]
		var sum float32
		if i < ramp {
			part := float32(i) / float32(ramp)
			for c, v := range frame {
				sum += v * (m.weights[c] + part*(weights[c]-m.weights[c]))
			}
		} else {
			for c, v := range frame {
				sum += v * weights[c]
			}
		}
		m.mono = append(m.mono, sum)
	}
	copy(m.last, m.held[len(m.held)-m.channels:])
	m.weights, m.held = weights, m.held[:0]
}

// measure chooses the weights of the channels by what changes in them, so that offsets and hum count for little.
func (m *mixer) measure() []float32 {
	m.energies()
	strongest := 0
	for c, energy := range m.energy {
		if energy > m.energy[strongest] {
			strongest = c
		}
	}
	top := m.energy[strongest]
	if !(top > 0) || math.IsInf(top, 0) { // silence, or no numbers: as before
		if m.weights != nil {
			return m.weights
		}
		return slices.Repeat([]float32{1 / float32(m.channels)}, m.channels)
	}
	m.productsWith(strongest)
	live := 0
	weights := make([]float32, m.channels)
	turned := m.signs[strongest]
	for c, energy := range m.energy {
		if m.dead[c] = energy < mixDead*top || energy < mixLive*top && (m.dead[c] || m.weights == nil); m.dead[c] {
			continue
		}
		live++
		switch alike := m.with[c] / math.Sqrt(energy*top) * float64(m.signs[c]*turned); {
		case c != strongest && m.signs[c]*turned > 0 && alike < mixOpposite, m.signs[c]*turned < 0 && alike < 0:
			m.signs[c] = -m.signs[c]
		}
	}
	for c := range weights { // what does not count is heard all the same
		weights[c] = m.signs[c] / float32(live)
	}
	return weights
}

// energies sums the squares of each channel's steps from one sample to the next.
func (m *mixer) energies() {
	clear(m.energy)
	last := m.last
	for from := 0; from < len(m.held); from += m.channels {
		frame := m.held[from : from+m.channels]
		for c, v := range frame {
			step := float64(v) - float64(last[c])
			m.energy[c] += step * step
		}
		last = frame
	}
}

// productsWith sums the products of each channel's steps with those of one.
func (m *mixer) productsWith(one int) {
	clear(m.with)
	last := m.last
	for from := 0; from < len(m.held); from += m.channels {
		frame := m.held[from : from+m.channels]
		step := float64(frame[one]) - float64(last[one])
		for c, v := range frame {
			m.with[c] += (float64(v) - float64(last[c])) * step
		}
		last = frame
	}
}
