package audio

import (
	"math"
	"slices"
)

// The figures below were measured with YAMNet: laughs 20 to 48 dB down, alone and with a click, knocks, hum, an offset,
// rumble or a loud word within ten seconds; and half an hour of voices and things of changing loudness.
const (
	// levelTarget is the peak to which quiet sound is brought up. More costs louder laughs some of their score, less
	// those that are 48 dB down.
	levelTarget = 0.3
	// levelMaxGain is the most that sound is multiplied by, 40 dB. More finds no further laugh.
	levelMaxGain = 100
	// levelCeiling is the peak that nothing may exceed.
	levelCeiling = 1

	// nearCells is how many cells around a moment say how loud it is, 2.25 s, and nearShare the share of them that is less
	// loud than that: a click, a knock and a slammed door do not count.
	nearCells, nearShare = 45, 0.9
	// wideCells and wideShare are the same for the surroundings, 10 s: the gain is at least theirs.
	wideCells, wideShare = 201, 0.99
	// floorShare of the surroundings is background, which is brought up to levelFloor at most by what lies near, and only
	// by what stands out of it by more than 6 dB, and wholly from 18 dB on: else every pause becomes noise.
	floorShare, levelFloor     = 0.1, 0.002
	standsOutFrom, standsOutBy = 2, 8
	// smoothCells is how far to either side gains are averaged, as decibels.
	smoothCells = 3

	// inaudible is the peak of what is nothing, 140 dB below full scale.
	inaudible = 1e-7
	// partLength is the step in which single peaks are held down, in samples: 5 ms.
	partLength   = 80
	partsPerCell = cellLength / partLength
	// cellsBefore is how many cells before a block its gains depend on.
	cellsBefore = wideCells/2 + smoothCells + 2
)

// leveller brings quiet sound up, what exceeds full scale down, and takes out what no model hears. It holds two blocks
// back, because a block's end depends on the next: one as it came, and one that waits for the other's level.
type leveller struct {
	silencer silencer
	lowCut   lowCut
	raw      []float32 // as it came
	held     measured
	before   []float32 // peaks of the cells before the held block, cellsBefore at most
	edge     []float32 // peaks of the last two parts before it
	logs     []float64
	sorted   [2][]float32
	spare    measured
}

// measured is a block and how loud its pieces are.
type measured struct {
	samples      []float32
	cells, parts []float32 // peaks
}

// push takes a block over and returns the one two before it, levelled; nil at first.
func (l *leveller) push(next []float32) []float32 {
	raw := l.raw
	l.raw = next
	if raw == nil {
		return nil
	}
	return l.advance(l.measure(raw, next))
}

// flush returns the last blocks, one after another, and nil behind them.
func (l *leveller) flush() []float32 {
	if raw := l.raw; raw != nil {
		l.raw = nil
		if ready := l.advance(l.measure(raw, nil)); ready != nil {
			return ready
		}
	}
	return l.advance(measured{})
}

// advance levels the held block, and holds the next one.
func (l *leveller) advance(next measured) []float32 {
	ready := l.finish(next)
	l.held = next
	return ready
}

// measure filters a block and finds its peaks; next is the block behind it, as it came.
func (l *leveller) measure(block, next []float32) measured {
	l.lowCut.filter(block, next)
	m := measured{block, l.spare.cells[:0], l.spare.parts[:0]}
	l.spare = measured{}
	for from := 0; from < len(block); from += partLength {
		part := block[from:min(from+partLength, len(block))]
		peak := peakOf(part)
		if peak < inaudible { // what the filter leaves behind a sound
			clear(part)
			peak = 0
		}
		if len(m.parts)%partsPerCell == 0 {
			m.cells = append(m.cells, 0)
		}
		m.parts = append(m.parts, peak)
		last := &m.cells[len(m.cells)-1]
		*last = max(*last, peak)
	}
	return m
}

// finish levels the held block; next is the one behind it, or none.
func (l *leveller) finish(next measured) []float32 {
	held := l.held
	if held.samples == nil {
		return nil
	}
	l.silencer.silence(held.samples, held.cells, next.cells)
	gains := l.gains(held.cells, next.cells)
	l.apply(held, next, gains)
	l.before = append(l.before, held.cells...)
	l.before = append(l.before[:0], l.before[max(0, len(l.before)-cellsBefore):]...)
	l.edge = append(l.edge[:0], held.parts[max(0, len(held.parts)-2):]...)
	l.spare = held
	return held.samples
}

// gains returns the gains in the middles of the held block's cells, with two cells before and two behind it.
func (l *leveller) gains(held, next []float32) []float64 {
	all := slices.Concat(l.before, held, next)
	first, last := len(l.before)-2, len(l.before)+len(held)+2 // of the gains that are wanted
	from, to := max(0, first-smoothCells), min(len(all), last+smoothCells)
	raw := l.logs[:0]
	near, wide := newSliding(all, nearCells/2, from, l.sorted[0]), newSliding(all, wideCells/2, from, l.sorted[1])
	for cell := from; cell < to; cell++ {
		near.move(cell)
		wide.move(cell)
		here, floor := near.at(nearShare), wide.at(floorShare)
		least := math.Log(gainFor(wide.at(wideShare), levelTarget))
		most := math.Log(min(gainFor(here, levelTarget), gainFor(floor, levelFloor)))
		raw = append(raw, least+standsOut(here, floor)*max(most-least, 0))
	}
	l.logs, l.sorted = raw, [2][]float32{near.sorted, wide.sorted}
	gains := make([]float64, 0, last-first)
	for cell := first; cell < last; cell++ {
		at := min(max(cell, from), to-1) // beyond the recording's ends the gain stays
		var sum, weights float64
		for d := -smoothCells; d <= smoothCells; d++ {
			if at+d >= from && at+d < to {
				weight := float64(smoothCells + 1 - max(d, -d))
				sum, weights = sum+weight*raw[at+d-from], weights+weight
			}
		}
		gains = append(gains, math.Exp(sum/weights))
	}
	return gains
}

