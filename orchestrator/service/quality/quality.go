// Package quality measures how well laughs are found in sound that people labelled: recall by tier, source and length,
// false laughs an hour by what was heard, curves, and the metrics of the field. It is pure: labels and scores in,
// figures out.
//
// A labelled laugh is found where a laugh overlaps it; a label without times is the whole file's. A found laugh that
// overlaps neither a labelled laugh nor an unsure stretch is false. Hours are those in which a laugh would be false.
package quality

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Sound is a labelled recording with what a model said of it.
type Sound struct {
	// File as the labels name it.
	File   string
	Scores orchestrator.Scores
	// Labels of the file. See Fit.
	Labels []Label
}

// Fit keeps the labels that lie within the sound, in order of their onset; one that reaches beyond its end is cut there.
// What is wrong comes back as problems.
func (s *Sound) Fit() (problems []Problem) {
	const slack = 0.05 // seconds, by which times are rounded
	length := seconds(s.Scores.Length)
	kept := make([]Label, 0, len(s.Labels))
	for _, l := range s.Labels {
		if l.Whole {
			l.Onset, l.Offset = 0, length
		}
		if l.Onset >= length {
			problems = append(problems, Problem{Line: l.Line, File: l.File, Cause: timesBeyond(l, length) + ": left out"})
			continue
		}
		if l.Offset > length {
			if l.Offset > length+slack {
				problems = append(problems, Problem{Line: l.Line, File: l.File, Cause: timesBeyond(l, length) + ": cut at its end"})
			}
			l.Offset = length
		}
		kept = append(kept, l)
	}
	slices.SortStableFunc(kept, func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.Onset, b.Onset), cmp.Compare(a.Offset, b.Offset))
	})
	s.Labels = kept
	return problems
}

func seconds(samples int64) float64 { return float64(samples) / orchestrator.SampleRateHz }

// Event is a stretch of time in a file, in seconds.
type Event struct{ Onset, Offset float64 }

func (e Event) overlap(o Event) float64 { return min(e.Offset, o.Offset) - max(e.Onset, o.Onset) }

func (l Label) event() Event { return Event{l.Onset, l.Offset} }

func eventOf(l orchestrator.Laugh) Event { return Event{seconds(l.Onset), seconds(l.Offset)} }

// Outcome is what became of one label or of one false laugh.
type Outcome struct {
	File string
	Event
	// Label that was looked for; nil for a false laugh.
	Label *Label
	// Tier that it was found with; empty for a label that was not found.
	Tier orchestrator.Tier
	// Class and Score it was heard as, and the Evidence; empty for a label that was not found.
	Class           string
	Score, Evidence float64
	// During is what a false laugh was heard in: the class of the label there, or "unlabelled".
	During, Source string
}

// Outcomes finds the laughs of the sounds and holds them to the labels: first what was looked for, then what is false.
func Outcomes(sounds []Sound, policy orchestrator.Policy, detect orchestrator.Detector) (looked, false []Outcome) {
	for i := range sounds {
		s := &sounds[i]
		laughs := detect(s.Scores, policy)
		for k := range s.Labels {
			label := &s.Labels[k]
			if label.Kind != Laugh {
				continue
			}
			o := Outcome{File: s.File, Event: label.event(), Label: label, Source: label.source()}
			for _, laugh := range laughs {
				if eventOf(laugh).overlap(o.Event) > 0 && (o.Tier == "" || laugh.Evidence > o.Evidence || laugh.Tier == orchestrator.TierSure && o.Tier != laugh.Tier) {
					o.Tier, o.Class, o.Score, o.Evidence = laugh.Tier, laugh.Class, laugh.Score, laugh.Evidence
				}
			}
			looked = append(looked, o)
		}
		for _, laugh := range laughs {
			if during, source, wrong := s.wrong(eventOf(laugh)); wrong {
				false = append(false, Outcome{File: s.File, Event: eventOf(laugh), Tier: laugh.Tier, Class: laugh.Class, Score: laugh.Score,
					Evidence: laugh.Evidence, During: during, Source: source})
			}
		}
	}
	return looked, false
}

// unlabelled is what is heard where no label says it.
const unlabelled = "unlabelled"

// wrong tells whether a laugh there is false, and what was heard.
func (s *Sound) wrong(e Event) (during, source string, wrong bool) {
	during, most := unlabelled, 0.0
	for _, l := range s.Labels {
		common := l.event().overlap(e)
		source = cmp.Or(source, l.source())
		switch {
		case common <= 0:
		case l.Kind != NoLaugh:
			return "", "", false
		case common > most:
			during, source, most = cmp.Or(l.Class, unlabelled), l.source(), common
		}
	}
	return during, source, true
}

// during returns for how many seconds a false laugh could be heard in what.
func (s *Sound) during() map[string]float64 {
	length := seconds(s.Scores.Length)
	borders := []float64{0, length}
	for _, l := range s.Labels {
		borders = append(borders, l.Onset, l.Offset)
	}
	slices.Sort(borders)
	heard := map[string]float64{}
	for i := 1; i < len(borders); i++ {
		if piece := (Event{borders[i-1], borders[i]}); piece.Offset > piece.Onset {
			if class, _, wrong := s.wrong(piece); wrong {
				heard[class] += piece.Offset - piece.Onset
			}
		}
	}
	return heard
}

