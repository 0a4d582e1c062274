package audio

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const second = 16000

func level(blocks [][]float32) [][]float32 { return levelAbove(0, blocks) }

func levelAbove(silence float32, blocks [][]float32) [][]float32 {
	l := leveller{silencer: silencer{below: silence}}
	var out [][]float32
	for _, block := range blocks {
		if ready := l.push(slices.Clone(block)); ready != nil {
			out = append(out, ready)
		}
	}
	for ready := l.flush(); ready != nil; ready = l.flush() {
		out = append(out, ready)
	}
	return out
}

// levelled is a whole recording, levelled.
func levelled(sound []float32) []float32 {
	return slices.Concat(level(slices.Collect(slices.Chunk(sound, blockLength)))...)
}

// tones is a sound of several pitches, all of them heard, with this peak at most.
func tones(seconds float64, peak float64) []float32 {
	sound := make([]float32, int(seconds*second))
	for i := range sound {
		t := float64(i) / second
		sound[i] = float32(peak / 3 * (math.Sin(2*math.Pi*310*t) + math.Sin(2*math.Pi*770*t) + math.Sin(2*math.Pi*1930*t)))
	}
	return sound
}

// hum adds a tone.
func hum(sound []float32, hz, amplitude float64) []float32 {
	sound = slices.Clone(sound)
	for i := range sound {
		sound[i] += float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/second))
	}
	return sound
}

// strength is the root mean square of a stretch, in seconds.
func strength(sound []float32, from, to float64) float64 {
	part := sound[int(from*second):int(to*second)]
	sum := 0.0
	for _, v := range part {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(part)))
}

