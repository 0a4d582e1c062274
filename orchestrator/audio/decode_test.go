package audio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// The same sound comes out at the same samples by each way of decoding, in every mode of Opus.
func TestDecodersAgree(t *testing.T) {
	t.Parallel()
	speech := testkit.Audio(t, "other/speech.wav")
	for _, test := range []struct {
		name    string
		args    []string
		goAlike float64 // what the decoder in Go must reach
	}{
		{"recorder", []string{"-b:a", "24k"}, 0.9999},
		{"silk", []string{"-b:a", "10k", "-application", "voip"}, 0.9999},
		{"silk narrow, 60 ms", []string{"-b:a", "8k", "-application", "voip", "-cutoff", "4000", "-frame_duration", "60"}, 0.9999},
		{"hybrid", []string{"-b:a", "32k", "-application", "voip", "-cutoff", "12000", "-ar", "48000"}, 0.9999},
		{"celt, 2.5 ms", []string{"-b:a", "64k", "-application", "lowdelay", "-frame_duration", "2.5"}, 0.9999},
		{"stereo silk", []string{"-ac", "2", "-b:a", "20k", "-application", "voip"}, 0.9999},
		{"stereo celt", []string{"-ac", "2", "-b:a", "96k", "-application", "audio"}, 0.9999},
		{"fixed rate", []string{"-b:a", "24k", "-vbr", "off"}, 0.9999},
		{"surround", []string{"-ac", "6", "-b:a", "128k", "-mapping_family", "1"}, 0.95}, // by ffmpeg, which mixes otherwise
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := convert(t, speech, "speech.ogg", append(test.args, "-c:a", "libopus")...)
			library := decode(t, newAudio(t), recording(path))
			pure := decode(t, newAudioWith(t, audio.Options{FFmpeg: testkit.FFmpeg(t)}), recording(path))
			reference := decode(t, newAudio(t), recording(convert(t, path, "speech.mka", "-c:a", "copy")))
			if len(library) != len(pure) {
				t.Errorf("libopus gives %d samples, Go %d", len(library), len(pure))
			}
			if alike := similarity(library, pure); alike < test.goAlike {
				t.Errorf("Go and libopus are alike to %.5f", alike)
			}
			if lag, alike := bestLag(reference, library[rate:], rate); max(lag, -lag) > 16 || alike < 0.95 {
				t.Errorf("libopus lags behind ffmpeg by %d samples, alike to %.5f", lag, alike)
			}
		})
	}
}

func TestOpusDecoderSaysWhatItIs(t *testing.T) {
	t.Parallel()
	if name, err := newAudio(t).OpusDecoder(); err != nil || !strings.HasPrefix(name, "libopus") {
		t.Errorf("got %q, %v", name, err)
	}
	broken := newAudioWith(t, audio.Options{OpusLibrary: write(t, "libopus.so", []byte("no library"))})
	if name, err := broken.OpusDecoder(); err == nil || !strings.HasPrefix(name, "pion") {
		t.Errorf("got %q, %v", name, err)
	}
	if samples := decode(t, broken, recording(encode(t, tone(1, 400, 0.5)))); len(samples) != rate {
		t.Errorf("got %d samples without the library", len(samples))
	}
}

// remux rewrites an Ogg Opus file page by page. edit may change the header, and a page's position; it
// returns false to leave the page out. Pages of sound count from 0.
func remux(t testing.TB, data []byte, edit func(head *opus.Head, page int, granule *int64) bool) []byte {
	t.Helper()
	var assembler ogg.Assembler
	r := ogg.NewReader(bytes.NewReader(data))
	w := ogg.NewWriter(nil, 77)
	for i := -2; ; i++ {
		page, err := r.Next()
		if err != nil {
			return w.Bytes()
		}
		granule, last := page.Granule, page.Last
		for j, packet := range assembler.Packets(page, false) {
			head, err := opus.ParseHead(packet)
			if j == 0 && !edit(&head, i, &granule) {
				break
			}
			if err == nil {
				packet = head.Append(nil)
			}
			w.Packet(packet, granule)
		}
		w.Flush(last)
	}
}

func TestGainIsApplied(t *testing.T) {
	t.Parallel()
	data := read(t, encode(t, speechlike(2)))
	quieter := remux(t, data, func(head *opus.Head, _ int, _ *int64) bool {
		head.GainQ8 = -6 * 256
		return true
	})
	before := energy(decode(t, newAudio(t), recording(write(t, "a.ogg", data))))
	after := energy(decode(t, newAudio(t), recording(write(t, "b.ogg", quieter))))
	if ratio := after / before; math.Abs(ratio-0.501) > 0.01 {
		t.Errorf("6 dB less is a factor of %.3f", ratio)
	}
}

