package synth

// vowels by their first three formants, in Hz.
var vowels = [][3]float64{
	{730, 1090, 2440}, {530, 1840, 2480}, {270, 2290, 3010}, {570, 840, 2410}, {300, 870, 2240}, {490, 1350, 1690},
}

var vowelBandwidths = [3]float64{90, 110, 170}

// babble sounds like speech and says nothing: phrases of voiced syllables that glide from vowel to vowel,
// some led by a hiss, at a pitch that sinks towards the end of the phrase.
type babble struct {
	random    noise
	pitch     float64 // of the speaker, in Hz
	syllables int     // left in the phrase
	of        int     // syllables of the phrase
	from, to  [3]float64
	at        int // sample of the syllable
	hiss      int // its samples that hiss
	length    int // its samples; a pause has no loudness
	loudness  float64
	accent    float64 // of its pitch
	phase     float64 // of the glottis, 0..1
	last      float64 // of the hiss
	tract     [3]resonator
}

func (b *babble) add(out []float64) {
	for len(out) > 0 {
		if b.at == b.length {
			b.nextSyllable()
		}
		n := min(len(out), b.length-b.at, control-b.at%control)
		b.move()
		b.sound(out[:n])
		b.at += n
		out = out[n:]
	}
}

func (b *babble) nextSyllable() {
	r := &b.random
	b.at, b.hiss = 0, 0
	if b.syllables == 0 {
		b.of = 4 + r.below(9)
		b.syllables = b.of
		b.length, b.loudness = int(rate*r.within(0.3, 1.4)), 0
		return
	}
	b.syllables--
	b.from, b.to = b.to, vowels[r.below(len(vowels))]
	b.length = int(rate * r.within(0.12, 0.32))
	b.loudness = r.within(0.5, 1)
	b.accent = r.within(0.92, 1.12)
	if r.below(2) == 0 {
		b.hiss = int(rate * r.within(0.03, 0.08))
	}
}

// move sets the vocal tract for the place in the syllable.
func (b *babble) move() {
	if b.at%control != 0 || b.loudness == 0 {
		return
	}
	glide := min(1, 2*float64(b.at)/float64(b.length))
	for k := range b.tract {
		next := newResonator(b.from[k]+(b.to[k]-b.from[k])*glide+50, vowelBandwidths[k])
		next.y1, next.y2 = b.tract[k].y1, b.tract[k].y2
		b.tract[k] = next
	}
}

func (b *babble) sound(out []float64) {
	if b.loudness == 0 {
		for i := range out { // the tract rings out
			out[i] += b.filter(0) + 0.001*b.random.white()
		}
		return
	}
	place := float64(b.at-b.at%control) / float64(b.length)
	phrase := float64(b.syllables) / float64(b.of) // 1 to 0
	step := b.pitch * b.accent * (0.85 + 0.3*phrase) / rate
	level := b.loudness * (0.55 + 0.45*hann(place))
	for i := range out {
		noise := 0.001 * b.random.white()
		voiced := level
		if b.at+i < b.hiss {
			white := b.random.white()
			noise += 0.06 * b.loudness * (white - b.last)
			b.last = white
			voiced *= 0.2
		}
		b.phase += step
		if b.phase >= 1 {
			b.phase--
		}
		open := b.phase * (1 - b.phase) // the flow through the glottis, once a period
		out[i] += b.filter(voiced*(4*open*(1-b.phase)-0.33)) + noise
	}
}

func (b *babble) filter(x float64) float64 {
	return b.tract[0].filter(x) + 0.6*b.tract[1].filter(x) + 0.3*b.tract[2].filter(x)
}
