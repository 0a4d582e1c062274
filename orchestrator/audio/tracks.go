package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// maxTracks is how many tracks of a file are heard; each is decoded by a process of its own.
	maxTracks = 8
	// tracksRate is the rate to which tracks are brought that are to be heard together, in Hz.
	tracksRate = 48000
)

// ffmpegTracks yields the tracks of a file side by side, each mixed to one channel, from the start of the file's timeline to
// the end of the longest. A track that cannot be read is silent; where none can, the error is the first one's.
func (a *Audio) ffmpegTracks(ctx context.Context, file *file, part section, rateHz, tracks int) iter.Seq2[pcm, error] {
	if rateHz == 0 {
		rateHz = tracksRate
	}
	tracks = min(tracks, maxTracks)
	return func(yield func(pcm, error) bool) {
		list := make(sideBySide, tracks)
		for i := range list {
			list[i] = newTrack(a.monoTrack(ctx, file, part, rateHz, i))
			defer list[i].stop()
		}
		out := pcm{rate: int64(rateHz), width: 4 * tracks, tracks: tracks}
		for list.next(&out) {
			if !yield(out, nil) {
				return
			}
			out.start = out.end()
		}
		err := list.err()
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case out.start == 0 && err == nil:
			err = list[0].err
		}
		if err != nil {
			yield(pcm{}, err)
		}
	}
}

// sideBySide are tracks that are heard together.
type sideBySide []*track

// next fills a piece with as much as the track has that has least; false where all have ended.
func (s sideBySide) next(out *pcm) bool {
	n, alive := pieceBytes/out.width, false
	for _, t := range s {
		if t.fill(); len(t.ready) > 0 {
			n, alive = min(n, len(t.ready)), true
		}
	}
	if !alive {
		return false
	}
	out.data = out.data[:0]
	for i := range n {
		for _, t := range s {
			v := float32(0)
			if i < len(t.ready) {
				v = t.ready[i]
			}
			out.data = binary.LittleEndian.AppendUint32(out.data, math.Float32bits(v))
		}
	}
	for _, t := range s {
		t.ready = t.ready[min(n, len(t.ready)):]
	}
	return true
}

// err is what is no fault of the file, else the first damage.
func (s sideBySide) err() error {
	var first *orchestrator.DamageError
	for _, t := range s {
		damage := (*orchestrator.DamageError)(nil)
		switch {
		case t.err != nil && !errors.Is(t.err, orchestrator.ErrBadRecording):
			return t.err
		case errors.As(t.err, &damage) && (first == nil || damage.First < first.First):
			first = damage
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// monoTrack yields one track, mixed to one channel.
func (a *Audio) monoTrack(ctx context.Context, file *file, part section, rateHz, number int) iter.Seq2[[]float32, error] {
	return mixPieces(a.ffmpegTrack(ctx, file, part, rateHz, number), rateHz)
}

// mixPieces mixes what ffmpeg decodes to one channel.
func mixPieces(pieces iter.Seq2[pcm, error], rateHz int) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		var samples []float32
		var mix *mixer
		flush := func() bool {
			if mix == nil {
				return true
			}
			mono := mix.flush()
			return len(mono) == 0 || yield(mono, nil)
		}
		for piece, err := range pieces {
			if err != nil {
				if flush() {
					yield(nil, err)
				}
				return
			}
			if mix == nil {
				mix = newMixer(piece.width/4, rateHz)
			}
			samples = piece.samples(samples)
			if mono := mix.add(samples); len(mono) > 0 && !yield(mono, nil) {
				return
			}
		}
		flush()
	}
}

// track is one of several that are read in step.
type track struct {
	next  func() ([]float32, error, bool)
	stop  func()
	ready []float32
	ended bool
	err   error
}

func newTrack(samples iter.Seq2[[]float32, error]) *track {
	t := &track{}
	t.next, t.stop = iter.Pull2(samples)
	return t
}

// fill sees to it that something is ready, unless the track has ended.
func (t *track) fill() {
	for len(t.ready) == 0 && !t.ended {
		piece, err, more := t.next()
		t.ready = piece
		if t.ended = !more || err != nil; err != nil {
			t.ready, t.err = nil, err
		}
	}
}
