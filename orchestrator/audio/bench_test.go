package audio_test

import (
	"encoding/binary"
	"iter"
	"math"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

const benchSeconds = 600

// BenchmarkDecode tells how many times faster than real time each way of decoding is, by the clock and
// by the processor time that it takes.
//
//	go test ./orchestrator/audio -run - -bench Decode
func BenchmarkDecode(b *testing.B) {
	ffmpeg, library := testkit.FFmpeg(b), testkit.Opus(b)
	opusFile := filepath.Join(b.TempDir(), "sound.ogg")
	full := audio.Options{FFmpeg: ffmpeg, OpusLibrary: library}
	if err := newAudioWith(b, full).Encode(b.Context(), opusFile, rate, realSound(b)); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, extension string
		options         audio.Options
	}{
		{"libopus", "", full},
		{"go", "", audio.Options{FFmpeg: ffmpeg}},
		// Opus in another container goes through ffmpeg.
		{"ffmpeg-opus", ".mka", full},
		{"ffmpeg-mp3", ".mp3", full},
		{"ffmpeg-flac", ".flac", full},
	} {
		b.Run(bench.name, func(b *testing.B) {
			path := opusFile
			if bench.extension != "" {
				path = convert(b, opusFile, "sound"+bench.extension)
			}
			a := newAudioWith(b, bench.options)
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				for _, err := range a.Decode(b.Context(), recording(path)) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			sound := float64(b.N) * benchSeconds
			b.ReportMetric(sound/b.Elapsed().Seconds(), "x-real-time")
			b.ReportMetric(sound/(cpuTime(b)-before).Seconds(), "x-real-time-cpu")
		})
	}
}

// cpuTime is what this process and the ended ones that it started took of processors so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var total int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			b.Fatal(err)
		}
		total += usage.Utime.Nano() + usage.Stime.Nano()
	}
	return time.Duration(total)
}

// realSound is ten minutes of speech, music and laughter, over and over.
func realSound(t testing.TB) iter.Seq[[]float32] {
	t.Helper()
	var sound []float32
	a := newAudio(t)
	for _, name := range []string{"other/speech.wav", "other/music.wav", "laughter/laughter_2.wav", "laughter/conversation_with_laugh.wav"} {
		sound = append(sound, decode(t, a, recording(testkit.Audio(t, name)))...)
	}
	return func(yield func([]float32) bool) {
		for left := benchSeconds * rate; left > 0; left -= len(sound) {
			if !yield(sound[:min(left, len(sound))]) {
				return
			}
		}
	}
}

// convert makes another file of a sound by ffmpeg, with more arguments where they are given.
func convert(t testing.TB, path, name string, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	args = append(append([]string{"-v", "error", "-nostdin", "-i", path}, args...), out)
	if message, err := exec.Command(testkit.FFmpeg(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %q: %v: %s", args, err, message)
	}
	return out
}

// wav makes a WAV file of 16-bit samples.
func wav(samples []float32) []byte {
	return wavOf(1, func(i, _ int) float32 { return samples[i] }, len(samples))
}

// wavOf is a file of several channels.
func wavOf(channels int, sample func(i, channel int) float32, length int) []byte {
	data := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00")
	data = binary.LittleEndian.AppendUint16(data, uint16(channels))
	data = binary.LittleEndian.AppendUint32(data, rate)
	data = binary.LittleEndian.AppendUint32(data, uint32(2*channels*rate))
	data = binary.LittleEndian.AppendUint16(data, uint16(2*channels))
	data = append(data, "\x10\x00data"...)
	data = binary.LittleEndian.AppendUint32(data, uint32(2*channels*length))
	for i := range length {
		for channel := range channels {
			data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(float64(sample(i, channel))*32767))))
		}
	}
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	return data
}
