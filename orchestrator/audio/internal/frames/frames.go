// Package frames walks the frames of raw streams, MPEG audio (MP3) and AAC in ADTS, which have neither an index nor
// timestamps: where bytes of them are damaged, only a count of frames tells where what follows belongs.
package frames

import (
	"bytes"
	"errors"
	"io"
)

// Kinds of streams, as ffmpeg names their formats.
const (
	MP3  = "mp3"
	ADTS = "aac"
)

// ErrNotFrames says that the file is of another kind.
var ErrNotFrames = errors.New("no raw stream of MP3 or ADTS")

const (
	// minLost is the shortest stretch, in seconds, that counts as lost: what is less is not worth a break.
	minLost = 0.25
	// maxStretches bounds how often a stream breaks off; one that does so more often is left as it is.
	maxStretches = 64
	// maxJunk is how many bytes may lie before the first frame, behind tags.
	maxJunk = 64 << 10
)

// Stretch is a part of a file whose frames follow each other.
type Stretch struct {
	// Offset and End of its bytes.
	Offset, End int64
	// Start is where its sound begins, in seconds: behind the sound before it and what is Lost.
	Start float64
	// Lost is how much is missing before it, in seconds, by the mean size of the stream's frames: exact where its bit
	// rate is constant.
	Lost float64
}

// Stretches finds the parts of a file of raw frames and reads it once. A file that is whole is one stretch. ErrNotFrames for
// another kind of file; other errors are the reader's.
func Stretches(r io.ReaderAt, size int64) (kind string, stretches []Stretch, err error) {
	w := &window{r: r, size: size}
	at := w.skipTags(0)
	first := w.resync(at, min(size, at+maxJunk), header{})
	if w.err != nil {
		return "", nil, w.err
	}
	if first < 0 {
		return "", nil, ErrNotFrames
	}
	kind = w.header(first).kind
	type broken struct {
		at    int     // in stretches: before that one
		bytes int64   // that are lost
		from  float64 // seconds of frames before
	}
	var lost []broken
	var seconds float64
	var total int64
	stretches = []Stretch{{Offset: 0, End: size}}
	last := header{}
	for at = first; at < size && w.err == nil; {
		h := w.header(at)
		if h.size > 0 && h.kind == kind && (h.key == last.key || last.size == 0 || w.follows(at, h)) {
			seconds += float64(h.samples) / float64(h.rate)
			total += int64(h.size)
			at += int64(h.size)
			last = h
			continue
		}
		from := at
		if next := w.skipTags(at); next > at {
			at = next
			continue
		}
		if at = w.resync(at, size, last); at < 0 {
			break
		}
		lost = append(lost, broken{len(stretches), at - from, seconds})
		stretches[len(stretches)-1].End = from
		stretches = append(stretches, Stretch{Offset: at, End: size})
		if len(stretches) > 16*maxStretches {
			break
		}
	}
	if w.err != nil {
		return "", nil, w.err
	}
	if total == 0 {
		return "", nil, ErrNotFrames
	}
	shift := -w.unheard(first) // what players leave out at the start is part of no position
	kept := stretches[:1]
	for _, b := range lost {
		gone := float64(b.bytes) * seconds / float64(total)
		if gone < minLost {
			kept[len(kept)-1].End = stretches[b.at].End
			continue
		}
		shift += gone
		kept = append(kept, Stretch{Offset: stretches[b.at].Offset, End: stretches[b.at].End, Start: max(0, b.from+shift), Lost: gone})
	}
	if len(kept) > maxStretches {
		return kind, []Stretch{{End: size}}, nil
	}
	return kind, kept, nil
}

// header is what a frame says of itself; its size is 0 where it is none.
type header struct {
	kind          string
	size, samples int
	rate          int
	key           uint32 // what all frames of a stream share
}

