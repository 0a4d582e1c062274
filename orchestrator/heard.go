package orchestrator

import "slices"

// HeardClasses are the classes, by AudioSet's names, that a model is asked for beside laughter: every sound that
// people make, which argues for or against a laugh and which marks can be learned from, and what tells where they
// are: music, radio, television, animals, traffic, a house. A model that has only some of them answers for those.
func HeardClasses() []string { return slices.Clone(heardClasses) }

// HumanClasses are those of HeardClasses that people make, AudioSet's first 67 without laughter.
func HumanClasses() []string { return slices.Clone(heardClasses[:humanClasses]) }

const humanClasses = 61

var heardClasses = []string{
	"Speech", "Child speech, kid speaking", "Conversation", "Narration, monologue", "Babbling", "Speech synthesizer",
	"Shout", "Bellow", "Whoop", "Yell", "Children shouting", "Screaming", "Whispering",
	"Crying, sobbing", "Baby cry, infant cry", "Whimper", "Wail, moan", "Sigh",
	"Singing", "Choir", "Yodeling", "Chant", "Mantra", "Child singing", "Synthetic singing", "Rapping", "Humming",
	"Groan", "Grunt", "Whistling", "Breathing", "Wheeze", "Snoring", "Gasp", "Pant", "Snort", "Cough", "Throat clearing", "Sneeze", "Sniff",
	"Run", "Shuffle", "Walk, footsteps", "Chewing, mastication", "Biting", "Gargling", "Stomach rumble", "Burping, eructation", "Hiccup", "Fart",
	"Hands", "Finger snapping", "Clapping", "Heart sounds, heartbeat", "Heart murmur",
	"Cheering", "Applause", "Chatter", "Crowd", "Hubbub, speech noise, speech babble", "Children playing",
	"Animal", "Dog", "Cat", "Bird", "Music", "Television", "Radio", "Video game music", "Vehicle", "Engine", "Wind", "Water",
	"Door", "Dishes, pots, and pans", "Telephone", "Alarm", "Typing",
}

// HeardAround is how many frames before and after each frame with laughter are stored with what else was heard:
// two seconds of YAMNet's, as long as what a clip keeps around a laugh.
const HeardAround = 4

// heardFloor is the logit below which another class counts as not heard.
const heardFloor = -7

// mostHeard bounds the bytes of one recording, so that a day of nothing but laughter takes no more memory: seven
// hours of it. What comes later is stored without what else was heard.
const mostHeard = 4 << 20

// Sounds holds what else was heard, in the frames around laughter.
type Sounds struct { //nolint:recvcheck // comparisons in tests find Equal on the value
	// Classes are the labels, in the order of a frame's bytes.
	Classes []string
	// Step is the distance of two neighbouring bytes of Data, in logits.
	Step float64
	// Runs of neighbouring frames that are stored, in order and apart; Data holds them one after another: one byte
	// a class, 0 for a class that was not heard, else 128 and the logit divided by Step, rounded.
	Runs []FrameRun
	Data []byte

	// waiting are the last frames that are not stored yet, and after is how many more are to be.
	waiting []byte
	at      int // the frame behind the last of waiting
	after   int
}

// FrameRun is a run of neighbouring frames.
type FrameRun struct {
	First  int `json:"first"`
	Frames int `json:"frames"`
}

// Equal reports whether the same is stored.
func (h Sounds) Equal(other Sounds) bool {
	return slices.Equal(h.Classes, other.Classes) && h.Step == other.Step && slices.Equal(h.Runs, other.Runs) && slices.Equal(h.Data, other.Data)
}

// add takes the next frame; laughter says that it has some.
func (h *Sounds) add(frame int, laughter bool, logits []float32) {
	n := len(h.Classes)
	if n == 0 {
		return
	}
	if frame != h.at {
		h.waiting, h.after = h.waiting[:0], max(0, h.after-(frame-h.at))
	}
	h.at = frame + 1
	h.waiting = slices.Grow(h.waiting, (HeardAround+1)*n)
	for _, v := range logits {
		h.waiting = append(h.waiting, quantiseLogit(float64(v), heardFloor, h.Step))
	}
	switch {
	case laughter:
		h.after = HeardAround
	case h.after > 0:
		h.after--
	default:
		if len(h.waiting) > HeardAround*n {
			h.waiting = append(h.waiting[:0], h.waiting[n:]...)
		}
		return
	}
	if len(h.Data) < mostHeard {
		count := len(h.waiting) / n
		if last := len(h.Runs) - 1; last >= 0 && h.Runs[last].First+h.Runs[last].Frames == h.at-count {
			h.Runs[last].Frames += count
		} else {
			h.Runs = append(h.Runs, FrameRun{h.at - count, count})
		}
		h.Data = append(h.Data, h.waiting...)
	}
	h.waiting = h.waiting[:0]
}

// Reader returns a reader of the stored frames.
func (h *Sounds) Reader() *SoundsReader { return &SoundsReader{h: h} }

// SoundsReader finds frames; it is quickest where each lies near the one before. Not safe for concurrent use.
type SoundsReader struct {
	h     *Sounds
	run   int // that was found last
	begin int // of its bytes
}

// Frame returns the stored bytes of a frame, or nil where there are none.
func (r *SoundsReader) Frame(frame int) []byte {
	n := len(r.h.Classes)
	for r.run > 0 && frame < r.h.Runs[r.run].First {
		r.run--
		r.begin -= r.h.Runs[r.run].Frames * n
	}
	for r.run < len(r.h.Runs) {
		run := r.h.Runs[r.run]
		if frame < run.First {
			return nil
		}
		if frame < run.First+run.Frames {
			at := r.begin + (frame-run.First)*n
			return r.h.Data[at : at+n]
		}
		if r.run+1 == len(r.h.Runs) {
			return nil
		}
		r.begin += run.Frames * n
		r.run++
	}
	return nil
}

// Logit is what a byte of Data stands for.
func (h *Sounds) Logit(stored byte) float64 {
	if stored == 0 {
		return heardFloor
	}
	return (float64(stored) - 128) * h.Step
}
