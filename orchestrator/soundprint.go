package orchestrator

import (
	"math"
	"math/bits"
	"slices"
)

// The shape of sound prints. A print has one byte a step: whether the balance of neighbouring bands, and the loudness
// of all of them, rose or fell within an eighth of a second. That is the same however loud a recording is, and outlives
// lossy coding; two sounds that differ agree in half of the bits.
const (
	printStep   = 512       // samples: 32 ms
	printCell   = 256       // samples over which energies are summed up
	printWindow = 8         // cells of the window that a bit looks at
	printBands  = 5         // 0-500, 500-1000 Hz, 1-2, 2-4, 4-8 kHz
	printBack   = 4         // steps between the two windows that a bit compares
	printSilent = 1 << 7    // set where there is nothing to compare
	printBits   = 1<<5 - 1  // those that are compared
	printReach  = 3         // seconds around what may be a laugh that are kept
	printFloor  = 0.2       // score of a frame that may be part of a laugh
	printQuiet  = 1e-9      // energy a sample below which sound is none: 90 dB below full scale
	printMargin = 24        // steps around a laugh that are compared with it: 0.77 s
	printLeast  = 40        // steps that must be compared
	printMost   = 20 * 1000 // steps of a laugh that are compared at most
)

// SoundPrint is what a stretch of a recording sounds like, in a few bytes a second: enough to tell whether a stretch
// of another recording is the same sound, and nothing that could be listened to.
type SoundPrint struct {
	// First sample of the recording that it describes, a multiple of 512.
	First int64
	// Steps holds a byte for each 512 samples.
	Steps []byte
}

// end is the sample behind the last one that the print describes.
func (p SoundPrint) end() int64 { return p.First + int64(len(p.Steps))*printStep }

// Printer makes the print of a recording as it is read; its zero value is ready. Not safe for concurrent use.
type Printer struct {
	block [printCell]float32
	fill  int
	cells [printWindow][printBands]float64 // the last ones, in a ring
	seen  int                              // cells so far
	sum   [printBands]float64
	past  [printBack]printFrame // what the last steps measured, in a ring
	steps []byte
}

// printFrame is what one window sounds like.
type printFrame struct {
	balance [printBands - 1]float32
	loud    float32
	silent  bool
}

// Add takes the next samples of the recording.
func (p *Printer) Add(samples []float32) {
	for len(samples) > 0 {
		n := copy(p.block[p.fill:], samples)
		samples = samples[n:]
		if p.fill += n; p.fill == printCell {
			p.fill = 0
			p.cell()
		}
	}
}

// cell measures a full block: halves of the spectrum by sums and differences of neighbours, again and again.
func (p *Printer) cell() {
	var energy [printBands]float64
	work := p.block
	n := printCell
	for band := printBands - 1; band > 0; band-- {
		high := float32(0)
		for i := range n / 2 {
			a, b := work[2*i], work[2*i+1]
			work[i] = (a + b) * 0.5
			d := (a - b) * 0.5
			high += d * d
		}
		energy[band] = float64(high) * float64(printCell/n)
		n /= 2
	}
	low := float32(0)
	for _, v := range work[:n] {
		low += v * v
	}
	energy[0] = float64(low) * float64(printCell/n)

	at := p.seen % printWindow
	for band := range energy {
		p.sum[band] += energy[band] - p.cells[at][band]
	}
	p.cells[at] = energy
	p.seen++
	if p.seen%(printStep/printCell) == 0 {
		p.step()
	}
}

// step compares the window that ends here with the one before.
func (p *Printer) step() {
	if p.seen%(1<<12) == 0 { // sums drift
		for band := range p.sum {
			p.sum[band] = 0
			for _, cell := range p.cells {
				p.sum[band] += cell[band]
			}
		}
	}
	const least = printQuiet * printCell * printWindow
	var frame printFrame
	var level [printBands]float32
	total := 0.0
	for band, energy := range p.sum {
		energy = max(energy, 0)
		total += energy
		level[band] = float32(math.Log2(energy + least/printBands))
	}
	frame.silent = total < least
	frame.loud = float32(math.Log2(total + least))
	for band := range frame.balance {
		frame.balance[band] = level[band] - level[band+1]
	}
	at := len(p.steps) % printBack
	before := p.past[at]
	p.past[at] = frame
	step := byte(0)
	for band := range frame.balance {
		if frame.balance[band] > before.balance[band] {
			step |= 1 << band
		}
	}
	if frame.loud > before.loud {
		step |= 1 << (printBands - 1)
	}
	if frame.silent || before.silent || len(p.steps) < printBack {
		step |= printSilent
	}
	p.steps = append(p.steps, step)
}

