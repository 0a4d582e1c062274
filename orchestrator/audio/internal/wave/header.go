package wave

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// The tags of WAV formats that are read here.
const (
	tagPCM, tagFloat, tagALaw, tagMuLaw, tagExtensible = 1, 3, 6, 7, 0xfffe
)

// subformat is how the formats of an extensible header end.
var subformat = []byte("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71")

// parseFormat reads a "fmt " chunk.
func parseFormat(data []byte, l *layout) (Format, error) {
	if len(data) < 16 {
		return Format{}, fmt.Errorf("%w: its format is %d bytes long", ErrInvalid, len(data))
	}
	tag, channels := int(l.order.Uint16(data)), int(l.order.Uint16(data[2:]))
	rate, block, bits := int64(l.order.Uint32(data[4:])), int(l.order.Uint16(data[12:])), int(l.order.Uint16(data[14:]))
	f := Format{Channels: channels, BigEndian: l.swapped, Width: (bits + 7) / 8}
	if tag == tagExtensible && len(data) >= 40 && bytes.Equal(data[26:40], subformat) {
		tag = int(binary.LittleEndian.Uint16(data[24:]))
		if l.swapped {
			tag = int(l.order.Uint16(data[24:]))
		}
		f.Valid = int(l.order.Uint16(data[18:]))
	}
	switch tag {
	case tagPCM:
		if f.Encoding = Integer; f.Width == 1 {
			f.Encoding = Unsigned
		}
		if f.Valid == 0 {
			f.Valid = bits
		}
	case tagFloat:
		f.Encoding = Float
	case tagALaw:
		f.Encoding = ALaw
	case tagMuLaw:
		f.Encoding = MuLaw
	default:
		return Format{}, ErrNotPCM
	}
	// The block says how far samples lie apart, whatever is used of them.
	if channels > 0 && block%channels == 0 {
		if apart := block / channels; f.Encoding == Integer && apart > f.Width && apart <= 4 {
			f.Width = apart
		}
	}
	return f.checked(rate)
}

// parseCommon reads the COMM chunk of AIFF.
func parseCommon(data []byte, l *layout) (Format, error) {
	if len(data) < 18 {
		return Format{}, fmt.Errorf("%w: its format is %d bytes long", ErrInvalid, len(data))
	}
	bits := int(l.order.Uint16(data[6:]))
	f := Format{Channels: int(l.order.Uint16(data)), BigEndian: true, Width: (bits + 7) / 8, Valid: bits}
	if f.Encoding = Integer; f.Width == 1 {
		f.Encoding = Signed8
	}
	if len(data) >= 22 {
		switch string(data[18:22]) {
		case "NONE", "twos", "in24", "in32":
		case "sowt":
			f.BigEndian = false
		case "fl32", "FL32":
			f.Encoding, f.Width, f.Valid = Float, 4, 0
		case "fl64", "FL64":
			f.Encoding, f.Width, f.Valid = Float, 8, 0
		case "alaw", "ALAW":
			f.Encoding, f.Width, f.Valid = ALaw, 1, 0
		case "ulaw", "ULAW":
			f.Encoding, f.Width, f.Valid = MuLaw, 1, 0
		default:
			return Format{}, ErrNotPCM
		}
	}
	// The rate is a number of 80 bits: sign and exponent, and 64 bits with the leading one.
	exponent, fraction := int(binary.BigEndian.Uint16(data[8:])), binary.BigEndian.Uint64(data[10:])
	rate := math.Ldexp(float64(fraction), exponent-16383-63)
	if !(rate >= 0 && rate <= math.MaxInt32) {
		rate = 0
	}
	return f.checked(int64(math.Round(rate)))
}

// checked is the format with its rate, if both make sense.
func (f Format) checked(rate int64) (Format, error) {
	switch {
	case rate < MinRateHz || rate > MaxRateHz:
		return Format{}, fmt.Errorf("%w: a sample rate of %d Hz; want %d to %d", ErrInvalid, rate, MinRateHz, MaxRateHz)
	case f.Channels < 1 || f.Channels > maxChannels:
		return Format{}, fmt.Errorf("%w: %d channels; want 1 to %d", ErrInvalid, f.Channels, maxChannels)
	case f.Encoding == Float && f.Width != 4 && f.Width != 8, f.Encoding == Integer && (f.Width < 2 || f.Width > 4),
		(f.Encoding == ALaw || f.Encoding == MuLaw) && f.Width != 1:
		return Format{}, ErrNotPCM
	}
	if f.Valid > 8*f.Width || f.Valid < 1 || f.Encoding != Integer {
		f.Valid = 0
	}
	f.RateHz = int(rate)
	return f, nil
}
