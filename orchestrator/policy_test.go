package orchestrator_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

// contrasted is a valid policy with something in every field.
func contrasted() orchestrator.Policy {
	return orchestrator.Policy{
		Name: "test", Version: 3,
		Classes: map[string]orchestrator.Thresholds{
			orchestrator.AnyClass: {Sure: 0.3, Maybe: 0.1},
			"Baby laughter":       {Sure: 0.6, Maybe: 0.3},
		},
		Neighbours:   0.25,
		Against:      []orchestrator.Contrast{{Classes: []string{"Crying, sobbing", "Cough"}, Weight: 1, Margin: 2, Around: 2}},
		Release:      0.05,
		LongestPause: 1.5, ShortestLaugh: 0.2,
	}
}

// head is one of a class in three frames, with so many weights.
func head(weights int) *orchestrator.Head {
	return &orchestrator.Head{Name: "x", Version: 1, Classes: []string{"Laughter"}, Around: 1, Weights: make([]float64, weights), Weight: 1}
}

func TestPolicyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*orchestrator.Policy)
		want   string
	}{
		"nothing":              {func(*orchestrator.Policy) {}, ""},
		"no name":              {func(p *orchestrator.Policy) { p.Name = "" }, "name is"},
		"no version":           {func(p *orchestrator.Policy) { p.Version = 0 }, "version is 0"},
		"no classes":           {func(p *orchestrator.Policy) { p.Classes = nil }, "classes is empty"},
		"threshold above 1":    {func(p *orchestrator.Policy) { p.Classes["Giggle"] = orchestrator.Thresholds{Sure: 1.2, Maybe: 0.2} }, `"Giggle" is 1.2`},
		"threshold below 0":    {func(p *orchestrator.Policy) { p.Classes["Giggle"] = orchestrator.Thresholds{Sure: 0.2, Maybe: -1} }, `"Giggle" is -1`},
		"no number":            {func(p *orchestrator.Policy) { p.Classes["*"] = orchestrator.Thresholds{Sure: math.NaN(), Maybe: 0.1} }, "NaN"},
		"maybe above sure":     {func(p *orchestrator.Policy) { p.Classes["*"] = orchestrator.Thresholds{Sure: 0.2, Maybe: 0.3} }, "above its sure threshold"},
		"release above":        {func(p *orchestrator.Policy) { p.Release = 0.2 }, `release is 0.2, above the threshold of class "*", 0.1`},
		"for and against":      {func(p *orchestrator.Policy) { p.Against[0].Classes = []string{"Cough", "Baby laughter"} }, `"Baby laughter" is both`},
		"against everything":   {func(p *orchestrator.Policy) { p.Against[0].Classes = []string{"*"} }, `against has the class "*"`},
		"twice against":        {func(p *orchestrator.Policy) { p.Against[0].Classes = []string{"Cough", "Cough"} }, "twice"},
		"nothing against":      {func(p *orchestrator.Policy) { p.Against[0].Classes = nil }, "against 1 has no classes"},
		"around":               {func(p *orchestrator.Policy) { p.Against[0].Around = 99 }, "around_s of against 1 is 99"},
		"neighbours":           {func(p *orchestrator.Policy) { p.Neighbours = 2 }, "neighbours is 2"},
		"weight":               {func(p *orchestrator.Policy) { p.Against[0].Weight = -1 }, "weight of against 1 is -1"},
		"pause that never end": {func(p *orchestrator.Policy) { p.LongestPause = math.Inf(1) }, "longest_pause_s is +Inf"},
		"shortest":             {func(p *orchestrator.Policy) { p.ShortestLaugh = -1 }, "shortest_laugh_s is -1"},
		"clips":                {func(p *orchestrator.Policy) { p.Clips = orchestrator.ClipRule{Keep: "some"} }, `keep of clips is "some"`},
		"speech in clips":      {func(p *orchestrator.Policy) { p.Clips.SpeechBelow = 2 }, "speech_below of clips is 2"},
		"a head":               {func(p *orchestrator.Policy) { p.Head = head(3) }, ""},
		"weights of a head":    {func(p *orchestrator.Policy) { p.Head = head(2) }, "head: 2 weights; want 3"},
		"a head of nothing":    {func(p *orchestrator.Policy) { p.Head = &orchestrator.Head{Name: "x", Version: 1} }, "head: 0 classes"},
		"no number in a head":  {func(p *orchestrator.Policy) { p.Head = head(3); p.Head.Weights[1] = math.NaN() }, "no finite number"},
		"weight of a head":     {func(p *orchestrator.Policy) { p.Head = head(3); p.Head.Weight = -1 }, "head: weight is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := contrasted()
			c.change(&p)
			err := p.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	p := contrasted()
	p.Version, p.Neighbours, p.Release = 0, 7, 2
	for _, want := range []string{"version", "neighbours", "release"} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("everything that is wrong at once: %v lacks %s", err, want)
		}
	}
}

func TestPolicyAndModel(t *testing.T) {
	t.Parallel()
	laughter, others := []string{"Laughter", "Baby laughter"}, []string{"Cough", "Crying, sobbing", "Speech"}
	if err := contrasted().Check(laughter, others); err != nil {
		t.Error(err)
	}
	if err := contrasted().Check(laughter[:1], others[:1]); err == nil || !strings.Contains(err.Error(), `"Baby laughter", "Crying, sobbing"`) {
		t.Errorf("a model that lacks both: %v", err)
	}
	p := contrasted()
	p.Against[0].Classes = []string{"Laughter"}
	if err := p.Check(laughter, others); err == nil || !strings.Contains(err.Error(), `"Laughter" is in against`) {
		t.Errorf("what is laughter of the model argues against it: %v", err)
	}
}

func TestPolicyIsKeptByJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(contrasted())
	if err != nil {
		t.Fatal(err)
	}
	got, err := orchestrator.Policy{}.Override(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contrasted(), got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	base := contrasted()
	got, err := base.Override(`{"release": 0.02, "classes": {"Giggle": {"sure": 0.2}, "Baby laughter": null}, "against": [{"classes": ["Cough"], "weight": 2}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := contrasted()
	want.Release, want.Against = 0.02, []orchestrator.Contrast{{Classes: []string{"Cough"}, Weight: 2}}
	want.Classes["Giggle"] = orchestrator.Thresholds{Sure: 0.2, Maybe: 0.1}
	delete(want.Classes, "Baby laughter")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(contrasted(), base); diff != "" {
		t.Errorf("the base was changed:\n%s", diff)
	}
	for text, want := range map[string]string{
		`{"clases": {}}`:                        `"clases"`,
		`{"classes": {"Giggle": {"shure": 1}}}`: `"shure"`,
		`{"release": "low"}`:                    "release",
		`{} {}`:                                 "nothing behind it",
		`{"release": 0.05`:                      "unexpected EOF",
		`[1]`:                                   "array",
		`{"classes": {"*": null, "Baby laughter": null}}`: "classes is empty",
	} {
		if _, err := base.Override(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

func TestPolicyIsResolvedLayerByLayer(t *testing.T) {
	t.Parallel()
	settings := orchestrator.PolicySettings{Default: contrasted()}
	resolve := func(s orchestrator.PolicySettings, user orchestrator.User) orchestrator.Policy {
		t.Helper()
		policy, err := s.Resolve(user)
		if err != nil {
			t.Fatal(err)
		}
		return policy
	}
	if got := resolve(settings, orchestrator.User{}); !cmp.Equal(got, contrasted()) {
		t.Errorf("the default: %+v", got)
	}
	settings.Threshold = 0.4
	if got := resolve(settings, orchestrator.User{}); !cmp.Equal(got, orchestrator.PolicyFromThreshold(0.4)) {
		t.Errorf("a threshold: %+v", got)
	}
	settings.Override = `{"name": "house", "longest_pause_s": 2}`
	if got := resolve(settings, orchestrator.User{}); got.Name != "house" || got.LongestPause != 2 || got.Classes["*"].Sure != 0.4 {
		t.Errorf("an override over a threshold: %+v", got)
	}
	if got := resolve(settings, orchestrator.User{Threshold: 0.5}); !cmp.Equal(got, orchestrator.PolicyFromThreshold(0.5)) {
		t.Errorf("a user's threshold: %+v", got)
	}
	got := resolve(settings, orchestrator.User{Policy: `{"classes": {"Giggle": {"sure": 0.6}}}`})
	if got.LongestPause != 2 || got.Classes["Giggle"] != (orchestrator.Thresholds{Sure: 0.6, Maybe: 0.4}) {
		t.Errorf("a user's override: %+v", got)
	}
	if _, err := settings.Resolve(orchestrator.User{Name: "alice", Policy: `{"release": 0.9}`}); err == nil || !strings.Contains(err.Error(), "user alice") {
		t.Errorf("a user's policy that is invalid: %v", err)
	}
	settings.Override = "{"
	if _, err := settings.Base(); err == nil || !strings.Contains(err.Error(), "policy of the settings") {
		t.Errorf("a setting that is invalid: %v", err)
	}
}

func TestLogit(t *testing.T) {
	t.Parallel()
	for _, score := range []float64{0.001, 0.175, 0.5, 0.9, 0.999} {
		if got := orchestrator.Sigmoid(orchestrator.Logit(score)); math.Abs(got-score) > 1e-12 {
			t.Errorf("%v comes back as %v", score, got)
		}
	}
	if orchestrator.Logit(0) != -orchestrator.MaxLogit || orchestrator.Logit(1) != orchestrator.MaxLogit {
		t.Errorf("0 and 1: %v and %v", orchestrator.Logit(0), orchestrator.Logit(1))
	}
}

func TestClipRule(t *testing.T) {
	t.Parallel()
	laugh := orchestrator.Laugh{Onset: 16000, Offset: 48000, Around: orchestrator.Around{Speech: 0.6}}
	for name, c := range map[string]struct {
		rule orchestrator.ClipRule
		want orchestrator.SampleSpan
		ok   bool
	}{
		"what is around it":  {orchestrator.ClipRule{}, orchestrator.SampleSpan{Start: 0, End: 80000}, true},
		"the laugh alone":    {orchestrator.ClipRule{Keep: orchestrator.KeepLaugh}, orchestrator.SampleSpan{Start: 16000, End: 48000}, true},
		"nothing":            {orchestrator.ClipRule{Keep: orchestrator.KeepNothing}, orchestrator.SampleSpan{}, false},
		"others talk":        {orchestrator.ClipRule{SpeechBelow: 0.6}, orchestrator.SampleSpan{}, false},
		"others talk softly": {orchestrator.ClipRule{SpeechBelow: 0.7}, orchestrator.SampleSpan{Start: 0, End: 80000}, true},
	} {
		if got, ok := c.rule.Span(laugh, 90000); got != c.want || ok != c.ok {
			t.Errorf("%s: %v %v, want %v %v", name, got, ok, c.want, c.ok)
		}
	}
}
