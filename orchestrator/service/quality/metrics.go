package quality

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

func lowerCase(text string) string { return strings.ToLower(text) }

// Counts of a metric: found events that are right, labelled ones that are missed, and found ones that are wrong.
type Counts struct {
	Right  int     `json:"right"`
	Missed int     `json:"missed"`
	Wrong  int     `json:"wrong"`
	F1     float64 `json:"f1"`
}

func (c *Counts) add(o Counts) {
	c.Right, c.Missed, c.Wrong = c.Right+o.Right, c.Missed+o.Missed, c.Wrong+o.Wrong
	if all := 2*c.Right + c.Missed + c.Wrong; all > 0 {
		c.F1 = 2 * float64(c.Right) / float64(all)
	}
}

// Metrics of the field over the labels with times.
type Metrics struct {
	// EventBased counts a found event as right where its onset is within Collar of the label's, and its offset within
	// Collar or half of the label's length, whichever is more (sed_eval's, with its defaults).
	EventBased Counts `json:"event_based"`
	// Intersection counts a found event as one where labels cover at least half of it, and a label as found where such
	// events cover at least half of it (PSDS's detection and ground-truth criterion, 0.5 each).
	Intersection Counts `json:"intersection_based"`
}

// The field's usual parameters.
const (
	Collar           = 0.2 // seconds
	CollarOfLength   = 0.5
	IntersectionPart = 0.5
)

// EventBased counts the events of one file as sed_eval does: labels are matched to found events one to one, as many as
// possible.
func EventBased(labels, found []Event, collar, ofLength float64) (c Counts) {
	fits := make([][]int, len(labels))
	for i, l := range labels {
		for k, f := range found {
			if math.Abs(f.Onset-l.Onset) <= collar && math.Abs(f.Offset-l.Offset) <= max(collar, ofLength*(l.Offset-l.Onset)) {
				fits[i] = append(fits[i], k)
			}
		}
	}
	taken := make([]int, len(found)) // the label of each, plus one
	var place func(label int, seen []bool) bool
	place = func(label int, seen []bool) bool { // augmenting paths of a bipartite matching
		for _, k := range fits[label] {
			if seen[k] {
				continue
			}
			seen[k] = true
			if taken[k] == 0 || place(taken[k]-1, seen) {
				taken[k] = label + 1
				return true
			}
		}
		return false
	}
	right := 0
	for i := range labels {
		if place(i, make([]bool, len(found))) {
			right++
		}
	}
	c.add(Counts{Right: right, Missed: len(labels) - right, Wrong: len(found) - right})
	return c
}

// IntersectionBased counts the events of one file as sed_scores_eval does for one class: a found event passes where labels
// cover detection of it at least, and a label is found where passing events cover truth of it at least. Neither labels
// nor found events overlap among themselves.
func IntersectionBased(labels, found []Event, detection, truth float64) (c Counts) {
	covered := func(e Event, by []Event) (sum float64) {
		for _, o := range by {
			sum += max(0, e.overlap(o))
		}
		return sum
	}
	var passing []Event
	wrong := 0
	for _, f := range found {
		if covered(f, labels) >= detection*(f.Offset-f.Onset) {
			passing = append(passing, f)
		} else {
			wrong++
		}
	}
	right := 0
	for _, l := range labels {
		if covered(l, passing) >= truth*(l.Offset-l.Onset) {
			right++
		}
	}
	c.add(Counts{Right: right, Missed: len(labels) - right, Wrong: wrong})
	return c
}

// metricsOf measures the files that have labels with times.
func metricsOf(sounds []Sound, policy orchestrator.Policy, detect orchestrator.Detector) (sure, either *Metrics) {
	for i := range sounds {
		s := &sounds[i]
		var labels []Event
		timed := false
		for _, l := range s.Labels {
			timed = timed || !l.Whole
			if l.Kind == Laugh && !l.Whole {
				labels = append(labels, l.event())
			}
		}
		if !timed {
			continue
		}
		labels = joined(labels)
		var certain, all []Event
		for _, laugh := range detect(s.Scores, policy) {
			all = append(all, eventOf(laugh))
			if laugh.Tier == orchestrator.TierSure {
				certain = append(certain, eventOf(laugh))
			}
		}
		if sure == nil {
			sure, either = &Metrics{}, &Metrics{}
		}
		for m, found := range map[*Metrics][]Event{sure: certain, either: all} {
			m.EventBased.add(EventBased(labels, found, Collar, CollarOfLength))
			m.Intersection.add(IntersectionBased(labels, found, IntersectionPart, IntersectionPart))
		}
	}
	return sure, either
}

// joined are events without overlaps.
func joined(events []Event) (apart []Event) {
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Onset, b.Onset) })
	for _, e := range events {
		if last := len(apart) - 1; last >= 0 && e.Onset < apart[last].Offset {
			apart[last].Offset = max(apart[last].Offset, e.Offset)
		} else {
			apart = append(apart, e)
		}
	}
	return apart
}

// Change is a label or a stretch about which two results differ.
type Change struct {
	File   string  `json:"file"`
	Onset  float64 `json:"onset_s"`
	Offset float64 `json:"offset_s"`
	// What the label or the stretch is: laugh, or what was heard.
	What string `json:"what"`
	// A and B are the tiers: sure, maybe, or none.
	A string `json:"a"`
	B string `json:"b"`
	// Better is true where B is right and A was not, or B is surer of a laugh or less sure of a false one.
	Better bool `json:"better"`
}

// Compare returns what changed from A to B, first the labelled laughs, then the false ones.
func Compare(lookedA, falseA, lookedB, falseB []Outcome) []Change {
	changes := []Change{}
	rank := map[orchestrator.Tier]int{orchestrator.TierMaybe: 1, orchestrator.TierSure: 2}
	for i, a := range lookedA {
		if b := lookedB[i]; a.Tier != b.Tier {
			changes = append(changes, Change{a.File, a.Onset, a.Offset, string(Laugh), tierName(a.Tier), tierName(b.Tier), rank[b.Tier] > rank[a.Tier]})
		}
	}
	at := map[string][]Outcome{}
	for _, b := range falseB {
		at[b.File] = append(at[b.File], b)
	}
	met := map[Outcome]bool{}
	for _, a := range falseA {
		var tier orchestrator.Tier
		for _, b := range at[a.File] {
			if a.overlap(b.Event) > 0 {
				met[b] = true
				if rank[b.Tier] > rank[tier] {
					tier = b.Tier
				}
			}
		}
		if tier != a.Tier {
			changes = append(changes, Change{a.File, a.Onset, a.Offset, a.During, tierName(a.Tier), tierName(tier), rank[tier] < rank[a.Tier]})
		}
	}
	for _, b := range falseB {
		if !met[b] {
			changes = append(changes, Change{b.File, b.Onset, b.Offset, b.During, tierName(""), tierName(b.Tier), false})
		}
	}
	return changes
}

func tierName(t orchestrator.Tier) string { return cmp.Or(string(t), "none") }
