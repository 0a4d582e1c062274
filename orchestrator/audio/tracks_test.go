package audio_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Every track of a file is heard, whichever is the default, and clips have what is heard.
func TestTracks(t *testing.T) {
	t.Parallel()
	sound, quiet := speechlike(8), make([]float32, 12*rate)
	for i := range quiet {
		quiet[i] = float32(i*7919%97-48) / 48 * 0.0005
	}
	first, second := write(t, "a.wav", wav(quiet)), write(t, "b.wav", wav(sound))
	both := func(name string, args ...string) string {
		return convert(t, first, name, append([]string{"-i", second, "-map", "0:a", "-map", "1:a"}, args...)...)
	}
	for name, path := range map[string]string{
		"m4a":                    both("a.m4a", "-c:a", "aac"),
		"mov":                    both("a.mov", "-c:a", "pcm_s16le"),
		"mkv":                    both("a.mkv", "-c:a", "libopus"),
		"mkv, second is default": both("a.mkv", "-c:a", "libopus", "-disposition:a:0", "0", "-disposition:a:1", "default"),
		"ogg":                    both("a.ogg", "-c:a", "libopus"),
		"shorter first":          convert(t, second, "a.mka", "-i", first, "-map", "0:a", "-map", "1:a", "-c:a", "flac"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			whole := decode(t, a, recording(path))
			if seconds := float64(len(whole)) / rate; seconds < 11.9 || seconds > 12.1 {
				t.Errorf("it is %.2f s long", seconds)
			}
			for i, clip := range cut(t, a, recording(path), span(2, 5), span(9, 11)) {
				got := decode(t, a, recording(write(t, "clip.flac", clip.Data)))
				if lag, alike := bestLag(whole, got, int(clip.Span.Start)); i == 0 && (lag != 0 || alike < 0.98) || len(got) != int(clip.Span.End-clip.Span.Start) {
					t.Errorf("clip %d of %d samples lags by %d, alike to %.3f", i, len(got), lag, alike)
				}
			}
			if lag, alike := bestLag(whole, sound[2*rate:4*rate], 2*rate); max(lag, -lag) > 20 || alike < 0.9 {
				t.Errorf("the second track lags by %d samples, alike to %.3f", lag, alike)
			}
		})
	}
}

// Raw streams whose rate changes follow each other as they do in the file.
func TestRateChangesInRawStreams(t *testing.T) {
	t.Parallel()
	one, two := speechlike(12), tone(12, 500, 0.9)
	first, second := write(t, "a.wav", wav(one)), write(t, "b.wav", wav(two))
	for _, format := range []struct {
		ending string
		args   []string
	}{{".aac", nil}, {".mp3", []string{"-write_xing", "0", "-id3v2_version", "0"}}} {
		data := append(read(t, convert(t, first, "a"+format.ending, append(format.args, "-ar", "24000")...)), read(t, convert(t, second, "b"+format.ending, append(format.args, "-ar", "44100")...))...)
		whole := decode(t, newAudio(t), recording(write(t, "a"+format.ending, data)))
		if seconds := float64(len(whole)) / rate; seconds < 23.9 || seconds > 24.4 {
			t.Errorf("%s: %.2f s long", format.ending, seconds)
		}
		if lag, alike := bestLag(whole, two[5*rate:7*rate], 17*rate); max(lag, -lag) >= rate/10 || alike < 0.9 {
			t.Errorf("%s: the second part lags by %d samples, alike to %.3f", format.ending, lag, alike)
		}
	}
}

// What there is to say of a recording is found without decoding it.
func TestInspect(t *testing.T) {
	t.Parallel()
	one := write(t, "a.wav", wav(speechlike(2)))
	tracks := func(n int) (args []string) {
		for range n {
			args = append(args, "-map", "0:a")
		}
		return append(args, "-c:a", "aac")
	}
	short := read(t, one)
	binary.LittleEndian.PutUint32(short[40:], 1000)
	for name, test := range map[string]struct {
		path string
		want []orchestrator.Note
	}{
		"one track":  {convert(t, one, "a.m4a"), nil},
		"two tracks": {convert(t, one, "a.m4a", tracks(2)...), []orchestrator.Note{{Code: orchestrator.NoteTracks, N: 2}}},
		"ten tracks": {convert(t, one, "a.mka", tracks(10)...), []orchestrator.Note{{Code: orchestrator.NoteTracks, N: 8}, {Code: orchestrator.NoteTracksLeft, N: 2}}},
		"wav":        {one, nil},
		"short wav":  {write(t, "a.wav", short), []orchestrator.Note{{Code: orchestrator.NoteUnannounced, N: 63000}}},
		"no sound":   {write(t, "a.m4a", []byte("text")), nil},
	} {
		if length, notes := newAudio(t).Inspect(t.Context(), recording(test.path)); !slices.Equal(notes, test.want) || length == 0 && test.want != nil {
			t.Errorf("%s: got %v of %d samples, want %v", name, notes, length, test.want)
		}
	}
}
