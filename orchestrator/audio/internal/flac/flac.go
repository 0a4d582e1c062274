// Package flac writes FLAC (RFC 9639), a lossless form of sound, here of 16 bits, by a library that takes whole frames;
// reads it back; and repairs the frame headers of files that were written before they named their rate.
package flac

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

const (
	// MaxChannels is how many channels a file may have.
	MaxChannels = 8
	// MaxRateHz is the highest rate that a file can name.
	MaxRateHz = 1<<20 - 1

	blockLength = 4096 // samples of each channel in a frame
	bitDepth    = 16
)

// Writer makes one file in memory. Not safe for concurrent use.
type Writer struct {
	info    meta.StreamInfo
	out     bytes.Buffer
	encoder *flac.Encoder
	pending [][]int32 // of each channel, the samples that fill no frame yet
	err     error     // the first one
}

// NewWriter returns a Writer of 1 to MaxChannels channels with at most MaxRateHz samples in a second.
func NewWriter(rateHz, channels int) *Writer {
	w := &Writer{pending: make([][]int32, channels), info: meta.StreamInfo{
		BlockSizeMin: blockLength, BlockSizeMax: blockLength,
		SampleRate: uint32(rateHz), NChannels: uint8(channels), BitsPerSample: bitDepth,
	}}
	w.encoder, w.err = flac.NewEncoder(&w.out, &w.info)
	return w
}

// Write adds samples, little-endian, the channels interleaved: whole samples of all channels. Finish tells what fails.
func (w *Writer) Write(data []byte) {
	for len(data) > 0 {
		for c := range w.pending {
			w.pending[c] = append(w.pending[c], int32(int16(binary.LittleEndian.Uint16(data))))
			data = data[2:]
		}
		if len(w.pending[0]) == blockLength {
			w.frame()
		}
	}
}

// Samples is how many were written, of each channel.
func (w *Writer) Samples() int64 { return int64(w.info.NSamples) + int64(len(w.pending[0])) }

// Size is about how many bytes the file has so far.
func (w *Writer) Size() int { return w.out.Len() + 2*len(w.pending)*len(w.pending[0]) }

// Finish returns the whole file. The Writer is of no use then.
func (w *Writer) Finish() ([]byte, error) {
	if len(w.pending[0]) > 0 {
		w.frame()
	}
	if w.err != nil {
		return nil, w.err
	}
	// The start once more, with the number of samples. The encoder's own Close would give the last frame's length
	// as that of the shortest, which readers refuse below 16. There is no checksum of all samples: every frame has one.
	var start bytes.Buffer
	if _, err := flac.NewEncoder(&start, &w.info); err != nil {
		return nil, err
	}
	copy(w.out.Bytes(), start.Bytes())
	return w.out.Bytes(), nil
}

// frame writes what is pending.
func (w *Writer) frame() {
	length := len(w.pending[0])
	f := frame.Frame{Header: frame.Header{
		HasFixedBlockSize: true, BlockSize: uint16(length), SampleRate: frameRate(w.info.SampleRate),
		Channels: frame.Channels(len(w.pending) - 1), BitsPerSample: bitDepth,
	}}
	if len(w.pending) == 2 && sideIsCalmer(w.pending[0], w.pending[1]) {
		f.Channels = frame.ChannelsLeftSide
	}
	for c, samples := range w.pending {
		f.Subframes = append(f.Subframes, &frame.Subframe{Samples: samples, NSamples: length,
			SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}}) // for the encoder to find a better one
		w.pending[c] = samples[:0]
	}
	if w.err == nil {
		w.err = w.encoder.WriteFrame(&f)
	}
	w.info.NSamples += uint64(length)
}

// frameRate is the rate that a frame's header gets. Browsers stop at, or refuse, frames that leave it to the
// start of the file (0), so only rates that no header can hold do.
func frameRate(rateHz uint32) uint32 {
	switch {
	case rateHz == 88200, rateHz == 176400, rateHz == 192000, rateHz <= math.MaxUint16:
	case rateHz%1000 == 0 && rateHz <= 255_000, rateHz%10 == 0 && rateHz <= 655_350:
	default:
		return 0
	}
	return rateHz
}

// sideIsCalmer tells whether the left channel less the right one changes less than the right one does.
func sideIsCalmer(left, right []int32) bool {
	var rights, sides int64
	for i := 1; i < len(left); i++ {
		r := right[i] - right[i-1]
		s := left[i] - left[i-1] - r
		rights += int64(max(r, -r))
		sides += int64(max(s, -s))
	}
	return sides < rights
}