// Found counts labelled laughs: Sure of them were found as sure ones, Either as sure or maybe.
type Found struct {
	Name   string `json:"name"`
	Labels int    `json:"labels"`
	Sure   int    `json:"sure"`
	Either int    `json:"sure_or_maybe"`
}

func (f *Found) add(tier orchestrator.Tier) {
	f.Labels++
	if tier != "" {
		f.Either++
	}
	if tier == orchestrator.TierSure {
		f.Sure++
	}
}

// False counts false laughs.
type False struct {
	Name   string  `json:"name"`
	Hours  float64 `json:"hours"`
	Sure   int     `json:"sure"`
	Either int     `json:"sure_or_maybe"`
}

// PerHour is a number of laughs an hour; 0 where no sound was heard.
func (f False) PerHour(laughs int) float64 {
	if f.Hours == 0 {
		return 0
	}
	return float64(laughs) / f.Hours
}

// The groups of what is heard, as the names of classes say it.
const (
	Everyday = "everyday sound"
	Crying   = "crying"
	Voices   = "other voices"
)

var (
	crying = []string{"cry", "whimper", "sob", "wail"}
	voices = []string{"cough", "sneez", "throat", "moan", "pant", "scream", "shout", "yell", "sigh", "yawn", "nose", "gasp", "groan", "hiccup", "snor",
		"babbl", "breath", "sniff", "grunt", "burp"}
)

func groupOf(class string) string {
	switch lower := lowerCase(class); {
	case contains(lower, crying):
		return Crying
	case contains(lower, voices):
		return Voices
	}
	return Everyday
}

// Figures are what was measured under one policy.
type Figures struct {
	Policy string `json:"policy"`
	Model  string `json:"model"`
	// All labelled laughs, and the same by source, class and length.
	All      Found   `json:"all"`
	BySource []Found `json:"by_source"`
	ByClass  []Found `json:"by_class"`
	ByLength []Found `json:"by_length"`
	// False laughs by group (Everyday, Crying, Voices) and by what was heard.
	Groups []False `json:"false_by_group"`
	False  []False `json:"false_by_class"`
	// Edges of labels with times that were found.
	Edges Edges `json:"edges"`
	// Sure and Either are the metrics of the field over the labels with times; nil where there are none.
	Sure   *Metrics `json:"metrics_sure"`
	Either *Metrics `json:"metrics_sure_or_maybe"`
	// Curve of recall and false laughs, the highest threshold first.
	Curve []Point `json:"curve"`
}

// Edges say how far the found onsets and offsets lie from the labelled ones, in seconds: medians, with sign and
// without.
type Edges struct {
	Labels    int     `json:"labels"`
	Onset     float64 `json:"onset_s"`
	OnsetAbs  float64 `json:"onset_abs_s"`
	Offset    float64 `json:"offset_s"`
	OffsetAbs float64 `json:"offset_abs_s"`
}

// Point of a curve: where every threshold of the policy is moved so that the sure one of most classes is Threshold.
type Point struct {
	Threshold float64 `json:"threshold"`
	Found     int     `json:"found"`
	Recall    float64 `json:"recall"`
	// FalsePerHour in everyday sound; FalseCrying and FalseVoices are numbers of laughs.
	FalsePerHour float64 `json:"false_per_hour"`
	FalseCrying  int     `json:"false_crying"`
	FalseVoices  int     `json:"false_voices"`
}

// lengths are the classes of ByLength: from each number of seconds on.
var lengths = []struct {
	below float64
	name  string
}{{1, "under 1 s"}, {2, "1 to 2 s"}, {5, "2 to 5 s"}, {math.Inf(1), "5 s and more"}}

// Measure finds the laughs of the sounds under a policy and says how good they are. curve wants the curve, too: 33 times
// the work.
func Measure(sounds []Sound, policy orchestrator.Policy, detect orchestrator.Detector, curve bool) Figures {
	looked, wrong := Outcomes(sounds, policy, detect)
	figures := Figures{Policy: policy.ID(), All: Found{Name: "all"}, ByLength: make([]Found, len(lengths)), Curve: []Point{}}
	sources, classes := map[string]*Found{}, map[string]*Found{}
	count := func(in map[string]*Found, name string, tier orchestrator.Tier) {
		if in[name] == nil {
			in[name] = &Found{Name: name}
		}
		in[name].add(tier)
	}
	for i := range lengths {
		figures.ByLength[i].Name = lengths[i].name
	}
	for _, o := range looked {
		figures.All.add(o.Tier)
		count(sources, o.Source, o.Tier)
		count(classes, cmp.Or(o.Label.Class, unlabelled), o.Tier)
		i := slices.IndexFunc(lengths, func(l struct {
			below float64
			name  string
		}) bool {
			return o.Offset-o.Onset < l.below
		})
		figures.ByLength[i].add(o.Tier)
	}
	figures.BySource, figures.ByClass = inOrder(sources), inOrder(classes)
	figures.Groups, figures.False = falseLaughs(sounds, wrong)
	figures.Edges = edges(sounds, policy, detect)
	figures.Sure, figures.Either = metricsOf(sounds, policy, detect)
	if curve {
		figures.Curve = curveOf(sounds, policy, detect)
	}
	return figures
}

