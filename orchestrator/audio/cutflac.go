package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/flac"
)

// maxClipBytes is where a FLAC clip is cut off: two minutes of stereo at 48 kHz fit well.
const maxClipBytes = 32 << 20

// cutFLAC decodes the file once, up to the end of the last span, and encodes each span meanwhile. A clip that has to be made
// again costs another pass.
func (a *Audio) cutFLAC(ctx context.Context, file *file, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		clips := make([]*flacClip, len(spans))
		for i, span := range spans {
			clips[i] = newFLACClip(span)
		}
		for clip, err := range a.encodeClips(ctx, file, clips) {
			for err == nil {
				again, needed := clip.again()
				if !needed {
					break
				}
				for clip, err = range a.encodeClips(ctx, file, []*flacClip{again}) {
				}
			}
			var made orchestrator.Clip
			if err == nil {
				made, err = clip.finish()
			}
			if !yield(made, err) || err != nil {
				return
			}
		}
	}
}

// encodeClips yields the clips, in order of their starts, when all of their sound was added.
func (a *Audio) encodeClips(ctx context.Context, file *file, waiting []*flacClip) iter.Seq2[*flacClip, error] {
	return func(yield func(*flacClip, error) bool) {
		queue := clipQueue{waiting: waiting}
		for piece, err := range a.ffmpegSound(ctx, file, 0) {
			if damage := (*orchestrator.DamageError)(nil); errors.As(err, &damage) {
				break // it was told when the file was decoded
			}
			if err == nil {
				err = queue.add(piece)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !queue.deliver(piece.end(), piece.rate, yield) || queue.empty() {
				return
			}
		}
		queue.open = append(queue.open, queue.waiting...)
		queue.deliver(1<<63-1, orchestrator.SampleRateHz, yield)
	}
}

// clipQueue are clips in order of their starts: those to which sound is being added, and those whose sound is still to come.
type clipQueue struct {
	open, waiting []*flacClip
	samples       []float32
}

func (q *clipQueue) empty() bool { return len(q.open) == 0 && len(q.waiting) == 0 }

// add adds a piece to the clips that it belongs to.
func (q *clipQueue) add(piece pcm) error {
	for len(q.waiting) > 0 && atRate(q.waiting[0].span.Start, piece.rate) < piece.end() {
		q.open = append(q.open, q.waiting[0])
		q.waiting = q.waiting[1:]
	}
	if len(q.open) > 0 {
		q.samples = piece.samples(q.samples)
	}
	for _, clip := range q.open {
		clip.mono = clip.mono || piece.tracks > 0
		if err := clip.add(q.samples, piece.width/4, piece.start, piece.rate); err != nil {
			return err
		}
	}
	return nil
}

// deliver yields the clips at the front that end before the position, in samples at a rate; false where no more are wanted.
func (q *clipQueue) deliver(position, rate int64, yield func(*flacClip, error) bool) bool {
	for len(q.open) > 0 && atRate(q.open[0].span.End, rate) <= position {
		clip := q.open[0]
		q.open = q.open[1:]
		if !yield(clip, nil) {
			return false
		}
	}
	return true
}

// atRate converts a position in samples at orchestrator.SampleRateHz to one at another rate.
func atRate(position, rate int64) int64 {
	return (position*rate + orchestrator.SampleRateHz/2) / orchestrator.SampleRateHz
}

// clipCeiling is the peak above which a clip is turned down, 1 dB over full scale: what lossy codecs overshoot is less.
const clipCeiling = 1.12

// flacClip is one span, which is encoded while its sound comes: with its own channels where there are one or two, else mixed to
// one.
type flacClip struct {
	span orchestrator.SampleSpan
	gain float32
	mono bool // whatever it has
	rate int64
	file *flac.Writer // nil until there is sound

	mix      *mixer // nil where channels stay
	peak     float32
	products [3]float64 // of what changes from sample to sample: left, right, and both
	last     [2]float32
	raw      []byte
}

func newFLACClip(span orchestrator.SampleSpan) *flacClip { return &flacClip{span: span, gain: 1} }

// add takes the samples of all channels, interleaved, from a position on, and keeps those that lie in the span.
func (c *flacClip) add(samples []float32, channels int, start, rate int64) error {
	if rate > flac.MaxRateHz {
		return damagedf("cut clip: FLAC holds no %d samples in a second", rate)
	}
	from := max(atRate(c.span.Start, rate)-start, 0)
	to := min(atRate(c.span.End, rate)-start, int64(len(samples)/channels))
	if from >= to || c.file != nil && c.file.Size() > maxClipBytes {
		return nil
	}
	if c.file == nil {
		kept := channels
		if c.mono || channels > 2 {
			c.mix, kept = newMixer(channels, int(rate)), 1
		}
		c.rate, c.file = rate, flac.NewWriter(int(rate), kept)
	}
	samples = samples[int(from)*channels : int(to)*channels]
	if c.mix != nil {
		samples = c.mix.add(samples)
	} else if channels == 2 {
		c.compare(samples)
	}
	c.write(samples)
	return nil
}

func (c *flacClip) write(samples []float32) {
	c.raw = c.raw[:0]
	for _, v := range samples {
		c.peak = max(c.peak, v, -v)
		v = float32(math.RoundToEven(float64(v*c.gain) * (1 << 15)))
		c.raw = binary.LittleEndian.AppendUint16(c.raw, uint16(int16(min(max(v, math.MinInt16), math.MaxInt16))))
	}
	c.file.Write(c.raw)
}

// compare notes how alike the two channels are.
func (c *flacClip) compare(samples []float32) {
	for ; len(samples) >= 2; samples = samples[2:] {
		left, right := float64(samples[0]-c.last[0]), float64(samples[1]-c.last[1])
		c.products[0], c.products[1], c.products[2] = c.products[0]+left*left, c.products[1]+right*right, c.products[2]+left*right
		c.last = [2]float32{samples[0], samples[1]}
	}
}

// again returns a clip that is to be made in place of this one, from the same sound: one whose channels would cancel on a
// loudspeaker is mixed, and one above full scale turned down as a whole. False where this one is right.
func (c *flacClip) again() (*flacClip, bool) {
	if c.file == nil {
		return nil, false
	}
	if c.mix != nil {
		c.write(c.mix.flush())
	}
	next := &flacClip{span: c.span, gain: c.gain, mono: c.mono}
	if p := c.products; c.mix == nil && p[2] < mixOpposite*math.Sqrt(p[0]*p[1]) {
		next.mono = true
	}
	if c.gain == 1 && c.peak > clipCeiling && !math.IsInf(float64(c.peak), 0) {
		next.gain = 1 / c.peak
	}
	return next, next.mono != c.mono || next.gain != c.gain
}

func (c *flacClip) finish() (orchestrator.Clip, error) {
	if c.file == nil {
		return orchestrator.Clip{}, errNoSound(c.span)
	}
	length := (c.file.Samples()*orchestrator.SampleRateHz + c.rate/2) / c.rate
	c.span.End = min(c.span.End, c.span.Start+length)
	data, err := c.file.Finish()
	if err != nil {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	return orchestrator.Clip{Span: c.span, Data: data, Extension: ".flac"}, nil
}
