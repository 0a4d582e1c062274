// Package detect turns the scores of a recording into laughs. It works on the stored bytes alone, so
// that finding the laughs again under another policy gives what a run with that policy would
// have given.
//
// A laugh is a run of frames of at least the policy's release, of which at least one reaches a threshold of
// its class; runs that lie at most the policy's longest pause apart are one laugh, whatever classes they were
// heard in, and as certain as the more certain of them.
//
// Windows overlap, so a frame stands for less than its window: every instant of the recording belongs
// to the frame whose window's centre is nearest, and a laugh is the instants of its frames. Laughs of
// known position are then met within 0.65 s at either end; the windows' own edges would be 0.25 s
// further out.
//
// What is compared with release and thresholds is the evidence of a frame for a class. With x the logit of the class,
// p and n the best laughter logits of the frames before and after (at the ends of a recording: the frame's own), w
// the policy's weight of neighbours, and for each contrast c the best logit of its classes in and around the frame:
//
//	evidence = sigmoid((x + w (p + n) - sum of weight * max(0, c - x + margin) + weight * head) / (1 + 2 w))
//
// Under a policy without neighbours and contrasts it is the score, exactly. What was not stored argues nothing.
//
// A score of a model without logits is kept in steps of 1/256, and a stored byte stands for the step that is nearest. So its .199,
// stored as 51 of 255, is 51/256 and does not reach a threshold of 0.2, neither now nor later.
package detect

import (
	"github.com/chortle-audio/chortle/orchestrator"
)

// DefaultThreshold is the operating point: the best of the six laughter classes at .199 or more. The
// model's scores move in steps (… .109 .148 .199 .262 …), and this lies in the middle between two of
// them, where no rounding can decide. Of 21 labelled clips of laughter it finds 21, and takes 2 of 88
// coughs, claps, knocks and alarms for one; one step up it is 19 and 1, two steps down 21 and 14.
const DefaultThreshold = 0.175

var _ orchestrator.Detector = Laughs

// frames is a run of frames, the last included, with the tier of the best of them.
type frames struct {
	first, last int
	tier        orchestrator.Tier
}

// Laughs finds the laughs in s under a valid policy: in order, disjoint, not empty, within [0, s.Length). A score
// of zero never counts. Raising all thresholds never adds laughing time. Scores without classes, hop or length have
// no laughs. Safe for concurrent use.
func Laughs(s orchestrator.Scores, policy orchestrator.Policy) []orchestrator.Laugh {
	if len(s.Classes) == 0 || s.Hop <= 0 || s.Length <= 0 {
		return nil
	}
	l := newListener(&s, policy)
	var laughs []orchestrator.Laugh
	for _, run := range l.runs() {
		if laugh := l.describe(run); laugh.Offset-laugh.Onset >= l.shortest {
			laughs = append(laughs, laugh)
		}
	}
	return laughs
}

// runs returns the frames of each laugh.
func (l *listener) runs() []frames {
	var found []frames
	n := l.s.Frames()
	for i := 0; i < n; i++ {
		run := frames{first: i}
		for ; i < n; i++ {
			best, tier := l.hear(i)
			if best == 0 || best < l.policy.Release {
				break
			}
			run.tier = higher(run.tier, tier)
		}
		run.last = i - 1
		switch {
		case run.last < run.first || run.tier == "":
		case len(found) > 0 && pause(l.s, found[len(found)-1], run) <= l.pause:
			before := &found[len(found)-1]
			before.last, before.tier = run.last, higher(before.tier, run.tier)
		default:
			found = append(found, run)
		}
	}
	return found
}

// hear returns the best evidence of a frame and the tier that it reaches by itself, or none.
func (l *listener) hear(frame int) (best float64, tier orchestrator.Tier) {
	for class, t := range l.thresholds {
		if t.Sure == 0 {
			continue
		}
		evidence := l.evidence(frame, class)
		if evidence == 0 {
			continue
		}
		best = max(best, evidence)
		switch {
		case evidence >= t.Sure:
			tier = orchestrator.TierSure
		case evidence >= t.Maybe:
			tier = higher(tier, orchestrator.TierMaybe)
		}
	}
	return best, tier
}

// higher is the more certain of two tiers.
func higher(a, b orchestrator.Tier) orchestrator.Tier {
	if a == orchestrator.TierSure || b == "" {
		return a
	}
	return b
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
func (l *listener) describe(run frames) orchestrator.Laugh {
	s := l.s
	laugh := orchestrator.Laugh{
		Onset:       min(max(border(s, run.first), 0), s.Length),
		Offset:      min(max(border(s, run.last+1), 0), s.Length),
		Tier:        run.tier,
		ClassScores: make([]float64, len(s.Classes)),
	}
	if run.first == 0 {
		laugh.Onset = 0
	}
	if run.last == s.Frames()-1 {
		laugh.Offset = s.Length
	}
	for frame := run.first; frame <= run.last; frame++ {
		evidence, _ := l.hear(frame)
		laugh.Evidence = max(laugh.Evidence, evidence)
		for class, label := range s.Classes {
			heard := l.score(frame, class)
			laugh.ClassScores[class] = max(laugh.ClassScores[class], heard)
			if heard > laugh.Score && l.thresholds[class].Sure > 0 {
				laugh.Score, laugh.Class, laugh.Peak = heard, label, int64(frame)*s.Hop
			}
		}
	}
	laugh.Around = l.around(run)
	return laugh
}