func inOrder(found map[string]*Found) []Found {
	all := make([]Found, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[name])
	}
	return all
}

// falseLaughs counts them by group and by what was heard.
func falseLaughs(sounds []Sound, wrong []Outcome) (groups, classes []False) {
	groups = []False{{Name: Everyday}, {Name: Crying}, {Name: Voices}}
	group := func(class string) *False {
		return &groups[slices.IndexFunc(groups, func(f False) bool { return f.Name == groupOf(class) })]
	}
	byClass := map[string]*False{}
	for i := range sounds {
		for class, s := range sounds[i].during() {
			if byClass[class] == nil {
				byClass[class] = &False{Name: class}
			}
			byClass[class].Hours += s / 3600
		}
	}
	for _, o := range wrong {
		if byClass[o.During] == nil { // it only touches what it was heard in
			byClass[o.During] = &False{Name: o.During}
		}
		for _, f := range []*False{byClass[o.During], group(o.During)} {
			f.Either++
			if o.Tier == orchestrator.TierSure {
				f.Sure++
			}
		}
	}
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		group(class).Hours += byClass[class].Hours
		classes = append(classes, *byClass[class])
	}
	slices.SortStableFunc(classes, func(a, b False) int { return cmp.Compare(b.Either, a.Either) })
	return groups, classes
}

// edges compares labels with times to the laughs that overlap them.
func edges(sounds []Sound, policy orchestrator.Policy, detect orchestrator.Detector) (e Edges) {
	var onsets, offsets []float64
	for i := range sounds {
		laughs := detect(sounds[i].Scores, policy)
		for _, label := range sounds[i].Labels {
			if label.Whole || label.Kind != Laugh {
				continue
			}
			onset, offset := math.Inf(1), math.Inf(-1)
			for _, laugh := range laughs {
				if found := eventOf(laugh); found.overlap(label.event()) > 0 {
					onset, offset = min(onset, found.Onset), max(offset, found.Offset)
				}
			}
			if !math.IsInf(onset, 0) {
				onsets, offsets = append(onsets, onset-label.Onset), append(offsets, offset-label.Offset)
			}
		}
	}
	e.Labels = len(onsets)
	e.Onset, e.OnsetAbs = medians(onsets)
	e.Offset, e.OffsetAbs = medians(offsets)
	return e
}

func medians(values []float64) (signed, absolute float64) {
	if len(values) == 0 {
		return 0, 0
	}
	of := func(v []float64) float64 {
		slices.Sort(v)
		return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	sizes := make([]float64, len(values))
	for i, v := range values {
		sizes[i] = math.Abs(v)
	}
	return of(values), of(sizes)
}

// curveOf measures under thresholds that are moved together, in logits.
func curveOf(sounds []Sound, policy orchestrator.Policy, detect orchestrator.Detector) []Point {
	points := []Point{}
	for shift := 3.0; shift >= -3; shift -= 0.1875 {
		moved := policy.Clone()
		for class, t := range moved.Classes {
			at := orchestrator.Sigmoid(orchestrator.Logit(t.Sure) + shift)
			moved.Classes[class] = orchestrator.Thresholds{Sure: at, Maybe: at}
		}
		moved.Release = min(orchestrator.Sigmoid(orchestrator.Logit(policy.Release)+shift), lowest(moved))
		looked, wrong := Outcomes(sounds, moved, detect)
		p := Point{Threshold: usual(moved)}
		for _, o := range looked {
			if o.Tier != "" {
				p.Found++
			}
		}
		if len(looked) > 0 {
			p.Recall = float64(p.Found) / float64(len(looked))
		}
		groups, _ := falseLaughs(sounds, wrong)
		p.FalsePerHour, p.FalseCrying, p.FalseVoices = groups[0].PerHour(groups[0].Sure), groups[1].Sure, groups[2].Sure
		points = append(points, p)
	}
	return points
}

// usual is the sure threshold of the classes that have none of their own, or the lowest.
func usual(policy orchestrator.Policy) float64 {
	if t, ok := policy.Classes[orchestrator.AnyClass]; ok {
		return t.Sure
	}
	return lowest(policy)
}

func lowest(policy orchestrator.Policy) float64 {
	least := 1.0
	for _, t := range policy.Classes {
		least = min(least, t.Maybe)
	}
	return least
}

// timesBeyond says that a label reaches beyond its file.
func timesBeyond(l Label, length float64) string {
	return fmt.Sprintf("times %.3f to %.3f reach beyond the file of %.3f s", l.Onset, l.Offset, length)
}