// What a model hears is what it hears of the sound alone, whatever else there is that it does not hear.
func TestLevelIsThatOfWhatIsHeard(t *testing.T) {
	t.Parallel()
	const quiet = 0.008
	silence := make([]float32, 5*second)
	alone := slices.Concat(silence, tones(1, quiet), silence)
	at := func(sound []float32, place float64, what []float32) []float32 {
		sound = slices.Clone(sound)
		for i, v := range what {
			sound[int(place*second)+i] += v
		}
		return sound
	}
	offset := slices.Clone(alone)
	for i := range offset {
		offset[i] += 0.5
	}
	const most = levelTarget / quiet * 1.1 // the tones do not meet at their highest
	for _, test := range []struct {
		name  string
		sound []float32
	}{
		{"alone", alone},
		{"a click", at(alone, 8, []float32{1})},
		{"a click within it", at(alone, 5.5, []float32{1})},
		{"a knock", at(alone, 8, hum(make([]float32, second/20), 300, 0.9))},
		{"three knocks", at(at(at(alone, 4.2, hum(make([]float32, second/20), 300, 0.9)), 7.1, hum(make([]float32, second/20), 300, 0.9)), 7.7, hum(make([]float32, second/20), 300, 0.9))},
		{"a loud word", at(alone, 1, tones(0.6, 0.9))},
		{"hum of 50 Hz", hum(alone, 50, 0.8)},
		{"hum of 60 Hz", hum(alone, 60, 0.8)},
		{"rumble", hum(alone, 8, 0.9)},
		{"an offset", offset},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := levelled(test.sound)
			gain := strength(got, 5.1, 5.4) / strength(alone, 5.1, 5.4)
			if gain < levelTarget/quiet*0.7 || gain > most {
				t.Errorf("it is brought up by %.1f, want about %.1f", gain, levelTarget/quiet)
			}
			if peak := peakOf(got); peak > levelCeiling {
				t.Errorf("the peak is %v", peak)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		peak []float64 // of stretches of 30 s
		want []float64 // the gain in the middle of each
	}{
		{"loud stays", []float64{0.9, 0.45, 1}, []float64{1, 1, 1}},
		{"quiet is brought up", []float64{0.03}, []float64{10}},
		{"not without bounds", []float64{1e-4}, []float64{levelMaxGain}},
		{"silence stays", []float64{0, 0}, []float64{1, 1}},
		{"each stretch by itself", []float64{0.003, 0.9, 0.06, 0}, []float64{100, 1, 5, 1}},
		{"too loud is brought down", []float64{10, 0.9}, []float64{0.1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sound []float32
			for _, peak := range test.peak {
				sound = append(sound, tones(30, peak)...)
			}
			got := levelled(sound)
			for i, want := range test.want {
				gain := 1.0
				if before := strength(sound, float64(30*i)+14, float64(30*i)+16); before != 0 {
					gain = strength(got, float64(30*i)+14, float64(30*i)+16) / before
				}
				// The tones' highest point lies a little below the sum of their peaks.
				if gain < want*0.99 || gain > want*1.15 {
					t.Errorf("gain of stretch %d is %.3f, want %v", i, gain, want)
				}
			}
		})
	}
}

// Background is not made as loud as what is heard over it.
func TestPausesStayQuiet(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	sound := make([]float32, 60*second)
	for i := range sound {
		sound[i] = float32(0.0005 * random.NormFloat64())
	}
	for from := 0; from < len(sound); from += 6 * second {
		for i, v := range tones(3, 0.4) {
			sound[from+i] += v
		}
	}
	got := levelled(sound)
	if before, after := strength(sound, 28, 29), strength(got, 28, 29); after > 2*before {
		t.Errorf("a pause is brought up by %.1f", after/before)
	}
}

// Filtered sound is the same but for what lies below a voice, and where it was.
func TestLowCut(t *testing.T) {
	t.Parallel()
	for hz, want := range map[float64][2]float64{0.5: {0, 0.01}, 8: {0, 0.005}, 30: {0, 0.005}, 50: {0, 0.005}, 60: {0, 0.005}, 100: {0.6, 0.8}, 125: {0.995, 1.005},
		200: {0.995, 1.005}, 700: {0.999, 1.001}, 950: {0.999, 1.001}, 1000: {0.999, 1.001}, 1050: {0.999, 1.001}, 2040: {0.999, 1.001}, 7900: {0.999, 1.001}} {
		sound := hum(make([]float32, 40*second), hz, 0.5)
		var cut lowCut
		got := slices.Clone(sound)
		blocks := slices.Collect(slices.Chunk(got, blockLength))
		for i, block := range blocks {
			cut.filter(block, slices.Concat(blocks[i+1:]...))
		}
		left := slices.Clone(got)
		for i := range left {
			left[i] -= sound[i]
		}
		if passes := strength(got, 1, 39) / (0.5 / math.Sqrt2); passes < want[0] || passes > want[1] {
			t.Errorf("%v Hz passes by %.4f, want %v", hz, passes, want)
		}
		if changes := strength(left, 1, 39) / (0.5 / math.Sqrt2); hz > 120 && changes > 0.005 {
			t.Errorf("%v Hz is changed by %.4f", hz, changes)
		}
	}
	constant := slices.Repeat([]float32{0.5}, 12345)
	new(lowCut).filter(constant, nil)
	if peak := peakOf(constant); peak > 1e-6 {
		t.Errorf("a constant offset leaves %v", peak)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	odd := []float32{nan, inf, -inf, nan, 0, 1, 3e38}
	new(lowCut).filter(odd, []float32{nan})
	for _, v := range odd {
		if v != v || math.IsInf(float64(v), 0) {
			t.Errorf("what is no number becomes %v", odd)
			break
		}
	}
}

func TestLevelProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sound []float32
		for range rapid.IntRange(1, 6).Draw(t, "stretches") {
			peak := rapid.SampledFrom([]float64{0, 1e-6, 0.001, 0.02, 0.2, 0.4, 0.8, 1, 3, 80}).Draw(t, "peak")
			sound = append(sound, tones(rapid.Float64Range(0.01, 12).Draw(t, "seconds"), peak)...)
		}
		if rapid.Bool().Draw(t, "with clicks") {
			for i := 999; i < len(sound); i += 31_111 {
				sound[i] = rapid.Float32Range(-2, 2).Draw(t, "click")
			}
		}
		got := levelled(sound)
		if len(got) != len(sound) {
			t.Fatalf("%d samples became %d", len(sound), len(got))
		}
		filtered, cut := slices.Clone(sound), lowCut{}
		for i, blocks := 0, slices.Collect(slices.Chunk(filtered, blockLength)); i < len(blocks); i++ {
			cut.filter(blocks[i], slices.Concat(blocks[i+1:]...))
		}
		for i := range got {
			if !(got[i] <= levelCeiling && got[i] >= -levelCeiling) {
				t.Fatalf("sample %d is %v", i, got[i])
			}
			if size := math.Abs(float64(filtered[i])); math.Abs(float64(got[i])) > size*levelMaxGain*1.001+1e-9 || float64(got[i])*float64(filtered[i]) < 0 {
				t.Fatalf("sample %d of %v became %v", i, filtered[i], got[i])
			}
		}
	})
}

