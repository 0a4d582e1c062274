package inside

import (
	"bytes"
	"encoding/binary"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// riff goes through the chunks of a WAV file. The best field counts: AudioMoth's comment, GUANO, iXML, bext, then the
// date of creation.
func riff(file io.ReaderAt, size int64) (Evidence, error) {
	found := map[string]Evidence{}
	dataSize := int64(-1) // of RF64
	at := int64(12)
	for range mostChunks {
		head, err := piece(file, at, 8)
		if err != nil {
			return Evidence{}, err
		}
		if len(head) < 8 {
			break
		}
		id, length := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		if id == "data" && length == 0xFFFFFFFF && dataSize >= 0 {
			length = dataSize
		}
		if at+8+length > size {
			length = max(0, size-at-8)
		}
		switch id {
		case "ds64", "bext", "guan", "iXML", "LIST":
			body, err := piece(file, at+8, min(length, mostChunk))
			if err != nil {
				return Evidence{}, err
			}
			if id == "ds64" && len(body) >= 16 {
				dataSize = int64(binary.LittleEndian.Uint64(body[8:]) & (1<<62 - 1))
			}
			if e := chunk(id, body); e.Field != "" {
				found[e.Field] = e
			}
		}
		at += 8 + length + length&1
	}
	for _, field := range []string{"AudioMoth", "GUANO", "iXML", "bext", "ICMT", "ICRD"} {
		if e, ok := found[field]; ok {
			return e, nil
		}
	}
	return Evidence{}, nil
}

func chunk(id string, body []byte) Evidence {
	switch id {
	case "bext":
		return bext(body)
	case "guan":
		return guano(string(body))
	case "iXML":
		return ixml(string(body))
	case "LIST":
		return info(body)
	}
	return Evidence{}
}

// bext reads the date and time of a broadcast wave, which are local: 2026-11-22 and 14:30:00, or with other marks.
func bext(body []byte) Evidence {
	const date, clock, end = 320, 330, 338
	if len(body) < end {
		return Evidence{}
	}
	return apart("bext", string(body[date:clock]), string(body[clock:end]))
}

// apart reads a date and a time of day that stand apart.
func apart(field, date, clock string) Evidence {
	marks := strings.NewReplacer(":", "-", "_", "-", ".", "-", " ", "-", "/", "-")
	clean := func(text string) string { return marks.Replace(strings.Trim(text, "\x00 ")) }
	return say(field, clean(date)+" "+clean(clock))
}

// guano reads the metadata of bat detectors: a line "Timestamp: 2026-11-22T10:00:00+01:00".
func guano(text string) Evidence {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "Timestamp") {
			return say("GUANO", value)
		}
	}
	return Evidence{}
}

var (
	ixmlDate  = regexp.MustCompile(`<BWF_ORIGINATION_DATE>([^<]*)<`)
	ixmlClock = regexp.MustCompile(`<BWF_ORIGINATION_TIME>([^<]*)<`)
)

func ixml(text string) Evidence {
	date, clock := ixmlDate.FindStringSubmatch(text), ixmlClock.FindStringSubmatch(text)
	if date == nil || clock == nil {
		return Evidence{}
	}
	return apart("iXML", date[1], clock[1])
}

// info reads the texts of a LIST chunk.
func info(body []byte) Evidence {
	if !bytes.HasPrefix(body, []byte("INFO")) {
		return Evidence{}
	}
	best := Evidence{}
	for body = body[4:]; len(body) >= 8; {
		id, length := string(body[:4]), int64(binary.LittleEndian.Uint32(body[4:]))
		body = body[8:]
		text := strings.TrimRight(string(body[:min(length, int64(len(body)))]), "\x00 ")
		switch {
		case id == "ICMT":
			if e := audioMoth(text); e.Field != "" {
				return e
			}
		case id == "ICRD" && best.Field == "":
			best = say("ICRD", text)
		}
		body = body[min(length+length&1, int64(len(body))):]
	}
	return best
}

var audioMothComment = regexp.MustCompile(`^Recorded at (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))? (\d\d)/(\d\d)/(\d{4}) \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\)`)

// audioMoth reads "Recorded at 14:30:00 22/11/2026 (UTC+5:30) by AudioMoth …".
func audioMoth(comment string) Evidence {
	m := audioMothComment.FindStringSubmatch(comment)
	if m == nil || !strings.Contains(comment, "AudioMoth") {
		return Evidence{}
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	wall := time.Date(n(7), time.Month(n(6)), n(5), n(1), n(2), n(3), n(4)*int(time.Millisecond), time.UTC)
	if wall.Day() != n(5) || n(1) > 23 || n(2) > 59 || n(3) > 59 || n(7) < 2017 || n(7) > 2099 || n(9) > 14 || n(10) > 59 {
		return Evidence{}
	}
	offset := time.Duration(n(9))*time.Hour + time.Duration(n(10))*time.Minute
	if m[8] == "-" {
		offset = -offset
	}
	return Evidence{Stamp: stamp.Stamp{Wall: wall, Zoned: true, Offset: offset}, Field: "AudioMoth", AudioMoth: true}
}
