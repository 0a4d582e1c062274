package audio_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

var update = flag.Bool("update", false, "write docs/formats.md anew")

// format is a row of docs/formats.md, and how its file is made: by ffmpeg from a WAV file, unless make does it.
type format struct {
	group, name string
	file        string // its name
	args        string // of ffmpeg
	clip        string // the kind of its clips
	make        func(t *testing.T, sound []float32, path string) []byte
}

// soundAt is where the sound of every file begins, in seconds of formatLength.
const soundAt, soundLength, formatLength = 3.0, 2.0, 8.0

var formats = []format{
	{group: "WAV and its kin", name: "WAV, 8 bits", file: "a.wav", args: "-c:a pcm_u8", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, 16 bits", file: "a.wav", args: "-c:a pcm_s16le", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, 24 bits", file: "a.wav", args: "-c:a pcm_s24le -ar 48000", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, 32 bits", file: "a.wav", args: "-c:a pcm_s32le -ar 96000", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, 32-bit float", file: "a.wav", args: "-c:a pcm_f32le", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, 64-bit float", file: "a.wav", args: "-c:a pcm_f64le", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, A-law", file: "a.wav", args: "-c:a pcm_alaw -ar 8000", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, µ-law", file: "a.wav", args: "-c:a pcm_mulaw -ar 8000", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, ADPCM of Microsoft", file: "a.wav", args: "-c:a adpcm_ms", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, ADPCM of IMA", file: "a.wav", args: "-c:a adpcm_ima_wav", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, G.726", file: "a.wav", args: "-c:a g726 -ar 8000", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV, stereo", file: "a.wav", args: "-ac 2", clip: ".flac"},
	{group: "WAV and its kin", name: "WAV whose header was never finished", file: "a.wav", clip: ".flac", make: unfinishedWAV},
	{group: "WAV and its kin", name: "RF64", file: "a.rf64", args: "-f wav -rf64 always", clip: ".flac"},
	{group: "WAV and its kin", name: "Wave64", file: "a.w64", clip: ".flac"},
	{group: "WAV and its kin", name: "AIFF", file: "a.aiff", clip: ".flac"},
	{group: "WAV and its kin", name: "Sun/NeXT", file: "a.au", clip: ".flac"},
	{group: "WAV and its kin", name: "Core Audio, PCM", file: "a.caf", args: "-c:a pcm_s16be", clip: ".flac"},
	{group: "WAV and its kin", name: "Core Audio, ALAC", file: "a.caf", args: "-c:a alac", clip: ".flac"},
	{group: "Lossless", name: "FLAC", file: "a.flac", clip: ".flac"},
	{group: "Lossless", name: "WavPack", file: "a.wv", clip: ".flac"},
	{group: "Lossless", name: "True Audio", file: "a.tta", clip: ".flac"},
	{group: "Ogg", name: "Opus", file: "a.ogg", args: "-c:a libopus", clip: ".opus"},
	{group: "Ogg", name: "Opus, frames of 60 ms for voice", file: "a.opus", args: "-c:a libopus -frame_duration 60 -application voip", clip: ".opus"},
	{group: "Ogg", name: "Opus, stereo", file: "a.oga", args: "-c:a libopus -ac 2", clip: ".opus"},
	{group: "Ogg", name: "Opus, 5.1", file: "a.opus", args: "-c:a libopus -ac 6 -mapping_family 1", clip: ".opus"},
	{group: "Ogg", name: "Opus, discrete channels", file: "a.opus", args: "-c:a libopus -ac 4 -mapping_family 255", clip: ".opus"},
	{group: "Ogg", name: "Opus, chained", file: "a.ogg", clip: ".opus", make: chainOf("a.ogg", "-c:a libopus", "-c:a libopus")},
	{group: "Ogg", name: "Vorbis", file: "a.ogg", args: "-c:a libvorbis", clip: ".flac"},
	{group: "Ogg", name: "Vorbis, chained, with another rate", file: "a.ogg", clip: ".flac", make: chainOf("a.ogg", "-c:a libvorbis -ar 48000", "-c:a libvorbis -ar 22050 -ac 2")},
	{group: "Ogg", name: "Opus, then Vorbis", file: "a.ogg", clip: ".flac", make: chainOf("a.ogg", "-c:a libopus", "-c:a libvorbis")},
	{group: "Ogg", name: "Vorbis beside Theora", file: "a.ogv", args: "-f lavfi -i color=c=red:s=64x64:d=8:r=5 -map 0:a -map 1:v -c:v libtheora -c:a libvorbis", clip: ".flac"},
	{group: "Ogg", name: "Two tracks of Opus", file: "a.ogg", args: "-map 0:a -map 0:a -c:a libopus", clip: ".flac"},
	{group: "Ogg", name: "Speex", file: "a.spx", args: "-c:a libspeex", clip: ".flac"},
	{group: "Ogg", name: "FLAC in Ogg", file: "a.ogg", args: "-c:a flac", clip: ".flac"},
	{group: "MP3 and raw streams", name: "MP3", file: "a.mp3", clip: ".flac"},
	{group: "MP3 and raw streams", name: "MP3 of variable rate without Xing", file: "a.mp3", args: "-q:a 4 -write_xing 0 -id3v2_version 0", clip: ".flac"},
	{group: "MP3 and raw streams", name: "MP2", file: "a.mp2", clip: ".flac"},
	{group: "MP3 and raw streams", name: "AAC in ADTS", file: "a.aac", clip: ".flac"},
	{group: "MP3 and raw streams", name: "AC-3", file: "a.ac3", clip: ".flac"},
	{group: "MP3 and raw streams", name: "E-AC-3", file: "a.eac3", clip: ".flac"},
	{group: "MP3 and raw streams", name: "AMR", file: "a.amr", clip: ".flac", make: amr("#!AMR\n", 32, append([]byte{0x3c}, make([]byte, 31)...))},
	{group: "MP3 and raw streams", name: "AMR-WB", file: "a.awb", clip: ".flac", make: amr("#!AMR-WB\n", 61, []byte{0x7c})},
	{group: "MP3 and raw streams", name: "GSM", file: "a.gsm", args: "-c:a libgsm -ar 8000", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "M4A, AAC", file: "a.m4a", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "M4A, ALAC", file: "a.m4a", args: "-c:a alac", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "M4A whose index stands in front", file: "a.m4a", args: "-movflags faststart", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "M4A that begins late, by an edit list", file: "a.m4a", args: "-af atrim=start=1", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "MP4, Opus", file: "a.mp4", args: "-c:a libopus", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "MP4 in fragments", file: "a.mp4", args: fragmented, clip: ".flac"},
	{group: "MP4 and QuickTime", name: "MP4 in fragments, cut off", file: "a.mp4", clip: ".flac", make: cutFragments},
	{group: "MP4 and QuickTime", name: "MP4 with a picture", file: "a.mp4", args: "-f lavfi -i color=c=red:s=64x64:d=8:r=5 -map 1:v -map 0:a -c:v mpeg4", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "MP4, two tracks", file: "a.mp4", args: "-map 0:a -map 0:a", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "QuickTime", file: "a.mov", args: "-c:a pcm_s16le", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "Voice Memos", file: "a.qta", args: "-f mov -c:a aac", clip: ".flac"},
	{group: "MP4 and QuickTime", name: "3GP", file: "a.3gp", args: "-c:a aac", clip: ".flac"},
	{group: "Others", name: "WebM", file: "a.webm", args: "-c:a libopus", clip: ".flac"},
	{group: "Others", name: "WebM without a length, as browsers write it", file: "a.webm", args: "-c:a libopus -live 1", clip: ".flac"},
	{group: "Others", name: "Matroska", file: "a.mka", args: "-c:a flac", clip: ".flac"},
	{group: "Others", name: "Matroska, ten tracks, of which eight are heard", file: "a.mka", args: strings.Repeat("-map 0:a ", 10) + "-c:a flac", clip: ".flac"},
	{group: "Others", name: "AVI", file: "a.avi", args: "-c:a mp2", clip: ".flac"},
	{group: "Others", name: "MPEG transport stream", file: "a.ts", args: "-f mpegts -c:a mp2", clip: ".flac"},
	{group: "Others", name: "MPEG programme stream", file: "a.mpg", args: "-c:a mp2", clip: ".flac"},
	{group: "Others", name: "Windows Media", file: "a.wma", clip: ".flac"},
	{group: "Others", name: "Omi, Opus", file: "audio_omibatchphone_opus_fs320_16000_1_fs320_1795357800.bin", clip: ".opus", make: omiOpus},
	{group: "Others", name: "Omi, PCM", file: "audio_phone_pcm16_16000_1_fs160_1795357800.bin", clip: ".flac", make: omiPCM},
}

const fragmented = "-movflags frag_keyframe+empty_moov+default_base_moof -frag_duration 1000000"

// formatSound is near silence, but for a stretch of sound.
func formatSound() []float32 {
	random := rand.New(rand.NewPCG(7, 8))
	sound := make([]float32, int(formatLength*rate))
	for i := range sound {
		sound[i] = float32(random.NormFloat64() * 1e-4)
	}
	copy(sound[int(soundAt*rate):], speechlike(soundLength))
	return sound
}

// bounds are where sound begins and ends that stands out, in seconds.
func bounds(samples []float32) (from, to float64) {
	const cell = rate / 50
	var loud []float64
	for i := 0; i+cell <= len(samples); i += cell {
		loud = append(loud, energy(samples[i:i+cell]))
	}
	if len(loud) == 0 {
		return -1, -1
	}
	threshold := slices.Max(loud) / 8
	first := slices.IndexFunc(loud, func(v float64) bool { return v > threshold })
	last := len(loud) - 1
	for last > first && loud[last] <= threshold {
		last--
	}
	return float64(first) * cell / rate, float64(last+1) * cell / rate
}

// One sound at one place comes out there in every format, and so does its clip.
func TestFormats(t *testing.T) {
	t.Parallel()
	sound := formatSound()
	source := write(t, "source.wav", wav(sound))
	encoders, err := exec.CommandContext(t.Context(), testkit.FFmpeg(t), "-hide_banner", "-encoders").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, encoder := range []string{"libspeex", "libgsm", "libtheora", "libvorbis", "libopus"} {
				if strings.Contains(f.args, encoder) && !bytes.Contains(encoders, []byte(" "+encoder+" ")) {
					t.Skipf("this ffmpeg does not write %s", encoder)
				}
			}
			var path string
			if f.make != nil {
				path = write(t, f.file, f.make(t, sound, source))
			} else {
				path = convert(t, source, f.file, strings.Fields(f.args)...)
			}
			at := soundAt
			a := newAudio(t)
			samples := decode(t, a, recording(path))
			from, to := bounds(samples)
			if from < at-0.3 || from > at+0.3 || to < at+soundLength-0.3 || to > at+soundLength+0.3 {
				t.Fatalf("its sound is from %.2f to %.2f s of %.2f, want %.2f to %.2f", from, to, float64(len(samples))/rate, at, at+soundLength)
			}
			clip := cut(t, a, recording(path), span(at-1, at+1))[0]
			if clip.Extension != f.clip {
				t.Errorf("its clips are %s, want %s", clip.Extension, f.clip)
			}
			if from, _ := bounds(decode(t, a, recording(write(t, "clip"+clip.Extension, clip.Data)))); from < 0.7 || from > 1.3 {
				t.Errorf("its clip has the sound at %.2f s, want 1", from)
			}
		})
	}
}

