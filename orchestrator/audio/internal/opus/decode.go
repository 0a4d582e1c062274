package opus

import (
	"fmt"

	pion "github.com/pion/opus"
)

// maxSamples is the number of samples that the longest packet decodes to.
const maxSamples = maxPacketTicks / Ratio

// Decoder decodes the packets of one link, in order. Not safe for concurrent use.
type Decoder interface {
	// Decode returns the packet's samples at 16 kHz, all channels interleaved, without the header's gain; valid until the
	// next call.
	Decode(packet []byte) ([]float32, error)
	// Channels is how many there are.
	Channels() int
	// Close frees the decoder.
	Close()
}

var (
	_ Decoder = (*pureDecoder)(nil)
	_ Decoder = (*libraryDecoder)(nil)
)

type pureDecoder struct {
	decoder  pion.Decoder
	channels int
	samples  [2 * maxSamples]float32
}

// NewPureDecoder returns a decoder written in Go. ErrUnsupported where packets hold several streams.
func NewPureDecoder(head Head) (Decoder, error) {
	if head.Multistream() {
		return nil, fmt.Errorf("%w: %d streams in a packet, which only libopus decodes here", ErrUnsupported, head.Streams)
	}
	d := &pureDecoder{channels: head.Channels}
	if err := d.decoder.Init(DecodedRateHz, d.channels); err != nil {
		return nil, fmt.Errorf("start opus decoder: %w", err)
	}
	return d, nil
}

func (d *pureDecoder) Decode(packet []byte) ([]float32, error) {
	n, err := d.decoder.DecodeToFloat32(packet, d.samples[:])
	if err != nil {
		return nil, fmt.Errorf("decode opus packet: %w", err)
	}
	return d.samples[:n*d.channels], nil
}

func (d *pureDecoder) Channels() int { return d.channels }

func (d *pureDecoder) Close() {}
