package modelhost

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"

	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/orchestrator"
)

// maxWindow is the longest window that is believed, in samples: a minute.
const maxWindow = 60 * orchestrator.SampleRateHz

var weightsHash = regexp.MustCompile(`^([0-9a-f]{64})?$`)

// modelFromProto checks a model's description, and returns it with the indices of the classes that
// are laughter. Errors: orchestrator.ErrUnsupportedModel, orchestrator.ErrBadPlugin.
func modelFromProto(m *inferencev1.GetModelResponse) (orchestrator.Model, []uint32, error) {
	bad := func(format string, args ...any) (orchestrator.Model, []uint32, error) {
		return orchestrator.Model{}, nil, fmt.Errorf("check model: %w: %s", orchestrator.ErrBadPlugin, fmt.Sprintf(format, args...))
	}
	window, hop := m.GetWindowSamples(), m.GetHopSamples()
	switch {
	case m.GetName() == "":
		return bad("it has no name")
	case !weightsHash.MatchString(m.GetWeightsSha256()):
		return bad("weights_sha256 is %.80q; want 64 lower-case hexadecimal digits or nothing", m.GetWeightsSha256())
	case m.GetSampleRateHz() != orchestrator.SampleRateHz:
		return orchestrator.Model{}, nil, fmt.Errorf("check model %.80q: %w: it wants sound of %d Hz, and there is only sound of %d Hz",
			m.GetName(), orchestrator.ErrUnsupportedModel, m.GetSampleRateHz(), orchestrator.SampleRateHz)
	case window == 0 || window > maxWindow:
		return bad("window_samples is %d; want 1 to %d", window, maxWindow)
	case hop == 0 || hop > window:
		return bad("hop_samples is %d; want 1 to the window's %d", hop, window)
	case len(m.GetLaughter()) == 0:
		return bad("none of its classes is laughter")
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
		seen[label] = true
		labels = append(labels, label)
	}
	return orchestrator.Model{
		Name:     m.GetName(),
		Version:  m.GetVersion(),
		Plugin:   m.GetPlugin(),
		SHA256:   m.GetWeightsSha256(),
		Window:   int64(window),
		Hop:      int64(hop),
		Laughter: labels,
	}, m.GetLaughter(), nil
}

// appendPCM appends samples as little-endian 16-bit integers, rounded; what is outside [-1, 1] is
// clamped, and what is no number is silence.
func appendPCM(pcm []byte, samples []float32) []byte {
	begin := len(pcm)
	pcm = slices.Grow(pcm, 2*len(samples))[:begin+2*len(samples)]
	out := pcm[begin:]
	for ; len(samples) >= 4 && len(out) >= 8; samples, out = samples[4:], out[8:] { // four at once
		binary.LittleEndian.PutUint64(out, uint64(pcm16(samples[0]))|uint64(pcm16(samples[1]))<<16|
			uint64(pcm16(samples[2]))<<32|uint64(pcm16(samples[3]))<<48)
	}
	for i, v := range samples {
		binary.LittleEndian.PutUint16(out[2*i:], pcm16(v))
	}
	return pcm
}

// pcm16 rounds to the nearest, and half to the even one. A float this large has no room for a fraction:
// the sum is rounded, and its last bits are the integer.
func pcm16(v float32) uint16 {
	const whole = 3 << 22
	v *= 32768
	if !(v >= -32768 && v <= 32767) { // rare
		switch {
		case v > 0:
			return 32767
		case v < 0:
			return 0x8000
		}
		return 0 // no number
	}
	return uint16(math.Float32bits(v + whole))
}

// answers checks that the responses of one stream keep the contract.
type answers struct {
	window, hop int64
	scores      int // of a frame

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
	if len(f.GetScores()) != a.scores {
		return badAnswer("frame at %d has %d scores; want %d", first, len(f.GetScores()), a.scores)
	}
	for _, score := range f.GetScores() {
		if !(score >= 0 && score <= 1) { // also what is no number
			return badAnswer("frame at %d has the score %v; want 0 to 1", first, score)
		}
	}
	a.frame = first + a.hop
	return nil
}

func badAnswer(format string, args ...any) error {
	return fmt.Errorf("%w: %s", orchestrator.ErrBadPlugin, fmt.Sprintf(format, args...))
}
