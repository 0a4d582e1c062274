package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// AnyClass in Policy.Classes stands for every laughter class of the model that has no thresholds of its own.
const AnyClass = "*"

// Tier says how certain a laugh is under the policy that found it.
type Tier string

// The tiers of a laugh. Commands show sure ones unless asked for more.
const (
	TierSure  Tier = "sure"
	TierMaybe Tier = "maybe"
)

// Policy says what a laugh is. It is plain data: the same scores under the same policy have the same laughs,
// in a run and whenever they are found again. All scores and thresholds are in 0..1.
//
// What is compared with the thresholds is the evidence of a frame: the score of a laughter class, with the part
// of its neighbours and less what argues against it (package detect has the formula). Without neighbours and
// contrasts the evidence is the score itself.
type Policy struct {
	// Name and Version say which policy it is, such as "default" and 2; stored with what was found under it.
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Classes are the labels that are laughter, each with its thresholds. AnyClass stands for the rest.
	Classes map[string]Thresholds `json:"classes"`
	// Neighbours is the weight of each of the two neighbouring frames beside the frame's own 1; 0 ignores them.
	Neighbours float64 `json:"neighbours"`
	// Against argues against a laugh: every contrast costs it evidence.
	Against []Contrast `json:"against"`
	// Release is the evidence down to which the frames beside a laugh's belong to it. Not above any threshold.
	Release float64 `json:"release"`
	// LongestPause within one laugh, and the shortest time that a laugh lasts; in seconds.
	LongestPause  float64 `json:"longest_pause_s"`
	ShortestLaugh float64 `json:"shortest_laugh_s"`
	// Head, unless nil, adds what was learned from labelled sound or from marks to the evidence.
	Head *Head `json:"head,omitempty"`
	// Clips says what sound is kept of laughs; its zero value keeps it of all, with two seconds around each.
	Clips ClipRule `json:"clips,omitzero"`
}

// ClipRule says what sound is kept of laughs. Rows are kept in any case.
type ClipRule struct {
	// Keep is KeepAround, KeepLaugh or KeepNothing.
	Keep string `json:"keep,omitempty"`
	// SpeechBelow keeps no clip of a laugh where speech before or behind it has a score of this or more; 0 keeps all.
	SpeechBelow float64 `json:"speech_below,omitempty"`
}

// What a ClipRule keeps.
const (
	KeepAround  = ""      // the laugh and what is around it
	KeepLaugh   = "laugh" // the laugh alone
	KeepNothing = "none"
)

// Span is what sound is kept of a laugh in a recording of that length; ok is false where none is.
func (c ClipRule) Span(l Laugh, length int64) (span SampleSpan, ok bool) {
	if c.Keep == KeepNothing || c.SpeechBelow > 0 && l.Around.Speech >= c.SpeechBelow {
		return span, false
	}
	margin := int64(clipMargin)
	if c.Keep == KeepLaugh {
		margin = 0
	}
	return SampleSpan{max(0, l.Onset-margin), min(length, l.Offset+margin)}, true
}

// Thresholds of a class: from Sure on a laugh is sure, from Maybe on it is one that may be. 0 < Maybe <= Sure <= 1.
type Thresholds struct {
	Sure  float64 `json:"sure"`
	Maybe float64 `json:"maybe"`
}

// Contrast weighs classes that are mistaken for laughter against it: where the best of Classes comes closer than
// Margin to the laughter, in logits, every logit of it costs Weight.
type Contrast struct {
	Classes []string `json:"classes"`
	Weight  float64  `json:"weight"`
	Margin  float64  `json:"margin"`
	// Around is how far before and after a frame the classes count, in seconds, up to HeardAround frames: what goes
	// on for longer than a laugh, as crying does, argues against it also where it pauses. 0: in the frame itself.
	Around float64 `json:"around_s"`
}

// PolicyFromThreshold is the policy of one number: the best laughter score of a frame decides, a laugh reaches
// down to half the threshold, and pauses of up to 1.5 s (a breath, and three frames that miss) are within it.
func PolicyFromThreshold(threshold float64) Policy {
	return Policy{
		Name: "threshold", Version: 1,
		Classes:      map[string]Thresholds{AnyClass: {Sure: threshold, Maybe: threshold}},
		Release:      threshold / 2,
		LongestPause: 1.5,
	}
}

// ID is the policy's name and version, such as "default-2".
func (p Policy) ID() string { return fmt.Sprintf("%s-%d", p.Name, p.Version) }

// Limits of what is believed of a policy.
const (
	maxPause, maxShortest = 60, 60 // seconds
	maxWeight, maxMargin  = 16, 32
	maxAround             = 10 // seconds
)

var policyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Validate returns an error that names everything that is wrong with the policy by itself. See also Check.
func (p Policy) Validate() error {
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	within := func(name string, v, low, high float64) {
		if !(v >= low && v <= high) {
			bad("%s is %v; want %v to %v", name, v, low, high)
		}
	}
	if !policyName.MatchString(p.Name) {
		bad("name is %.80q; want 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit", p.Name)
	}
	if p.Version < 1 {
		bad("version is %d; want 1 or more", p.Version)
	}
	if len(p.Classes) == 0 {
		bad("classes is empty; want at least one, or %q for every laughter class of the model", AnyClass)
	}
	within("release", p.Release, 0, 1)
	for _, class := range p.ClassNames() {
		t := p.Classes[class]
		switch {
		case class == "":
			bad("a class of classes has no name")
		case !(t.Sure > 0 && t.Sure <= 1):
			bad("sure threshold of class %q is %v; want above 0 and up to 1", class, t.Sure)
		case !(t.Maybe > 0 && t.Maybe <= 1):
			bad("maybe threshold of class %q is %v; want above 0 and up to 1", class, t.Maybe)
		case t.Maybe > t.Sure:
			bad("maybe threshold of class %q is %v, above its sure threshold of %v", class, t.Maybe, t.Sure)
		case p.Release > t.Maybe:
			bad("release is %v, above the threshold of class %q, %v", p.Release, class, t.Maybe)
		}
	}
	seen := map[string]bool{}
	for i, contrast := range p.Against {
		if len(contrast.Classes) == 0 {
			bad("against %d has no classes", i+1)
		}
		for _, class := range contrast.Classes {
			switch _, laughter := p.Classes[class]; {
			case class == "" || class == AnyClass:
				bad("against has the class %q; want the name of one", class)
			case laughter:
				bad("class %q is both in classes and in against", class)
			case seen[class]:
				bad("against has the class %q twice", class)
			}
			seen[class] = true
		}
		within(fmt.Sprintf("weight of against %d", i+1), contrast.Weight, 0, maxWeight)
		within(fmt.Sprintf("margin of against %d", i+1), contrast.Margin, -maxMargin, maxMargin)
		within(fmt.Sprintf("around_s of against %d", i+1), contrast.Around, 0, maxAround)
	}
	if keep := p.Clips.Keep; keep != KeepAround && keep != KeepLaugh && keep != KeepNothing {
		bad("keep of clips is %.80q; want %q or %q, or nothing for the laugh and what is around it", keep, KeepLaugh, KeepNothing)
	}
	within("speech_below of clips", p.Clips.SpeechBelow, 0, 1)
	if p.Head != nil {
		problems = append(problems, p.Head.problems()...)
	}
	within("neighbours", p.Neighbours, 0, 1)
	within("longest_pause_s", p.LongestPause, 0, maxPause)
	within("shortest_laugh_s", p.ShortestLaugh, 0, maxShortest)
	if len(problems) > 0 {
		return fmt.Errorf("check policy %.80q: %s", p.Name, strings.Join(problems, "; "))
	}
	return nil
}