func energy(samples []float32) float64 {
	var sum float64
	for _, sample := range samples {
		sum += float64(sample) * float64(sample)
	}
	return math.Sqrt(sum)
}

func TestChainedStreamsFollowEachOther(t *testing.T) {
	t.Parallel()
	one, two := speechlike(3.01), tone(2.5, 500, 0.9)
	data := slices.Concat(read(t, encode(t, one)), read(t, encode(t, two)), read(t, encode(t, one)))
	path := write(t, "chain.ogg", data)
	a := newAudio(t)
	got := decode(t, a, recording(path))
	if want := 2*len(one) + len(two); len(got) != want {
		t.Fatalf("got %d samples, want %d", len(got), want)
	}
	for i, part := range []struct {
		start int
		want  []float32
	}{{0, one}, {len(one), two}, {len(one) + len(two), one}} {
		if lag, alike := bestLag(got, part.want, part.start); lag != 0 || alike < 0.95 {
			t.Errorf("part %d lags by %d, alike to %.3f", i, lag, alike)
		}
	}
	if length := a.Length(t.Context(), recording(path)); length != int64(len(got)) {
		t.Errorf("length is told as %d, want %d", length, len(got))
	}
	// Most of the first span lies in the first link, most of the second in the second one.
	clips := cut(t, a, recording(path), span(1, 3.5), span(2, 5))
	for i, want := range []orchestrator.SampleSpan{span(1, 3.01), span(3.01, 5)} {
		if clips[i].Span != want {
			t.Errorf("clip %d covers %v, want %v", i, clips[i].Span, want)
		}
		sound := decode(t, a, recording(write(t, "clip.opus", clips[i].Data)))
		if lag, alike := bestLag(got, sound, int(want.Start)); lag != 0 || alike < 0.99 {
			t.Errorf("clip %d lags by %d, alike to %.3f", i, lag, alike)
		}
	}
}

// Sound behind lost or damaged pages, and behind pauses, stays where it was.
func TestDamageMovesNothing(t *testing.T) {
	t.Parallel()
	sound := speechlike(20)
	data := read(t, encode(t, sound))
	a := newAudio(t)
	whole := decode(t, a, recording(write(t, "whole.ogg", data)))
	flipped := slices.Clone(data)
	for i := range 200 {
		flipped[len(data)/2+i] ^= 0x5a
	}
	for _, test := range []struct {
		name string
		data []byte
		want *orchestrator.DamageError // to the second; nil: nothing that it had is lost
	}{
		{"flipped bytes in the middle", flipped, &orchestrator.DamageError{First: 9 * rate, Lost: rate}},
		{"a hole in the middle", slices.Concat(data[:len(data)/2], data[len(data)/2+1000:]), &orchestrator.DamageError{First: 9 * rate, Lost: 2 * rate}},
		{"a page lost", withoutPage(t, data, 9), &orchestrator.DamageError{First: 9 * rate, Lost: rate}},
		{"a page left out", remux(t, data, func(_ *opus.Head, page int, _ *int64) bool { return page != 9 }), nil},
		{"no end", data[:lastPage(data)], nil},
		{"junk before", slices.Concat([]byte("some junk"), data), nil},
		{"junk between", slices.Concat(data[:lastPage(data)], []byte("OggS junk"), data[lastPage(data):]), nil},
		{"junk behind", slices.Concat(data, []byte("TAG junk")), nil},
		{"a damaged comment", flip(data, bytes.Index(data, []byte("OpusTags"))+9), nil},
		{"a damaged last page", flip(data, len(data)-9), &orchestrator.DamageError{First: 19 * rate}},
		{"cut in a page", data[:len(data)-9], &orchestrator.DamageError{First: 19 * rate}},
		{"cut in a page's head", data[:lastPage(data)+3], &orchestrator.DamageError{First: 19 * rate}},
		{"cut before the next link", slices.Concat(data[:len(data)-9], data), &orchestrator.DamageError{First: 19 * rate}},
		{"a packet that cannot be decoded", undecodable(t, data, 450), &orchestrator.DamageError{First: 9 * rate, Lost: rate / 50}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := tryDecode(t, a, recording(write(t, "damaged.ogg", test.data)))
			damage := (*orchestrator.DamageError)(nil)
			switch {
			case errors.As(err, &damage) != (test.want != nil), err != nil && damage == nil:
				t.Fatalf("got %v, want %v", err, test.want)
			case damage != nil && (damage.First < test.want.First-rate || damage.First > test.want.First+rate || damage.Lost < test.want.Lost*9/10 || damage.Lost > test.want.Lost*11/10):
				t.Errorf("got %v, want %v", damage, test.want)
			}
			if least := len(whole) - 3*rate/2; len(got) < least {
				t.Errorf("got %d samples, want %d", len(got), least)
			}
			for _, second := range []int{2, 16} {
				if lag, alike := bestLag(got, whole[second*rate:(second+2)*rate], second*rate); lag != 0 || alike < 0.99 {
					t.Errorf("second %d lags by %d, alike to %.3f", second, lag, alike)
				}
			}
			for i, clip := range cut(t, a, recording(write(t, "damaged.ogg", test.data)), span(2, 4), span(16, 18)) {
				if n := clip.Span.End - clip.Span.Start; n != 2*rate {
					t.Errorf("clip %d has %d samples", i, n)
				}
			}
		})
	}
}

