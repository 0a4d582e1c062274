package audio

import "math"

// decimator brings sound to a lower rate by a windowed sinc, without a process of its own. It is for clips: what a
// model hears is resampled by ffmpeg.
type decimator struct {
	step   float64 // samples that came in for each that goes out; 1: nothing is done
	reach  int     // of the filter, to either side, in samples that came in
	filter []float32
	held   []float32 // not used up yet
	origin int64     // position of held[0]
	out    int64     // samples that went out
	in     int64     // samples that came in
}

const (
	decimatorLobes  = 16  // of the sinc, to either side
	decimatorPhases = 256 // of the filter, for each sample that goes out
	decimatorEdge   = 0.95
)

func newDecimator(from, to int) *decimator {
	d := &decimator{step: float64(from) / float64(to)}
	if from <= to {
		d.step = 1
		return d
	}
	d.reach = int(math.Ceil(decimatorLobes * d.step))
	d.filter = make([]float32, decimatorLobes*decimatorPhases+2)
	for i := range d.filter {
		x := float64(i) / decimatorPhases // in samples that go out
		if x >= decimatorLobes {
			break
		}
		window := 0.42 + 0.5*math.Cos(math.Pi*x/decimatorLobes) + 0.08*math.Cos(2*math.Pi*x/decimatorLobes)
		sinc := 1.0
		if x > 0 {
			sinc = math.Sin(math.Pi*decimatorEdge*x) / (math.Pi * decimatorEdge * x)
		}
		d.filter[i] = float32(decimatorEdge * window * sinc / d.step)
	}
	return d
}

// add takes a piece and appends what is ready to out.
func (d *decimator) add(out, piece []float32) []float32 {
	if d.step == 1 {
		return append(out, piece...)
	}
	d.in += int64(len(piece))
	d.held = append(d.held, piece...)
	return d.make(out, d.in-int64(d.reach))
}

// finish appends the rest.
func (d *decimator) finish(out []float32) []float32 {
	if d.step == 1 {
		return out
	}
	return d.make(out, d.in)
}

// make appends the samples whose place lies before a position.
func (d *decimator) make(out []float32, before int64) []float32 {
	for {
		place := float64(d.out) * d.step
		if place >= float64(before) {
			break
		}
		first := int64(math.Ceil(place)) - int64(d.reach)
		var sum float32
		for i := max(first, d.origin); i <= int64(place)+int64(d.reach) && i < d.origin+int64(len(d.held)); i++ {
			at := math.Abs(float64(i)-place) / d.step * decimatorPhases
			index := int(at)
			if index+1 >= len(d.filter) {
				continue
			}
			part := float32(at - float64(index))
			sum += d.held[i-d.origin] * (d.filter[index] + part*(d.filter[index+1]-d.filter[index]))
		}
		out = append(out, sum)
		d.out++
	}
	if drop := int64(float64(d.out)*d.step) - int64(d.reach) - d.origin; drop > 0 {
		drop = min(drop, int64(len(d.held)))
		d.held = append(d.held[:0], d.held[drop:]...)
		d.origin += drop
	}
	return out
}
