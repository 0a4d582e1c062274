package flac

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// What ffmpeg decodes of a file, every checksum included, is what was written.
func TestFFmpegReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	sounds := map[string]func(i, channel int) float64{
		"silence":    func(int, int) float64 { return 0 },
		"a constant": func(int, int) float64 { return -1234 },
		"noise":      func(int, int) float64 { return float64(random.IntN(1<<16) - 1<<15) },
		"extremes":   func(i, channel int) float64 { return []float64{math.MaxInt16, math.MinInt16}[(i/3+channel)%2] },
		"a tone":     func(i, channel int) float64 { return 20000 * math.Sin(float64(i)*0.03+float64(channel)) },
		"one twice":  func(i, _ int) float64 { return 20000*math.Sin(float64(i)*0.03) + float64(i*7919%64) },
		"a click":    func(i, _ int) float64 { return []float64{0, math.MaxInt16}[max(0, 1-max(i-1000, 1000-i))] },
	}
	for name, sound := range sounds {
		for _, channels := range []int{1, 2, MaxChannels} {
			for _, length := range []int{1, 3, blockLength, 2*blockLength + 100} {
				check(t, fmt.Sprint(name, ", ", channels, " channels, ", length, " samples"), 16000, channels, length, sound)
			}
		}
	}
	check(t, "frames whose numbers take three bytes", 8000, 1, 2100*blockLength, sounds["a tone"])
	check(t, "a rate that takes two bytes", 11025, 1, 3*blockLength, sounds["a tone"])
	check(t, "the highest rate", 655350, 1, 1000, sounds["a tone"]) // the highest that ffmpeg knows
}

func check(t *testing.T, name string, rateHz, channels, length int, sound func(i, channel int) float64) {
	t.Helper()
	var raw []byte
	for i := range length {
		for channel := range channels {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(sound(i, channel))))
		}
	}
	w := NewWriter(rateHz, channels)
	for rest := raw; len(rest) > 0; {
		n := min(len(rest), 2*channels*1000)
		w.Write(rest[:n])
		rest = rest[n:]
	}
	if w.Samples() != int64(length) {
		t.Errorf("%s: %d samples", name, w.Samples())
	}
	file, err := w.Finish()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if most := len(raw) + len(raw)/10 + 200; len(file) > most {
		t.Errorf("%s: %d bytes of %d", name, len(file), len(raw))
	}
	// Players take the length from here: 20 bits of rate, 3 of channels, 5 of depth, 36 of samples.
	want := uint64(rateHz)<<44 | uint64(channels-1)<<41 | uint64(16-1)<<36 | uint64(length)
	if got := binary.BigEndian.Uint64(file[18:]); got != want {
		t.Errorf("%s: the start says %x, want %x", name, got, want)
	}
	ffmpeg := exec.CommandContext(t.Context(), testkit.FFmpeg(t), "-v", "error", "-err_detect", "crccheck+bitstream+buffer+explode", "-f", "flac", "-i", "pipe:0",
		"-ar", strconv.Itoa(rateHz), "-f", "s16le", "pipe:1")
	ffmpeg.Stdin = bytes.NewReader(file)
	var said bytes.Buffer
	ffmpeg.Stderr = &said
	if got, err := ffmpeg.Output(); err != nil || said.Len() > 0 || !bytes.Equal(got, raw) {
		t.Errorf("%s: %d bytes came back of %d, %v: %s", name, len(got), len(raw), err, &said)
	}
}