// pageAt finds where a page of sound begins, counted from 0; the end where there are not so many.
func pageAt(t testing.TB, data []byte, n int) int {
	t.Helper()
	r := ogg.NewReader(bytes.NewReader(data))
	for i := -2; ; i++ {
		page, err := r.Next()
		if err != nil {
			return len(data)
		}
		if i == n {
			return int(page.Offset)
		}
	}
}

func withoutPage(t testing.TB, data []byte, n int) []byte {
	t.Helper()
	return slices.Concat(data[:pageAt(t, data, n)], data[pageAt(t, data, n+1):])
}

func lastPage(data []byte) int {
	return bytes.LastIndex(data, []byte("OggS"))
}

func flip(data []byte, at int) []byte {
	flipped := slices.Clone(data)
	flipped[at] ^= 0x5a
	return flipped
}

// undecodable makes one packet, counted from 0, one of two frames of half a byte.
func undecodable(t testing.TB, data []byte, n int) []byte {
	t.Helper()
	w := opusHeaders(opus.AppendTags(nil))
	i := 0
	for packet, err := range opus.Packets(bytes.NewReader(data), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if i++; i == n {
			packet.Data = []byte{30<<3 | 1, 1}
		}
		w.Packet(packet.Data, packet.End+312)
		if i%50 == 0 {
			w.Flush(false)
		}
	}
	w.Flush(true)
	return w.Bytes()
}

// A laugh's time in a recording of three hours is right to 50 ms. The recording is silence, with the
// same short sound put in at known packets, a pause that its positions tell of, and a lost page.
func TestTimesInThreeHours(t *testing.T) {
	t.Parallel()
	path, at := threeHours(t)
	a := newAudio(t)
	var found []float64
	var length int64
	quietUntil := int64(0)
	for chunk, err := range a.Decode(t.Context(), recording(path)) {
		if err != nil {
			t.Fatal(err)
		}
		for i, sample := range chunk.Samples {
			if position := chunk.Offset + int64(i); math.Abs(float64(sample)) > 0.2 {
				if position >= quietUntil {
					found = append(found, float64(position)/rate)
				}
				quietUntil = position + rate
			}
		}
		length = chunk.Offset + int64(len(chunk.Samples))
	}
	if len(found) != len(at) {
		t.Fatalf("found %v, want %v", found, at)
	}
	for i := range at {
		if math.Abs(found[i]-at[i]) > 0.005 {
			t.Errorf("found at %.3f s, want %.3f s", found[i], at[i])
		}
	}
	if told := a.Length(t.Context(), recording(path)); told != length || math.Abs(float64(length)/rate-3*3600) > 1 {
		t.Errorf("length is told as %d, decoded %d", told, length)
	}
	// The last of these begins before the pause, so that its sound lies behind a hole in the clip.
	for i, lead := range map[int]float64{0: 0.5, 2: 1, 3: 22} {
		clip := cut(t, a, recording(path), span(at[i]-lead, at[i]+1))[0]
		sound := decode(t, a, recording(write(t, "clip.opus", clip.Data)))
		loud := slices.IndexFunc(sound, func(sample float32) bool { return sample > 0.2 || sample < -0.2 })
		if got := float64(clip.Span.Start+int64(loud)) / rate; math.Abs(got-at[i]) > 0.005 {
			t.Errorf("the sound of clip %d is at %.3f s, want %.3f s", i, got, at[i])
		}
	}
	if clip := cut(t, a, recording(path), span(10, 1000))[0]; clip.Span != span(10, 130) {
		t.Errorf("a long clip covers %v, want two minutes", clip.Span)
	}
}

