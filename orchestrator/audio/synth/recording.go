package synth

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Laugh is a laugh hidden in a recording.
type Laugh struct {
	// Start and Length within the recording.
	Start, Length time.Duration
	// Voice by its name.
	Voice string
}

// Recording is a recording that is computed whenever it is read. Safe for concurrent use.
type Recording struct {
	// Start of the recording since midnight, for one of a Day; else 0.
	Start time.Duration
	// Length of the recording.
	Length time.Duration
	// Laughs hidden in it, by their start.
	Laughs []Laugh

	seed   uint64
	laughs []hidden
	scenes []scene
}

// hidden is a Laugh as it is rendered.
type hidden struct {
	start, length int64
	voice         Voice
	seed          uint64
	loudness      float64
}

// scene is a stretch with one background.
type scene struct {
	start int64
	sound func(noise) sound
	seed  uint64
}

const (
	block     = rate     // samples rendered at a time
	fade      = rate / 2 // samples in which a background makes way for a laugh
	ducked    = 0.1      // what is left of it then
	margin    = 5 * rate // no laugh as near to an end as this
	quietest  = 0.5      // loudness of a laugh, of its full one
	laughGap  = 2 * time.Minute
	laughGaps = 2 * time.Minute // the gap is up to so much longer
)

// Day makes n recordings of the given length together, spread evenly over 24 hours, each in the middle of
// its share. length is at most a day, n at least 1.
func Day(seed uint64, length time.Duration, n int) []Recording {
	random := noise(seed)
	day := make([]Recording, n)
	share := 24 * time.Hour / time.Duration(n)
	for i := range day {
		day[i] = New(random.next(), length/time.Duration(n))
		day[i].Start = (time.Duration(i)*share + (share-day[i].Length)/2).Truncate(time.Second)
	}
	return day
}

// New plans one recording. A laugh comes every two to four minutes; one shorter than that has one laugh
// in its middle, if it has room for one at all.
func New(seed uint64, length time.Duration) Recording {
	random := noise(seed)
	samples := orchestrator.DurationToSamples(length)
	r := Recording{Length: length, seed: random.next()}
	for at := int64(0); at < samples; at += int64(random.within(15, 60) * rate) {
		r.scenes = append(r.scenes, scene{at, scenes[random.below(len(scenes))], random.next()})
	}
	at := min(samples/2, orchestrator.DurationToSamples(laughGap))
	for {
		h := hidden{start: at, voice: Voices[random.below(len(Voices))], seed: random.next(), loudness: random.within(quietest, 1)}
		h.length = int64(len(h.voice.Laugh(h.seed)))
		if h.start < margin || h.start+h.length > samples-margin {
			return r
		}
		r.laughs = append(r.laughs, h)
		r.Laughs = append(r.Laughs, Laugh{orchestrator.SamplesToDuration(h.start), orchestrator.SamplesToDuration(h.length), h.voice.Name})
		at += orchestrator.DurationToSamples(laughGap) + int64(random.within(0, 1)*laughGaps.Seconds()*rate)
	}
}

// String names the recording for people.
func (r Recording) String() string {
	return fmt.Sprintf("%v with %d laughs", r.Length, len(r.Laughs))
}

// Samples yields the sound as 16 kHz mono in [-1, 1], a second at a time, in memory that does not grow
// with the length. A block is valid until the next one is asked for.
func (r Recording) Samples() iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		samples := orchestrator.DurationToSamples(r.Length)
		state := renderer{scenes: r.scenes, laughs: r.laughs, floor: noise(r.seed)}
		background, out := make([]float64, block), make([]float32, block)
		for at := int64(0); at < samples; at += block {
			n := min(block, samples-at)
			state.render(at, background[:n], out[:n])
			if !yield(out[:n]) {
				return
			}
		}
	}
}

// renderer is the state of a recording that is being read.
type renderer struct {
	scenes []scene  // from the next one on
	laughs []hidden // from the one under way, or the next one, on
	sound  sound
	floor  noise
	laugh  []float32 // the one under way
}

func (r *renderer) render(at int64, background []float64, out []float32) {
	clear(background)
	r.backgrounds(at, background)
	end := at + int64(len(out))
	for i, x := range background {
		out[i] = float32(x + 0.001*r.floor.white())
	}
	for len(r.laughs) > 0 && r.laughs[0].start-fade < end {
		h := r.laughs[0]
		if r.laugh == nil {
			r.laugh = h.voice.Laugh(h.seed)
		}
		for i := max(0, h.start-fade-at); i < min(int64(len(out)), h.start+h.length+fade-at); i++ {
			place := at + i - h.start
			out[i] *= duck(place, h.length)
			if place >= 0 && place < h.length {
				out[i] += float32(h.loudness) * r.laugh[place]
			}
		}
		if h.start+h.length+fade > end {
			return
		}
		r.laughs, r.laugh = r.laughs[1:], nil
	}
}

// duck is what is left of a background at a place before, in or after a laugh.
func duck(place, length int64) float32 {
	away := max(-place, place-length, 0)
	return float32(ducked + (1-ducked)*math.Min(1, float64(away)/fade))
}

// backgrounds renders the scenes that begin within the samples, each where it begins.
func (r *renderer) backgrounds(at int64, out []float64) {
	for len(out) > 0 {
		if len(r.scenes) > 0 && r.scenes[0].start <= at {
			r.sound = r.scenes[0].sound(noise(r.scenes[0].seed))
			r.scenes = r.scenes[1:]
		}
		n := int64(len(out))
		if len(r.scenes) > 0 {
			n = min(n, r.scenes[0].start-at)
		}
		r.sound.add(out[:n])
		at += n
		out = out[n:]
	}
}
