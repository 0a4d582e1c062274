package cli_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

// What the folder source takes for a recording can be decoded, whatever its name is while it is read.
func TestEveryListedFormatIsRead(t *testing.T) {
	t.Parallel()
	sound, err := audio.New(audio.Options{FFmpeg: testkit.FFmpeg(t), OpusLibrary: testkit.Opus(t)})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	frames := func(head string, size int, first byte) []byte { // a second and more of noise
		data := []byte(head)
		for range 60 {
			frame := make([]byte, size)
			for i := range frame {
				frame[i] = byte(random.Uint32())
			}
			frame[0] = first
			data = append(data, frame...)
		}
		return data
	}
	dss := append([]byte("\x02dss"), make([]byte, 1020)...)
	copy(dss[0x26:], "261122143000261122143002") // when it starts and ends
	dss = append(dss, bytes.Repeat(append([]byte{0, 0, 12, 0, 0, 0}, make([]byte, 506)...), 40)...)
	ape := make([]byte, 1080) // a second of silence as one frame
	copy(ape, "MAC \x96\x0f\x00\x00\x34\x00\x00\x00\x18\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x64")
	copy(ape[52:], "\xe8\x03\x00\x00\x00\x20\x01\x00\x80\x3e\x00\x00\x01\x00\x00\x00\x10\x00\x01\x00\x80\x3e\x00\x00\x50\x00\x00\x00\x00\x00\x00\x80\x03")
	made := map[string][]byte{ // which ffmpeg may not be able to write
		".amr": frames("#!AMR\n", 32, 0x3c), ".awb": frames("#!AMR-WB\n", 18, 0x04), ".gsm": frames("", 33, 0xd0), ".dss": dss, ".ape": ape,
	}
	args := map[string]string{
		".wave": "-f wav", ".bwf": "-f wav", ".3gp": "-c:a aac", ".3g2": "-c:a aac", ".3gpp": "-f 3gp -c:a aac", ".3ga": "-f 3gp -c:a aac",
		".qt": "-f mov", ".qta": "-f mov", ".weba": "-f webm -c:a libopus", ".rf64": "-f wav -rf64 always", ".aifc": "-f aiff", ".snd": "-f au", ".mts": "-f mpegts", ".m2ts": "-f mpegts", ".wmv": "-f asf -c:a wmav2",
		".spx": "-f ogg -c:a flac", ".ogg": "-c:a libvorbis", ".m4b": "-f mp4", ".mka": "-c:a aac", ".mkv": "-c:a aac", ".avi": "-c:a mp2",
	}
	for _, extension := range folder.Extensions() {
		t.Run(extension, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "sound"+extension)
			if data, ok := made[extension]; ok {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				command := append([]string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine=440:d=1:r=48000", "-ac", "2"}, strings.Fields(args[extension])...)
				if message, err := exec.CommandContext(t.Context(), testkit.FFmpeg(t), append(command, path)...).CombinedOutput(); err != nil {
					t.Fatalf("make one: %v: %s", err, message)
				}
			}
			samples := 0
			for chunk, err := range sound.Decode(t.Context(), orchestrator.Recording{Path: path}) {
				if err != nil {
					t.Error(err)
				}
				samples += len(chunk.Samples)
			}
			if samples < orchestrator.SampleRateHz*9/10 {
				t.Errorf("got %d samples", samples)
			}
		})
	}
}
