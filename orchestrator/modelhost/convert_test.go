package modelhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/orchestrator"
)

func goodModel() *inferencev1.GetModelResponse {
	return &inferencev1.GetModelResponse{Name: "yamnet", Version: "1", WeightsSha256: strings.Repeat("0f", 32),
		SampleRateHz: 16000, WindowSamples: 15600, HopSamples: 7680, Plugin: "inferd",
		Labels: []string{"Speech", "Laughter", "Giggle", "Giggle", ""}, Laughter: []uint32{2, 1}}
}

func TestModelFromProto(t *testing.T) {
	t.Parallel()
	model, wire, err := modelFromProto(goodModel(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(model.Laughter, []string{"Giggle", "Laughter"}) || !slices.Equal(wire.laughter, []uint32{2, 1}) {
		t.Errorf("laughter is %q, %d", model.Laughter, wire.laughter)
	}
	if model.Name != "yamnet" || model.Plugin != "inferd" || model.Window != 15600 || model.Hop != 7680 || len(model.SHA256) != 64 {
		t.Errorf("model is %+v", model)
	}
	for name, spoil := range map[string]func(*inferencev1.GetModelResponse){
		"no name":         func(m *inferencev1.GetModelResponse) { m.Name = "" },
		"short hash":      func(m *inferencev1.GetModelResponse) { m.WeightsSha256 = "0f" },
		"upper-case hash": func(m *inferencev1.GetModelResponse) { m.WeightsSha256 = strings.Repeat("0F", 32) },
		"no window":       func(m *inferencev1.GetModelResponse) { m.WindowSamples = 0 },
		"endless window":  func(m *inferencev1.GetModelResponse) { m.WindowSamples = math.MaxUint32 },
		"no hop":          func(m *inferencev1.GetModelResponse) { m.HopSamples = 0 },
		"gaps":            func(m *inferencev1.GetModelResponse) { m.HopSamples = m.WindowSamples + 1 },
		"no laughter":     func(m *inferencev1.GetModelResponse) { m.Laughter = nil },
		"no such class":   func(m *inferencev1.GetModelResponse) { m.Laughter = []uint32{5} },
		"huge class":      func(m *inferencev1.GetModelResponse) { m.Laughter = []uint32{math.MaxUint32} },
		"no label":        func(m *inferencev1.GetModelResponse) { m.Laughter = []uint32{4} },
		"class twice":     func(m *inferencev1.GetModelResponse) { m.Laughter = []uint32{1, 1} },
		"NUL in name":     func(m *inferencev1.GetModelResponse) { m.Name = "yam\x00net" },
		"line in name":    func(m *inferencev1.GetModelResponse) { m.Name = "yamnet\n" },
		"escape code":     func(m *inferencev1.GetModelResponse) { m.Version = "\x1b[2J" },
		"C1 in plugin":    func(m *inferencev1.GetModelResponse) { m.Plugin = "\u009b31m" },
		"tab in label":    func(m *inferencev1.GetModelResponse) { m.Labels[1] = "Laugh\tter" },
		"step, no logits": func(m *inferencev1.GetModelResponse) { m.LogitStep = 0.3 },
		"coarse step":     func(m *inferencev1.GetModelResponse) { m.Logits, m.LogitStep = true, 2 },
		"NaN for a step":  func(m *inferencev1.GetModelResponse) { m.Logits, m.LogitStep = true, float32(math.NaN()) },
		"label twice":     func(m *inferencev1.GetModelResponse) { m.Laughter = []uint32{2, 3} },
	} {
		m := goodModel()
		spoil(m)
		if _, _, err := modelFromProto(m, nil, true); !errors.Is(err, orchestrator.ErrBadPlugin) {
			t.Errorf("%s: error is %v; want %v", name, err, orchestrator.ErrBadPlugin)
		}
	}
	m := goodModel()
	m.SampleRateHz = 8000
	if _, _, err := modelFromProto(m, nil, false); !errors.Is(err, orchestrator.ErrUnsupportedModel) {
		t.Errorf("rate of 8000 Hz without a resampler: error is %v; want %v", err, orchestrator.ErrUnsupportedModel)
	}
	if model, wire, err := modelFromProto(m, nil, true); err != nil || model.Window != 2*15600 || model.Hop != 2*7680 || wire.otherHop != 0 {
		t.Errorf("rate of 8000 Hz: %+v, %+v, %v", model, wire, err)
	}
	for _, rate := range []uint32{0, 999, 384001, math.MaxUint32} {
		m.SampleRateHz = rate
		if _, _, err := modelFromProto(m, nil, true); !errors.Is(err, orchestrator.ErrUnsupportedModel) {
			t.Errorf("rate of %d Hz: error is %v; want %v", rate, err, orchestrator.ErrUnsupportedModel)
		}
	}
	m.SampleRateHz, m.HopSamples = 44100, 440
	if _, _, err := modelFromProto(m, nil, true); !errors.Is(err, orchestrator.ErrUnsupportedModel) {
		t.Errorf("a hop between positions: error is %v; want %v", err, orchestrator.ErrUnsupportedModel)
	}
}

// TestAtRate: frames of a model at another rate start exactly at a sample of ours, and reach no less far.
func TestAtRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.OneOf(rapid.SampledFrom([]int{8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000}), rapid.IntRange(minRate, maxRate)).Draw(t, "rate")
		window := rapid.Int64Range(1, int64(maxWindowSeconds*rate)).Draw(t, "window")
		hop := rapid.Int64Range(1, window).Draw(t, "hop")
		wire, ourWindow, ourHop, ok := atRate(rate, window, hop)
		if !ok {
			if hop >= int64(rate) {
				t.Fatalf("a hop of a second is refused")
			}
			return
		}
		if ourHop < 1 || ourWindow < ourHop || wire.hop > hop || wire.hop <= hop-int64(rate) || (wire.otherHop != 0) != (wire.hop != hop) {
			t.Fatalf("%+v, window %d, hop %d", wire, ourWindow, ourHop)
		}
		for i := range int64(5) {
			if got := wire.position(i * wire.hop); got != i*ourHop || got*int64(rate) != i*wire.hop*orchestrator.SampleRateHz {
				t.Fatalf("frame %d is at %d; want %d", i, got, i*ourHop)
			}
		}
		if rate == orchestrator.SampleRateHz && (wire.hop != hop || ourHop != hop || ourWindow != window) {
			t.Fatalf("at our own rate: %+v, window %d, hop %d", wire, ourWindow, ourHop)
		}
	})
}

