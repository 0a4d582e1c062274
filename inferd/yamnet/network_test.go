package yamnet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/internal/testkit"
)

func wholeOptions(t testing.TB, models int) Options {
	t.Helper()
	o := testOptions(t, models)
	o.Whole = true
	return o
}

// noise is deterministic.
func noise(n int, amplitude float64) []float32 {
	random := rand.New(rand.NewPCG(7, 7))
	samples := make([]float32, n)
	for i := range samples {
		samples[i] = float32(amplitude * (2*random.Float64() - 1))
	}
	return samples
}

// TestSameScoresAsWholeModel compares all 521 scores of every frame.
func TestSameScoresAsWholeModel(t *testing.T) {
	t.Parallel()
	own, whole := openModels(t, testOptions(t, 1))[0], openModels(t, wholeOptions(t, 1))[0]
	if fmt.Sprintf("%T %T", own, whole) != "*yamnet.network *yamnet.whole" {
		t.Fatalf("compared %T with %T", own, whole)
	}
	sounds := map[string][]float32{
		"loud noise":       noise(5*sampleRateHz, 1),
		"faint noise":      noise(5*sampleRateHz, 1e-4),
		"silence":          make([]float32, 2*sampleRateHz),
		"sound in silence": slices.Concat(make([]float32, 40000), noise(8000, 0.3), make([]float32, 40000)),
	}
	for _, name := range audioFiles(t) {
		sounds[name] = decode(t, testkit.Audio(t, name))
	}
	values := levels()
	scores, other := 0, 0
	for name, samples := range sounds {
		for _, hop := range []int{hop, 7777} { // the second shares no steps
			padded, n := frames(samples, hop)
			got, want := make([]float32, n*521), make([]float32, n*521)
			if err := own.Predict(padded, hop, got); err != nil {
				t.Fatal(err)
			}
			if err := whole.Predict(padded, hop, want); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				scores++
				d := level(values, float64(got[i])) - level(values, float64(want[i]))
				if d == 0 { // ours is not rounded to 1/256
					continue
				}
				other++
				if d < -1 || d > 1 {
					t.Errorf("%s, hop %d: score %d is %v, the whole model's %v", name, hop, i, got[i], want[i])
				}
			}
		}
	}
	t.Logf("%d of %d scores are a neighbour of the whole model's", other, scores)
	if other*100 > scores {
		t.Errorf("%d of %d scores differ", other, scores)
	}
}

// TestLogitsGiveTheScores holds the two forms of an answer to each other, and the step to the model file's.
func TestLogitsGiveTheScores(t *testing.T) {
	t.Parallel()
	model := openModels(t, testOptions(t, 1))[0].(inferd.LogitModel)
	padded, n := frames(decode(t, testkit.Audio(t, "laughter/laughter_2.wav")), hop)
	scores, logits := make([]float32, n*521), make([]float32, n*521)
	if err := model.Predict(padded, hop, scores); err != nil {
		t.Fatal(err)
	}
	if err := model.PredictLogits(padded, hop, logits); err != nil {
		t.Fatal(err)
	}
	step := float64(model.LogitStep())
	if math.Abs(step-0.3471775) > 1e-6 {
		t.Errorf("step of %v", step)
	}
	low := 0
	for i, logit := range logits {
		if want := 1 / (1 + math.Exp(-float64(logit))); math.Abs(float64(scores[i])-want) > 1e-6 {
			t.Fatalf("score %d is %v, its logit %v stands for %v", i, scores[i], logit, want)
		}
		if off := float64(logit) / step; math.Abs(off-math.Round(off)) > 1e-3 {
			t.Fatalf("logit %d is %v, %v steps", i, logit, off)
		}
		if logit < -6.3 {
			low++
		}
	}
	if low == 0 {
		t.Error("no logit is below what a score of 1/256 can say")
	}
}

// TestScoresDoNotDependOnNeighbours scores windows together and one by one.
func TestScoresDoNotDependOnNeighbours(t *testing.T) {
	t.Parallel()
	model := openModels(t, testOptions(t, 1))[0]
	samples := slices.Concat(make([]float32, 30000), noise(60000, 0.2), make([]float32, 30000))
	for _, hop := range []int{hop, 160, 4000, 4001} {
		padded, n := frames(samples[:min(len(samples), window+20*hop)], hop)
		together, alone := make([]float32, n*521), make([]float32, 521)
		if err := model.Predict(padded, hop, together); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := model.Predict(padded[i*hop:i*hop+window], hop, alone); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone, together[i*521:(i+1)*521]) {
				t.Errorf("hop %d: window %d has other scores alone", hop, i)
			}
		}
	}
}

// TestAbsurdSound has samples that are finite but far out of [-1, 1].
func TestAbsurdSound(t *testing.T) {
	t.Parallel()
	model := openModels(t, testOptions(t, 1))[0]
	scores := make([]float32, 521)
	for _, amplitude := range []float64{10, 1e10, math.MaxFloat32} {
		if err := model.Predict(noise(window, amplitude), hop, scores); err != nil {
			t.Fatal(err)
		}
		for i, score := range scores {
			if !(score >= 0 && score <= 1) {
				t.Errorf("amplitude %v: score %d is %v", amplitude, i, score)
			}
		}
	}
}

// TestOtherFileRunsWhole changes a weight: the front end is replaced in the known file only.
func TestOtherFileRunsWhole(t *testing.T) {
	t.Parallel()
	if _, ok := openModels(t, changedModel(t, 1_000_000))[0].(*whole); !ok {
		t.Error("an unknown file was changed")
	}
}

func TestQuantiser(t *testing.T) {
	t.Parallel()
	const scale, zero = 0.048020608723163605, 16
	z := newQuantiser(scale, zero)
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float32Range(0, 1000).Draw(t, "value")
		exact := math.Log(float64(v))/float64(float32(scale)) + zero
		if math.Abs(exact-math.Floor(exact)-0.5) < 1e-4 {
			return // either way is right
		}
		if got, want := z.quantise(v), int8(min(max(math.Round(exact), -128), 127)); got != want {
			t.Fatalf("%v is rounded to %d, want %d", v, got, want)
		}
	})
	for v, want := range map[float32]int8{0: -128, 0.001: -128, 1: 16, 1e30: 127, float32(math.Inf(1)): 127, float32(math.NaN()): 127} {
		if got := z.quantise(v); got != want {
			t.Errorf("%v is rounded to %d, want %d", v, got, want)
		}
	}
}

func benchmarkModel(b *testing.B, model inferd.Model) {
	const windows = 8
	samples := noise(window+(windows-1)*hop, 0.1)
	scores := make([]float32, windows*521)
	before := testkit.CPU(b)
	for b.Loop() {
		if err := model.Predict(samples, hop, scores); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((testkit.CPU(b)-before).Microseconds())/float64(b.N*windows), "cpu-µs/frame")
}

func BenchmarkWholeModel(b *testing.B) { benchmarkModel(b, openModels(b, wholeOptions(b, 1))[0]) }

func BenchmarkOwnFrontEnd(b *testing.B) { benchmarkModel(b, openModels(b, testOptions(b, 1))[0]) }

func BenchmarkFrontEndAlone(b *testing.B) {
	model := openModels(b, testOptions(b, 1))[0].(*network)
	samples := noise(window+7*hop, 0.1)
	before := testkit.CPU(b)
	for b.Loop() {
		model.fill(samples)
	}
	b.ReportMetric(float64((testkit.CPU(b)-before).Microseconds())/float64(b.N*8), "cpu-µs/frame")
}