func unfinishedWAV(_ *testing.T, sound []float32, _ string) []byte {
	data := wav(sound)
	binary.LittleEndian.PutUint32(data[4:], 0)
	binary.LittleEndian.PutUint32(data[40:], 0)
	return data
}

// chainOf makes a file of two, the second from one second after the sound begins on.
func chainOf(name, first, second string) func(*testing.T, []float32, string) []byte {
	return func(t *testing.T, sound []float32, _ string) []byte {
		t.Helper()
		middle := int((soundAt + 1) * rate)
		one, two := write(t, "one.wav", wav(sound[:middle])), write(t, "two.wav", wav(sound[middle:]))
		return append(read(t, convert(t, one, name, strings.Fields(first)...)), read(t, convert(t, two, name, strings.Fields(second)...))...)
	}
}

// amr makes frames of 20 ms: with nothing in them, but for noise where the sound is.
func amr(head string, size int, nothing []byte) func(*testing.T, []float32, string) []byte {
	return func(*testing.T, []float32, string) []byte {
		random := rand.New(rand.NewPCG(3, 4))
		sounding := map[int]byte{len("#!AMR\n"): 0x3c, len("#!AMR-WB\n"): 0x44} // the kind of frame
		data := []byte(head)
		for frame := range int(formatLength * 50) {
			if frame < soundAt*50 || frame >= (soundAt+soundLength)*50 {
				data = append(data, nothing...)
				continue
			}
			data = append(data, sounding[len(head)])
			for range size - 1 {
				data = append(data, byte(random.Uint32()))
			}
		}
		return data
	}
}