// threeHours makes that recording, and tells when the sound is heard, in seconds.
func threeHours(t testing.TB) (path string, at []float64) {
	t.Helper()
	const frame, preSkip = 960, 312
	burst := make([]float32, 2*rate)
	copy(burst[rate:], tone(0.2, 700, 0.9))
	var packets [][]byte
	for packet, err := range opus.Packets(bytes.NewReader(read(t, encode(t, burst))), nil) {
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(packet.Data))
	}
	w := ogg.NewWriter(nil, 5)
	w.Packet(opus.Head{Version: 1, Channels: 1, PreSkip: preSkip}.Append(nil), 0)
	w.Flush(false)
	w.Packet(opus.AppendTags(nil), 0)
	w.Flush(false)
	granule := int64(0)
	put := func(packet []byte) {
		granule += frame
		w.Packet(packet, granule)
		if granule/frame%50 == 0 {
			w.Flush(false)
		}
	}
	for _, start := range []int64{0, 3333, 200_001, 404_040, 539_850} { // in packets of 20 ms
		if start == 404_040 {
			w.Flush(false)
			granule += 1000 * frame // a pause of 20 s
		}
		for granule < start*frame {
			put(packets[5])
		}
		at = append(at, float64(granule-preSkip)/opus.RateHz+1+preSkip/float64(opus.RateHz))
		for _, packet := range packets {
			put(packet)
		}
	}
	w.Flush(true)
	path = filepath.Join(t.TempDir(), "three hours.ogg")
	if err := os.WriteFile(path, w.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, at
}

// decodeInChild names the file that the test binary decodes when it runs as its own child.
const decodeInChild = "CHORTLE_TEST_DECODE"

func TestMemoryDoesNotGrowWithLength(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(decodeInChild); path != "" {
		for _, err := range newAudio(t).Decode(t.Context(), recording(path)) {
			if damage := (*orchestrator.DamageError)(nil); err != nil && !errors.As(err, &damage) { // half an hour is cut off
				t.Fatal(err)
			}
		}
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("peak " + strconv.FormatInt(int64(usage.Maxrss), 10) + "\n") //nolint:unconvert // it is not 64 bits long everywhere
		return
	}
	threeHours, _ := threeHours(t)
	all := read(t, threeHours)
	long := write(t, "half an hour.ogg", all[:len(all)/6])
	peak := func(path string) int {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryDoesNotGrowWithLength$")
		cmd.Env = append(os.Environ(), decodeInChild+"="+path)
		output, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		_, rest, _ := strings.Cut(string(output), "peak ")
		kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		return kilobytes
	}
	short := peak(encode(t, speechlike(60)))
	if got := peak(long); got > short+short/10+2048 {
		t.Errorf("half an hour takes %d KB, one minute %d KB", got, short)
	}
}

func TestStoppingEarlyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	opusFile := encode(t, speechlike(60))
	for _, path := range []string{opusFile, convert(t, opusFile, "sound.mp3")} {
		for range newAudio(t).Decode(t.Context(), recording(path)) {
			break // goleak looks for what goes on
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range newAudio(t).Decode(ctx, recording(path)) {
			cancel()
			last = err
		}
		if !errors.Is(last, context.Canceled) || errors.Is(last, orchestrator.ErrBadRecording) {
			t.Errorf("%s: cancelled, got %v", filepath.Ext(path), last)
		}
	}
}

// A decoder that hangs ends with the context, and so does what it started, which holds its pipes.
func TestHangingDecoderIsKilled(t *testing.T) {
	t.Parallel()
	lives := filepath.Join(t.TempDir(), "lives")
	if err := syscall.Mkfifo(lives, 0o600); err != nil {
		t.Fatal(err)
	}
	script := write(t, "ffmpeg", []byte("#!/bin/sh\nexec 3>'"+lives+"'\nsleep 1000 &\necho >&3\nsleep 1000\n"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		fifo, err := os.Open(lives) // the script, and what it started, hold the other end
		if err != nil {
			ended <- err
			return
		}
		defer fifo.Close()
		_, err = io.ReadFull(fifo, make([]byte, 1))
		cancel()
		_, still := io.Copy(io.Discard, fifo) // ends when none of them is left
		ended <- errors.Join(err, still)
	}()
	for _, err := range newAudioWith(t, audio.Options{FFmpeg: script, Sandbox: sandbox.Off}).Decode(ctx, recording(write(t, "a.mp3", []byte("x")))) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
