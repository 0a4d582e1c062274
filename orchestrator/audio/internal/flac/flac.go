// Package flac writes FLAC (RFC 9639), a lossless form of sound, here of 16 bits: by fixed predictors and Rice
// codes alone, which cost little, and little room.
package flac

import "encoding/binary"

const (
	// MaxChannels is how many channels a file may have.
	MaxChannels = 8
	// MaxRateHz is the highest rate that a file can name.
	MaxRateHz = 1<<20 - 1

	blockLength = 4096 // samples of each channel in a frame
	bitDepth    = 16
	maxOrder    = 4 // of the predictors
	leftAndSide = 8 // what the channels of a frame are, if not each by itself

	infoStart  = 8 // behind the magic and the block's own header
	infoLength = 34
)

// Writer makes one file in memory. Not safe for concurrent use.
type Writer struct {
	rateHz, channels int
	out              bits
	pending          []byte // samples that fill no frame yet
	frames           uint32
	samples          int64
	// smallest and largest frame in bytes.
	smallest, largest int
	channel           [MaxChannels][]int32 // of the frame at hand
	side              []int32              // of two channels: the left less the right one
	residuals         [maxOrder + 1][]int32
}

// NewWriter returns a Writer of 1 to MaxChannels channels with at most MaxRateHz samples in a second.
func NewWriter(rateHz, channels int) *Writer {
	w := &Writer{rateHz: rateHz, channels: channels}
	w.out.data = append(w.out.data, "fLaC\x80\x00\x00\x22"...) // one block of metadata, the last one
	w.out.data = append(w.out.data, make([]byte, infoLength)...)
	return w
}

// Write adds samples, little-endian, the channels interleaved: whole samples of all channels.
func (w *Writer) Write(data []byte) {
	w.pending = append(w.pending, data...)
	frame := blockLength * 2 * w.channels
	for len(w.pending) >= frame {
		w.frame(w.pending[:frame])
		w.pending = w.pending[:copy(w.pending, w.pending[frame:])]
	}
}

// Samples is how many were written, of each channel.
func (w *Writer) Samples() int64 { return w.samples + int64(len(w.pending)/2/w.channels) }

// Size is about how many bytes the file has so far.
func (w *Writer) Size() int { return len(w.out.data) + len(w.pending) }

// Finish returns the whole file. The Writer is of no use then.
func (w *Writer) Finish() []byte {
	if len(w.pending) > 0 {
		w.frame(w.pending)
	}
	info := bits{data: make([]byte, 0, infoLength)}
	info.put(blockLength, 16)
	info.put(blockLength, 16)
	info.put(uint64(w.smallest), 24)
	info.put(uint64(w.largest), 24)
	info.put(uint64(w.rateHz), 20)
	info.put(uint64(w.channels-1), 3)
	info.put(bitDepth-1, 5)
	info.put(uint64(w.samples), 36)
	copy(w.out.data[infoStart:], info.data) // zeros behind it: no checksum of all samples, for every frame has one
	return w.out.data
}

// frame writes one frame of at most blockLength samples.
func (w *Writer) frame(data []byte) {
	n := len(data) / 2 / w.channels
	for c := range w.channels {
		samples := w.channel[c][:0]
		for i := range n {
			samples = append(samples, int32(int16(binary.LittleEndian.Uint16(data[2*(i*w.channels+c):]))))
		}
		w.channel[c] = samples
	}
	channels, layout := w.channel, w.channels-1
	if w.channels == 2 {
		w.side = w.side[:0]
		for i, left := range channels[0] {
			w.side = append(w.side, left-channels[1][i])
		}
		_, right := w.predict(channels[1])
		if _, side := w.predict(w.side); side < right {
			channels[1], layout = w.side, leftAndSide
		}
	}
	start := len(w.out.data)
	w.header(n, layout)
	for c, samples := range channels[:w.channels] {
		depth := bitDepth
		if c == 1 && layout == leftAndSide {
			depth++
		}
		w.subframe(samples, depth)
	}
	w.out.align()
	w.out.put(uint64(crc16(w.out.data[start:])), 16)

	w.frames++
	w.samples += int64(n)
	size := len(w.out.data) - start
	w.largest = max(w.largest, size)
	if w.smallest == 0 || size < w.smallest {
		w.smallest = size
	}
}

// header begins a frame of n samples; layout says what the channels are.
func (w *Writer) header(n, layout int) {
	start := len(w.out.data)
	w.out.put(0xfff8, 16)
	if n == blockLength {
		w.out.put(12, 4)
	} else {
		w.out.put(7, 4) // told behind the frame's number
	}
	w.out.put(0, 4) // the rate is the file's
	w.out.put(uint64(layout), 4)
	w.out.put(4<<1, 4) // 16 bits
	w.out.number(w.frames)
	if n != blockLength {
		w.out.put(uint64(n-1), 16)
	}
	w.out.put(uint64(crc8(w.out.data[start:])), 8)
}