func TestAppendPCM(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for v, want := range map[float32]int16{
		0: 0, 1: 32767, -1: -32768, 0.5: 16384, -0.5: -16384, 2: 32767, -2: -32768, inf: 32767, -inf: -32768, nan: 0,
		0.4 / 32768: 0, 0.6 / 32768: 1, -0.6 / 32768: -1, 32766.6 / 32768: 32767,
	} {
		if got := appendPCM(nil, []float32{v}); int16(binary.LittleEndian.Uint16(got)) != want {
			t.Errorf("%v is %d; want %d", v, int16(binary.LittleEndian.Uint16(got)), want)
		}
	}
}

func FuzzAppendPCM(f *testing.F) {
	f.Add(uint32(0))
	f.Add(math.Float32bits(-0.99999))
	f.Add(uint32(0x7FC00001))
	f.Fuzz(func(t *testing.T, bits uint32) {
		v := math.Float32frombits(bits)
		pcm := appendPCM([]byte("ab"), []float32{v, 0, 0.5, v, v}) // four at once, and one behind them
		if len(pcm) != 12 || string(pcm[:2]) != "ab" || string(pcm[4:8]) != "\x00\x00\x00\x40" ||
			string(pcm[2:4]) != string(pcm[8:10]) || string(pcm[2:4]) != string(pcm[10:]) {
			t.Fatalf("%v makes % x", v, pcm)
		}
		sample := int16(binary.LittleEndian.Uint16(pcm[2:]))
		want := min(max(float64(v)*32768, -32768), 32767)
		if v != v {
			want = 0
		}
		if math.Abs(float64(sample)-want) > 0.5+1e-3 { // float32 rounds before we do
			t.Fatalf("%v is %d; want %v", v, sample, want)
		}
	})
}

