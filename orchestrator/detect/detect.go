// Package detect turns the scores of a recording into laughs. It works on the stored bytes alone, so
// that finding the laughs again under another threshold gives what a run with that threshold would
// have given.
//
// A frame's score is the best of its classes. A laugh is a run of frames of at least half the
// threshold, of which at least one reaches the threshold; runs that lie at most MergeGap apart are one
// laugh, whatever classes they were heard in.
//
// Windows overlap, so a frame stands for less than its window: every instant of the recording belongs
// to the frame whose window's centre is nearest, and a laugh is the instants of its frames. Laughs of
// known position are then met within 0.65 s at either end; the windows' own edges would be 0.25 s
// further out.
//
// YAMNet answers in steps of 1/256, and a stored byte stands for the step that is nearest. So its .199,
// stored as 51 of 255, is 51/256 and does not reach a threshold of 0.2, neither now nor later.
package detect

import (
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
)

// DefaultThreshold is the operating point: the best of the six laughter classes at .199 or more. The
// model's scores move in steps (… .109 .148 .199 .262 …), and this lies in the middle between two of
// them, where no rounding can decide. Of 21 labelled clips of laughter it finds 21, and takes 2 of 88
// coughs, claps, knocks and alarms for one; one step up it is 19 and 1, two steps down 21 and 14.
const DefaultThreshold = 0.175

// MergeGap is the longest pause within one laugh, in samples: 1.5 s, room for a breath and three
// frames that miss.
const MergeGap = 3 * orchestrator.SampleRateHz / 2

var _ orchestrator.Detector = Laughs

// frames is a run of frames, the last included.
type frames struct{ first, last int }

// Laughs finds the laughs in s: in order, disjoint, not empty, within [0, s.Length). threshold is in
// (0, 1]; a score of zero never counts. Raising the threshold never adds laughing time. Scores without
// classes, hop or length have no laughs. Safe for concurrent use.
func Laughs(s orchestrator.Scores, threshold float64) []orchestrator.Laugh {
	if len(s.Classes) == 0 || s.Hop <= 0 || s.Length <= 0 {
		return nil
	}
	var laughs []orchestrator.Laugh
	for _, run := range runs(&s, threshold) {
		if laugh := describe(&s, run); laugh.Onset < laugh.Offset {
			laughs = append(laughs, laugh)
		}
	}
	return laughs
}

// runs returns the frames of each laugh.
func runs(s *orchestrator.Scores, threshold float64) []frames {
	var found []frames
	n := s.Frames()
	for i := 0; i < n; i++ {
		run, peak := frames{first: i}, 0.0
		for ; i < n; i++ {
			heard := best(s, i)
			if heard == 0 || heard < threshold/2 {
				break
			}
			peak = max(peak, heard)
		}
		run.last = i - 1
		switch {
		case run.last < run.first || !(peak >= threshold): // no threshold that is not a number is reached
		case len(found) > 0 && pause(s, found[len(found)-1], run) <= MergeGap:
			found[len(found)-1].last = run.last
		default:
			found = append(found, run)
		}
	}
	return found
}

// score is that of a class in a frame: the nearest step of 1/256.
func score(s *orchestrator.Scores, frame, class int) float64 {
	return math.Round(s.At(frame, class)*256) / 256
}

// best is the score of a frame.
func best(s *orchestrator.Scores, frame int) float64 {
	top := 0.0
	for class := range s.Classes {
		top = max(top, score(s, frame, class))
	}
	return top
}

// pause is the time between two runs.
func pause(s *orchestrator.Scores, before, after frames) int64 {
	return border(s, after.first) - border(s, before.last+1)
}

// border is the instant at which a frame begins to be the nearest.
func border(s *orchestrator.Scores, frame int) int64 {
	return int64(frame)*s.Hop + (s.Window-s.Hop)/2
}

// describe makes a laugh of its frames. The first and the last frame of a recording have no
// neighbour on one side, and stand for all that lies there.
func describe(s *orchestrator.Scores, run frames) orchestrator.Laugh {
	laugh := orchestrator.Laugh{
		Onset:       min(max(border(s, run.first), 0), s.Length),
		Offset:      min(max(border(s, run.last+1), 0), s.Length),
		ClassScores: make([]float64, len(s.Classes)),
	}
	if run.first == 0 {
		laugh.Onset = 0
	}
	if run.last == s.Frames()-1 {
		laugh.Offset = s.Length
	}
	for frame := run.first; frame <= run.last; frame++ {
		for class, label := range s.Classes {
			heard := score(s, frame, class)
			laugh.ClassScores[class] = max(laugh.ClassScores[class], heard)
			if heard > laugh.Score {
				laugh.Score, laugh.Class, laugh.Peak = heard, label, int64(frame)*s.Hop
			}
		}
	}
	return laugh
}
