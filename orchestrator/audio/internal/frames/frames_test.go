package frames

import (
	"bytes"
	"errors"
	"testing"
)

// stream is a stream of MP3 frames of 64 kbit/s and 16 kHz: 288 bytes and 36 ms each.
func stream(frames int) []byte {
	return bytes.Repeat(append([]byte{0xff, 0xf3, 0x88, 0xc4}, make([]byte, 284)...), frames)
}

func TestStretches(t *testing.T) {
	t.Parallel()
	whole := stream(1000)
	tag := append([]byte("ID3\x03\x00\x00\x00\x00\x00\x0a"), make([]byte, 10)...)
	for name, test := range map[string]struct {
		data []byte
		want []Stretch
	}{
		"whole":          {whole, []Stretch{{End: 288_000}}},
		"with tags":      {bytes.Join([][]byte{tag, whole, append([]byte("TAG"), make([]byte, 125)...)}, nil), []Stretch{{End: 288_148}}},
		"a tag inside":   {bytes.Join([][]byte{whole, tag, whole}, nil), []Stretch{{End: 576_020}}},
		"zeros behind":   {append(stream(1000), make([]byte, 9999)...), []Stretch{{End: 297_999}}},
		"a frame lost":   {bytes.Join([][]byte{whole, make([]byte, 288), whole}, nil), []Stretch{{End: 576_288}}},
		"100 lost":       {bytes.Join([][]byte{whole, make([]byte, 28800), whole}, nil), []Stretch{{End: 288_000}, {Offset: 316_800, End: 604_800, Start: 39.6, Lost: 3.6}}},
		"all else is no": {bytes.Repeat([]byte{0xff}, 9999), nil},
	} {
		kind, got, err := Stretches(bytes.NewReader(test.data), int64(len(test.data)))
		if test.want == nil {
			if !errors.Is(err, ErrNotFrames) {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
			continue
		}
		if err != nil || kind != MP3 || len(got) != len(test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, test.want)
			continue
		}
		for i, want := range test.want {
			if got[i].Offset != want.Offset || got[i].End != want.End || max(got[i].Start-want.Start, want.Start-got[i].Start) > 1e-9 || max(got[i].Lost-want.Lost, want.Lost-got[i].Lost) > 1e-9 {
				t.Errorf("%s: got %v, want %v", name, got[i], want)
			}
		}
	}
}

func FuzzStretches(f *testing.F) {
	f.Add(stream(3))
	f.Add(append(stream(2), append(make([]byte, 999), stream(4)...)...))
	f.Add([]byte("ID3\x03\x00\x00\x7f\x7f\x7f\x7f\xff\xf1\x50\x80\x01\x00\xfc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, got, err := Stretches(bytes.NewReader(data), int64(len(data)))
		end := int64(0)
		for _, s := range got {
			if s.Offset < end || s.End < s.Offset || s.End > int64(len(data)) || s.Start < 0 || s.Lost < 0 {
				t.Errorf("got %v of %d bytes, %v", got, len(data), err)
			}
			end = s.End
		}
	})
}
