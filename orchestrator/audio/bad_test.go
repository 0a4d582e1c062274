package audio_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// What cannot be read is the recording's own error and says what is wrong.
func TestBadRecordings(t *testing.T) {
	t.Parallel()
	good := read(t, encode(t, speechlike(12)))
	headers := bytes.Index(good, []byte("OpusTags")) + 200
	jump := func(granule int64) []byte {
		return remux(t, good, func(_ *opus.Head, page int, position *int64) bool {
			if page >= 5 { // one page alone may be wrong
				*position = granule + int64(page-5)*opus.RateHz
			}
			return true
		})
	}
	for _, test := range []struct {
		name string
		path string
		want string
	}{
		{"empty file", write(t, "a.ogg", nil), "the file is empty"},
		{"text renamed .ogg", write(t, "a.ogg", []byte(strings.Repeat("Dear diary, today I laughed. ", 99))), "ffmpeg cannot read it"},
		{"zeros", write(t, "a.ogg", make([]byte, 99_999)), "ffmpeg cannot read it"},
		{"cut off in the headers", write(t, "a.ogg", good[:20]), "ffmpeg cannot read it"},
		{"zero audio packets", write(t, "a.ogg", good[:headers]), "there is no audio packet"},
		{"absurd granule position", write(t, "a.ogg", jump(1<<50)), "absurd granule position 112589990"},
		{"negative granule position", write(t, "a.ogg", jump(-7)), "absurd granule position -7 at byte"},
		{"ogg with video only", convert(t, video(t), "a.ogv", "-an", "-c:v", "libtheora"), "there is no audio"},
		{"picture", convert(t, video(t), "a.png", "-frames:v", "1"), "ffmpeg cannot read it"},
		{"only damaged packets", write(t, "a.ogg", garbagePackets()), "none of its packets can be decoded"},
		{"folder", t.TempDir(), "is no regular file"},
		{"vanished", filepath.Join(t.TempDir(), "gone.ogg"), "vanished after it was listed"},
		{"named pipe", pipe(t), "is no regular file"},
		{"playlist", playlist(t, "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"), "ffmpeg cannot read it"},
		{"concat script", playlist(t, "ffconcat version 1.0\nfile '%s'\n"), "ffmpeg cannot read it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			samples, err := tryDecode(t, a, recording(test.path))
			if !errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("decode: got %d samples and %v, want %q", len(samples), err, test.want)
			}
			for clip, err := range a.Cut(t.Context(), recording(test.path), []orchestrator.SampleSpan{span(100, 101)}) {
				if !errors.Is(err, orchestrator.ErrBadRecording) {
					t.Errorf("cut: got %d bytes and %v", len(clip.Data), err)
				}
			}
			a.Length(t.Context(), recording(test.path)) // must only not panic or hang
			if _, err := a.Probe(t.Context(), test.path); err != nil && !errors.Is(err, orchestrator.ErrBadRecording) {
				t.Errorf("probe: got %v", err)
			}
		})
	}
}

// What is damaged but can be read is read, as far as it goes.
func TestDamagedButReadable(t *testing.T) {
	t.Parallel()
	sound := speechlike(12)
	original := encode(t, sound)
	source := write(t, "source.wav", wav(sound))
	half := func(path string) string {
		data := read(t, path)
		return write(t, filepath.Base(path), data[:len(data)/2])
	}
	for _, test := range []struct {
		name     string
		path     string
		min, max float64 // seconds
		damaged  bool    // whether what is missing is told
	}{
		{"truncated ogg opus", half(original), 5, 7, true},
		{"truncated ogg opus without its last byte", write(t, "a.ogg", read(t, original)[:len(read(t, original))-1]), 11.5, 12, true},
		{"truncated wav", half(source), 5.9, 6.1, false},
		{"truncated mp3", half(convert(t, source, "a.mp3")), 5, 7, false},
		{"truncated flac", half(convert(t, source, "a.flac")), 4, 8, false},
		{"truncated ogg vorbis", half(convert(t, source, "a.ogg", "-c:a", "libvorbis")), 4, 8, false},
		{"truncated m4a", half(convert(t, source, "a.m4a", "-movflags", "faststart")), 4, 8, false},
		{"ogg vorbis", convert(t, source, "a.ogg", "-c:a", "libvorbis"), 11.9, 12.1, false},
		{"ogg flac", convert(t, source, "a.ogg", "-c:a", "flac"), 12, 12, false},
		{"sound of a film", convert(t, video(t), "a.mkv"), 0.9, 1.1, false},
		{"opus beside theora", convert(t, video(t), "a.ogg", "-c:v", "libtheora", "-c:a", "libopus"), 0.9, 1.1, false},
		{"huge tags", hugeTags(t, original), 12, 12, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			samples, err := tryDecode(t, newAudio(t), recording(test.path))
			if damage := (*orchestrator.DamageError)(nil); errors.As(err, &damage) != test.damaged || err != nil && damage == nil {
				t.Errorf("got %v, want damage: %v", err, test.damaged)
			}
			if seconds := float64(len(samples)) / rate; seconds < test.min || seconds > test.max {
				t.Errorf("got %.3f s, want %v to %v", seconds, test.min, test.max)
			}
			if length := float64(newAudio(t).Length(t.Context(), recording(test.path))) / rate; length < test.min-0.1 {
				t.Errorf("length is told as %.3f s", length)
			}
		})
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	data, mp3 := read(t, encode(t, tone(1, 400, 0.5))), read(t, convert(t, encode(t, tone(1, 400, 0.5)), "a.mp3"))
	for _, name := range []string{"new\nline", "-i", "not utf-8 \xff\xfe", "%d?*[a]", "http:", "concat:a|b", "pipe:0", strings.Repeat("n", 255)} {
		for _, content := range [][]byte{data, mp3} {
			samples, err := tryDecode(t, newAudio(t), recording(write(t, name, content)))
			if err != nil || len(samples) < rate*9/10 {
				t.Errorf("%q: got %d samples, %v", name, len(samples), err)
			}
		}
	}
}

