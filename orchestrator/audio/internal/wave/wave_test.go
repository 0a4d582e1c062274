package wave

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ramp is 16-bit sound of which no stretch looks like a chunk.
func ramp(n int) []byte {
	var data []byte
	for i := range n {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(9000*math.Sin(float64(i)*0.05))))
	}
	return data
}

func le16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

func piece(id string, data []byte) []byte { return sized(id, data, len(data)) }

func sized(id string, data []byte, size int) []byte {
	out := slices.Concat([]byte(id), le32(size), data)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func format(tag, channels, rate, bits, block int, extra ...[]byte) []byte {
	return piece("fmt ", slices.Concat(le16(tag), le16(channels), le32(rate), le32(rate*block), le16(block), le16(bits), slices.Concat(extra...)))
}

func extensible(channels, rate, bits, valid, tag int) []byte {
	return format(tagExtensible, channels, rate, bits, channels*bits/8, le16(22), le16(valid), le32(0), le16(tag), subformat)
}

func riff(chunks ...[]byte) []byte {
	body := slices.Concat(append([][]byte{[]byte("WAVE")}, chunks...)...)
	return slices.Concat([]byte("RIFF"), le32(len(body)), body)
}

var mono = format(tagPCM, 1, 16000, 16, 2)

// samples are all samples of a file, and the parts they come from.
func samples(t testing.TB, data []byte) ([]float32, *File) {
	t.Helper()
	file, err := Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var all []float32
	for _, part := range file.Parts {
		raw := data[part.Span.Offset : part.Span.Offset+part.Span.Length]
		out := make([]float32, len(raw)/part.Format.Width)
		part.Format.Decode(raw, out)
		all = append(all, out...)
	}
	return all, file
}

func TestEverythingIsFound(t *testing.T) {
	t.Parallel()
	sound := ramp(5000)
	half := sound[:5000]
	whole, _ := samples(t, riff(mono, piece("data", sound)))
	if len(whole) != 5000 || whole[7] != float32(int16(binary.LittleEndian.Uint16(sound[14:])))/(1<<15) {
		t.Fatalf("a plain file has %d samples", len(whole))
	}
	aiff := func(form, ssnd, frames int) []byte {
		var swapped []byte
		for i := 0; i < len(sound); i += 2 {
			swapped = append(swapped, sound[i+1], sound[i])
		}
		be := func(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
		common := slices.Concat([]byte{0, 1}, be(frames), []byte{0, 16, 0x40, 0x0c, 0xfa, 0, 0, 0, 0, 0, 0, 0})
		return slices.Concat([]byte("FORM"), be(form), []byte("AIFFCOMM"), be(18), common, []byte("SSND"), be(ssnd), be(0), be(0), swapped)
	}
	w64 := func(size uint64) []byte {
		guid := func(id string) []byte {
			return append([]byte(id), "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"...)
		}
		le64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
		return slices.Concat([]byte("riff"), w64RIFF[:], le64(0), guid("wave"), guid("fmt "), le64(40), mono[8:], guid("data"), le64(size), sound)
	}
	rifx := slices.Concat([]byte("RIFX\x00\x00\x00\x00WAVEfmt \x00\x00\x00\x10\x00\x01\x00\x01\x00\x00\x3e\x80\x00\x00\x7d\x00\x00\x02\x00\x10data"), binary.BigEndian.AppendUint32(nil, uint32(len(sound))))
	for i := 0; i < len(sound); i += 2 {
		rifx = append(rifx, sound[i+1], sound[i])
	}
	ds64 := func(size int) []byte {
		return piece("ds64", slices.Concat(make([]byte, 8), le32(size), make([]byte, 16)))
	}
	rf64 := func(ds []byte) []byte {
		data := riff(ds, mono, sized("data", sound, -1))
		return append([]byte("RF64\xff\xff\xff\xff"), data[8:]...)
	}
	for name, data := range map[string][]byte{
		"header says less":     riff(mono, sized("data", sound, 3000)),
		"header of no sound":   riff(mono, sized("data", sound, 0)),
		"header says more":     riff(mono, sized("data", sound, 1<<30)),
		"header of a stream":   riff(mono, sized("data", sound, -1)),
		"tags behind":          slices.Concat(riff(mono, piece("data", sound), piece("LIST", []byte("INFOxyz"))), []byte("ID3\x03\x00\x00")),
		"an odd chunk, no pad": riff(mono, sized("LIST", []byte("INFOISFT"), 7)[:8+7], piece("data", sound)),
		"an odd chunk, padded": riff(mono, piece("LIST", []byte("INFOISF")), piece("data", sound)),
		"a tag before":         slices.Concat([]byte("ID3\x03\x00\x00\x00\x00\x00\x05hello"), riff(mono, piece("data", sound))),
		"two data chunks":      riff(mono, piece("data", half), piece("LIST", []byte("INFO")), piece("data", sound[5000:])),
		"two files":            slices.Concat(riff(mono, piece("data", half)), riff(mono, piece("data", sound[5000:]))),
		"zeros behind":         slices.Concat(riff(mono, piece("data", sound)), make([]byte, 1<<20)),
		"zeros behind chunks":  slices.Concat(riff(mono, piece("data", sound), piece("LIST", []byte("INFO"))), make([]byte, 1<<20)),
		"RF64":                 rf64(ds64(len(sound))),
		"RF64, not finished":   rf64(ds64(0)),
		"Wave64":               w64(24 + uint64(len(sound))),
		"Wave64, not finished": w64(24),
		"AIFF":                 aiff(46+len(sound), 8+len(sound), 5000),
		"AIFF, not finished":   aiff(0, 0, 0),
		"RIFX":                 rifx,
		"extensible":           riff(extensible(1, 16000, 16, 16, tagPCM), piece("data", sound)),
	} {
		got, file := samples(t, data)
		if !slices.Equal(got, whole) {
			t.Errorf("%s: %d samples, want %d: %+v", name, len(got), len(whole), file)
		}
		if told := file.Unannounced > 0; told != (name == "header says less" || name == "header of no sound" || strings.HasSuffix(name, "4, not finished") && name[0] == 'W' || name == "AIFF, not finished") {
			t.Errorf("%s: %d bytes are unannounced", name, file.Unannounced)
		}
	}
}

// The same tone comes out of every way to write it.
func TestEncodings(t *testing.T) {
	t.Parallel()
	tone := func(i int) float64 { return 0.3 * math.Sin(float64(i)*0.11) }
	const n = 2000
	write := func(width int, value func(float64) uint64) (data []byte) {
		for i := range n {
			data = append(data, binary.LittleEndian.AppendUint64(nil, value(tone(i)))[:width]...)
		}
		return data
	}
	integer := func(bits, shift int) func(float64) uint64 {
		return func(v float64) uint64 { return uint64(int64(math.Round(v*float64(int64(1)<<(bits-1)))) << shift) }
	}
	for _, test := range []struct {
		name   string
		head   []byte
		data   []byte
		within float64
	}{
		{"8 bits", format(tagPCM, 1, 16000, 8, 1), write(1, func(v float64) uint64 { return uint64(int64(math.Round(v*128)) + 128) }), 0.005},
		{"24 bits", format(tagPCM, 1, 16000, 24, 3), write(3, integer(24, 0)), 1e-6},
		{"32 bits", format(tagPCM, 1, 16000, 32, 4), write(4, integer(32, 0)), 1e-6},
		{"24 bits in 32", extensible(1, 16000, 32, 24, tagPCM), write(4, integer(24, 8)), 1e-6},
		{"24 bits in 32, to the right", extensible(1, 16000, 32, 24, tagPCM), write(4, integer(24, 0)), 1e-6},
		{"20 bits in 32", extensible(1, 16000, 32, 20, tagPCM), write(4, integer(20, 12)), 1e-5},
		{"16 bits in 24", extensible(1, 16000, 24, 16, tagPCM), write(3, integer(16, 8)), 1e-4},
		{"12 bits in 16, to the right", extensible(1, 16000, 16, 12, tagPCM), write(2, integer(12, 0)), 1e-3},
		{"24 bits, four bytes apart", format(tagPCM, 1, 16000, 24, 4), write(4, integer(24, 8)), 1e-6},
		{"32-bit float", format(tagFloat, 1, 16000, 32, 4), write(4, func(v float64) uint64 { return uint64(math.Float32bits(float32(v))) }), 1e-6},
		{"64-bit float", format(tagFloat, 1, 16000, 64, 8), write(8, math.Float64bits), 1e-6},
		{"mu-law", format(tagMuLaw, 1, 16000, 8, 1), write(1, muLawOf), 0.02},
		{"A-law", format(tagALaw, 1, 16000, 8, 1), write(1, aLawOf), 0.02},
	} {
		got, _ := samples(t, riff(test.head, piece("data", test.data)))
		if len(got) != n {
			t.Errorf("%s: %d samples", test.name, len(got))
			continue
		}
		for i, v := range got {
			if math.Abs(float64(v)-tone(i)) > test.within {
				t.Errorf("%s: sample %d is %v, want %.4f", test.name, i, v, tone(i))
				break
			}
		}
	}
}

// nearest is the code whose value is nearest.
func nearest(table *[256]float32, v float64) uint64 {
	best := 0
	for i, value := range table {
		if math.Abs(float64(value)-v) < math.Abs(float64(table[best])-v) {
			best = i
		}
	}
	return uint64(best)
}

func muLawOf(v float64) uint64 { return nearest(&muLaw, v) }
func aLawOf(v float64) uint64  { return nearest(&aLaw, v) }

// The tables are those of ITU-T G.711: a few values of its tables 1a and 2a.
func TestG711(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]float32{0x00: -32124, 0x7f: 0, 0x80: 32124, 0xff: 0, 0x8f: 16764} {
		if got := muLaw[code] * (1 << 15); got != want {
			t.Errorf("mu-law %#x is %v, want %v", code, got, want)
		}
	}
	for code, want := range map[int]float32{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256, 0x80: 5504} {
		if got := aLaw[code] * (1 << 15); got != want {
			t.Errorf("A-law %#x is %v, want %v", code, got, want)
		}
	}
}

func TestWhatIsNotRead(t *testing.T) {
	t.Parallel()
	sound := piece("data", ramp(100))
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":         {nil, ErrNotPCM},
		"text":            {[]byte(strings.Repeat("Dear diary, today I laughed. ", 9)), ErrNotPCM},
		"ADPCM":           {riff(format(2, 1, 16000, 4, 256), sound), ErrNotPCM},
		"MP3":             {riff(format(0x55, 1, 16000, 0, 1), sound), ErrNotPCM},
		"no format":       {riff(sound), ErrInvalid},
		"no sound":        {riff(mono), ErrInvalid},
		"1 Hz":            {riff(format(tagPCM, 1, 1, 16, 2), sound), ErrInvalid},
		"4 GHz":           {riff(format(tagPCM, 1, -1, 16, 2), sound), ErrInvalid},
		"no channel":      {riff(format(tagPCM, 0, 16000, 16, 2), sound), ErrInvalid},
		"60,000 channels": {riff(format(tagPCM, 60_000, 16000, 16, 2), sound), ErrInvalid},
		"no bits":         {riff(format(tagPCM, 1, 16000, 0, 0), sound), ErrNotPCM},
	} {
		if file, err := Parse(bytes.NewReader(test.data), int64(len(test.data))); !errors.Is(err, test.want) {
			t.Errorf("%s: got %+v, %v, want %v", name, file, err, test.want)
		}
	}
}