func cutFragments(t *testing.T, _ []float32, source string) []byte {
	t.Helper()
	return insideFragment(t, read(t, convert(t, source, "a.mp4", strings.Fields(fragmented)...)), 100)
}

func omiOpus(t *testing.T, sound []float32, _ string) []byte {
	t.Helper()
	var packets [][]byte
	for packet, err := range opus.Packets(bytes.NewReader(read(t, encode(t, sound))), nil) {
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(packet.Data))
	}
	return framed(packets...)
}

func omiPCM(_ *testing.T, sound []float32, _ string) []byte {
	return framed(slices.Collect(slices.Chunk(wav(sound)[44:], 640))...)
}

// TestFormatsPage holds docs/formats.md to what is tested: go test ./orchestrator/audio -run TestFormatsPage -update
func TestFormatsPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString("# Formats\n\nWhat is read, and tested with one sound at one place that comes out within 0.3 s of it, and whose clip does.\n" +
		"Linear PCM, Ogg Opus and Omi's files are read by Chortle itself, all else by ffmpeg. Clips of Ogg Opus are cut without encoding\n" +
		"them again; others are FLAC. What is odd about a recording is said at it, as `note` in `run` and `laughs show`.\n\n" +
		"Made by `go test ./orchestrator/audio -run TestFormatsPage -update`.\n")
	group := ""
	for _, f := range formats {
		if f.group != group {
			group = f.group
			page.WriteString("\n## " + group + "\n\n| format | files | clips |\n|---|---|---|\n")
		}
		files := "`" + filepath.Ext(f.file) + "`"
		if strings.HasPrefix(f.file, "audio_") {
			files = "`" + f.file + "`"
		}
		page.WriteString("| " + f.name + " | " + files + " | `" + f.clip + "` |\n")
	}
	path := filepath.Join(testkit.Root(), "docs", "formats.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(read(t, path)); got != page.String() {
		t.Error("docs/formats.md is stale: run this test with -update")
	}
}
