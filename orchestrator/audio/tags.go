package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// Tag is a comment in a file of sound that players show, such as TITLE or DATE.
type Tag struct{ Name, Value string }

// errUntaggable marks bytes that are no clip of ours.
var errUntaggable = errors.New("tag clip: neither Ogg Opus nor FLAC as clips are written")

// Tagged returns a copy of a clip, as Cut makes them, with these comments in place of those that it had. Not one bit of
// the sound changes. Names are ASCII without '='; values are UTF-8.
func Tagged(clip []byte, tags []Tag) ([]byte, error) {
	switch {
	case bytes.HasPrefix(clip, []byte("OggS")):
		return taggedOpus(clip, tags)
	case bytes.HasPrefix(clip, []byte("fLaC")):
		return taggedFLAC(clip, tags)
	}
	return nil, errUntaggable
}

// comments is the form that both containers share: vendor, number, and "NAME=value" each with its length (Vorbis I, 5.2).
func comments(data []byte, tags []Tag) []byte {
	text := func(s string) {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(s)))
		data = append(data, s...)
	}
	text("chortle")
	data = binary.LittleEndian.AppendUint32(data, uint32(len(tags)))
	for _, tag := range tags {
		text(tag.Name + "=" + tag.Value)
	}
	return data
}

// taggedOpus writes the stream once more, page for page, with another second packet.
func taggedOpus(clip []byte, tags []Tag) ([]byte, error) {
	reader := ogg.NewReader(bytes.NewReader(clip))
	var assembler ogg.Assembler
	var writer *ogg.Writer
	for packets := 0; ; {
		page, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("tag clip: %w", err)
		}
		if writer == nil {
			writer = ogg.NewWriter(make([]byte, 0, len(clip)+1024), page.Serial)
		}
		for _, packet := range assembler.Packets(page, false) {
			if packets == 1 {
				packet = comments(opus.TagsMagic(), tags)
			}
			granule := page.Granule
			writer.Packet(packet, granule)
			packets++
		}
		writer.Flush(page.Last)
	}
	if writer == nil {
		return nil, errUntaggable
	}
	return writer.Bytes(), nil
}

// taggedFLAC puts a block of comments behind the first block, which describes the stream, and leaves out others.
func taggedFLAC(clip []byte, tags []Tag) ([]byte, error) {
	const magic, header, comment = 4, 4, 4
	tagged := append(make([]byte, 0, len(clip)+1024), clip[:magic]...)
	rest := clip[magic:]
	for first, last := true, false; !last; first = false {
		if len(rest) < header {
			return nil, errUntaggable
		}
		kind := rest[0] & 0x7f
		last = rest[0]&0x80 != 0
		length := header + (int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3]))
		if length > len(rest) || first && kind != 0 {
			return nil, errUntaggable
		}
		if kind != comment {
			tagged = append(tagged, rest[0]&0x7f)
			tagged = append(tagged, rest[1:length]...)
		}
		rest = rest[length:]
	}
	block := comments(nil, tags)
	if len(block) >= 1<<24 {
		return nil, errors.New("tag clip: the comments are too long")
	}
	tagged = append(tagged, 0x80|comment, byte(len(block)>>16), byte(len(block)>>8), byte(len(block)))
	return append(append(tagged, block...), rest...), nil
}
