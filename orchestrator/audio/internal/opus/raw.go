package opus

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

const (
	// maxFrame is the longest frame of a file of frames that is believed, in bytes.
	maxFrame = 1 << 16
	// rawPreSkip is what an encoder needs to settle: 6.5 ms. The frames do not say it.
	rawPreSkip = 312
)

// ErrFrame marks a file of frames that breaks off in something else.
var ErrFrame = errors.New("no frame where one must begin")

// Frames yields what lies in a file that is nothing but frames, each behind its length in four bytes, the lowest first; each
// valid until the next. The last one may be cut off, and is left out. The error, which comes last, wraps ErrFrame
// where a length makes no sense.
func Frames(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		source := bufio.NewReaderSize(r, maxFrame)
		var head [4]byte
		var frame []byte
		for at := int64(0); ; at += int64(4 + len(frame)) {
			if _, err := io.ReadFull(source, head[:]); err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF {
					yield(nil, err)
				}
				return
			}
			size := binary.LittleEndian.Uint32(head[:])
			if size == 0 || size > maxFrame {
				yield(nil, fmt.Errorf("%w: a length of %d at byte %d", ErrFrame, size, at))
				return
			}
			frame = append(frame[:0], make([]byte, size)...)
			if _, err := io.ReadFull(source, frame); err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF {
					yield(nil, err)
				}
				return
			}
			if !yield(frame, nil) {
				return
			}
		}
	}
}

// RawPackets yields the packets of a file of Opus frames, as Packets does: they follow each other without a gap. What is no
// packet is left out and added to damage, unless that is nil; so is what lies behind a length that makes no sense.
func RawPackets(r io.Reader, channels int, damage *Damage) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		head := Head{Version: 1, Channels: channels, PreSkip: rawPreSkip, InputRateHz: DecodedRateHz, Streams: 1, Coupled: channels - 1, Mapping: []byte{0, 1}[:channels]}
		link := &Link{Head: head, cursor: -rawPreSkip}
		for frame, err := range Frames(r) {
			switch {
			case errors.Is(err, ErrFrame) && link.cursor > 0:
				damage.Add(link.cursor, 0)
				return
			case err != nil:
				yield(Packet{}, err)
				return
			}
			ticks := Ticks(frame)
			if ticks == 0 {
				damage.Add(link.cursor, 0)
				continue
			}
			p := Packet{Link: link, Data: frame, Start: link.cursor, End: link.cursor + ticks}
			link.cursor = p.End
			if !yield(p, nil) {
				return
			}
		}
		if link.cursor <= 0 {
			yield(Packet{}, ErrNoPackets)
		}
	}
}
