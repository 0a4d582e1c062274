package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// overwrite puts zeros, or other bytes, in a part of a file's bytes.
func overwrite(data []byte, from, to float64, fill func(i int) byte) []byte {
	damaged := slices.Clone(data)
	for i := int(from * float64(len(data))); i < int(to*float64(len(data))); i++ {
		damaged[i] = fill(i)
	}
	return damaged
}

// repage rewrites the pages of an Ogg file with right checksums; edit may change them, and their order.
func repage(t testing.TB, data []byte, edit func(pages []*ogg.Page)) (out []byte) {
	t.Helper()
	var pages []*ogg.Page
	for r := ogg.NewReader(bytes.NewReader(data)); ; {
		page, err := r.Next()
		if err != nil {
			break
		}
		clone := *page
		clone.Lacing, clone.Body = bytes.Clone(page.Lacing), bytes.Clone(page.Body)
		pages = append(pages, &clone)
	}
	edit(pages)
	for _, page := range pages {
		out = ogg.AppendPage(out, page)
	}
	return out
}

// insideFragment cuts a fragmented MP4 off within a late fragment's head.
func insideFragment(t testing.TB, data []byte, into int) []byte {
	t.Helper()
	at := bytes.LastIndex(data[:len(data)*9/10], []byte("moof")) - 4
	if at < 0 {
		t.Fatal("there is no fragment")
	}
	return data[:at+into]
}

