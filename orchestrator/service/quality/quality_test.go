package quality

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestMetricsOfTheField holds both metrics to the figures of sed_eval and sed_scores_eval; testdata/sed_reference.py has
// computed them.
func TestMetricsOfTheField(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/sed_reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Labels, Found [][2]float64
		EventBased    Counts `json:"event_based"`
		Intersection  Counts `json:"intersection_based"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	events := func(spans [][2]float64) (events []Event) {
		for _, s := range spans {
			events = append(events, Event{s[0], s[1]})
		}
		return events
	}
	var sum Counts
	for i, c := range cases {
		got := [2]Counts{EventBased(events(c.Labels), events(c.Found), Collar, CollarOfLength),
			IntersectionBased(events(c.Labels), events(c.Found), IntersectionPart, IntersectionPart)}
		sum.add(got[0])
		for k := range got {
			got[k].F1 = 0
		}
		if want := [2]Counts{c.EventBased, c.Intersection}; got != want {
			t.Errorf("case %d: got %+v, want %+v", i+1, got, want)
		}
	}
	if len(cases) < 50 || sum.Right == 0 || sum.F1 <= 0 || sum.F1 >= 1 {
		t.Errorf("%d cases, in all %+v", len(cases), sum)
	}
}

func TestReadLabels(t *testing.T) {
	t.Parallel()
	whole := func(file string, kind Kind, class, source string, line int) Label {
		return Label{File: file, Whole: true, Kind: kind, Class: class, Source: source, Line: line}
	}
	for name, c := range map[string]struct {
		text     string
		want     []Label
		problems []string
	}{
		"columns by name": {"file\tlabel\tclass\ttimes_s\tseconds\tfrom\na.wav\tlaugh\tgiggle\t\t5.2\tphones\nb.wav\tnolaugh\tbaby-cry\t\t1\thome\nc.wav\tlaugh\tlaugh\t2.6-5.3; 9–10\t20\thome\n",
			[]Label{whole("a.wav", Laugh, "giggle", "phones", 2), whole("b.wav", NoLaugh, "baby-cry", "home", 3),
				{File: "c.wav", Onset: 2.6, Offset: 5.3, Kind: Laugh, Class: "laugh", Source: "home", Line: 4},
				{File: "c.wav", Onset: 9, Offset: 10, Kind: Laugh, Class: "laugh", Source: "home", Line: 4}}, nil},
		"DCASE": {"filename,onset,offset,event_label\na.wav,1,2,Laughter\na.wav,3,4,speech\n",
			[]Label{{File: "a.wav", Onset: 1, Offset: 2, Kind: Laugh, Class: "Laughter", Line: 2}, {File: "a.wav", Onset: 3, Offset: 4, Kind: NoLaugh, Class: "speech", Line: 3}}, nil},
		"sed_eval": {"a.wav\t1.0\t2.5\tlaughter\nb.wav\thome\t1\t2\tcough\n",
			[]Label{{File: "a.wav", Onset: 1, Offset: 2.5, Kind: Laugh, Class: "laughter", Line: 1}, {File: "b.wav", Onset: 1, Offset: 2, Kind: NoLaugh, Class: "cough", Line: 2}}, nil},
		"file, onset, offset, label, class": {"a.wav\t0\t1\tnolaugh\tsinging\n", []Label{{File: "a.wav", Offset: 1, Kind: NoLaugh, Class: "singing", Line: 1}}, nil},
		"Audacity": {"1.000000\t2.000000\tlaugh\n\\\t100.0\t200.0\n3\t4\t?\n5\t6\t\n",
			[]Label{{Onset: 1, Offset: 2, Kind: Laugh, Class: "laugh", Line: 1}, {Onset: 3, Offset: 4, Kind: Unsure, Class: "?", Line: 3}, {Onset: 5, Offset: 6, Kind: Laugh, Class: "laugh", Line: 4}}, nil},
		"bad rows": {"a.wav\t2\t1\tlaugh\na.wav\t-1\t1\tlaugh\na.wav\tNaN\t1\tlaugh\na.wav\nb.wav\t0\t1\tlaugh\n\xff\t0\t1\tlaugh\n",
			[]Label{{File: "b.wav", Offset: 1, Kind: Laugh, Class: "laugh", Line: 5}},
			[]string{"offset 1 is not behind onset 2", "onset -1 is before", "finite", "want file, onset", "not UTF-8"}},
		"nothing": {"# a comment\n\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labels, problems, err := ReadLabels(strings.NewReader(c.text))
			if (err != nil) != (c.want == nil) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(c.want, labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if len(problems) != len(c.problems) {
				t.Fatalf("problems %v, want %v", problems, c.problems)
			}
			for i, p := range problems {
				if !strings.Contains(p.Cause, c.problems[i]) || p.Line == 0 {
					t.Errorf("problem %+v, want %q", p, c.problems[i])
				}
			}
		})
	}
}

func FuzzReadLabels(f *testing.F) {
	f.Add("file\tlabel\na.wav\tlaugh\n")
	f.Add("a.wav\t1\t2\tlaugh\n1\t2\n")
	f.Fuzz(func(t *testing.T, text string) {
		labels, _, _ := ReadLabels(strings.NewReader(text))
		for _, l := range labels {
			if !l.Whole && !(l.Onset >= 0 && l.Offset > l.Onset) {
				t.Errorf("label %+v", l)
			}
		}
	})
}

// sound is a recording of 100 s with these labels. What is found in it says detector.
func sound(file string, labels ...Label) Sound {
	return Sound{File: file, Scores: orchestrator.Scores{Length: 100 * orchestrator.SampleRateHz}, Labels: labels}
}

func found(tier orchestrator.Tier, onset, offset, evidence float64) orchestrator.Laugh {
	return orchestrator.Laugh{Onset: int64(onset * orchestrator.SampleRateHz), Offset: int64(offset * orchestrator.SampleRateHz), Tier: tier, Evidence: evidence, Class: "Laughter", Score: evidence}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	sure, maybe := orchestrator.TierSure, orchestrator.TierMaybe
	timed := sound("a.wav", Label{Onset: 10, Offset: 12, Kind: Laugh, Class: "giggle", Source: "home", Line: 1},
		Label{Onset: 20, Offset: 20.5, Kind: Laugh, Class: "giggle", Source: "home", Line: 2},
		Label{Onset: 30, Offset: 40, Kind: Unsure, Source: "home", Line: 3}, Label{Onset: 50, Offset: 60, Kind: NoLaugh, Class: "baby-cry", Source: "home", Line: 4},
		Label{Onset: 99, Offset: 120, Kind: NoLaugh, Line: 5}, Label{Onset: 100, Offset: 120, Kind: Laugh, Line: 6})
	clip := sound("b.wav", Label{Whole: true, Kind: Laugh, Class: "laughing", Source: "phones"})
	other := sound("c.wav", Label{Whole: true, Kind: NoLaugh, Class: "cough", Source: "phones"})
	if problems := timed.Fit(); len(problems) != 2 || problems[0].Line != 5 && problems[0].Line != 6 {
		t.Errorf("problems %+v", problems)
	}
	clip.Fit()
	other.Fit()
	timed.Scores.Hop, clip.Scores.Hop, other.Scores.Hop = 1, 2, 3 // by which the detector tells them apart
	detect := func(s orchestrator.Scores, _ orchestrator.Policy) []orchestrator.Laugh {
		return map[int64][]orchestrator.Laugh{
			1: {found(sure, 10.1, 12.3, 0.5), found(sure, 35, 36, 0.4), found(maybe, 52, 53, 0.1), found(sure, 70, 71, 0.3)},
			2: {found(maybe, 1, 2, 0.1), found(maybe, 5, 6, 0.2)},
			3: {found(sure, 1, 2, 0.9)},
		}[s.Hop]
	}
	policy := orchestrator.PolicyFromThreshold(0.2)
	sounds := []Sound{timed, clip, other}
	got := Measure(sounds, policy, detect, true)
	if want := (Found{"all", 3, 1, 2}); got.All != want {
		t.Errorf("all %+v, want %+v", got.All, want)
	}
	if diff := cmp.Diff([]Found{{"home", 2, 1, 1}, {"phones", 1, 0, 1}}, got.BySource); diff != "" {
		t.Errorf("by source (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Found{{"under 1 s", 1, 0, 0}, {"1 to 2 s", 0, 0, 0}, {"2 to 5 s", 1, 1, 1}, {"5 s and more", 1, 0, 1}}, got.ByLength); diff != "" {
		t.Errorf("by length (-want +got):\n%s", diff)
	}
	hours := func(s float64) float64 { return s / 3600 }
	near := func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
	groups := got.Groups
	if len(groups) != 3 || groups[0].Sure != 1 || groups[0].Either != 1 || !near(groups[0].Hours, hours(100-2-0.5-10-10)) ||
		groups[1].Sure != 0 || groups[1].Either != 1 || !near(groups[1].Hours, hours(10)) || groups[2].Sure != 1 || !near(groups[2].Hours, hours(100)) {
		t.Errorf("false by group %+v", groups)
	}
	if e := got.Edges; e.Labels != 1 || !near(e.Onset, 0.1) || !near(e.OffsetAbs, 0.3) {
		t.Errorf("edges %+v", e)
	}
	if m := got.Sure; m == nil || m.EventBased.Right != 1 || m.EventBased.Missed != 1 || m.EventBased.Wrong != 2 {
		t.Errorf("metrics %+v", m)
	}
	if len(got.Curve) != 33 || got.Curve[0].Threshold <= got.Curve[32].Threshold {
		t.Errorf("curve %+v", got.Curve)
	}

	// Another policy loses a laugh, and takes another stretch for one.
	looked, wrong := Outcomes(sounds, policy, detect)
	changed := func(s orchestrator.Scores, _ orchestrator.Policy) []orchestrator.Laugh {
		if s.Hop == 1 {
			return []orchestrator.Laugh{found(sure, 20, 21, 0.5), found(maybe, 70, 71, 0.3), found(sure, 80, 81, 0.3)}
		}
		return detect(s, policy)
	}
	lookedB, wrongB := Outcomes(sounds, policy, changed)
	var lines []string
	for _, c := range Compare(looked, wrong, lookedB, wrongB) {
		better := "worse"
		if c.Better {
			better = "better"
		}
		lines = append(lines, strings.Join([]string{c.File, c.What, c.A, c.B, better}, " "))
	}
	want := []string{"a.wav laugh sure none worse", "a.wav laugh none sure better", "a.wav baby-cry maybe none better", "a.wav unlabelled sure maybe better", "a.wav unlabelled none sure worse"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// What is right and missed are all the labels, what is right and wrong all that was found.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := func(name string) (events []Event) {
			at := 0.0
			for _, gap := range rapid.SliceOfN(rapid.Float64Range(0.01, 3), 0, 12).Draw(t, name) {
				length := rapid.Float64Range(0.05, 3).Draw(t, "length")
				events = append(events, Event{at + gap, at + gap + length})
				at += gap + length
			}
			return events
		}
		labels, found := events("labels"), events("found")
		e := EventBased(labels, found, Collar, CollarOfLength)
		if e.Right+e.Missed != len(labels) || e.Right+e.Wrong != len(found) {
			t.Fatalf("%+v of %d labels and %d found", e, len(labels), len(found))
		}
		if i := IntersectionBased(labels, labels, IntersectionPart, IntersectionPart); i.Missed+i.Wrong != 0 {
			t.Fatalf("labels against themselves: %+v", i)
		}
	})
}
