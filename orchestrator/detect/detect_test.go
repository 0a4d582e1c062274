package detect_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

const (
	window = 15600
	hop    = 7680
	// mergeGap is the longest pause of PolicyFromThreshold, in samples.
	mergeGap = 3 * orchestrator.SampleRateHz / 2
	edge     = (window - hop) / 2 // from a window's start to where its frame becomes the nearest
)

// heard makes the scores of a recording from one row a class.
func heard(rows ...[]float32) orchestrator.Scores {
	s := orchestrator.Scores{Window: window, Hop: hop}
	for class := range rows {
		s.Classes = append(s.Classes, string(rune('A'+class)))
	}
	n := len(rows[0])
	for frame := range n {
		scores := make([]float32, len(rows))
		for class, row := range rows {
			scores[class] = row[frame]
		}
		if err := s.Add(orchestrator.Frame{Offset: int64(frame) * hop, Scores: scores}); err != nil {
			panic(err)
		}
	}
	s.Close(int64(n-1)*hop + window)
	return s
}

// under finds the laughs under the policy of one threshold.
func under(s orchestrator.Scores, threshold float64) []orchestrator.Laugh {
	return detect.Laughs(s, orchestrator.PolicyFromThreshold(threshold))
}

// span is the onset and offset of a laugh from frame first to last, inside the recording.
func span(first, last int64) [2]int64 {
	return [2]int64{first*hop + edge, (last+1)*hop + edge}
}

func spans(laughs []orchestrator.Laugh) (all [][2]int64) {
	for _, laugh := range laughs {
		all = append(all, [2]int64{laugh.Onset, laugh.Offset})
	}
	return all
}