// A file of nothing but chunks takes bounded time.
func TestChunksWithoutEnd(t *testing.T) {
	t.Parallel()
	data := riff(mono, bytes.Repeat(piece("data", []byte{1, 2}), 200_000))
	if _, err := Parse(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	sound := ramp(300)
	for _, data := range [][]byte{
		riff(mono, piece("data", sound)), riff(mono, sized("data", sound, 100)), riff(extensible(3, 48000, 32, 24, tagPCM), piece("data", sound)),
		slices.Concat(riff(mono, piece("data", sound)), riff(mono, piece("data", sound))), slices.Concat(riff(mono, piece("data", sound)), make([]byte, 9000)),
		append([]byte("RIFX"), riff(mono, piece("data", sound))[4:]...), append([]byte("FORM\x00\x00\x00\x00AIFF"), sound...), append([]byte("riff"), w64RIFF[:]...),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		at := int64(0)
		for _, part := range file.Parts {
			span, frame := part.Span, int64(part.Format.Frame())
			if span.Offset < at || span.Length <= 0 || span.Offset+span.Length > int64(len(data)) || frame <= 0 || span.Length%frame != 0 {
				t.Fatalf("part %+v of %d bytes, behind %d", part, len(data), at)
			}
			at = span.Offset + span.Length
			out := make([]float32, span.Length/int64(part.Format.Width))
			part.Format.Decode(data[span.Offset:at], out)
		}
	})
}