// honest makes the response of a plugin that keeps the contract.
func honest(a answers, closed bool) *inferencev1.ClassifyResponse {
	m := &inferencev1.ClassifyResponse{ChunkIndex: a.next, Final: closed && len(a.ends) == 0}
	add := func(at int64) {
		m.Frames = append(m.Frames, &inferencev1.Frame{FirstSample: at, Scores: make([]float32, len(a.names))})
	}
	if !m.Final {
		for at := a.frame; at+a.window <= a.ends[0]; at += a.hop {
			add(at)
		}
	} else if a.sent > 0 && (a.frame == 0 || a.frame-a.hop+a.window < a.sent) {
		add(a.frame)
	}
	return m
}

func TestAnswersAcceptTheContract(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hop := rapid.Int64Range(1, 50).Draw(t, "hop")
		a := answers{hop: hop, window: hop + rapid.Int64Range(0, 50).Draw(t, "overlap"), names: []string{"a", "b"}}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 8).Draw(t, "chunks") {
			a.expect(n)
		}
		for range len(a.ends) + 1 {
			if err := a.check(honest(a, true), true); err != nil {
				t.Fatal(err)
			}
		}
		if !a.final {
			t.Fatal("the final response was not seen")
		}
		if a.sent > 0 && a.frame-a.hop+a.window < a.sent {
			t.Fatalf("the last of %d samples is in no frame", a.sent)
		}
	})
}

// FuzzAnswers: a response made of any bytes is refused or keeps the frames in order.
func FuzzAnswers(f *testing.F) {
	for _, m := range []*inferencev1.ClassifyResponse{
		{},
		{Final: true, ChunkIndex: 2},
		{Frames: []*inferencev1.Frame{{FirstSample: 0, Scores: []float32{0, 1}}, {FirstSample: 10, Scores: []float32{0.5, 0.5}}}},
		{Frames: []*inferencev1.Frame{{FirstSample: math.MaxInt64, Scores: []float32{0, 1}}}},
		{Frames: []*inferencev1.Frame{{FirstSample: -10, Scores: []float32{0, 1}}, nil}},
	} {
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, true)
		f.Add(wire, false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, closed bool) {
		m := &inferencev1.ClassifyResponse{}
		if proto.Unmarshal(wire, m) != nil {
			return
		}
		a := answers{window: 30, hop: 10, names: []string{"a", "b"}}
		a.expect(45)
		a.expect(20)
		if a.check(m, closed) != nil {
			return
		}
		next := int64(0)
		for _, frame := range m.GetFrames() {
			at := frame.GetFirstSample()
			if at < next || at%10 != 0 || at+30 > 45 || len(frame.GetScores()) != 2 {
				t.Fatalf("accepted a frame at %d", at)
			}
			next = at + 10
		}
	})
}

func FuzzModelFromProto(f *testing.F) {
	seed, err := proto.Marshal(goodModel())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	m := goodModel()
	m.Name, m.Version, m.Labels[1] = "a\x00", "b\n", "\x1b[31m"
	if seed, err = proto.Marshal(m); err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &inferencev1.GetModelResponse{}
		if proto.Unmarshal(raw, m) != nil {
			return
		}
		model, wire, err := modelFromProto(m, nil, true)
		if err != nil {
			return
		}
		if model.Name == "" || model.Hop < 1 || model.Window < model.Hop || len(wire.laughter) == 0 || len(wire.laughter) != len(model.Laughter) {
			t.Fatalf("accepted %+v", model)
		}
		for _, r := range model.Name + model.Version + model.Plugin + model.SHA256 + strings.Join(model.Laughter, "") {
			if unicode.IsControl(r) {
				t.Fatalf("accepted %q in %+v", r, model)
			}
		}
	})
}

