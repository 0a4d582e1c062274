// Package opus reads Opus in Ogg (RFC 7845): the header, the packets and their exact positions; and
// decodes packets to 16 kHz mono by libopus, opened at run time, or by a decoder in pure Go.
package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	// RateHz is the clock of all positions in Opus files.
	RateHz = 48000
	// DecodedRateHz is the rate of decoded samples.
	DecodedRateHz = 16000
	// Ratio is how many ticks of RateHz one decoded sample spans.
	Ratio = RateHz / DecodedRateHz

	maxPacketTicks = RateHz * 120 / 1000
)

var (
	headMagic = []byte("OpusHead")
	tagsMagic = []byte("OpusTags")
)

// Errors that say why a stream cannot be read here.
var (
	// ErrNotOpus: there is no Opus stream.
	ErrNotOpus = errors.New("not Ogg Opus")
	// ErrUnsupported: an Opus stream of a kind that only other decoders read.
	ErrUnsupported = errors.New("kind of Opus not supported")
)

// Head is the identification header of an Opus stream.
type Head struct {
	Version  byte
	Channels int
	// PreSkip is the number of ticks to drop at the start.
	PreSkip int
	// InputRateHz is what the encoder was given; it means nothing for decoding.
	InputRateHz uint32
	// GainQ8 is the gain to apply, in 1/256 dB.
	GainQ8 int16
	// Family says what the channels mean: 0 mono or stereo, 1 surround, 2 ambisonics, 255 nothing.
	Family byte
	// Streams within a packet, of which the first Coupled are stereo, and the Mapping of channels to them.
	Streams, Coupled int
	Mapping          []byte
}

// ParseHead reads an identification header. ErrNotOpus when it is none, ErrUnsupported when it asks for
// something unknown.
func ParseHead(packet []byte) (Head, error) {
	if !bytes.HasPrefix(packet, headMagic) {
		return Head{}, ErrNotOpus
	}
	if len(packet) < 19 {
		return Head{}, fmt.Errorf("%w: its header ends early", ErrNotOpus)
	}
	head := Head{
		Version:     packet[8],
		Channels:    int(packet[9]),
		PreSkip:     int(binary.LittleEndian.Uint16(packet[10:])),
		InputRateHz: binary.LittleEndian.Uint32(packet[12:]),
		GainQ8:      int16(binary.LittleEndian.Uint16(packet[16:])),
		Family:      packet[18],
		Streams:     1,
	}
	switch {
	case head.Version >= 16:
		return Head{}, fmt.Errorf("%w: version %d", ErrUnsupported, head.Version)
	case head.Channels == 0:
		return Head{}, fmt.Errorf("%w: its header names no channel", ErrNotOpus)
	case head.Family == 0 && head.Channels <= 2:
		head.Coupled = head.Channels - 1
		head.Mapping = []byte{0, 1}[:head.Channels]
		return head, nil
	case head.Family == 1 && head.Channels <= 8, head.Family == 2, head.Family == 255:
		return parseMapping(head, packet[19:])
	}
	return Head{}, fmt.Errorf("%w: %d channels of mapping family %d", ErrUnsupported, head.Channels, head.Family)
}

func parseMapping(head Head, table []byte) (Head, error) {
	if len(table) < 2+head.Channels {
		return Head{}, fmt.Errorf("%w: its channel mapping ends early", ErrNotOpus)
	}
	head.Streams, head.Coupled = int(table[0]), int(table[1])
	head.Mapping = bytes.Clone(table[2 : 2+head.Channels])
	sources := head.Streams + head.Coupled
	if head.Streams == 0 || head.Coupled > head.Streams || sources > 255 {
		return Head{}, fmt.Errorf("%w: its channel mapping is wrong", ErrNotOpus)
	}
	for _, source := range head.Mapping {
		if source != 255 && int(source) >= sources {
			return Head{}, fmt.Errorf("%w: its channel mapping is wrong", ErrNotOpus)
		}
	}
	return head, nil
}

// Append appends the header's bytes to data.
func (h Head) Append(data []byte) []byte {
	data = append(data, headMagic...)
	data = append(data, h.Version, byte(h.Channels))
	data = binary.LittleEndian.AppendUint16(data, uint16(h.PreSkip))
	data = binary.LittleEndian.AppendUint32(data, h.InputRateHz)
	data = binary.LittleEndian.AppendUint16(data, uint16(h.GainQ8))
	data = append(data, h.Family)
	if h.Family != 0 {
		data = append(data, byte(h.Streams), byte(h.Coupled))
		data = append(data, h.Mapping...)
	}
	return data
}

// Multistream reports whether a packet needs the decoder of several Opus streams.
func (h Head) Multistream() bool { return h.Streams > 1 || h.Channels > 2 }

// Gain is the factor to apply to samples.
func (h Head) Gain() float32 {
	return float32(math.Pow(10, float64(h.GainQ8)/(20*256)))
}

// TagsMagic returns what every comment header begins with.
func TagsMagic() []byte { return bytes.Clone(tagsMagic) }

// AppendTags appends a comment header that says nothing but who wrote it.
func AppendTags(data []byte) []byte {
	const vendor = "chortle"
	data = append(data, tagsMagic...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(vendor)))
	data = append(data, vendor...)
	return binary.LittleEndian.AppendUint32(data, 0)
}

// Ticks is the duration of a packet, told by its first two bytes; 0 when it is no valid packet.
func Ticks(packet []byte) int64 {
	if len(packet) == 0 {
		return 0
	}
	var frame int64
	switch config := packet[0] >> 3; {
	case config < 12: // SILK
		frame = []int64{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid
		frame = []int64{480, 960}[config&1]
	default: // CELT
		frame = []int64{120, 240, 480, 960}[config&3]
	}
	frames := int64(2)
	switch packet[0] & 3 {
	case 0:
		frames = 1
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int64(packet[1] & 63)
	}
	if ticks := frame * frames; ticks <= maxPacketTicks {
		return ticks
	}
	return 0
}
