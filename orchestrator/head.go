package orchestrator

import (
	"fmt"
	"math"
)

// Head is what was learned from labelled sound: a linear function of the logits of some classes in a frame and those
// around it. It is a small file that can be passed on. Its output is about 0 on average, with a standard deviation of
// about 1 over what it was trained on, above 0 for laughter.
type Head struct {
	// Name and Version say which head it is, such as "alice" and 3.
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Model whose logits it weighs, by name; TrainedOn says on what, in words.
	Model     string `json:"model"`
	TrainedOn string `json:"trained_on"`
	// Classes that are weighed, in Around frames before the frame, the frame itself and Around after it.
	Classes []string `json:"classes"`
	Around  int      `json:"around"`
	// Weights of the logits, frame by frame, in the order of Classes; Bias is added.
	Weights []float64 `json:"weights"`
	Bias    float64   `json:"bias"`
	// Weight is how many logits of evidence one of the output is worth.
	Weight float64 `json:"weight"`
}

// Limits of a head.
const (
	maxHeadClasses = 1024
	// MaxHeadWeight bounds Head.Weight.
	MaxHeadWeight = 16
	// MaxHeadOutput bounds what is believed of a head's output, either way: a frame unlike all that it was trained on
	// does not overrule everything else.
	MaxHeadOutput = 4
)

// ID is the head's name and version.
func (h *Head) ID() string { return fmt.Sprintf("%s-%d", h.Name, h.Version) }

// problems are everything that is wrong with a head by itself.
func (h *Head) problems() (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, "head: "+fmt.Sprintf(format, args...)) }
	if !policyName.MatchString(h.Name) || h.Version < 1 {
		bad("name is %.80q and version %d; want a short name and 1 or more", h.Name, h.Version)
	}
	if len(h.Classes) == 0 || len(h.Classes) > maxHeadClasses {
		bad("%d classes; want 1 to %d", len(h.Classes), maxHeadClasses)
	}
	seen := map[string]bool{}
	for _, class := range h.Classes {
		if class == "" || seen[class] {
			bad("class %q is empty or there twice", class)
		}
		seen[class] = true
	}
	switch frames := 2*h.Around + 1; {
	case h.Around < 0 || h.Around > HeardAround:
		bad("around is %d frames; want 0 to %d", h.Around, HeardAround)
	case len(h.Weights) != frames*len(h.Classes):
		bad("%d weights; want %d, of %d frames and %d classes", len(h.Weights), frames*len(h.Classes), frames, len(h.Classes))
	}
	for _, w := range append([]float64{h.Bias, h.Weight}, h.Weights...) {
		if math.IsNaN(w) || math.IsInf(w, 0) {
			bad("a weight is no finite number")
			break
		}
	}
	if h.Weight < 0 || h.Weight > MaxHeadWeight {
		bad("weight is %v; want 0 to %d", h.Weight, MaxHeadWeight)
	}
	return problems
}

// Output of the head for the logits of a frame and those around it, in the order of its weights; bounded by
// MaxHeadOutput.
func (h *Head) Output(logits []float64) float64 {
	sum := h.Bias
	for i, w := range h.Weights {
		sum += w * logits[i]
	}
	return min(max(sum, -MaxHeadOutput), MaxHeadOutput)
}