func TestWhatIsHeardBesideLaughter(t *testing.T) {
	t.Parallel()
	heard := []string{"Cough", "Speech", "Laughter"}
	model, wire, err := modelFromProto(goodModel(), heard, false)
	if err != nil || !slices.Equal(model.Heard, []string{"Speech"}) || !slices.Equal(wire.labels, []uint32{2, 1, 0}) || model.LogitStep != 0 || wire.floor() != 0 {
		t.Fatalf("a model that has one of them: %+v %+v %v", model, wire, err)
	}
	var frame orchestrator.Frame
	wire.frame(&inferencev1.Frame{FirstSample: 7680, Scores: []float32{0.5, 0.25, 0.75}}, &frame)
	if frame.Offset != 7680 || !slices.Equal(frame.Scores, []float32{0.5, 0.25}) || frame.Logits != nil ||
		math.Abs(float64(frame.Heard[0])-math.Log(3)) > 1e-6 {
		t.Errorf("a frame of scores: %+v", frame)
	}
	wire.frame(&inferencev1.Frame{Scores: []float32{0, 0, 0}}, &frame)
	if len(frame.Heard) != 1 || frame.Heard[0] != -orchestrator.MaxLogit {
		t.Errorf("a score of 0: %+v", frame)
	}

	m := goodModel()
	m.Logits = true
	if model, wire, err = modelFromProto(m, heard, false); err != nil || model.LogitStep != logitStep {
		t.Fatalf("logits of no step: %+v %v", model, err)
	}
	wire.frame(&inferencev1.Frame{Logits: []float32{0, -2, 3}}, &frame)
	if !slices.Equal(frame.Logits, []float32{0, -2}) || !slices.Equal(frame.Heard, []float32{3}) || frame.Scores[0] != 0.5 {
		t.Errorf("a frame of logits: %+v", frame)
	}
	if _, wire, err = modelFromProto(goodModel(), []string{"Cough"}, false); err != nil || wire.floor() == 0 {
		t.Errorf("a model that has none of them: %+v %v", wire, err)
	}

	a := answers{window: 30, hop: 10, names: []string{"Giggle", "Speech"}, logits: true}
	a.expect(100)
	for name, c := range map[string]struct {
		frame *inferencev1.Frame
		want  string
	}{
		"scores for logits": {&inferencev1.Frame{Scores: []float32{0, 1}}, "2 scores; want 0"},
		"too few logits":    {&inferencev1.Frame{Logits: []float32{1}}, "1 logits; want 2"},
		"no number":         {&inferencev1.Frame{Logits: []float32{-3, float32(math.NaN())}}, `NaN of class "Speech"`},
		"no end":            {&inferencev1.Frame{Logits: []float32{float32(math.Inf(1)), 0}}, `+Inf of class "Giggle"`},
	} {
		err := a.check(&inferencev1.ClassifyResponse{Frames: []*inferencev1.Frame{c.frame}}, false)
		if !errors.Is(err, orchestrator.ErrBadPlugin) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// L12, L16: a model cannot have more scores kept than a recording's memory allows, and its labels turn no text around.
func TestModelsThatTakeTooMuch(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(*inferencev1.GetModelResponse){
		"a hop of one sample": func(m *inferencev1.GetModelResponse) { m.HopSamples = 1 },
		"many classes": func(m *inferencev1.GetModelResponse) {
			m.Labels, m.Laughter = nil, nil
			for i := range maxLaughter + 1 {
				m.Labels, m.Laughter = append(m.Labels, fmt.Sprint("laughter ", i)), append(m.Laughter, uint32(i))
			}
		},
		"a label that turns": func(m *inferencev1.GetModelResponse) { m.Labels[m.Laughter[0]] = "a\u202eb" },
	} {
		m := goodModel()
		bend(m)
		if _, _, err := modelFromProto(m, nil, false); !errors.Is(err, orchestrator.ErrBadPlugin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
