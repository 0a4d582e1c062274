package audio_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// What ffmpeg decodes lies where the file's own timeline has it, and clips are cut by the same positions.
func TestTimelines(t *testing.T) {
	t.Parallel()
	one, two := speechlike(30), slices.Clone(speechlike(60)[30*rate:])
	first, second := write(t, "one.wav", wav(one)), write(t, "two.wav", wav(two))
	both := write(t, "both.wav", wav(slices.Concat(one, two)))
	pause := func(seconds string) []string {
		return []string{"-af", "asetpts='if(gte(T,30),PTS+" + seconds + "/TB,PTS)'"}
	}
	vorbis := []string{"-c:a", "libvorbis", "-ar", "16000"}
	chain := func(name string, args ...string) string {
		return write(t, name, slices.Concat(read(t, convert(t, first, name, args...)), read(t, convert(t, second, name, args...))))
	}
	lateSound := []string{"-f", "lavfi", "-i", "color=c=red:s=64x64:d=5:r=5", "-map", "1:v", "-map", "0:a", "-c:v", "mpeg4", "-c:a", "aac", "-af", "asetpts=PTS+10/TB"}
	for _, test := range []struct {
		name, path string
		at         map[float64][]float32 // what is heard where, in seconds
		tolerance  int                   // in samples
	}{
		{"chained vorbis", chain("a.ogg", vorbis...), map[float64][]float32{0: one, 30: two}, rate / 50},
		{"webm that begins again", chain("a.webm", "-c:a", "libopus"), map[float64][]float32{0: one, 30: two}, rate / 50},
		{"webm with a pause", convert(t, both, "a.webm", slices.Concat(pause("60"), []string{"-c:a", "libopus"})...), map[float64][]float32{0: one, 90: two}, rate / 50},
		{"ogg vorbis with a pause", convert(t, both, "a.ogg", slices.Concat(pause("60"), vorbis)...), map[float64][]float32{0: one, 90: two}, rate / 50},
		{"mp4 whose sound comes late", convert(t, first, "a.mp4", lateSound...), map[float64][]float32{10: one}, rate / 20},
		{"sixteen channels", convert(t, first, "a.wav", "-af", "pan=hexadecagonal|c0=c0|c2=c0"), map[float64][]float32{0: one}, 0},
		{"twelve channels", write(t, "a.wav", wavOf(12, func(i, channel int) float32 {
			return map[int]float32{0: one[i], 2: one[i]}[channel]
		}, len(one))), map[float64][]float32{0: one}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			whole := decode(t, a, recording(test.path))
			var spans []orchestrator.SampleSpan
			for at, sound := range test.at {
				for _, second := range []float64{2, 23} {
					want := sound[int(second*rate):int((second+3)*rate)]
					if lag, alike := bestLag(whole, want, int((at+second)*rate)); max(lag, -lag) > test.tolerance || alike < 0.9 {
						t.Errorf("what is heard at %v s lags by %d samples, alike to %.3f", at+second, lag, alike)
					}
					spans = append(spans, span(at+second, at+second+3))
				}
			}
			slices.SortFunc(spans, func(a, b orchestrator.SampleSpan) int { return int(a.Start - b.Start) })
			for i, clip := range cut(t, a, recording(test.path), spans...) {
				sound := decode(t, a, recording(write(t, "clip.flac", clip.Data)))
				if lag, alike := bestLag(whole, sound, int(spans[i].Start)); clip.Span != spans[i] || lag != 0 || alike < 0.99 {
					t.Errorf("clip %v of %v lags by %d samples, alike to %.3f", clip.Span, spans[i], lag, alike)
				}
			}
		})
	}
}

// A clip over the edge of a pause has the pause in it, and one within it is silent.
func TestClipOfAPause(t *testing.T) {
	t.Parallel()
	source := write(t, "source.wav", wav(speechlike(20)))
	path := convert(t, source, "a.mka", "-c:a", "pcm_s16le", "-af", "asetpts='if(gte(T,10),PTS+5/TB,PTS)'")
	a := newAudio(t)
	clips := cut(t, a, recording(path), span(9, 16), span(11, 14))
	got := decode(t, a, recording(write(t, "clip.flac", clips[0].Data)))
	if len(got) != 7*rate || energy(got[:rate/2]) == 0 || energy(got[3*rate/2:11*rate/2]) != 0 || energy(got[13*rate/2:]) == 0 {
		t.Errorf("the clip has %d samples", len(got))
	}
	if got := decode(t, a, recording(write(t, "clip.flac", clips[1].Data))); len(got) != 3*rate || energy(got) != 0 {
		t.Errorf("the clip within the pause has %d samples", len(got))
	}
}

