package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/flac"
)

// Sound is the sound of a clip, mixed to one channel.
type Sound struct {
	RateHz  int
	Samples []float32 // in [-1, 1]
}

// Sound decodes a clip of Ogg Opus or FLAC, without another process: at its own rate where that is at most
// maxRateHz, else at that. Ogg Opus has orchestrator.SampleRateHz. What lies behind two minutes is left away, so that
// memory is bounded whatever the clip says. Other files, and damaged ones, are errors that wrap
// orchestrator.ErrBadRecording.
func (a *Audio) Sound(ctx context.Context, clip []byte, maxRateHz int) (Sound, error) {
	if maxRateHz <= 0 {
		return Sound{}, fmt.Errorf("decode clip: invalid rate of %d Hz", maxRateHz)
	}
	pieces, rateHz := a.opusSamples(ctx, bytes.NewReader(clip)), orchestrator.SampleRateHz
	if bytes.HasPrefix(clip, []byte("fLaC")) {
		format, err := flac.ReadFormat(bytes.NewReader(clip))
		if err != nil {
			return Sound{}, damaged(err)
		}
		pieces, rateHz = flac.Read(bytes.NewReader(clip)), format.RateHz
	}
	sound := Sound{RateHz: min(rateHz, maxRateHz)}
	down := newDecimator(rateHz, sound.RateHz)
	most := maxClip * sound.RateHz / orchestrator.SampleRateHz
	for piece, err := range pieces {
		if ctx.Err() != nil {
			return Sound{}, context.Cause(ctx)
		}
		if err != nil && len(sound.Samples) == 0 {
			return Sound{}, damaged(err)
		}
		if err != nil {
			break // what is left of a damaged clip is worth hearing
		}
		if sound.Samples = down.add(sound.Samples, piece); len(sound.Samples) >= most {
			break
		}
	}
	sound.Samples = down.finish(sound.Samples)
	sound.Samples = sound.Samples[:min(len(sound.Samples), most)]
	if len(sound.Samples) == 0 {
		return Sound{}, damagedf("there is no sound in it")
	}
	clamp(sound.Samples)
	return sound, nil
}

// WAV is the sound as a WAV file of 16 bits: what every browser plays. Its length in bytes is 44 + 2 for each sample.
func (s Sound) WAV() []byte {
	const head, width = 44, 2
	size := width * len(s.Samples)
	data := make([]byte, 0, head+size)
	data = append(data, "RIFF"...)
	data = binary.LittleEndian.AppendUint32(data, uint32(head-8+size))
	data = append(data, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...) // PCM, one channel
	data = binary.LittleEndian.AppendUint32(data, uint32(s.RateHz))
	data = binary.LittleEndian.AppendUint32(data, uint32(width*s.RateHz))
	data = append(data, "\x02\x00\x10\x00data"...)
	data = binary.LittleEndian.AppendUint32(data, uint32(size))
	for _, sample := range s.Samples {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(float64(sample)*math.MaxInt16))))
	}
	return data
}

// Rendition is a clip for players that cannot play the original: 16-bit WAV, mono, at most 48 kHz and two minutes. Of
// Ogg Opus that is 16 kHz, 32 kB a second. It is made from the clip's bytes each time, in a few milliseconds for each
// second of sound; its errors are those of Sound.
func (a *Audio) Rendition(ctx context.Context, clip []byte) (wav []byte, err error) {
	sound, err := a.Sound(ctx, clip, 48000)
	if err != nil {
		return nil, err
	}
	return sound.WAV(), nil
}

const (
	// listeningTarget is how loud the loudest parts are made for listening, as a root mean square: 18 dB below full scale.
	listeningTarget = 0.126
	// listeningMaxGain is the most that a quiet clip is brought up: 30 dB. More makes noise of silence.
	listeningMaxGain = 31.6
)

// ListeningGain is the factor that makes the sound as loud as others for a listener, from 1/listeningMaxGain to
// listeningMaxGain. Loud peaks may exceed full scale by it: a player needs a limiter, as a
// DynamicsCompressorNode is. 1 for silence.
func (s Sound) ListeningGain() float64 {
	loud := 0.0 // the mean square of the loudest 50 ms
	cell := max(1, s.RateHz/20)
	for from := 0; from < len(s.Samples); from += cell {
		piece := s.Samples[from:min(from+cell, len(s.Samples))]
		sum := 0.0
		for _, sample := range piece {
			sum += float64(sample) * float64(sample)
		}
		loud = max(loud, sum/float64(cell))
	}
	if loud == 0 {
		return 1
	}
	return min(max(listeningTarget/math.Sqrt(loud), 1/listeningMaxGain), listeningMaxGain)
}
