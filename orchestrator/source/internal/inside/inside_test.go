package inside_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"
	"unicode/utf16"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/inside"
)

func chunk(id, body string) string {
	pad := ""
	if len(body)%2 == 1 {
		pad = "\x00"
	}
	return id + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body + pad
}

// wav is a WAV file with chunks before and behind its sound.
func wav(before, behind string) string {
	body := "WAVE" + chunk("fmt ", strings.Repeat("\x00", 16)) + before + chunk("data", strings.Repeat("\x01", 4001)) + behind
	return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
}

func bext(date, clock string) string {
	return chunk("bext", strings.Repeat("\x00", 320)+date+clock+strings.Repeat("\x00", 264))
}

func info(fields ...string) string { return chunk("LIST", "INFO"+strings.Join(fields, "")) }

func comments(list ...string) string {
	text := func(s string) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	all := text("maker") + string(binary.LittleEndian.AppendUint32(nil, uint32(len(list))))
	for _, c := range list {
		all += text(c)
	}
	return all
}

func page(body string) string {
	segments := len(body)/255 + 1
	return "OggS" + strings.Repeat("\x00", 22) + string([]byte{byte(segments)}) + strings.Repeat("\xff", segments-1) + string([]byte{byte(len(body) % 255)}) + body
}

func id3(frames ...string) string {
	all := strings.Join(frames, "")
	return "ID3\x04\x00\x00" + string([]byte{0, 0, byte(len(all) >> 7), byte(len(all) & 0x7F)}) + all
}

func frame(id, text string) string {
	return id + string([]byte{0, 0, 0, byte(len(text))}) + "\x00\x00" + text
}

func wide(text string) string {
	out := []byte{1, 0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

const moth = "Recorded at %s (%z) by AudioMoth 24A04F085FDF2787 at medium gain while battery was 4.2V."

func comment(at, zone string) string {
	return info(chunk("ICMT", strings.NewReplacer("%s", at, "%z", zone).Replace(moth)+"\x00"))
}

// files are files by what they say, and what that means for a user in Berlin.
var files = map[string][2]string{
	"bext":                         {wav(bext("2026-11-22", "14:30:00"), ""), "bext 2026-11-22T13:30:00Z"},
	"bext with other marks":        {wav(bext("2026:11:22", "14-30-00"), ""), "bext 2026-11-22T13:30:00Z"},
	"bext without a time":          {wav(bext("2026-11-22", "\x00\x00\x00\x00\x00\x00\x00\x00"), ""), ""},
	"bext of a clock never set":    {wav(bext("1970-01-01", "00:00:12"), ""), ""},
	"bext cut off":                 {wav(chunk("bext", "2026-11-22"), ""), ""},
	"GUANO behind the sound":       {wav("", chunk("guan", "GUANO|Version: 1.0\nTimestamp: 2026-11-22T10:00:00+05:00\n")), "GUANO 2026-11-22T05:00:00Z"},
	"GUANO in local time":          {wav("", chunk("guan", "GUANO|Version: 1.0\nTimestamp:2026-11-22 10:00:00.5\n")), "GUANO 2026-11-22T09:00:00.5Z"},
	"GUANO before bext":            {wav(bext("2026-11-22", "14:30:00"), chunk("guan", "Timestamp: 2026-11-22T10:00:00Z")), "GUANO 2026-11-22T10:00:00Z"},
	"iXML":                         {wav("", chunk("iXML", "<BWFXML><BEXT><BWF_ORIGINATION_DATE>2026-11-22</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>14:30:00</BWF_ORIGINATION_TIME></BEXT></BWFXML>")), "iXML 2026-11-22T13:30:00Z"},
	"AudioMoth in UTC":             {wav(comment("14:30:00 22/11/2026", "UTC"), ""), "AudioMoth 2026-11-22T14:30:00Z"},
	"AudioMoth ahead":              {wav(comment("14:30:00 22/11/2026", "UTC+5:30"), ""), "AudioMoth 2026-11-22T09:00:00Z"},
	"AudioMoth behind":             {wav(comment("14:30:00.250 22/11/2026", "UTC-3"), ""), "AudioMoth 2026-11-22T17:30:00.25Z"},
	"AudioMoth on 31 February":     {wav(comment("14:30:00 31/02/2026", "UTC"), ""), ""},
	"ICRD":                         {wav(info(chunk("ISFT", "x"), chunk("ICRD", "2026-11-22 16:30:00")), ""), "ICRD 2026-11-22T15:30:00Z"},
	"ICRD, a day alone":            {wav(info(chunk("ICRD", "2026-11-22")), ""), ""},
	"TDRC":                         {id3(frame("TIT2", "\x03x"), frame("TDRC", "\x032026-11-22T20:30:00")), "ID3 2026-11-22T19:30:00Z"},
	"TDRC in UTF-16":               {id3(frame("TDRC", wide("2026-11-22T20:30:00"))), "ID3 2026-11-22T19:30:00Z"},
	"TYER, TDAT and TIME":          {id3(frame("TYER", "\x002026"), frame("TDAT", "\x002211"), frame("TIME", "\x002030")), "ID3 2026-11-22T19:30:00Z"},
	"a year alone":                 {id3(frame("TDRC", "\x032026")), ""},
	"comments of Opus":             {page("OpusHead") + page("OpusTags"+comments("ARTIST=x", "date=2026-11-22T21:30:00")), "DATE 2026-11-22T20:30:00Z"},
	"comments over two pages":      {page("OpusHead") + page("OpusTags"+comments("A=" + strings.Repeat("b", 500))[:300]), ""},
	"the creation time goes first": {page("\x01vorbis") + page("\x03vorbis"+comments("DATE=2026-11-22T21:30:00", "CREATION_TIME=2026-11-22T10:00:00Z")), "CREATION_TIME 2026-11-22T10:00:00Z"},
	"comments of FLAC":             {"fLaC\x00\x00\x00\x22" + strings.Repeat("\x00", 34) + "\x84\x00\x00" + string([]byte{byte(len(comments("DATE=2026-11-22 21:30:00")))}) + comments("DATE=2026-11-22 21:30:00"), "DATE 2026-11-22T20:30:00Z"},
	"CAF":                          {"caff\x00\x01\x00\x00" + "desc" + string(binary.BigEndian.AppendUint64(nil, 32)) + strings.Repeat("\x00", 32) + "info" + string(binary.BigEndian.AppendUint64(nil, 44)) + "\x00\x00\x00\x01recorded date\x002026-11-22T22:30:00Z\x00\x00\x00\x00\x00", "recorded date 2026-11-22T22:30:00Z"},
	"nothing":                      {wav("", ""), ""},
	"text":                         {"2026-11-22T14:30:00Z and more text", ""},
	"empty":                        {"", ""},
}

var berlin = sync.OnceValues(func() (*time.Location, error) { return time.LoadLocation("Europe/Berlin") })

func read(t testing.TB, data string) string {
	t.Helper()
	loc, err := berlin()
	if err != nil {
		t.Fatal(err)
	}
	found, err := inside.Read(bytes.NewReader([]byte(data)), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if found.Field == "" {
		return ""
	}
	return found.Field + " " + found.Stamp.Instant(loc).Format(time.RFC3339Nano)
}

func TestTimesInside(t *testing.T) {
	t.Parallel()
	for name, file := range files {
		if got := read(t, file[0]); got != file[1] {
			t.Errorf("%s: got %q, want %q", name, got, file[1])
		}
	}
}

// TestLengthsAreNotBelieved: a header may say anything.
func TestLengthsAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, file := range files {
		for cut := range len(file[0]) {
			read(t, file[0][:cut])
		}
		for i := 0; i+4 <= len(file[0]) && i < 200; i++ {
			if got := read(t, file[0][:i]+"\xff\xff\xff\xff"+file[0][i+4:]); got != "" && len(got) > 80 {
				t.Errorf("%s, broken at %d: %q", name, i, got)
			}
		}
	}
}

func TestWhenWindowsMediaWasMade(t *testing.T) {
	t.Parallel()
	head := "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + strings.Repeat("\x00", 14)
	properties := "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65" + strings.Repeat("\x00", 32)
	made := func(t time.Time) string {
		return head + properties + string(binary.LittleEndian.AppendUint64(nil, uint64(t.Unix()+11644473600)*1e7)) + strings.Repeat("\x00", 48)
	}
	if got := read(t, made(time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC))); got != "ASF 2026-11-22T20:00:00Z" {
		t.Errorf("got %q", got)
	}
	if got := read(t, made(time.Unix(-11644473600, 0))); got != "" { // 1601
		t.Errorf("got %q", got)
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range files {
		f.Add([]byte(file[0]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := inside.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil || found.Field != "" && (found.Stamp.Wall.Year() < 1990 || found.Stamp.Wall.Year() > 2100) {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