func TestAbsurdTimestamp(t *testing.T) {
	t.Parallel()
	path := convert(t, write(t, "source.wav", wav(speechlike(20))), "a.mka", "-c:a", "pcm_s16le", "-af", "asetpts='if(gte(T,10),PTS+25*3600/TB,PTS)'")
	_, err := tryDecode(t, newAudio(t), recording(path))
	if !errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), "absurd timestamp: it leaves out 25 hours") {
		t.Errorf("got %v", err)
	}
}

// ffmpeg's word alone that something cannot be decoded is no damage, and neither is a pause; both together are.
func TestDamageThatFFmpegSees(t *testing.T) {
	t.Parallel()
	source := write(t, "source.wav", wav(speechlike(20)))
	encoded := func(name string, args ...string) []byte { return read(t, convert(t, source, name, args...)) }
	mp3 := encoded("a.mp3", "-q:a", "4")
	id3 := slices.Concat([]byte("TAGtitle"), bytes.Repeat([]byte{0}, 120))
	ape := slices.Concat([]byte("APETAGEX\xd0\x07\x00\x00\x33\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x80"), bytes.Repeat([]byte{0}, 8))
	ape = slices.Concat([]byte("\x05\x00\x00\x00\x00\x00\x00\x00Title\x00hello"), ape)
	lyrics := []byte("LYRICSBEGININD0000200LYR00012some lyrics000044LYRICS200")
	pause := []string{"-af", "asetpts='if(gte(T,10),PTS+5/TB,PTS)'"}
	for _, test := range []struct {
		name  string
		data  []byte
		shown bool // whether bytes flipped in its middle show in its timestamps, however its encoder is set
	}{
		{"a.wav", read(t, source), false},
		{"a.mp3", mp3, false},
		{"id3.mp3", slices.Concat(mp3, id3), false},
		{"ape.mp3", slices.Concat(mp3, ape), false},
		{"both.mp3", slices.Concat(mp3, ape, id3), false},
		{"lyrics.mp3", slices.Concat(mp3, lyrics, id3), false},
		{"zeros.mp3", slices.Concat(mp3, bytes.Repeat([]byte{0}, 3000)), false},
		{"twice.mp3", slices.Concat(mp3, mp3), false},
		{"a.m4a", encoded("a.m4a"), true},
		{"a.flac", encoded("a.flac"), false},
		{"a.ogg", encoded("a.ogg", "-c:a", "libvorbis"), true},
		{"twice.ogg", slices.Concat(encoded("a.ogg", "-c:a", "libvorbis"), encoded("a.ogg", "-c:a", "libvorbis")), true},
		{"a.aac", encoded("a.aac"), false},
		{"a.webm", encoded("a.webm", "-c:a", "libopus"), true},
		{"pause.webm", encoded("a.webm", slices.Concat(pause, []string{"-c:a", "libopus"})...), true},
		{"pause.ogg", encoded("a.ogg", slices.Concat(pause, []string{"-c:a", "libvorbis"})...), true},
		{"a.amr", slices.Concat([]byte("#!AMR\n"), bytes.Repeat(slices.Concat([]byte{0x3c}, bytes.Repeat([]byte{0x55}, 31)), 1000)), true},
		{"a.wma", encoded("a.wma"), false},
		{"a.mpegts", encoded("a.ts", "-c:a", "mp2", "-f", "mpegts"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			whole := decode(t, newAudio(t), recording(write(t, test.name, test.data)))
			flipped := slices.Clone(test.data)
			for i := range 400 {
				flipped[len(flipped)*2/5+i] ^= 0x5a
			}
			path := write(t, test.name, flipped)
			got, err := tryDecode(t, newAudio(t), recording(path))
			damage := (*orchestrator.DamageError)(nil)
			if err != nil && !errors.As(err, &damage) || test.shown && damage == nil {
				t.Fatalf("flipped bytes: got %v", err)
			}
			if len(got) < len(whole)*9/10 || damage != nil && (damage.First < int64(len(whole)/5) || damage.First > int64(len(whole)*3/5)) {
				t.Errorf("flipped bytes: got %d of %d samples, %v", len(got), len(whole), err)
			}
			cut(t, newAudio(t), recording(path), span(1, 3), span(17, 25))
		})
	}
}