// Check returns an error that names the classes of the policy that a model with these laughter labels, and with
// these others, does not have.
func (p Policy) Check(laughter, others []string) error {
	var unknown []string
	for _, class := range p.ClassNames() {
		if class != AnyClass && !slices.Contains(laughter, class) {
			unknown = append(unknown, fmt.Sprintf("%q", class))
		}
	}
	for _, class := range p.AgainstClasses() {
		switch {
		case slices.Contains(laughter, class) && p.hasAny():
			return fmt.Errorf("check policy %s: class %q is in against, and is laughter of the model, which %q in classes takes", p.Name, class, AnyClass)
		case !slices.Contains(others, class) && !slices.Contains(laughter, class):
			unknown = append(unknown, fmt.Sprintf("%q", class))
		}
	}
	if p.Head != nil {
		for _, class := range p.Head.Classes {
			if !slices.Contains(others, class) && !slices.Contains(laughter, class) {
				return fmt.Errorf("check policy %s: head %s was trained on a model with the class %q, which this one has not", p.Name, p.Head.ID(), class)
			}
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("check policy %s: the model has no class %s", p.Name, strings.Join(unknown, ", "))
	}
	return nil
}

func (p Policy) hasAny() bool { _, ok := p.Classes[AnyClass]; return ok }

// Of returns the thresholds of a laughter class; ok is false where the policy does not take it for laughter.
func (p Policy) Of(class string) (t Thresholds, ok bool) {
	if t, ok = p.Classes[class]; !ok {
		t, ok = p.Classes[AnyClass]
	}
	return t, ok
}

// ClassNames are the keys of Classes in order.
func (p Policy) ClassNames() []string { return slices.Sorted(maps.Keys(p.Classes)) }

// Certainty is how far a laugh's evidence is from the sure threshold of its class, in 0..1: 0 on it, and 1 where
// the policy could not be surer, one way or the other. A laugh without evidence is as certain as its score.
func (p Policy) Certainty(l Laugh) float64 {
	t, ok := p.Of(l.Class)
	switch {
	case !ok:
		return l.Score
	case l.Evidence == 0 || p.Plain():
		return math.Abs(l.Score - t.Sure)
	}
	return math.Abs(2*Sigmoid(Logit(l.Evidence)-Logit(t.Sure)) - 1)
}

// Plain reports whether the evidence of a frame is its score alone.
func (p Policy) Plain() bool {
	return p.Neighbours == 0 && p.Head == nil && !slices.ContainsFunc(p.Against, func(c Contrast) bool { return c.Weight > 0 })
}

// AgainstClasses are the classes of all contrasts.
func (p Policy) AgainstClasses() (classes []string) {
	for _, contrast := range p.Against {
		classes = append(classes, contrast.Classes...)
	}
	return classes
}

// Clone copies the policy with everything it refers to.
func (p Policy) Clone() Policy {
	p.Classes = maps.Clone(p.Classes)
	p.Against = slices.Clone(p.Against)
	for i := range p.Against {
		p.Against[i].Classes = slices.Clone(p.Against[i].Classes)
	}
	if p.Head != nil {
		head := *p.Head
		head.Classes, head.Weights = slices.Clone(head.Classes), slices.Clone(head.Weights)
		p.Head = &head
	}
	return p
}

// Override returns the policy with what a JSON object says in its place: a field that the object lacks stays, a
// class that it names gets those of its thresholds that are given, and null takes a class away. Empty text changes
// nothing. The result is validated; an unknown field is an error.
func (p Policy) Override(object string) (Policy, error) {
	changed, err := p.override(object)
	if err != nil {
		return Policy{}, err
	}
	return changed, changed.Validate()
}

// CheckOverride returns an error unless a text can be given to Policy.Override, whatever the policy.
func CheckOverride(object string) error {
	_, err := Policy{}.override(object)
	return err
}

func (p Policy) override(object string) (Policy, error) {
	if strings.TrimSpace(object) == "" {
		return p, nil
	}
	type plain Policy // its fields, without those below
	changed := struct {
		plain
		Classes map[string]*struct {
			Sure  *float64 `json:"sure"`
			Maybe *float64 `json:"maybe"`
		} `json:"classes"`
		Against *[]Contrast `json:"against"`
	}{plain: plain(p.Clone())}
	decoder := json.NewDecoder(strings.NewReader(object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&changed); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Policy{}, errors.New("read policy: want one JSON object and nothing behind it")
	}
	result := Policy(changed.plain)
	if changed.Against != nil {
		result.Against = *changed.Against
	}
	for class, given := range changed.Classes {
		if given == nil {
			delete(result.Classes, class)
			continue
		}
		t, _ := p.Of(class)
		if given.Sure != nil {
			t.Sure = *given.Sure
			t.Maybe = min(t.Maybe, t.Sure)
		}
		if given.Maybe != nil {
			t.Maybe = *given.Maybe
		}
		if result.Classes == nil {
			result.Classes = map[string]Thresholds{}
		}
		result.Classes[class] = t
	}
	return result, nil
}

// PolicySettings are the layers that a user's policy is made of, each over the one before.
type PolicySettings struct {
	// Default is the program's own; the zero value means PolicyFromThreshold of Threshold alone.
	Default Policy
	// Threshold, unless 0, replaces the default by the policy of one number.
	Threshold float64
	// Override is a JSON object for Policy.Override; empty changes nothing.
	Override string
}

// Resolve returns the policy of a user: the default, then what the settings say, then the user's own. It is the
// only place where that is decided. Errors name the layer.
func (s PolicySettings) Resolve(user User) (Policy, error) {
	policy, err := s.Base()
	if err != nil {
		return Policy{}, err
	}
	if user.Threshold != 0 {
		policy = PolicyFromThreshold(user.Threshold)
	}
	if policy, err = policy.Override(user.Policy); err != nil {
		return Policy{}, fmt.Errorf("policy of user %s: %w", user.Name, err)
	}
	return policy, policy.Validate()
}

// Base is the policy of users that have none of their own.
func (s PolicySettings) Base() (Policy, error) {
	policy := s.Default
	if s.Threshold != 0 {
		policy = PolicyFromThreshold(s.Threshold)
	}
	policy, err := policy.Override(s.Override)
	if err != nil {
		return Policy{}, fmt.Errorf("policy of the settings: %w", err)
	}
	return policy, policy.Validate()
}

// Logit of a score in 0..1, the argument of the sigmoid that gives it; clamped to [-MaxLogit, MaxLogit].
func Logit(score float64) float64 {
	return min(max(math.Log(score/(1-score)), -MaxLogit), MaxLogit)
}

// MaxLogit bounds the logits that are told apart.
const MaxLogit = 16

// Sigmoid is the score of a logit.
func Sigmoid(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }
