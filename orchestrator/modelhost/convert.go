package modelhost

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/orchestrator"
)

// maxWindowSeconds is the longest window that is believed.
const maxWindowSeconds = 60

var weightsHash = regexp.MustCompile(`^([0-9a-f]{64})?$`)

// wireModel is a model as the wire knows it: positions count samples at its own rate.
type wireModel struct {
	rateHz      int
	window, hop int64
	// otherHop is hop where that is not the model's own; else 0.
	otherHop uint32
	// laughter holds the indices of orchestrator.Model.Laughter among all classes.
	laughter []uint32
	// labels are those that are asked for: laughter, and behind it orchestrator.Model.Heard.
	labels []uint32
	// logits says that it answers with logits; names are the labels' own, for errors.
	logits bool
	names  []string
}

// floor is the score below which frames need not be answered: below half a step of a score stored as a byte. What
// else is heard is wanted of every frame.
func (w wireModel) floor() float32 {
	if len(w.labels) > len(w.laughter) {
		return 0
	}
	return orchestrator.FloorScore
}

// position converts the position of a frame to orchestrator.SampleRateHz; exact, as hop is chosen so.
func (w wireModel) position(sample int64) int64 {
	return sample * orchestrator.SampleRateHz / int64(w.rateHz)
}

// Rates that are believed, in Hz.
const minRate, maxRate = 1000, 384000

// A frame of each class is a byte, and all of a recording are in memory: a model that answers more often than minHopPart
// times a second, or with more classes, would take it.
const minHopPart, maxLaughter = 200, 64

// maxLogitStep is the coarsest step of logits that is believed.
const maxLogitStep = 1

// atRate fits a model's window and hop to positions at orchestrator.SampleRateHz: every frame must start
// at one of those, so the hop is made as much shorter as that needs; the window is the next longer one.
func atRate(rateHz int, window, hop int64) (w wireModel, ourWindow, ourHop int64, ok bool) {
	common := int64(rateHz)
	for rest := int64(orchestrator.SampleRateHz); rest != 0; {
		common, rest = rest, common%rest
	}
	step := int64(rateHz) / common // samples of the model's between positions of ours that it has too
	w = wireModel{rateHz: rateHz, window: window, hop: hop / step * step}
	if w.hop != hop {
		w.otherHop = uint32(w.hop)
	}
	ours := (window*orchestrator.SampleRateHz + int64(rateHz) - 1) / int64(rateHz)
	return w, ours, w.position(w.hop), w.hop > 0
}

// logitStep is the distance between neighbouring logits as they are stored, where a model does not say its own.
const logitStep = 1. / 16

