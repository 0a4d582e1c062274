package wave

import (
	"encoding/binary"
	"math"
)

// Encoding is how a sample is written.
type Encoding int

// The encodings.
const (
	Integer  Encoding = iota // signed, of 2 to 4 bytes, the highest bits used where some are not
	Unsigned                 // of 1 byte
	Signed8                  // of 1 byte, in AIFF
	Float                    // of 4 or 8 bytes
	ALaw
	MuLaw
)

// Format is what the samples of a Part are.
type Format struct {
	RateHz, Channels int
	Encoding         Encoding
	Width            int // bytes of a sample of one channel
	BigEndian        bool
	// Shift is by how many bits integers are to be moved up, where a writer aligned them to the right; see Aligned.
	Shift int
	// Valid is how many bits of an integer the header says are used; 0 where it does not say.
	Valid int
}

// Frame is how many bytes a sample of all channels has.
func (f Format) Frame() int { return f.Width * f.Channels }

// Decode writes the samples of whole frames to out, which has room for them, as numbers whose full scale is 1.
func (f Format) Decode(data []byte, out []float32) {
	out = out[:len(data)/f.Width]
	var order binary.ByteOrder = binary.LittleEndian
	if f.BigEndian {
		order = binary.BigEndian
	}
	switch {
	case f.Encoding == Integer && f.Width == 2 && !f.BigEndian && f.Shift == 0:
		for i := range out {
			out[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / (1 << 15)
		}
	case f.Encoding == Integer:
		for i := range out {
			out[i] = float32(f.integer(data[i*f.Width:])<<f.Shift) / (1 << 31)
		}
	case f.Encoding == Unsigned:
		for i := range out {
			out[i] = float32(int(data[i])-128) / (1 << 7)
		}
	case f.Encoding == Signed8:
		for i := range out {
			out[i] = float32(int8(data[i])) / (1 << 7)
		}
	case f.Encoding == Float && f.Width == 4:
		for i := range out {
			out[i] = math.Float32frombits(order.Uint32(data[4*i:]))
		}
	case f.Encoding == Float:
		for i := range out {
			out[i] = float32(math.Float64frombits(order.Uint64(data[8*i:])))
		}
	case f.Encoding == ALaw:
		for i := range out {
			out[i] = aLaw[data[i]]
		}
	case f.Encoding == MuLaw:
		for i := range out {
			out[i] = muLaw[data[i]]
		}
	}
}

// integer is a sample in the highest bits.
func (f Format) integer(data []byte) int32 {
	switch {
	case f.Width == 2 && f.BigEndian:
		return int32(binary.BigEndian.Uint16(data)) << 16
	case f.Width == 2:
		return int32(binary.LittleEndian.Uint16(data)) << 16
	case f.Width == 3 && f.BigEndian:
		return int32(data[0])<<24 | int32(data[1])<<16 | int32(data[2])<<8
	case f.Width == 3:
		return int32(data[2])<<24 | int32(data[1])<<16 | int32(data[0])<<8
	case f.BigEndian:
		return int32(binary.BigEndian.Uint32(data))
	}
	return int32(binary.LittleEndian.Uint32(data))
}

// Aligned returns the format with its Shift set where a piece of the sound shows that its integers are aligned to the right:
// none of them uses a bit that a smaller sample does not have, and one of them a bit below those that one aligned to the left
// has.
func (f Format) Aligned(data []byte) Format {
	spare := 8*f.Width - f.Valid
	if f.Encoding != Integer || f.Valid <= 0 || spare <= 0 {
		return f
	}
	low := false
	unused := 32 - 8*f.Width // bits of the int32 that no byte fills
	for ; len(data) >= f.Width; data = data[f.Width:] {
		sample := f.integer(data) >> unused
		if high := sample >> (f.Valid - 1); high != 0 && high != -1 {
			return f
		}
		low = low || sample&(1<<spare-1) != 0
	}
	if low {
		f.Shift = spare
	}
	return f
}

var aLaw, muLaw = func() (a, mu [256]float32) {
	for i := range 256 {
		code := i ^ 0x55
		value := (code&15)<<4 + 8
		if segment := code >> 4 & 7; segment > 0 {
			value = (value + 0x100) << (segment - 1)
		}
		if code&0x80 == 0 {
			value = -value
		}
		a[i] = float32(value) / (1 << 15)

		code = ^i & 0xff
		value = ((code&15)<<3+0x84)<<(code>>4&7) - 0x84
		if code&0x80 != 0 {
			value = -value
		}
		mu[i] = float32(value) / (1 << 15)
	}
	return a, mu
}()
