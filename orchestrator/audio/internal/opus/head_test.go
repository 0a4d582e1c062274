package opus

import (
	"errors"
	"reflect"
	"testing"
)

func TestHead(t *testing.T) {
	t.Parallel()
	surround := []byte("OpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\xff\x01\x04\x02\x00\x04\x01\x02\x03\x05")
	for _, test := range []struct {
		name string
		data []byte
		want error
	}{
		{"mono", []byte("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), nil},
		{"stereo with gain", []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\xfe\x00"), nil},
		{"surround", surround, nil},
		{"later minor version", []byte("OpusHead\x0f\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), nil},
		{"other major version", []byte("OpusHead\x10\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), ErrUnsupported},
		{"three channels of stereo", []byte("OpusHead\x01\x03\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), ErrUnsupported},
		{"ambisonics", []byte("OpusHead\x01\x04\x38\x01\x80\xbb\x00\x00\x00\x00\x02\x04\x00\x00\x01\x02\x03"), nil},
		{"ambisonics by a matrix", []byte("OpusHead\x01\x04\x38\x01\x80\xbb\x00\x00\x00\x00\x03\x04\x00\x00\x01\x02\x03"), ErrUnsupported},
		{"discrete channels", []byte("OpusHead\x01\x03\x38\x01\x80\xbb\x00\x00\x00\x00\xff\x03\x00\x00\x01\x02"), nil},
		{"no channels", []byte("OpusHead\x01\x00\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), ErrNotOpus},
		{"short", []byte("OpusHead\x01\x01"), ErrNotOpus},
		{"short mapping", surround[:len(surround)-1], ErrNotOpus},
		{"no streams", []byte("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x00\x00\x00"), ErrNotOpus},
		{"mapping to nowhere", []byte("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x01\x00\x01"), ErrNotOpus},
		{"vorbis", []byte("\x01vorbis\x00\x00\x00\x00\x01\x80\xbb\x00\x00"), ErrNotOpus},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			head, err := ParseHead(test.data)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err == nil && string(head.Append(nil)) != string(test.data) {
				t.Fatalf("%q became %q", test.data, head.Append(nil))
			}
		})
	}
	if gain := (Head{GainQ8: -6 * 256}).Gain(); gain < 0.501 || gain > 0.502 {
		t.Errorf("-6 dB is %v", gain)
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		packet []byte
		want   int64
	}{
		{nil, 0}, {[]byte{0}, 480}, {[]byte{3 << 3}, 2880}, {[]byte{11<<3 | 1}, 2 * 2880}, {[]byte{11<<3 | 2}, 2 * 2880},
		{[]byte{12 << 3}, 480}, {[]byte{15 << 3}, 960}, {[]byte{16 << 3}, 120}, {[]byte{31 << 3}, 960},
		{[]byte{31<<3 | 3}, 0}, {[]byte{31<<3 | 3, 6}, 5760}, {[]byte{31<<3 | 3, 7}, 0}, {[]byte{31<<3 | 3, 0}, 0},
		{[]byte{16<<3 | 3, 48}, 5760}, {[]byte{16<<3 | 3, 0x80 | 4}, 480},
	} {
		if got := Ticks(test.packet); got != test.want {
			t.Errorf("Ticks(%x) = %d, want %d", test.packet, got, test.want)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\xfe\x00"))
	f.Add([]byte("OpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\xff\x01\x04\x02\x00\x04\x01\x02\x03\x05"))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := ParseHead(data)
		if err != nil {
			return
		}
		again, err := ParseHead(head.Append(nil))
		if err != nil || !reflect.DeepEqual(head, again) {
			t.Fatalf("%+v became %+v, %v", head, again, err)
		}
	})
}