func TestFileThatChanges(t *testing.T) {
	t.Parallel()
	long, mp3 := encode(t, speechlike(90)), convert(t, encode(t, speechlike(90)), "a.mp3")
	touch := func(path string) error { return os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)) }
	grow := func(path string) error {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("more")
		return err
	}
	shrink := func(path string) error { return os.Truncate(path, 1000) }
	for _, test := range []struct {
		name   string
		change func(string) error
		want   string
	}{
		{"grows", grow, "changed"},
		{"shrinks", shrink, "changed"},
		{"is touched", touch, "changed"},
		{"vanishes", os.Remove, ""}, // it was open, so it can be read to its end
	} {
		for _, original := range []string{long, mp3} {
			for _, when := range []string{"before", "while"} {
				if test.want == "" && when == "before" {
					continue
				}
				t.Run(test.name+" "+when+" it is read"+filepath.Ext(original), func(t *testing.T) {
					t.Parallel()
					path := write(t, "a", read(t, original))
					info, err := os.Stat(path)
					if err != nil {
						t.Fatal(err)
					}
					rec := orchestrator.Recording{Path: path, Size: info.Size(), ModTime: info.ModTime()}
					if when == "before" {
						if err := test.change(path); err != nil {
							t.Fatal(err)
						}
					}
					var last error
					for chunk, err := range newAudio(t).Decode(t.Context(), rec) {
						last = err
						if chunk.Offset == 0 && err == nil && when == "while" {
							if err := test.change(path); err != nil {
								t.Fatal(err)
							}
						}
					}
					if test.want == "" && last != nil ||
						test.want != "" && (!errors.Is(last, orchestrator.ErrBadRecording) || !strings.Contains(last.Error(), test.want)) {
						t.Errorf("got %v, want %q", last, test.want)
					}
				})
			}
		}
	}
}

func TestNoPermission(t *testing.T) {
	t.Parallel()
	path := encode(t, tone(1, 400, 0.5))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	a := newAudio(t)
	var err error
	testkit.AsNobody(t, func() { _, err = a.Probe(t.Context(), path) }) // opens as Decode does, but here
	if !errors.Is(err, fs.ErrPermission) || !errors.Is(err, orchestrator.ErrBadRecording) {
		t.Errorf("got %v", err)
	}
}

// What is the machine's fault is not held against the recording.
func TestWithoutFFmpeg(t *testing.T) {
	t.Parallel()
	path := convert(t, encode(t, tone(1, 400, 0.5)), "a.mp3")
	for _, test := range []struct {
		ffmpeg, want string
		code         orchestrator.Code
	}{
		{"", "find ffmpeg", orchestrator.CodeFFmpegMissing},
		{"/nowhere/ffmpeg", "start ffmpeg", orchestrator.CodeFFmpegBroken},
	} {
		a := newAudioWith(t, audio.Options{FFmpeg: test.ffmpeg, OpusLibrary: testkit.Opus(t)})
		_, err := tryDecode(t, a, recording(path))
		if err == nil || errors.Is(err, orchestrator.ErrBadRecording) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("ffmpeg %q: got %v", test.ffmpeg, err)
		}
		if code, _ := orchestrator.CodeOf(orchestrator.StageDecode, err); code != test.code {
			t.Errorf("ffmpeg %q: the code is %q", test.ffmpeg, code)
		}
		if samples := decode(t, a, recording(encode(t, tone(1, 400, 0.5)))); len(samples) != rate {
			t.Errorf("Ogg Opus needs no ffmpeg: got %d samples", len(samples))
		}
	}
}

// video is a second of picture and sound.
func video(t testing.TB) string {
	t.Helper()
	sound := write(t, "a.wav", wav(tone(1, 400, 0.5)))
	return convert(t, sound, "film.mkv", "-f", "lavfi", "-i", "color=c=red:s=64x64:d=1", "-c:v", "mpeg4", "-c:a", "copy")
}

// playlist is a script in which %s stands for another file of sound.
func playlist(t testing.TB, text string) string {
	t.Helper()
	other := convert(t, encode(t, tone(9, 400, 0.5)), "other.ts", "-c:a", "aac")
	return write(t, "list.m3u8", []byte(strings.ReplaceAll(text, "%s", other)))
}

func pipe(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func opusHeaders(tags []byte) *ogg.Writer {
	w := ogg.NewWriter(nil, 1)
	w.Packet(opus.Head{Version: 1, Channels: 1, PreSkip: 312}.Append(nil), 0)
	w.Flush(false)
	w.Packet(tags, 0)
	w.Flush(false)
	return w
}

// garbagePackets are of a valid duration, and cannot be decoded: two frames of half a byte.
func garbagePackets() []byte {
	w := opusHeaders(opus.AppendTags(nil))
	for i := range int64(50) {
		w.Packet([]byte{31<<3 | 1, 1}, (i+1)*2*960)
	}
	w.Flush(true)
	return w.Bytes()
}

// hugeTags gives the file a comment of a megabyte and a half, as one with a picture has.
func hugeTags(t testing.TB, path string) string {
	t.Helper()
	w := opusHeaders(slices.Concat(opus.AppendTags(nil), make([]byte, 1500<<10)))
	for packet, err := range opus.Packets(bytes.NewReader(read(t, path)), nil) {
		if err != nil {
			t.Fatal(err)
		}
		w.Packet(packet.Data, packet.End+312)
	}
	w.Flush(true)
	return write(t, "huge tags.ogg", w.Bytes())
}
