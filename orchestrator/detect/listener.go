package detect

import (
	"cmp"
	"math"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

// listener hears scores under a policy.
type listener struct {
	s          *orchestrator.Scores
	policy     orchestrator.Policy
	plain      bool                      // the evidence is the score
	thresholds []orchestrator.Thresholds // of each class; 0 where it is no laughter
	contrasts  []contrast
	reader     *orchestrator.SoundsReader
	head       []headClass // the classes of the policy's head; nil where it has none, or the scores lack one of them
	// learnedIs is what the head says of the frame before learnedAt.
	learnedAt int
	learnedIs float64
	// pause and shortest of the policy, in samples.
	pause, shortest int64
}

// contrast is one of the policy's, by the places of its classes among those that were heard.
type contrast struct {
	orchestrator.Contrast
	classes []int
	around  int // frames
}

func newListener(s *orchestrator.Scores, policy orchestrator.Policy) *listener {
	l := &listener{s: s, policy: policy, plain: policy.Plain(), thresholds: make([]orchestrator.Thresholds, len(s.Classes)),
		reader: s.Heard.Reader(), head: headClasses(s, policy.Head), pause: samples(policy.LongestPause), shortest: max(1, samples(policy.ShortestLaugh))}
	for class, label := range s.Classes {
		l.thresholds[class], _ = policy.Of(label)
	}
	for _, c := range policy.Against {
		one := contrast{Contrast: c, around: min(int(samples(c.Around)/s.Hop), orchestrator.HeardAround)}
		for _, class := range c.Classes {
			if i := slices.Index(s.Heard.Classes, class); i >= 0 {
				one.classes = append(one.classes, i)
			}
		}
		if len(one.classes) > 0 && c.Weight > 0 {
			l.contrasts = append(l.contrasts, one)
		}
	}
	return l
}

// headClass says where a class of a head is: among the laughter classes, or among those that were heard.
type headClass struct {
	laughter bool
	at       int
}

// headClasses finds the classes of a head; nil unless all are there.
func headClasses(s *orchestrator.Scores, head *orchestrator.Head) (classes []headClass) {
	if head == nil || head.Weight == 0 {
		return nil
	}
	for _, class := range head.Classes {
		if i := slices.Index(s.Classes, class); i >= 0 {
			classes = append(classes, headClass{true, i})
		} else if i := slices.Index(s.Heard.Classes, class); i >= 0 {
			classes = append(classes, headClass{false, i})
		} else {
			return nil
		}
	}
	return classes
}

// Features are the logits that a head weighs, of a frame and those around it; the ends of a recording count as often as
// they must. ok is false where the scores lack a class, or what else was heard is not stored there.
func Features(s *orchestrator.Scores, head *orchestrator.Head, frame int) (logits []float64, ok bool) {
	l := &listener{s: s, reader: s.Heard.Reader(), head: headClasses(s, head)}
	if l.head == nil || l.reader.Frame(frame) == nil {
		return nil, false
	}
	return l.features(head, frame), true
}

func (l *listener) features(head *orchestrator.Head, frame int) []float64 {
	logits := make([]float64, 0, len(head.Weights))
	for i := frame - head.Around; i <= frame+head.Around; i++ {
		at := min(max(i, 0), l.s.Frames()-1)
		heard := l.reader.Frame(at)
		for _, class := range l.head {
			switch {
			case class.laughter && l.s.Data[at*len(l.s.Classes)+class.at] == 0:
				logits = append(logits, orchestrator.FloorLogit)
			case class.laughter:
				logits = append(logits, l.logit(at, class.at))
			case heard == nil:
				logits = append(logits, l.s.Heard.Logit(0))
			default:
				logits = append(logits, l.s.Heard.Logit(heard[class.at]))
			}
		}
	}
	return logits
}

func samples(seconds float64) int64 { return int64(math.Round(seconds * orchestrator.SampleRateHz)) }

// score is that of a class in a frame; of a model without logits, the nearest step of 1/256.
func (l *listener) score(frame, class int) float64 {
	score := l.s.At(frame, class)
	if l.s.Step > 0 {
		return score
	}
	return math.Round(score*256) / 256
}

// logit is that of a class in a frame, FloorLogit at least.
func (l *listener) logit(frame, class int) float64 {
	if stored := l.s.Data[frame*len(l.s.Classes)+class]; l.s.Step > 0 && stored > 0 {
		return (float64(stored) - 128) * l.s.Step
	}
	return max(orchestrator.Logit(l.score(frame, class)), orchestrator.FloorLogit)
}

// best is the best laughter logit of a frame.
func (l *listener) best(frame int) float64 {
	top := orchestrator.FloorLogit
	for class, t := range l.thresholds {
		if t.Sure != 0 && l.s.Data[frame*len(l.s.Classes)+class] > 0 {
			top = max(top, l.logit(frame, class))
		}
	}
	return top
}

// evidence of a class in a frame, in 0..1; 0 where it was not heard.
func (l *listener) evidence(frame, class int) float64 {
	score := l.score(frame, class)
	if l.plain || score == 0 {
		return score
	}
	x := l.logit(frame, class)
	e := x
	if w := l.policy.Neighbours; w > 0 {
		before, after := l.beside(frame)
		e += w * (before + after)
	}
	for _, c := range l.contrasts {
		if strongest, _, ok := l.strongest(c, frame); ok {
			e -= c.Weight * max(0, strongest-x+c.Margin)
		}
	}
	e += l.learned(frame)
	return orchestrator.Sigmoid(e / (1 + 2*l.policy.Neighbours))
}

// beside are the best laughter logits of the frames before and after, at the ends of a recording the frame's own.
func (l *listener) beside(frame int) (before, after float64) {
	own := l.best(frame)
	before, after = own, own
	if frame > 0 {
		before = l.best(frame - 1)
	}
	if frame+1 < l.s.Frames() {
		after = l.best(frame + 1)
	}
	return before, after
}

// learned is what the policy's head adds to the evidence of a frame, in logits.
func (l *listener) learned(frame int) float64 {
	if l.head == nil || l.reader.Frame(frame) == nil {
		return 0
	}
	if l.learnedAt != frame+1 { // the classes of a frame have the same
		l.learnedAt, l.learnedIs = frame+1, l.policy.Head.Weight*l.policy.Head.Output(l.features(l.policy.Head, frame))
	}
	return l.learnedIs
}

// strongest is the best logit of a contrast's classes in and around a frame, and which of those that were heard it
// is; ok is false where nothing is stored.
func (l *listener) strongest(c contrast, frame int) (logit float64, class int, ok bool) {
	var best byte
	class = c.classes[0]
	for i := frame - c.around; i <= frame+c.around; i++ {
		stored := l.reader.Frame(i)
		if stored == nil {
			continue
		}
		ok = true
		for _, k := range c.classes {
			if stored[k] > best {
				best, class = stored[k], k
			}
		}
	}
	return l.s.Heard.Logit(best), class, ok
}

// mostAround and leastAround bound what a laugh tells of what else was heard.
const mostAround, leastAround = 8, 0.1

// speech are the classes of people who talk.
var speech = []string{"Speech", "Child speech, kid speaking", "Conversation", "Narration, monologue"}

// around says what else was heard in a run of frames and around it.
func (l *listener) around(run frames) (a orchestrator.Around) {
	heard := &l.s.Heard
	if len(heard.Classes) == 0 {
		return a
	}
	best := make([]byte, len(heard.Classes))
	for i := run.first - orchestrator.HeardAround; i <= run.last+orchestrator.HeardAround; i++ {
		for k, stored := range l.reader.Frame(i) {
			best[k] = max(best[k], stored)
			if outside := i < run.first || i > run.last; outside && stored > 0 && slices.Contains(speech, heard.Classes[k]) {
				a.Speech = max(a.Speech, orchestrator.Sigmoid(heard.Logit(stored)))
			}
		}
	}
	for k, stored := range best {
		if score := orchestrator.Sigmoid(heard.Logit(stored)); stored > 0 && score >= leastAround {
			a.Heard = append(a.Heard, orchestrator.HeardClass{Class: heard.Classes[k], Score: score})
		}
	}
	slices.SortStableFunc(a.Heard, func(x, y orchestrator.HeardClass) int { return cmp.Compare(y.Score, x.Score) })
	a.Heard = a.Heard[:min(len(a.Heard), mostAround)]
	return a
}
