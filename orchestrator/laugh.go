package orchestrator

import (
	"math"
	"slices"
)

// Scores holds what a model said about every frame of one recording, each score as a byte, so that
// laughs can be found again under another threshold without the sound.
type Scores struct {
	// Classes are the labels of a frame's scores, in order.
	Classes []string
	// Window and Hop of a frame, in samples. Frame i starts at i*Hop.
	Window, Hop int64
	// Length of the recording, in samples.
	Length int64
	// Data holds one byte a class for frame after frame: the score times 255, rounded.
	Data []byte
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
// the last, or between hops, returns ErrBadPlugin.
func (s *Scores) Add(f Frame) error {
	i := f.Offset / s.Hop
	if f.Offset%s.Hop != 0 || i < int64(s.Frames()) || len(f.Scores) != len(s.Classes) {
		return ErrBadPlugin
	}
	s.pad(i)
	for _, v := range f.Scores {
		s.Data = append(s.Data, Quantise(v))
	}
	return nil
}

// Close says how long the recording turned out to be, and fills up the frames left out at its end.
func (s *Scores) Close(length int64) {
	s.Length = length
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

// At returns the score of a class in a frame, in 0..1.
func (s *Scores) At(frame, class int) float64 {
	return float64(s.Data[frame*len(s.Classes)+class]) / 255
}

// Quantise rounds a score in 0..1 to a byte; what is outside is clamped.
func Quantise(v float32) byte {
	return byte(math.Round(float64(min(max(v, 0), 1)) * 255))
}

// Laugh is one laugh of one recording.
type Laugh struct {
	// Onset and Offset of the laugh in its recording, in samples, half-open.
	Onset, Offset int64
	// Peak is the start of the frame with the best score, in samples.
	Peak int64
	// Score is the best score of any class in any frame of the laugh, in 0..1; Class is its label.
	Score float64
	Class string
	// ClassScores holds the best score of each class, in the order of Scores.Classes.
	ClassScores []float64
	// Tier says how certain it is under the policy that found it.
	Tier Tier
	// Clip is the key of the sound in the clip store; empty where none was kept.
	Clip string
}

// Detector finds the laughs in scores under a valid policy: in order, disjoint, within [0, s.Length). It is pure.
type Detector func(s Scores, policy Policy) []Laugh