// Keep returns the prints of the stretches that may hold a laugh, in order and apart.
func (p *Printer) Keep(s *Scores) []SoundPrint {
	const reach = printReach * SampleRateHz
	least := Quantise(printFloor)
	var kept []SoundPrint
	width := max(1, len(s.Classes))
	for i := range s.Frames() {
		if slices.Max(s.Data[i*width:(i+1)*width]) < least {
			continue
		}
		at := int64(i) * s.Hop
		first, last := max(0, (at-reach)/printStep), min(int64(len(p.steps)), (at+s.Window+reach)/printStep)
		if n := len(kept); n > 0 && first*printStep <= kept[n-1].end() {
			from := kept[n-1].First / printStep
			kept[n-1].Steps = p.steps[from:max(last, from)]
			continue
		}
		if first < last {
			kept = append(kept, SoundPrint{First: first * printStep, Steps: p.steps[first:last]})
		}
	}
	for i := range kept { // not the whole recording's
		kept[i].Steps = slices.Clone(kept[i].Steps)
	}
	return kept
}

// Likeness is how much of two stretches of sound is the same.
type Likeness struct {
	// Lag is how much later the sound comes in the second recording than in the first, in samples from their
	// beginnings.
	Lag int64
	// Laugh is the share of bits that differ within the laugh: 0 for the same sound, about 0.5 for others. 1 where
	// there is nothing to compare.
	Laugh float64
	// Around is the same for the sound around it: 1 where there is too little of it.
	Around float64
}

// Compare lays a laugh of one recording over the print of another one, in every way in which the sound comes between
// least and most samples later there, and returns the best.
func Compare(a SoundPrint, laugh SampleSpan, b SoundPrint, least, most int64) Likeness {
	best := Likeness{Laugh: 1, Around: 1}
	from := max(laugh.Start/printStep-printMargin, a.First/printStep)
	to := min(laugh.End/printStep+printMargin+printWindow/2, a.end()/printStep, from+printMost)
	base := (b.First - a.First) / printStep
	for shift := ceilDiv(least, printStep); shift <= most/printStep; shift++ {
		if differ, n := distance(a, from, to, b, shift-base); n >= printLeast && differ < best.Laugh {
			best = Likeness{Lag: shift * printStep, Laugh: differ, Around: 1}
		}
	}
	if best.Laugh < 1 {
		shift := best.Lag/printStep - base
		before, n := distance(a, a.First/printStep, from, b, shift)
		behind, m := distance(a, to, a.end()/printStep, b, shift)
		if n+m >= printLeast {
			best.Around = (before*float64(n) + behind*float64(m)) / float64(n+m)
		}
	}
	return best
}

// distance is the share of bits that differ between the steps from..to of a and those of b, shifted, and how many
// steps had something to compare.
func distance(a SoundPrint, from, to int64, b SoundPrint, shift int64) (share float64, n int) {
	first := a.First / printStep
	wrong := 0
	for i := max(from, first, first-shift); i < min(to, first+int64(len(a.Steps)), first-shift+int64(len(b.Steps))); i++ {
		x, y := a.Steps[i-first], b.Steps[i-first+shift]
		if (x|y)&printSilent != 0 {
			continue
		}
		n++
		wrong += bits.OnesCount8((x ^ y) & printBits)
	}
	if n == 0 {
		return 1, 0
	}
	return float64(wrong) / float64(n*printBands), n
}

func ceilDiv(a, b int64) int64 {
	if a > 0 {
		return (a + b - 1) / b
	}
	return a / b
}

// Holds tells whether the print describes a sample.
func (p SoundPrint) Holds(sample int64) bool {
	return p.First <= sample && sample < p.First+int64(len(p.Steps))*printStep
}