func TestLaughs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		scores    []float32
		threshold float64
		want      [][2]int64
	}{
		{"silence", []float32{0, 0, 0, 0}, 0.2, nil},
		{"below the threshold", []float32{0, 0.15, 0.19, 0.15, 0}, 0.2, nil},
		{"one frame", []float32{0, 0, 0.5, 0, 0}, 0.2, [][2]int64{span(2, 2)}},
		{"exactly the threshold", []float32{0, 0, 0.25, 0, 0}, 0.25, [][2]int64{span(2, 2)}},
		{"the model's .199 is less than 0.2", []float32{0, 0, 0.19921875, 0, 0}, 0.2, nil},
		{"the model's .262 is not", []float32{0, 0, 0.26171875, 0, 0}, 0.2, [][2]int64{span(2, 2)}},
		{"the default takes .199", []float32{0, 0, 0.19921875, 0, 0}, detect.DefaultThreshold, [][2]int64{span(2, 2)}},
		{"the default leaves .148", []float32{0, 0, 0.1484375, 0, 0}, detect.DefaultThreshold, nil},
		{"extended down to half the threshold", []float32{0, 0.09, 0.11, 0.5, 0.11, 0.09, 0}, 0.2, [][2]int64{span(2, 4)}},
		{"extended down, never carried by weak frames alone", []float32{0, 0.15, 0.15, 0.15, 0}, 0.2, nil},
		{"a breath within a laugh", []float32{0, 0.5, 0, 0, 0, 0.5, 0}, 0.2, [][2]int64{span(1, 5)}},
		{"two laughs", []float32{0, 0.5, 0, 0, 0, 0, 0.5, 0}, 0.2, [][2]int64{span(1, 1), span(6, 6)}},
		{"a weak frame does not bridge", []float32{0, 0.5, 0, 0, 0.15, 0, 0, 0.5, 0}, 0.2, [][2]int64{span(1, 1), span(7, 7)}},
		{"from the first frame", []float32{0.5, 0.5, 0, 0, 0}, 0.2, [][2]int64{{0, 2*hop + edge}}},
		{"to the last frame", []float32{0, 0, 0, 0.5}, 0.2, [][2]int64{{3*hop + edge, 3*hop + window}}},
		{"all of it", []float32{1, 1, 1}, 1, [][2]int64{{0, 2*hop + window}}},
		{"a threshold that is not a number", []float32{1, 1, 1}, math.NaN(), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := spans(under(heard(test.scores), test.threshold))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("laughs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLaughSaysWhatWasHeard(t *testing.T) {
	t.Parallel()
	s := heard(
		[]float32{0, 0.25, 0.375, 0.25, 0, 0, 0, 0, 0},
		[]float32{0, 0.5, 0.75, 0.75, 0, 0, 0, 0, 0},
		[]float32{0.125, 0, 0, 0, 0, 0, 0, 0, 1})
	laughs := under(s, 0.4)
	want := []orchestrator.Laugh{
		{Onset: hop + edge, Offset: 4*hop + edge, Peak: 2 * hop, Score: 0.75, Class: "B", Tier: orchestrator.TierSure, Evidence: 0.75, ClassScores: []float64{0.375, 0.75, 0}},
		{Onset: 8*hop + edge, Offset: 8*hop + window, Peak: 8 * hop, Score: 1, Class: "C", Tier: orchestrator.TierSure, Evidence: 1, ClassScores: []float64{0, 0, 1}},
	}
	if diff := cmp.Diff(want, laughs); diff != "" {
		t.Errorf("laughs (-want +got):\n%s", diff)
	}
}

// The old system made fifteen laughs of it, one for each class and each five seconds, and kept the
// sound of the first frame instead of the best.
func TestDefect15OneLongLaughInThreeClassesIsOneLaugh(t *testing.T) {
	t.Parallel()
	rows := make([][]float32, 3)
	for class := range rows {
		rows[class] = make([]float32, 80)
		for i := range 63 { // 30 s, with dips where it draws breath
			rows[class][8+i] = []float32{0.3, 0.6, 0.05, 0.7, 0.2}[(i+class)%5]
		}
	}
	rows[1][40] = 0.91
	laughs := under(heard(rows...), 0.1)
	if len(laughs) != 1 {
		t.Fatalf("one laugh heard in three classes: got %d laughs", len(laughs))
	}
	laugh := laughs[0]
	if seconds := float64(laugh.Offset-laugh.Onset) / orchestrator.SampleRateHz; math.Abs(seconds-30) > 0.5 {
		t.Errorf("length: got %.2f s, want 30", seconds)
	}
	if laugh.Peak != 40*hop || laugh.Class != "B" {
		t.Errorf("peak: got class %s at frame %d, want B at 40", laugh.Class, laugh.Peak/hop)
	}
}

// Whatever the model's step, its own value is a threshold that it reaches, and the next number is not.
func TestEveryStepOfTheModelIsKeptByItsByte(t *testing.T) {
	t.Parallel()
	for step := 1; step < 256; step++ {
		value := float64(step) / 256
		s := heard([]float32{0, 0, float32(value), 0})
		if step == 128 || step == 129 {
			continue // the only two that share a byte
		}
		if got := under(s, value); len(got) != 1 || got[0].Score != value {
			t.Errorf("%v at its own threshold: %v", value, got)
		}
		if got := under(s, math.Nextafter(value, 1)); got != nil {
			t.Errorf("%v above its own threshold: %v", value, got)
		}
	}
}

func TestShortAndOddScores(t *testing.T) {
	t.Parallel()
	short := orchestrator.Scores{Classes: []string{"A"}, Window: window, Hop: hop, Data: []byte{200}}
	short.Close(300)
	if got := spans(under(short, 0.5)); !slices.Equal(got, [][2]int64{{0, 300}}) {
		t.Errorf("a recording shorter than one window: got %v", got)
	}
	for name, s := range map[string]orchestrator.Scores{
		"no classes":           {Window: window, Hop: hop, Length: 100},
		"no hop":               {Classes: []string{"A"}, Window: window, Length: 100, Data: []byte{255}},
		"no length":            {Classes: []string{"A"}, Window: window, Hop: hop, Data: []byte{255}},
		"no frames":            {Classes: []string{"A"}, Window: window, Hop: hop, Length: 100},
		"frames behind length": {Classes: []string{"A"}, Window: window, Hop: hop, Length: 100, Data: []byte{0, 0, 255, 0}},
	} {
		if got := under(s, 0.5); got != nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
	gaps := orchestrator.Scores{Classes: []string{"A"}, Window: 100, Hop: 300, Length: 1000, Data: []byte{0, 255, 0, 0}}
	if got := spans(under(gaps, 0.5)); !slices.Equal(got, [][2]int64{{200, 500}}) {
		t.Errorf("a hop longer than the window: got %v", got)
	}
}

// anyScores draws the scores of any recording.
func anyScores(t *rapid.T) orchestrator.Scores {
	s := orchestrator.Scores{
		Window: rapid.Int64Range(1, 20000).Draw(t, "window"),
		Hop:    rapid.Int64Range(1, 20000).Draw(t, "hop"),
	}
	for class := range rapid.IntRange(1, 6).Draw(t, "classes") {
		s.Classes = append(s.Classes, string(rune('A'+class)))
	}
	frames := rapid.IntRange(0, 60).Draw(t, "frames")
	steps := rapid.SampledFrom([]byte{0, 0, 0, 2, 21, 28, 38, 51, 67, 85, 106, 128, 200, 255})
	s.Data = rapid.SliceOfN(steps, frames*len(s.Classes), frames*len(s.Classes)).Draw(t, "data")
	s.Close(max(0, int64(frames-1)*s.Hop+rapid.Int64Range(1, s.Window).Draw(t, "rest")))
	return s
}

var anyThreshold = rapid.Float64Range(0.001, 1)

func TestLaughsAreInOrderDisjointAndWithinTheRecording(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, threshold := anyScores(t), anyThreshold.Draw(t, "threshold")
		before := slices.Clone(s.Data)
		end := int64(-mergeGap)
		for _, laugh := range under(s, threshold) {
			if laugh.Onset < 0 || laugh.Offset > s.Length || laugh.Onset >= laugh.Offset {
				t.Fatalf("laugh [%d, %d) of a recording of %d", laugh.Onset, laugh.Offset, s.Length)
			}
			if end >= 0 && laugh.Onset-end <= mergeGap {
				t.Fatalf("laugh at %d follows one that ended at %d", laugh.Onset, end)
			}
			end = laugh.Offset
			if laugh.Score < threshold || laugh.Score != slices.Max(laugh.ClassScores) {
				t.Fatalf("score %v of classes %v, threshold %v", laugh.Score, laugh.ClassScores, threshold)
			}
			if laugh.Score != laugh.ClassScores[slices.Index(s.Classes, laugh.Class)] {
				t.Fatalf("class %s of %v with scores %v", laugh.Class, s.Classes, laugh.ClassScores)
			}
			if laugh.Peak%s.Hop != 0 || best(s, int(laugh.Peak/s.Hop)) != laugh.Score {
				t.Fatalf("peak %d is not where %v was heard", laugh.Peak, laugh.Score)
			}
		}
		if !slices.Equal(before, s.Data) {
			t.Fatal("the scores were changed")
		}
	})
}

func TestEveryFrameThatReachesTheThresholdIsInALaugh(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, threshold := anyScores(t), anyThreshold.Draw(t, "threshold")
		laughs := under(s, threshold)
		for frame := range s.Frames() {
			middle := int64(frame)*s.Hop + (s.Window-1)/2
			if best(s, frame) < threshold || middle >= s.Length {
				continue
			}
			if !slices.ContainsFunc(laughs, func(l orchestrator.Laugh) bool { return l.Onset <= middle && middle < l.Offset }) {
				t.Fatalf("frame %d with %v is in none of %v", frame, best(s, frame), spans(laughs))
			}
		}
	})
}