// modelFromProto checks a model's description; heard are the labels that are wanted beside laughter where it has
// them, and resampled tells whether it may want sound of another rate than ours. Errors: orchestrator.ErrUnsupportedModel, orchestrator.ErrBadPlugin.
func modelFromProto(m *inferencev1.GetModelResponse, heard []string, resampled bool) (orchestrator.Model, wireModel, error) {
	bad := func(format string, args ...any) (orchestrator.Model, wireModel, error) {
		return orchestrator.Model{}, wireModel{}, fmt.Errorf("check model: %w: %s", orchestrator.ErrBadPlugin, fmt.Sprintf(format, args...))
	}
	unsupported := func(format string, args ...any) (orchestrator.Model, wireModel, error) {
		return orchestrator.Model{}, wireModel{}, fmt.Errorf("check model %.80q: %w: %s", m.GetName(), orchestrator.ErrUnsupportedModel, fmt.Sprintf(format, args...))
	}
	rate := m.GetSampleRateHz()
	window, hop := m.GetWindowSamples(), m.GetHopSamples()
	switch {
	case m.GetName() == "":
		return bad("it has no name")
	case hasControl(m.GetName()):
		return bad("its name is %.80q; want no control characters", m.GetName())
	case hasControl(m.GetVersion()):
		return bad("its version is %.80q; want no control characters", m.GetVersion())
	case hasControl(m.GetPlugin()):
		return bad("its plugin is %.80q; want no control characters", m.GetPlugin())
	case !weightsHash.MatchString(m.GetWeightsSha256()):
		return bad("weights_sha256 is %.80q; want 64 lower-case hexadecimal digits or nothing", m.GetWeightsSha256())
	case rate < minRate || rate > maxRate:
		return unsupported("it wants sound of %d Hz; want %d to %d", rate, minRate, maxRate)
	case rate != orchestrator.SampleRateHz && !resampled:
		return unsupported("it wants sound of %d Hz, and there is only sound of %d Hz", rate, orchestrator.SampleRateHz)
	case window == 0 || int64(window) > maxWindowSeconds*int64(rate):
		return bad("window_samples is %d; want 1 to %d", window, maxWindowSeconds*rate)
	case hop == 0 || hop > window:
		return bad("hop_samples is %d; want 1 to the window's %d", hop, window)
	case int64(hop)*minHopPart < int64(rate):
		return bad("hop_samples is %d; want at least %d, a two-hundredth of a second", hop, (rate+minHopPart-1)/minHopPart)
	case len(m.GetLaughter()) > maxLaughter:
		return bad("%d of its classes are laughter; want at most %d", len(m.GetLaughter()), maxLaughter)
	case len(m.GetLaughter()) == 0:
		return bad("none of its classes is laughter")
	case !(m.GetLogitStep() >= 0 && m.GetLogitStep() <= maxLogitStep) || m.GetLogitStep() > 0 && !m.GetLogits():
		return bad("logit_step is %v and logits is %v; want 0 to %d, and 0 for a model of scores", m.GetLogitStep(), m.GetLogits(), maxLogitStep)
	}
	labels := make([]string, 0, len(m.GetLaughter()))
	seen := map[string]bool{}
	for _, index := range m.GetLaughter() {
		if int64(index) >= int64(len(m.GetLabels())) {
			return bad("laughter names class %d of %d", index, len(m.GetLabels()))
		}
		label := m.GetLabels()[index]
		if label == "" || seen[label] {
			return bad("laughter class %d has the label %.80q; want each its own", index, label)
		}
		if hasControl(label) {
			return bad("laughter class %d has the label %.80q; want no control characters", index, label)
		}
		seen[label] = true
		labels = append(labels, label)
	}
	wire, ourWindow, ourHop, ok := atRate(int(rate), int64(window), int64(hop))
	if !ok {
		return unsupported("its hop of %d samples at %d Hz is shorter than positions at %d Hz allow", hop, rate, orchestrator.SampleRateHz)
	}
	wire.laughter, wire.labels, wire.names = m.GetLaughter(), slices.Clone(m.GetLaughter()), slices.Clone(labels)
	var others []string
	for _, label := range heard {
		if index := slices.Index(m.GetLabels(), label); index >= 0 && !seen[label] {
			seen[label] = true
			others = append(others, label)
			wire.labels = append(wire.labels, uint32(index))
		}
	}
	wire.names = append(wire.names, others...)
	step := 0.0
	if wire.logits = m.GetLogits(); wire.logits {
		step = cmp.Or(float64(m.GetLogitStep()), logitStep)
	}
	return orchestrator.Model{
		Name:     m.GetName(),
		Version:  m.GetVersion(),
		Plugin:   m.GetPlugin(),
		SHA256:   m.GetWeightsSha256(),
		Window:   ourWindow,
		Hop:      ourHop,
		Laughter: labels,
		Heard:    others,

		LogitStep: step,
	}, wire, nil
}

// hasControl reports whether a text has line ends, escape codes or the like, which could steer a terminal or
// break what is written with it.
// hasControl tells of what a terminal, a page or a log may take for something else than text: control characters, and
// those that turn the direction of others.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) })
}

// appendPCM appends samples as little-endian 16-bit integers, rounded to the nearest and half to the even
// one; what is outside [-1, 1] is clamped, and what is no number is silence.
func appendPCM(pcm []byte, samples []float32) []byte {
	const signs = 0x8000_8000_8000_8000 // a step's number becomes a signed integer by its highest bit
	begin := len(pcm)
	pcm = slices.Grow(pcm, 2*len(samples))[:begin+2*len(samples)]
	out := pcm[begin:]
	for ; len(samples) >= 4 && len(out) >= 8; samples, out = samples[4:], out[8:] { // four at once
		a, b, c, d := pcmStep(samples[0]), pcmStep(samples[1]), pcmStep(samples[2]), pcmStep(samples[3])
		if (a|b|c|d)>>16 != 0 { // rare
			a, b, c, d = clampedStep(samples[0]), clampedStep(samples[1]), clampedStep(samples[2]), clampedStep(samples[3])
		}
		binary.LittleEndian.PutUint64(out, (uint64(a)|uint64(b)<<16|uint64(c)<<32|uint64(d)<<48)^signs)
	}
	for i, v := range samples {
		binary.LittleEndian.PutUint16(out[2*i:], uint16(clampedStep(v)^signs&0xffff))
	}
	return pcm
}

// pcmStep numbers the 65,536 steps from -1 on; what lies outside of them, or is no number, has a number
// above those. Between 256 and 512, neighbouring floats are just such a step apart, so that a sum that
// falls between them is rounded to one.
func pcmStep(v float32) uint32 {
	const middle, first = 384, 0x43C0_0000 - 1<<15 // 384 as a float, less 32,768 steps
	return math.Float32bits(v+middle) - first
}

func clampedStep(v float32) uint32 {
	step := pcmStep(v)
	switch {
	case step < 1<<16:
		return step
	case v > 0:
		return 1<<16 - 1
	case v < 0:
		return 0
	}
	return 1 << 15 // no number
}

