package detect

import (
	"github.com/chortle-audio/chortle/orchestrator"
)

// Reason says how a policy came to what it says of a stretch of a recording: of the frame in it with the best evidence.
type Reason struct {
	// At is the instant that the frame stands for, in samples.
	At int64
	// Class with the best evidence, its Score, and the best laughter scores of the frames Before and After.
	Class         string
	Score         float64
	Before, After float64
	// Against are the contrasts of the policy, in its order, as far as the scores have them.
	Against []Argument
	// Head is what the policy's head adds, in logits; 0 where it has none, or it cannot be applied.
	Head float64
	// Evidence that was compared with the thresholds of the class, and the Tier that it reaches; empty for none.
	Evidence   float64
	Thresholds orchestrator.Thresholds
	Tier       orchestrator.Tier
	// Lacks are the classes that the policy asks for and the scores do not have.
	Lacks []string
}

// Argument is one contrast: the strongest of its classes that was heard, and how many logits that takes away.
type Argument struct {
	Class  string
	Score  float64
	Around float64 // seconds
	Cost   float64
}

// Explain says how a policy comes to what it says of the stretch from one sample to another. ok is false where no
// laughter was heard at all there, and the Reason has then only Lacks.
func Explain(s orchestrator.Scores, policy orchestrator.Policy, from, to int64) (r Reason, ok bool) {
	r.Lacks = s.Lacks(policy)
	if len(s.Classes) == 0 || s.Hop <= 0 {
		return r, false
	}
	l := newListener(&s, policy)
	frame, class := -1, 0
	for i := 0; i < s.Frames(); i++ {
		if border(&s, i+1) <= from && i < s.Frames()-1 || border(&s, i) >= to && i > 0 {
			continue
		}
		for k, t := range l.thresholds {
			if e := l.evidence(i, k); t.Sure > 0 && e > r.Evidence {
				frame, class, r.Evidence = i, k, e
			}
		}
	}
	if frame < 0 {
		return r, false
	}
	r.At = max(0, border(&s, frame)+s.Hop/2)
	r.Class, r.Score, r.Thresholds = s.Classes[class], l.score(frame, class), l.thresholds[class]
	before, after := l.beside(frame)
	r.Before, r.After = orchestrator.Sigmoid(before), orchestrator.Sigmoid(after)
	if l.plain {
		r.Before, r.After = 0, 0
	}
	for _, c := range l.contrasts {
		if strongest, k, ok := l.strongest(c, frame); ok {
			r.Against = append(r.Against, Argument{Class: s.Heard.Classes[k], Score: orchestrator.Sigmoid(strongest), Around: c.Around,
				Cost: c.Weight * max(0, strongest-l.logit(frame, class)+c.Margin)})
		}
	}
	r.Head = l.learned(frame)
	switch {
	case r.Evidence >= r.Thresholds.Sure:
		r.Tier = orchestrator.TierSure
	case r.Evidence >= r.Thresholds.Maybe:
		r.Tier = orchestrator.TierMaybe
	}
	return r, true
}

// Best is the frame with the best evidence of a laugh, by its number.
func Best(s *orchestrator.Scores, policy orchestrator.Policy, laugh orchestrator.Laugh) (frame int, evidence float64) {
	l := newListener(s, policy)
	for i := 0; i < s.Frames(); i++ {
		if border(s, i+1) <= laugh.Onset && i < s.Frames()-1 || border(s, i) >= laugh.Offset && i > 0 {
			continue
		}
		if e, _ := l.hear(i); e > evidence {
			frame, evidence = i, e
		}
	}
	return frame, evidence
}
