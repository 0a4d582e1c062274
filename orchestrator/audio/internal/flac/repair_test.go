package flac

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// sample is a file of so many samples in each channel.
func sample(t testing.TB, rateHz, channels, length int) (file, raw []byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(rateHz), uint64(channels)))
	value := make([]float64, channels)
	for range length {
		for c := range value {
			value[c] = 0.95*value[c] + 900*random.NormFloat64()
			raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(value[c])))
		}
	}
	w := NewWriter(rateHz, channels)
	w.Write(raw)
	file, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return file, raw
}

// withoutRates makes of a file what Writer made before its frames named their rate.
func withoutRates(t testing.TB, file []byte) []byte {
	t.Helper()
	_, first, err := parseHead(file)
	if err != nil {
		t.Fatal(err)
	}
	old := slices.Clone(file[:first])
	for rest := file[first:]; len(rest) > 0; {
		head, err := parseFrameHead(rest)
		if err != nil {
			t.Fatal(err)
		}
		size, err := frameSize(rest, head)
		if err != nil {
			t.Fatal(err)
		}
		start := len(old)
		old = append(old, rest[:head.numberEnd]...)
		old[start+2] &= 0xf0
		old = append(old, crc8(old[start:]))
		old = append(old, rest[head.size:size-2]...)
		old = binary.BigEndian.AppendUint16(old, crc16(0, old[start:]))
		rest = rest[size:]
	}
	return old
}

func TestRepairChangesHeadersOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ rateHz, channels, length int }{
		{16000, 1, 1}, {16000, 1, 10*blockLength + 7}, {48000, 2, 200 * blockLength}, {44100, 8, 3 * blockLength}, {8000, 1, 2*blockLength + 300},
		{11025, 2, 3 * blockLength}, {12000, 1, blockLength}, {96010, 1, 2 * blockLength}, {384000, 2, 2 * blockLength},
	} {
		file, raw := sample(t, test.rateHz, test.channels, test.length)
		if NeedsRepair(file) {
			t.Errorf("%v: what is written now needs repair", test)
		}
		old := withoutRates(t, file)
		if !NeedsRepair(old[:min(len(old), 1024)]) {
			t.Errorf("%v: an old file needs no repair", test)
		}
		for _, file := range [][]byte{file, old} { // the old kind is a right file, too: the test is not of damaged ones
			if got := ffmpegPCM(t, file); !bytes.Equal(got, raw) {
				t.Fatalf("%v: ffmpeg reads %d bytes of %d", test, len(got), len(raw))
			}
		}
		repaired, changed, err := Repaired(old)
		if err != nil || !changed || !bytes.Equal(repaired, file) {
			t.Errorf("%v: repaired to %d bytes, want %d; changed: %v, %v", test, len(repaired), len(file), changed, err)
		}
		again, changed, err := Repaired(repaired)
		if err != nil || changed || !bytes.Equal(again, file) {
			t.Errorf("%v: a repaired file is changed again: %v, %v", test, changed, err)
		}
	}
	odd, _ := sample(t, 100_001, 1, 2*blockLength) // no header can hold this rate
	if _, changed, err := Repaired(odd); err != nil || changed || NeedsRepair(odd) {
		t.Errorf("a rate that no header holds: %v, %v", changed, err)
	}
}

// A file of another writer, with lengths and numbers of its own, is read as well.
func TestRepairReadsOthersFiles(t *testing.T) {
	t.Parallel()
	_, raw := sample(t, 32000, 2, 70_000)
	for _, args := range [][]string{{"-compression_level", "12"}, {"-frame_size", "1000"}, {"-frame_size", "200"}} {
		ffmpeg := exec.CommandContext(t.Context(), testkit.FFmpeg(t), slices.Concat([]string{"-v", "error", "-f", "s16le", "-ar", "32000", "-ac", "2", "-i", "pipe:0"}, args, []string{"-f", "flac", "pipe:1"})...)
		ffmpeg.Stdin = bytes.NewReader(raw)
		file, err := ffmpeg.Output()
		if err != nil {
			t.Fatal(err)
		}
		repaired, changed, err := Repaired(withoutRates(t, file))
		if err != nil || !changed || !bytes.Equal(repaired, file) {
			t.Errorf("%v: got %d bytes, want %d, %v", args, len(repaired), len(file), err)
		}
	}
}

func TestRepairRefusesDamage(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 16000, 1, 5*blockLength)
	old := withoutRates(t, file)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("Dear diary, today I laughed. Dear diary, today I laughed."),
		"cut off in the head": old[:30], "cut off": old[:len(old)-1], "a byte more": append(slices.Clone(old), 0), "flipped": flipped(old, len(old)/2),
	} {
		if repaired, changed, err := Repaired(data); !errors.Is(err, ErrNotFLAC) || changed || repaired != nil {
			t.Errorf("%s: got %d bytes, %v, %v", name, len(repaired), changed, err)
		}
	}
}

func flipped(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[at] ^= 0x10
	return data
}

func TestRead(t *testing.T) {
	t.Parallel()
	file, raw := sample(t, 44100, 2, 2*blockLength+5)
	format, err := ReadFormat(bytes.NewReader(file))
	if err != nil || format != (Format{44100, 2, 16}) {
		t.Fatalf("got %+v, %v", format, err)
	}
	at := 0
	for samples, err := range Read(bytes.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range samples {
			left, right := int16(binary.LittleEndian.Uint16(raw[4*at:])), int16(binary.LittleEndian.Uint16(raw[4*at+2:]))
			if want := float32(int(left)+int(right)) / (2 << 15); got != want {
				t.Fatalf("sample %d is %v, want %v", at, got, want)
			}
			at++
		}
	}
	if at != 2*blockLength+5 {
		t.Errorf("got %d samples", at)
	}
	var last error
	for _, err := range Read(bytes.NewReader(flipped(file, len(file)/2))) {
		last = err
	}
	if !errors.Is(last, ErrNotFLAC) {
		t.Errorf("a damaged file gives %v", last)
	}
}

func ffmpegPCM(t testing.TB, file []byte) []byte {
	t.Helper()
	ffmpeg := exec.CommandContext(t.Context(), testkit.FFmpeg(t), "-v", "error", "-xerror", "-f", "flac", "-i", "pipe:0", "-f", "s16le", "pipe:1")
	ffmpeg.Stdin = bytes.NewReader(file)
	pcm, err := ffmpeg.Output()
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func FuzzRepair(f *testing.F) {
	for _, length := range []int{1, 300, 3 * blockLength} {
		file, _ := sample(f, 11025, 2, length)
		f.Add(file)
		f.Add(withoutRates(f, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		repaired, changed, err := Repaired(data)
		NeedsRepair(data[:min(len(data), 1024)])
		if err == nil && changed {
			if again, changed, err := Repaired(repaired); err != nil || changed || !bytes.Equal(again, repaired) {
				t.Fatalf("a repaired file of %d bytes is changed again: %v, %v", len(repaired), changed, err)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	file, _ := sample(f, 11025, 2, 2*blockLength)
	f.Add(file)
	f.Fuzz(func(t *testing.T, data []byte) {
		for range Read(io.LimitReader(bytes.NewReader(data), 1<<20)) {
		}
	})
}