// What is decoded wrongly may be any number: all of it comes out within full scale.
func TestLevelOfAnyNumbers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, mostBelieved, 1e6, 0}
	for name, sample := range map[string]func(int) float32{
		"all bits":            func(int) float32 { return math.Float32frombits(random.Uint32()) },
		"the largest":         func(int) float32 { return math.MaxFloat32 },
		"the largest at most": func(int) float32 { return mostBelieved },
		"both signs":          func(i int) float32 { return []float32{math.MaxFloat32, -math.MaxFloat32}[i%2] },
		"no numbers":          func(int) float32 { return float32(math.NaN()) },
		"odd ones":            func(int) float32 { return odd[random.IntN(len(odd))] },
		"one in a while":      func(i int) float32 { return float32(map[bool]float64{true: math.Inf(1)}[i%5000 == 17]) },
	} {
		for _, length := range []int{1, 700, 48_000, 2*blockLength + 3} {
			sound := make([]float32, length)
			for i := range sound {
				sound[i] = sample(i)
			}
			got := levelled(sound)
			if len(got) != length {
				t.Fatalf("%s: %d samples became %d", name, length, len(got))
			}
			for i, v := range got {
				if !(v <= levelCeiling && v >= -levelCeiling) {
					t.Fatalf("%s: sample %d of %d is %v", name, i, length, v)
				}
			}
		}
	}
}

// Where a recording is cut into blocks changes nothing: it is levelled as a whole.
func TestLevelDoesNotDependOnBlocks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	sound := make([]float32, 35*second)
	loud := 0.001
	for i := range sound {
		if i%4000 == 0 {
			loud = math.Pow(10, -3.5*random.Float64())
		}
		sound[i] = float32(loud * random.NormFloat64() / 3)
	}
	got := levelled(sound)
	whole := slices.Concat(level([][]float32{slices.Clone(sound)})...)
	for i := range got {
		if d := math.Abs(float64(got[i] - whole[i])); d > 1e-5 {
			t.Fatalf("sample %d is %v in blocks of 10 s, %v as a whole", i, got[i], whole[i])
		}
	}
}

func TestClamp(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	block := []float32{0.5, -0.25, 1.5, -7, nan, inf, -inf, 0}
	clamp(block)
	if want := []float32{0.5, -0.25, 1, -1, 0, 1, -1, 0}; !slices.Equal(block, want) {
		t.Errorf("got %v, want %v", block, want)
	}
}

func BenchmarkLevel(b *testing.B) {
	sound := tones(10, 0.02)
	l := leveller{}
	block := make([]float32, len(sound))
	b.SetBytes(int64(4 * len(sound)))
	for b.Loop() {
		copy(block, sound)
		l.push(block)
	}
}
