package inside

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// id3 reads the recording time of an ID3v2 tag: TDRC, else TYER with TDAT and TIME.
func id3(data []byte) Evidence {
	if len(data) < 10 {
		return Evidence{}
	}
	version, size := data[3], synchsafe(data[6:10])
	data = data[10:min(len(data), 10+size)]
	texts := map[string]string{}
	for len(data) >= 10 && data[0] != 0 {
		id, length := string(data[:4]), int(binary.BigEndian.Uint32(data[4:8])&(1<<31-1))
		if version >= 4 {
			length = synchsafe(data[4:8])
		}
		data = data[10:]
		length = min(length, len(data))
		switch id {
		case "TDRC", "TYER", "TDAT", "TIME":
			texts[id] = id3Text(data[:length])
		}
		data = data[length:]
	}
	if e := say("ID3", texts["TDRC"]); e.Field != "" {
		return e
	}
	if year, date, clock := texts["TYER"], texts["TDAT"], texts["TIME"]; len(year) == 4 && len(date) == 4 && len(clock) == 4 {
		return say("ID3", year+"-"+date[2:]+"-"+date[:2]+" "+clock[:2]+"-"+clock[2:])
	}
	return Evidence{}
}

func synchsafe(b []byte) int {
	return int(b[0]&0x7F)<<21 | int(b[1]&0x7F)<<14 | int(b[2]&0x7F)<<7 | int(b[3]&0x7F)
}

// id3Text decodes a text frame: Latin-1 or UTF-8, or UTF-16 with or without a mark of its order.
func id3Text(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	encoding, data := data[0], data[1:]
	if encoding != 1 && encoding != 2 {
		return strings.TrimRight(string(data), "\x00")
	}
	little := encoding == 1 && bytes.HasPrefix(data, []byte{0xFF, 0xFE})
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		unit := binary.BigEndian.Uint16(data)
		if little {
			unit = binary.LittleEndian.Uint16(data)
		}
		if unit != 0 && unit != 0xFEFF {
			units = append(units, unit)
		}
	}
	return string(utf16.Decode(units))
}

// ogg puts the pages at the beginning together and reads the comments of Opus, Vorbis, Speex or FLAC.
func ogg(data []byte) Evidence {
	var packets []byte
	for len(data) >= 27 && bytes.HasPrefix(data, []byte("OggS")) {
		segments := int(data[26])
		if len(data) < 27+segments {
			break
		}
		body := 0
		for _, n := range data[27 : 27+segments] {
			body += int(n)
		}
		data = data[27+segments:]
		body = min(body, len(data))
		packets = append(packets, data[:body]...)
		data = data[body:]
	}
	for _, magic := range []string{"OpusTags", "\x03vorbis"} {
		if i := bytes.Index(packets, []byte(magic)); i >= 0 {
			return comments(packets[i+len(magic):])
		}
	}
	return Evidence{}
}

// comments reads a list of "NAME=value".
func comments(data []byte) Evidence {
	next := func() (string, bool) {
		if len(data) < 4 {
			return "", false
		}
		n := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if uint64(n) > uint64(len(data)) {
			return "", false
		}
		text := string(data[:n])
		data = data[n:]
		return text, true
	}
	if _, ok := next(); !ok || len(data) < 4 { // who wrote it
		return Evidence{}
	}
	data = data[4:] // how many there are
	best := Evidence{}
	for {
		comment, ok := next()
		if !ok {
			return best
		}
		name, value, _ := strings.Cut(comment, "=")
		switch strings.ToUpper(name) {
		case "CREATION_TIME":
			if e := say("CREATION_TIME", value); e.Field != "" {
				return e
			}
		case "DATE":
			if best.Field == "" {
				best = say("DATE", value)
			}
		}
	}
}

// flac reads the comments of a FLAC file.
func flac(file io.ReaderAt, size int64) (Evidence, error) {
	at := int64(4)
	for range mostChunks {
		head, err := piece(file, at, 4)
		if err != nil || len(head) < 4 || at > size {
			return Evidence{}, err
		}
		length := int64(head[1])<<16 | int64(head[2])<<8 | int64(head[3])
		if head[0]&0x7F == 4 {
			body, err := piece(file, at+4, min(length, mostChunk))
			return comments(body), err
		}
		if head[0]&0x80 != 0 {
			break
		}
		at += 4 + length
	}
	return Evidence{}, nil
}

var (
	asfHeader     = []byte{0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C}
	asfProperties = []byte{0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65}
)

// asf reads when a file of Windows Media was made: in steps of 100 ns since 1601, in UTC.
func asf(data []byte) Evidence {
	const created, since1601 = 48, 11644473600
	i := bytes.Index(data, asfProperties)
	if i < 0 || len(data) < i+created+8 {
		return Evidence{}
	}
	ticks := binary.LittleEndian.Uint64(data[i+created:])
	t := time.Unix(int64(ticks/1e7)-since1601, int64(ticks%1e7)*100).UTC()
	if t.Year() < 1990 || t.Year() > 2100 {
		return Evidence{}
	}
	return Evidence{Stamp: stamp.Stamp{Wall: t, Zoned: true}, Field: "ASF"}
}

// caf reads the recorded date of a Core Audio file.
func caf(file io.ReaderAt, size int64) (Evidence, error) {
	at := int64(8)
	for range mostChunks {
		head, err := piece(file, at, 12)
		if err != nil || len(head) < 12 {
			return Evidence{}, err
		}
		length := int64(binary.BigEndian.Uint64(head[4:]))
		if string(head[:4]) == "info" && length > 4 {
			body, err := piece(file, at+12, min(length, mostChunk))
			if err != nil || len(body) < 4 {
				return Evidence{}, err
			}
			texts := strings.Split(string(body[4:]), "\x00")
			for i := 0; i+1 < len(texts); i += 2 {
				if strings.EqualFold(texts[i], "recorded date") {
					return say("recorded date", texts[i+1]), nil
				}
			}
			return Evidence{}, nil
		}
		if length < 0 || length > size-at-12 {
			break
		}
		at += 12 + length
	}
	return Evidence{}, nil
}