// Sound that ffmpeg cannot follow in one go lies where it belongs all the same, and so do its clips.
func TestSections(t *testing.T) {
	t.Parallel()
	one, two := speechlike(30), slices.Clone(speechlike(60)[30*rate:])
	first, second := write(t, "one.wav", wav(one)), write(t, "two.wav", wav(two))
	both := write(t, "both.wav", wav(slices.Concat(one, two)))
	zero, noise := func(int) byte { return 0 }, func(i int) byte { return byte(i * 7919 >> 3) }
	of := func(path, name string, args ...string) []byte { return read(t, convert(t, path, name, args...)) }
	mp3 := of(both, "a.mp3", "-b:a", "64k")
	fragments := of(both, "a.mp4", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000")
	noEdit := of(first, "a.m4a", "-c:a", "aac")
	edit := bytes.Index(noEdit, []byte("elst"))
	binary.BigEndian.PutUint32(noEdit[edit+12:], 0)
	opusOne, vorbisOne := of(first, "a.ogg", "-c:a", "libopus"), of(first, "a.ogg", "-c:a", "libvorbis", "-ar", "48000")
	picture := []string{"-f", "lavfi", "-i", "color=c=red:s=64x64:d=40:r=5", "-map", "1:v", "-map", "0:a", "-af", "asetpts=PTS+4/TB"}
	for _, test := range []struct {
		name, file string
		data       []byte
		at         map[float64][]float32 // what is heard where, in seconds
		damaged    bool
	}{
		{"mp3 with zeros", "a.mp3", overwrite(mp3, 0.3, 0.4, zero), map[float64][]float32{30: two}, true},
		{"mp3 with junk", "a.mp3", overwrite(mp3, 0.3, 0.4, noise), map[float64][]float32{30: two}, true},
		{"mp3 with zeros twice", "a.mp3", overwrite(overwrite(mp3, 0.1, 0.15, zero), 0.3, 0.4, zero), map[float64][]float32{30: two}, true},
		{"mp3 with a tag inside", "a.mp3", slices.Concat(of(first, "a.mp3"), []byte("ID3\x03\x00\x00\x00\x01\x00\x00"), make([]byte, 1<<14), of(second, "a.mp3")), map[float64][]float32{0: one, 30: two}, false},
		{"mp2 with zeros", "a.mp2", overwrite(of(both, "a.mp2"), 0.3, 0.4, zero), map[float64][]float32{30: two}, true},
		{"aac with zeros", "a.aac", overwrite(of(both, "a.aac", "-c:a", "aac"), 0.3, 0.4, zero), map[float64][]float32{30: two}, true},
		{"opus, then vorbis", "a.ogg", slices.Concat(opusOne, of(second, "a.ogg", "-c:a", "libvorbis")), map[float64][]float32{0: one, 30: two}, false},
		{"vorbis, then opus", "a.ogg", slices.Concat(vorbisOne, of(second, "a.ogg", "-c:a", "libopus")), map[float64][]float32{0: one, 30: two}, false},
		{"vorbis, then flac", "a.ogg", slices.Concat(vorbisOne, of(second, "a.ogg", "-c:a", "flac")), map[float64][]float32{0: one, 30: two}, false},
		{"vorbis of other rate and channels", "a.ogg", slices.Concat(vorbisOne, of(second, "a.ogg", "-c:a", "libvorbis", "-ar", "22050", "-ac", "2")), map[float64][]float32{0: one, 30: two}, false},
		{"mp4 cut off early in a fragment's head", "a.mp4", insideFragment(t, fragments, 40), map[float64][]float32{0: one}, false},
		{"mp4 cut off late in a fragment's head", "a.mp4", insideFragment(t, fragments, 120), map[float64][]float32{0: one}, false},
		{"m4a with an edit of no length", "a.m4a", noEdit, map[float64][]float32{0: one}, false},
		{"m4a that begins late", "a.m4a", of(first, "a.m4a", "-c:a", "aac", "-af", "asetpts=PTS+4/TB"), map[float64][]float32{4: one}, false},
		{"mpeg-ts whose sound comes late", "a.ts", of(first, "a.ts", slices.Concat(picture, []string{"-c:v", "mpeg2video", "-c:a", "aac"})...), map[float64][]float32{4: one}, false},
		{"opus with one wrong position", "a.ogg", repage(t, opusOne, func(pages []*ogg.Page) { pages[8].Granule += 5 * opus.RateHz }), map[float64][]float32{0: one}, false},
		{"opus with one absurd position", "a.ogg", repage(t, opusOne, func(pages []*ogg.Page) { pages[8].Granule = 1 << 50 }), map[float64][]float32{0: one}, false},
		{"opus with pages swapped", "a.ogg", repage(t, opusOne, func(pages []*ogg.Page) { pages[8], pages[9] = pages[9], pages[8] }), map[float64][]float32{0: one}, false},
		{"opus whose first position is 0", "a.ogg", repage(t, opusOne, func(pages []*ogg.Page) { pages[2].Granule = 0 }), map[float64][]float32{0: one}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			rec := recording(write(t, test.file, test.data))
			whole, err := tryDecode(t, a, rec)
			damage := (*orchestrator.DamageError)(nil)
			if errors.As(err, &damage) != test.damaged || err != nil && damage == nil {
				t.Fatalf("got %v, want damage: %v", err, test.damaged)
			}
			if test.damaged && (damage.First > 20*rate || damage.Lost < 4*rate || damage.Lost > 11*rate) {
				t.Errorf("got %v", damage)
			}
			var spans []orchestrator.SampleSpan
			for at, sound := range test.at {
				for _, second := range []float64{2, 23} {
					want := sound[int(second*rate):int((second+3)*rate)]
					if lag, alike := bestLag(whole, want, int((at+second)*rate)); max(lag, -lag) > rate/5 || alike < 0.85 {
						t.Errorf("what is heard at %v s lags by %d samples, alike to %.3f", at+second, lag, alike)
					}
					spans = append(spans, span(at+second, at+second+3))
				}
			}
			slices.SortFunc(spans, func(a, b orchestrator.SampleSpan) int { return int(a.Start - b.Start) })
			for i, clip := range cut(t, a, rec, spans...) {
				sound := decode(t, a, recording(write(t, "clip"+clip.Extension, clip.Data)))
				if lag, alike := bestLag(whole, sound, int(spans[i].Start)); clip.Span != spans[i] || lag != 0 || alike < 0.98 {
					t.Errorf("clip %v of %v lags by %d samples, alike to %.3f", clip.Span, spans[i], lag, alike)
				}
			}
		})
	}
}