// standsOut is by how much sound of this peak counts as something over the background: 0 to 1.
func standsOut(peak, background float32) float64 {
	ratio := float64(peak) / max(float64(background), inaudible)
	return min(max(math.Log(ratio/standsOutFrom)/math.Log(standsOutBy/standsOutFrom), 0), 1)
}

// gainFor is the gain that sound of this peak gets: up to the target, or down to full scale.
func gainFor(peak float32, target float64) float64 {
	switch p := float64(peak); {
	case p > levelCeiling:
		return levelCeiling / p
	case p*levelMaxGain < target:
		return levelMaxGain
	default:
		return max(target/p, 1)
	}
}

// apply multiplies the held block by its gains, which change evenly from the middle of a cell to that of the next, and
// holds down each part of it that would exceed the ceiling.
func (l *leveller) apply(held, next measured, gains []float64) {
	loudest, highest := float64(0), slices.Max(gains)
	for _, peak := range held.cells {
		loudest = max(loudest, float64(peak))
	}
	if loudest == 0 || highest == 1 && slices.Min(gains) == 1 && loudest <= levelCeiling {
		return
	}
	// Parts count from two before the block: those beside a part hold it down, too.
	parts := make([]float64, len(held.parts)+4)
	for i := range parts {
		peak := float32(0)
		switch k := i - 2; {
		case k < 0:
			if k += len(l.edge); k >= 0 {
				peak = l.edge[k]
			}
		case k < len(held.parts):
			peak = held.parts[k]
		case k-len(held.parts) < len(next.parts):
			peak = next.parts[k-len(held.parts)]
		}
		parts[i] = 1
		if high := float64(peak) * max(gainAt(gains, (i-2)*partLength), gainAt(gains, (i-1)*partLength)); high > levelCeiling {
			parts[i] = levelCeiling / high
		}
	}
	limits := make([]float64, len(held.parts)+2)
	limited := false
	for i := range limits {
		limits[i] = min(parts[i], parts[i+1], parts[i+2])
		limited = limited || limits[i] < 1
	}
	const half = cellLength / 2
	for from := 0; from < len(held.samples); from += half {
		piece := held.samples[from:min(from+half, len(held.samples))]
		gain := gainAt(gains, from)
		step := (gainAt(gains, from+half) - gain) / half
		if gain == 1 && step == 0 && !limited {
			continue
		}
		for i := range piece {
			piece[i] *= float32(gain + step*float64(i))
		}
	}
	if !limited {
		return
	}
	for i := range held.samples {
		at := float64(i)/partLength + 0.5
		k := int(at)
		limit := limits[k] + (limits[k+1]-limits[k])*(at-float64(k))
		held.samples[i] = min(max(held.samples[i]*float32(limit), -levelCeiling), levelCeiling)
	}
}

// gainAt is the gain at a sample of the block, between those of the cells.
func gainAt(gains []float64, sample int) float64 {
	at := (float64(sample)/cellLength - 0.5) + 2
	k := min(max(int(math.Floor(at)), 0), len(gains)-2)
	return gains[k] + (gains[k+1]-gains[k])*(at-float64(k))
}

// sliding is the values around a place, in order of their size.
type sliding struct {
	values   []float32
	reach    int
	from, to int // of what is in sorted
	sorted   []float32
}

func newSliding(values []float32, reach, at int, sorted []float32) *sliding {
	s := &sliding{values: values, reach: reach, from: max(0, at-reach), sorted: sorted[:0]}
	s.to = s.from
	return s
}

// move goes on to a place that is not before the last one.
func (s *sliding) move(at int) {
	for ; s.to < min(at+s.reach+1, len(s.values)); s.to++ {
		i, _ := slices.BinarySearch(s.sorted, s.values[s.to])
		s.sorted = slices.Insert(s.sorted, i, s.values[s.to])
	}
	for ; s.from < at-s.reach; s.from++ {
		i, _ := slices.BinarySearch(s.sorted, s.values[s.from])
		s.sorted = slices.Delete(s.sorted, i, i+1)
	}
}

// at is the value that a share of them lies below.
func (s *sliding) at(share float64) float32 {
	return s.sorted[min(int(share*float64(len(s.sorted))), len(s.sorted)-1)]
}

func peakOf(samples []float32) float32 {
	var peak uint32 // sizes of numbers are in order as their bits are
	for _, sample := range samples {
		peak = max(peak, math.Float32bits(sample)&^(1<<31))
	}
	return math.Float32frombits(peak)
}

// clamp brings samples into [-1, 1], and those that are no number to 0.
func clamp(block []float32) {
	for i, sample := range block {
		if !(sample <= 1 && sample >= -1) {
			block[i] = believed(sample, 1)
		}
	}
}