func TestRaisingTheThresholdNeverAddsLaughingTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyScores(t)
		low, high := anyThreshold.Draw(t, "one"), anyThreshold.Draw(t, "other")
		low, high = min(low, high), max(low, high)
		wide := under(s, low)
		for _, narrow := range under(s, high) {
			if !slices.ContainsFunc(wide, func(l orchestrator.Laugh) bool { return l.Onset <= narrow.Onset && narrow.Offset <= l.Offset }) {
				t.Fatalf("[%d, %d) at %v lies in none of %v at %v", narrow.Onset, narrow.Offset, high, spans(wide), low)
			}
		}
	})
}

func TestTheOrderOfClassesChangesOnlyNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, threshold := anyScores(t), anyThreshold.Draw(t, "threshold")
		order := rapid.Permutation(indices(len(s.Classes))).Draw(t, "order")
		turned := s
		turned.Classes, turned.Data = nil, nil
		for _, class := range order {
			turned.Classes = append(turned.Classes, s.Classes[class])
		}
		for frame := range s.Frames() {
			for _, class := range order {
				turned.Data = append(turned.Data, s.Data[frame*len(s.Classes)+class])
			}
		}
		want, got := under(s, threshold), under(turned, threshold)
		for i := range want { // two classes may share the best score: then the first names the laugh
			want[i].Class = ""
			scores := want[i].ClassScores
			want[i].ClassScores = nil
			for _, class := range order {
				want[i].ClassScores = append(want[i].ClassScores, scores[class])
			}
		}
		for i := range got {
			got[i].Class = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("laughs (-want +got):\n%s", diff)
		}
	})
}

func best(s orchestrator.Scores, frame int) float64 {
	n := len(s.Classes)
	return math.Round(float64(slices.Max(s.Data[frame*n:(frame+1)*n]))*256/255) / 256
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func BenchmarkLaughsOfADay(b *testing.B) {
	s := orchestrator.Scores{Classes: make([]string, 6), Window: window, Hop: hop, Data: make([]byte, 6*180_000)}
	for i := range s.Data {
		s.Data[i] = byte(i * 7919 >> 8)
	}
	s.Close(179_999*hop + window)
	for b.Loop() {
		under(s, 0.9)
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	policy := orchestrator.Policy{Classes: map[string]orchestrator.Thresholds{"*": {Sure: 0.5, Maybe: 0.2}, "B": {Sure: 0.9, Maybe: 0.6}}, Release: 0.1, LongestPause: 1.5, ShortestLaugh: 0.9}
	second := []float32{0, 0.8, 0.8, 0, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.95, 0}
	first := []float32{0, 0.1, 0.1, 0, 0, 0, 0, 0, 0.1, 0.1, 0, 0, 0, 0.3, 0.3, 0, 0, 0.6, 0.6, 0, 0, 0, 0, 0, 0}
	var got []string
	for _, laugh := range detect.Laughs(heard(first, second), policy) {
		got = append(got, string(laugh.Tier)+" "+laugh.Class)
	}
	// 0.8 of B is one that may be, 0.5 none; 0.3 and 0.6 of A lie within a pause, and the better counts; the last is too short
	if want := []string{"maybe B", "sure A"}; !slices.Equal(got, want) {
		t.Errorf("laughs: got %v, want %v", got, want)
	}
}
