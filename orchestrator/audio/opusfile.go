package audio

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// silence is what lost sound is filled with, a second at a time.
var silence [opus.DecodedRateHz]float32

// opusSamples decodes an Ogg Opus file. Sample n is always the one at tick 3n, whatever was lost
// before it, so that positions do not drift. Of a damaged file its *orchestrator.DamageError comes last.
func (a *Audio) opusSamples(ctx context.Context, r io.Reader) iter.Seq2[[]float32, error] {
	return a.packetSamples(ctx, func(damage *opus.Damage) iter.Seq2[opus.Packet, error] { return opus.Packets(r, damage) })
}

// packetSamples does the same for packets from anywhere.
func (a *Audio) packetSamples(ctx context.Context, packets func(*opus.Damage) iter.Seq2[opus.Packet, error]) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		s := opusSink{yield: func(samples []float32) bool { return yield(samples, nil) }}
		defer s.close()
		for packet, err := range packets(&s.damage) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && packet.Link != s.link {
				err = s.follow(packet.Link, a.newDecoder)
			}
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				if s.flush() {
					yield(nil, opusError(ctx, err))
				}
				return
			}
			if !s.put(packet) {
				return
			}
		}
		if s.decoded == 0 {
			yield(nil, damagedf("none of its packets can be decoded: %w", s.err))
			return
		}
		if s.fill(s.end) && s.flush() && s.damage.Found {
			yield(nil, &orchestrator.DamageError{First: toSamples(s.damage.First), Lost: toSamples(s.damage.Lost)})
		}
	}
}

func opusError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, opus.ErrNotOpus):
		return damagedf("a later part of it is not Opus: %w", err)
	}
	return damaged(err)
}

func (a *Audio) newDecoder(head opus.Head) (opus.Decoder, error) {
	if library, err := a.openLibrary(); err == nil {
		return library.NewDecoder(head)
	}
	return opus.NewPureDecoder(head)
}

// opusSink puts decoded packets at their places.
type opusSink struct {
	yield   func([]float32) bool
	link    *opus.Link
	decoder opus.Decoder
	mix     *mixer
	gain    float32
	written int64 // samples yielded so far
	end     int64 // samples that there must be at the end
	decoded int   // packets
	err     error // of the last packet that could not be decoded
	damage  opus.Damage
}

func (s *opusSink) follow(link *opus.Link, newDecoder func(opus.Head) (opus.Decoder, error)) error {
	if !s.flush() {
		return errStopped
	}
	s.close()
	s.link, s.gain = link, link.Head.Gain()
	var err error
	if s.decoder, err = newDecoder(link.Head); err == nil {
		s.mix = newMixer(s.decoder.Channels(), opus.DecodedRateHz)
	}
	return err
}

// flush yields what waits to be mixed.
func (s *opusSink) flush() bool {
	if s.mix == nil {
		return true
	}
	mono := s.mix.flush()
	return len(mono) == 0 || s.yield(mono)
}

// add mixes samples of all channels.
func (s *opusSink) add(samples []float32) bool {
	mono := s.mix.add(samples)
	return len(mono) == 0 || s.yield(mono)
}

func (s *opusSink) close() {
	if s.decoder != nil {
		s.decoder.Close()
		s.decoder = nil
	}
}

func (s *opusSink) put(packet opus.Packet) bool {
	samples, err := s.decoder.Decode(packet.Data)
	s.end = toSamples(packet.End)
	if err != nil {
		s.err = err
		from := max(packet.Start, packet.Link.Start)
		s.damage.Add(from, packet.End-from)
		return true // its place is filled with silence when the next one comes
	}
	s.decoded++
	if !s.fill(toSamples(max(packet.Start, packet.Link.Start))) {
		return false
	}
	first, channels := toSamples(packet.Start), int64(s.decoder.Channels())
	decoded := int64(len(samples)) / channels
	from := min(max(s.written-first, 0), decoded)
	to := min(max(s.end-first, from), decoded)
	samples = samples[from*channels : to*channels]
	if s.gain != 1 {
		for i := range samples {
			samples[i] *= s.gain
		}
	}
	s.written += to - from
	return len(samples) == 0 || s.add(samples)
}

// fill yields silence up to a position.
func (s *opusSink) fill(position int64) bool {
	for s.written < position {
		channels := int64(s.decoder.Channels())
		n := max(1, min(position-s.written, int64(len(silence))/channels))
		s.written += n
		if !s.add(silence[:n*channels]) {
			return false
		}
	}
	return true
}

// toSamples converts ticks to samples, rounding down also below zero.
func toSamples(ticks int64) int64 {
	if ticks < 0 {
		ticks -= opus.Ratio - 1
	}
	return ticks / opus.Ratio
}