var (
	mpegRates = [3]int{44100, 48000, 32000}
	adtsRates = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	// bitRates in kbit/s by version 1 and layer 1 to 3, version 2 and layer 1, and version 2 and layers 2 and 3.
	bitRates = [5][15]int{
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
)

const headerBytes = 7

func parse(b []byte) header {
	switch {
	case len(b) < headerBytes || b[0] != 0xff || b[1]&0xe0 != 0xe0:
		return header{}
	case b[1]&0xf6 == 0xf0:
		return parseADTS(b)
	}
	return parseMPEG(b)
}

func parseADTS(b []byte) header {
	rate, size := int(b[2]>>2&15), int(b[3]&3)<<11|int(b[4])<<3|int(b[5])>>5
	if rate >= len(adtsRates) || size <= headerBytes {
		return header{}
	}
	return header{ADTS, size, 1024 * (int(b[6]&3) + 1), adtsRates[rate], uint32(b[1]&0xf8)<<8 | uint32(b[2]&0x3c)}
}

func parseMPEG(b []byte) header {
	version, layer := b[1]>>3&3, 4-int(b[1]>>1&3) // version 3 is 1, 2 is 2, 0 is 2.5
	bits, rate, padding := int(b[2]>>4), int(b[2]>>2&3), int(b[2]>>1&1)
	if version == 1 || layer == 4 || bits == 0 || bits == 15 || rate == 3 {
		return header{}
	}
	row, hz := layer-1, mpegRates[rate]
	if version != 3 {
		row, hz = min(layer, 2)+2, hz/2
	}
	if version == 0 {
		hz /= 2
	}
	bitRate := bitRates[row][bits] * 1000
	h := header{kind: MP3, rate: hz, samples: 1152, key: uint32(b[1]&0xfe)<<8 | uint32(b[2]&0x0c)}
	switch {
	case layer == 1:
		h.samples, h.size = 384, (12*bitRate/hz+padding)*4
	case layer == 3 && version != 3:
		h.samples, h.size = 576, 72*bitRate/hz+padding
	default:
		h.size = 144*bitRate/hz + padding
	}
	return h
}

// unheard is how much of a stream is no sound, in seconds: the frame that describes it, and what its encoder put before the
// sound, as far as that frame tells.
func (w *window) unheard(at int64) float64 {
	const decoderDelay, delays = 529, 21
	h := w.header(at)
	frame := w.bytes(at, min(h.size, 512))
	i := max(bytes.Index(frame, []byte("Xing")), bytes.Index(frame, []byte("Info")))
	if h.kind != MP3 || i < 0 || i > 40 || len(frame) < i+8 {
		return 0
	}
	samples := h.samples
	flags := frame[i+7]
	i += 8
	for bit, length := range []int{4, 4, 100, 4} {
		if flags>>bit&1 != 0 {
			i += length
		}
	}
	if i+delays+2 <= len(frame) {
		samples += int(frame[i+delays])<<4 | int(frame[i+delays+1])>>4
		samples += decoderDelay
	}
	return float64(samples) / float64(h.rate)
}

// window reads a file piece by piece.
type window struct {
	r    io.ReaderAt
	size int64
	base int64
	data []byte
	err  error
}

const windowBytes = 64 << 10

// bytes are at most n bytes at a place, valid until the next call.
func (w *window) bytes(at int64, n int) []byte {
	if at < 0 || at >= w.size || w.err != nil {
		return nil
	}
	if at < w.base || at+int64(n) > w.base+int64(len(w.data)) && w.base+int64(len(w.data)) < w.size {
		if w.data == nil {
			w.data = make([]byte, windowBytes)
		}
		w.base = at
		w.data = w.data[:min(int64(cap(w.data)), w.size-at)]
		read, err := w.r.ReadAt(w.data, at)
		if err != nil && !errors.Is(err, io.EOF) {
			w.err = err
		}
		w.data = w.data[:read]
	}
	from := at - w.base
	if from >= int64(len(w.data)) {
		return nil
	}
	return w.data[from:min(from+int64(n), int64(len(w.data)))]
}

func (w *window) header(at int64) header { return parse(w.bytes(at, headerBytes)) }

// follows tells whether two more frames of its kind, or the end, follow a frame.
func (w *window) follows(at int64, h header) bool {
	for range 2 {
		at += int64(h.size)
		if at >= w.size-headerBytes {
			return at <= w.size
		}
		next := w.header(at)
		if next.size == 0 || next.key != h.key || next.kind != h.kind {
			return false
		}
		h.size = next.size
	}
	return true
}

// resync is the place of the next frame that others follow, from a place on and before another: of the same stream, unless
// that is not known. Below 0 where there is none.
func (w *window) resync(at, before int64, like header) int64 {
	for at < before && w.err == nil {
		piece := w.bytes(at, windowBytes/2)
		i := bytes.IndexByte(piece, 0xff)
		if i < 0 {
			if len(piece) == 0 {
				return -1
			}
			at += int64(len(piece))
			continue
		}
		at += int64(i)
		if h := w.header(at); h.size > 0 && (like.size == 0 || h.key == like.key && h.kind == like.kind) && w.follows(at, h) {
			return at
		}
		at++
	}
	return -1
}

// skipTags is the place behind tags.
func (w *window) skipTags(at int64) int64 {
	for {
		b := w.bytes(at, 32)
		next := at
		switch {
		case len(b) >= 10 && bytes.HasPrefix(b, []byte("ID3")) && (b[6]|b[7]|b[8]|b[9])&0x80 == 0:
			next += 10 + (int64(b[6])<<21 | int64(b[7])<<14 | int64(b[8])<<7 | int64(b[9]))
			if b[5]&0x10 != 0 {
				next += 10
			}
		case bytes.HasPrefix(b, []byte("TAG")):
			next += 128
		case len(b) >= 16 && bytes.HasPrefix(b, []byte("APETAGEX")):
			next += 32 + (int64(b[12]) | int64(b[13])<<8 | int64(b[14])<<16)
		}
		if next == at {
			return at
		}
		at = min(next, w.size)
	}
}