// predict fills in the residuals of every predictor, and returns the order of the best and what is left by
// it: the sum of its residuals' sizes.
func (w *Writer) predict(samples []int32) (best int, least uint64) {
	w.residuals[0] = append(w.residuals[0][:0], samples...)
	for order := range min(maxOrder+1, len(samples)) {
		if order > 0 {
			next := w.residuals[order][:0]
			next = append(next, samples[:order]...)
			before := w.residuals[order-1]
			for i := order; i < len(samples); i++ {
				next = append(next, before[i]-before[i-1])
			}
			w.residuals[order] = next
		}
		var sum uint64
		for _, residual := range w.residuals[order][order:] {
			sum += uint64(max(residual, -residual))
		}
		if order == 0 || sum < least {
			best, least = order, sum
		}
	}
	return best, least
}

// subframe writes the samples of one channel.
func (w *Writer) subframe(samples []int32, depth int) {
	order, left := w.predict(samples)
	if left == 0 && order <= 1 && samples[0] == samples[len(samples)-1] { // always the same
		w.out.put(0, 8)
		w.out.signed(samples[0], depth)
		return
	}
	w.out.put(uint64(8|order)<<1, 8)
	for _, sample := range samples[:order] {
		w.out.signed(sample, depth)
	}
	parts := 0 // as a power of two
	if len(samples) == blockLength {
		parts = 4
	}
	w.out.put(uint64(parts), 6) // Rice codes with parameters of four bits
	length := len(samples) >> parts
	for from := 0; from < len(samples); from += length {
		w.rice(w.residuals[order][max(from, order) : from+length])
	}
}

// rice writes residuals with the parameter that makes them shortest.
func (w *Writer) rice(residuals []int32) {
	const parameters = 15 // 15 itself means something else
	var best uint64
	least := ^uint64(0)
	for k := range uint64(parameters) {
		size := (k + 1) * uint64(len(residuals))
		for _, residual := range residuals {
			size += uint64(folded(residual) >> k)
		}
		if size < least {
			best, least = k, size
		}
	}
	w.out.put(best, 4)
	for _, residual := range residuals {
		value := uint64(folded(residual))
		w.out.unary(value >> best)
		w.out.put(value&(1<<best-1), int(best))
	}
}

// folded maps 0, -1, 1, -2 … to 0, 1, 2, 3 …
func folded(v int32) uint32 { return uint32(v<<1 ^ v>>31) }

// bits appends numbers to bytes, the highest bit first.
type bits struct {
	data  []byte
	rest  uint64 // bits that fill no byte yet, the latest lowest
	count int    // of them, less than 8
}

// put appends the lowest n bits of a value that has no higher ones; n is at most 56.
func (b *bits) put(value uint64, n int) {
	b.rest = b.rest<<n | value
	for b.count += n; b.count >= 8; {
		b.count -= 8
		b.data = append(b.data, byte(b.rest>>b.count))
	}
}

func (b *bits) signed(value int32, n int) { b.put(uint64(value)&(1<<n-1), n) }

// unary appends as many zeros as value says, and a one.
func (b *bits) unary(value uint64) {
	for ; value >= 32; value -= 32 {
		b.put(0, 32)
	}
	b.put(1, int(value)+1)
}

func (b *bits) align() { b.put(0, (8-b.count)%8) }

// number appends a number as UTF-8 does, up to 31 bits.
func (b *bits) number(v uint32) {
	if v < 0x80 {
		b.put(uint64(v), 8)
		return
	}
	more := 1 // bytes behind the first, of six bits each
	for v>>(5*more+6) > 0 {
		more++
	}
	lead := byte(0xff) << (7 - more) // as many ones as there are bytes, and a zero
	b.put(uint64(lead)|uint64(v>>(6*more)), 8)
	for more--; more >= 0; more-- {
		b.put(uint64(0x80|v>>(6*more)&0x3f), 8)
	}
}

func crc8(data []byte) (sum byte) {
	for _, b := range data {
		sum ^= b
		for range 8 {
			sum = sum<<1 ^ sum>>7*0x07
		}
	}
	return sum
}

var crc16Table = func() (table [256]uint16) {
	for i := range table {
		sum := uint16(i) << 8
		for range 8 {
			sum = sum<<1 ^ sum>>15*0x8005
		}
		table[i] = sum
	}
	return table
}()

func crc16(data []byte) (sum uint16) {
	for _, b := range data {
		sum = sum<<8 ^ crc16Table[byte(sum>>8)^b]
	}
	return sum
}