// answers checks that the responses of one stream keep the contract.
type answers struct {
	window, hop int64
	names       []string // of the labels of a frame
	logits      bool     // in place of scores

	ends  []int64 // where each chunk sent and not answered yet ends, in samples
	sent  int64   // samples
	next  uint64  // index of the chunk to be answered next
	from  int64   // samples that the chunks answered so far cover
	frame int64   // start of the first frame that may still come
	final bool    // the last response was seen
}

// expect notes that a chunk of n samples is sent.
func (a *answers) expect(n int) {
	a.sent += int64(n)
	a.ends = append(a.ends, a.sent)
}

// check looks at one response. closed says that all chunks were sent. Errors: orchestrator.ErrBadPlugin.
func (a *answers) check(m *inferencev1.ClassifyResponse, closed bool) error {
	if a.final {
		return badAnswer("it answered after its final response")
	}
	if m.GetChunkIndex() != a.next {
		return badAnswer("it answered chunk %d; want %d", m.GetChunkIndex(), a.next)
	}
	if m.GetFinal() {
		if !closed || len(a.ends) > 0 {
			return badAnswer("its final response came before chunk %d was answered", a.next)
		}
		a.final = true
		return a.checkFinal(m.GetFrames())
	}
	if len(a.ends) == 0 {
		return badAnswer("it answered chunk %d, which was not sent", m.GetChunkIndex())
	}
	end := a.ends[0]
	for _, f := range m.GetFrames() {
		if last := f.GetFirstSample() + a.window; last <= a.from || last > end {
			return badAnswer("frame at %d is not complete with the samples from %d to %d", f.GetFirstSample(), a.from, end)
		}
		if err := a.checkFrame(f); err != nil {
			return err
		}
	}
	a.ends = a.ends[1:]
	a.from = end
	a.next++
	return nil
}

// checkFinal accepts at most the one frame that covers, padded, what lies behind the last whole window.
func (a *answers) checkFinal(frames []*inferencev1.Frame) error {
	if len(frames) == 0 {
		return nil
	}
	padded := int64(0)
	if a.sent >= a.window {
		padded = ((a.sent-a.window)/a.hop + 1) * a.hop
	}
	covered := padded > 0 && padded-a.hop+a.window >= a.sent
	if len(frames) > 1 || frames[0].GetFirstSample() != padded || covered || a.sent == 0 {
		return badAnswer("its final response has %d frames, the first at %d, after %d samples", len(frames), frames[0].GetFirstSample(), a.sent)
	}
	return a.checkFrame(frames[0])
}

func (a *answers) checkFrame(f *inferencev1.Frame) error {
	first := f.GetFirstSample()
	if first < a.frame || first%a.hop != 0 {
		return badAnswer("frame at %d; want a multiple of %d from %d on", first, a.hop, a.frame)
	}
	scores, logits := len(a.names), 0
	if a.logits {
		scores, logits = logits, scores
	}
	if len(f.GetScores()) != scores {
		return badAnswer("frame at %d has %d scores; want %d", first, len(f.GetScores()), scores)
	}
	if len(f.GetLogits()) != logits {
		return badAnswer("frame at %d has %d logits; want %d", first, len(f.GetLogits()), logits)
	}
	for i, score := range f.GetScores() {
		if !(score >= 0 && score <= 1) { // also what is no number
			return badAnswer("frame at %d has the score %v of class %q; want 0 to 1", first, score, a.names[i])
		}
	}
	for i, logit := range f.GetLogits() {
		if !(logit >= -math.MaxFloat32 && logit <= math.MaxFloat32) {
			return badAnswer("frame at %d has the logit %v of class %q; want a finite number", first, logit, a.names[i])
		}
	}
	a.frame = first + a.hop
	return nil
}

// frame converts a frame that was checked; buffer is reused for what the frame holds.
func (w wireModel) frame(f *inferencev1.Frame, buffer *orchestrator.Frame) {
	n := len(w.laughter)
	buffer.Offset = w.position(f.GetFirstSample())
	if w.logits {
		logits := f.GetLogits()
		buffer.Logits, buffer.Heard = logits[:n], logits[n:]
		buffer.Scores = slices.Grow(buffer.Scores[:0], n)[:n]
		for i, logit := range buffer.Logits {
			buffer.Scores[i] = float32(orchestrator.Sigmoid(float64(logit)))
		}
		return
	}
	buffer.Scores = f.GetScores()[:n]
	buffer.Heard = buffer.Heard[:0]
	for _, score := range f.GetScores()[n:] {
		buffer.Heard = append(buffer.Heard, float32(orchestrator.Logit(float64(score))))
	}
}

func badAnswer(format string, args ...any) error {
	return fmt.Errorf("%w: %s", orchestrator.ErrBadPlugin, fmt.Sprintf(format, args...))
}
