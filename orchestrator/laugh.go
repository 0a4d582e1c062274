package orchestrator

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
	// Tier says how certain it is under the policy that found it; Evidence is the best that was compared with the
	// policy's thresholds, in 0..1.
	Tier     Tier
	Evidence float64
	// Around is what else was heard.
	Around Around
	// Clip is the key of the sound in the clip store; empty where none was kept.
	Clip string
}

// Around is what else was heard in a laugh and around it, as far as HeardAround frames.
type Around struct {
	// Heard are the strongest other classes with the best score of each, the strongest first; at most eight, none
	// below 0.1. Nil also where the scores were stored without them; see Scores.Lacks.
	Heard []HeardClass `json:"heard,omitempty"`
	// Speech is the best score of speech in the frames before and behind the laugh: others who talk.
	Speech float64 `json:"speech,omitempty"`
}

// What a laugh was heard with, as filters name it.
const (
	WithOthers     = "others"
	WithTelevision = "television"
	WithMusic      = "music"
)

// With says what a laugh was heard with: others, where speech of at least 0.5 is before or behind it; television,
// where Television or Radio is at least 0.1 (no model is ever surer of those); music, where Music is at least 0.3.
func (a Around) With() (with []string) {
	if a.Speech >= 0.5 {
		with = append(with, WithOthers)
	}
	if max(a.Score("Television"), a.Score("Radio")) >= 0.1 {
		with = append(with, WithTelevision)
	}
	if a.Score("Music") >= 0.3 {
		with = append(with, WithMusic)
	}
	return with
}

// HeardClass is a class with its best score, in 0..1.
type HeardClass struct {
	Class string  `json:"class"`
	Score float64 `json:"score"`
}

// Score is that of a class, or 0 where it is not among the strongest.
func (a Around) Score(class string) float64 {
	for _, heard := range a.Heard {
		if heard.Class == class {
			return heard.Score
		}
	}
	return 0
}

// Detector finds the laughs in scores under a valid policy: in order, disjoint, within [0, s.Length). It is pure.
type Detector func(s Scores, policy Policy) []Laugh
