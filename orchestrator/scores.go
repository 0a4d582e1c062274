package orchestrator

import (
	"math"
	"slices"
)

// FloorScore is the score below which nothing counts as heard: no laughter class below it is stored, and no laugh
// begins, ends or goes on there. FloorLogit is its logit.
const FloorScore = 1.0 / 512

// FloorLogit is the logit of FloorScore.
var FloorLogit = Logit(FloorScore)

// Scores holds what a model said about every frame of one recording, so that laughs can be found again under
// another policy without the sound: the laughter classes of every frame, and what else was heard around them.
type Scores struct {
	// Classes are the labels of the laughter classes, in the order of a frame's bytes.
	Classes []string
	// Window and Hop of a frame, in samples. Frame i starts at i*Hop.
	Window, Hop int64
	// Length of the recording, in samples.
	Length int64
	// Step is the distance of two neighbouring bytes of Data in logits; 0 where Data holds scores.
	Step float64
	// Data holds one byte a class for frame after frame. Without a Step: the score times 255, rounded. With one:
	// 0 below FloorLogit, else 128 and the logit divided by Step, rounded.
	Data []byte
	// Heard is what else was heard around laughter.
	Heard Sounds
}

// NewScores is room for what a model will say of a recording.
func NewScores(m Model) Scores {
	s := Scores{Classes: m.Laughter, Window: m.Window, Hop: m.Hop, Step: m.LogitStep}
	if len(m.Heard) > 0 {
		s.Heard = Sounds{Classes: m.Heard, Step: m.LogitStep}
		if s.Heard.Step == 0 {
			s.Heard.Step = 1. / 8
		}
	}
	return s
}

// Frames is the number of frames.
func (s *Scores) Frames() int { return len(s.Data) / max(1, len(s.Classes)) }

// Expect makes room for the frames of a recording of about this length, in samples, so that a long one
// takes no more memory than its frames. A length that is unknown or absurd is left to Add.
func (s *Scores) Expect(length int64) {
	const most = 4 << 20 // bytes: four days of YAMNet's frames
	if frames := length / max(1, s.Hop); length > 0 && frames < most/int64(max(1, len(s.Classes))) {
		s.Data = slices.Grow(s.Data, int(frames+1)*len(s.Classes))
	}
}

// Add appends a frame. Frames that were left out on the way are filled with zeros. A frame before
// the last, between hops, or without what the Scores hold, returns ErrBadPlugin.
func (s *Scores) Add(f Frame) error {
	i := f.Offset / s.Hop
	values := f.Scores
	if s.Step > 0 {
		values = f.Logits
	}
	if f.Offset%s.Hop != 0 || i < int64(s.Frames()) || len(values) != len(s.Classes) || len(f.Heard) != len(s.Heard.Classes) {
		return ErrBadPlugin
	}
	s.pad(i)
	laughter := false
	for _, v := range values {
		var stored byte
		if s.Step > 0 {
			stored = quantiseLogit(float64(v), FloorLogit, s.Step)
		} else {
			stored = Quantise(v)
		}
		laughter = laughter || stored > 0
		s.Data = append(s.Data, stored)
	}
	s.Heard.add(int(i), laughter, f.Heard)
	return nil
}

// Close says how long the recording turned out to be, and fills up the frames left out at its end.
func (s *Scores) Close(length int64) {
	s.Length = length
	s.Heard.waiting = nil
	switch {
	case length <= 0:
	case length <= s.Window:
		s.pad(1)
	default: // ceil: one frame, padded, covers what lies behind the last whole window
		s.pad(1 + (length-s.Window+s.Hop-1)/s.Hop)
	}
}

func (s *Scores) pad(frames int64) {
	if missing := frames - int64(s.Frames()); missing > 0 {
		s.Data = append(s.Data, make([]byte, missing*int64(len(s.Classes)))...)
	}
}

// At returns the score of a class in a frame, in 0..1; 0 where it is too low to be stored.
func (s *Scores) At(frame, class int) float64 {
	stored := s.Data[frame*len(s.Classes)+class]
	if s.Step > 0 {
		if stored == 0 {
			return 0
		}
		return Sigmoid((float64(stored) - 128) * s.Step)
	}
	return float64(stored) / 255
}

// Lacks returns what keeps a policy from being applied to these scores as it says: the classes that argue against
// a laugh under it and were not stored with them. Its laughs are then found as far as the scores go.
func (s *Scores) Lacks(p Policy) (classes []string) {
	for _, contrast := range p.Against {
		for _, class := range contrast.Classes {
			if contrast.Weight > 0 && !slices.Contains(s.Heard.Classes, class) && !slices.Contains(classes, class) {
				classes = append(classes, class)
			}
		}
	}
	if p.Head != nil && p.Head.Weight > 0 {
		for _, class := range p.Head.Classes {
			if !slices.Contains(s.Heard.Classes, class) && !slices.Contains(s.Classes, class) && !slices.Contains(classes, class) {
				classes = append(classes, class)
			}
		}
	}
	return classes
}

// Quantise rounds a score in 0..1 to a byte; what is outside is clamped.
func Quantise(v float32) byte {
	return byte(math.Round(float64(min(max(v, 0), 1)) * 255))
}

// quantiseLogit rounds a logit to a byte: 0 below the floor, else 128 and its number of steps, clamped to 1..255.
func quantiseLogit(v, floor, step float64) byte {
	if v < floor {
		return 0
	}
	return byte(min(max(128+math.Round(v/step), 1), 255))
}
