package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

func framed(frames ...[]byte) (data []byte) {
	for _, frame := range frames {
		data = append(binary.LittleEndian.AppendUint32(data, uint32(len(frame))), frame...)
	}
	return data
}

// Omi's files of frames are placed and cut like any other, and no other .bin is taken for one.
func TestOmiFrames(t *testing.T) {
	t.Parallel()
	sound := speechlike(12)
	var packets, pcm [][]byte
	for packet, err := range opus.Packets(bytes.NewReader(read(t, encode(t, sound))), nil) {
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(packet.Data))
	}
	raw := wav(sound)[44:]
	for len(raw) > 0 {
		n := min(len(raw), 640)
		pcm, raw = append(pcm, raw[:n]), raw[n:]
	}
	const name, pcmName = "audio_omibatchphone_opus_fs320_16000_1_fs320_1795357800.bin", "audio_phone_pcm16_16000_1_fs160_1795357800.bin"
	for _, test := range []struct {
		title, name string
		data        []byte
		seconds     float64
		damaged     bool
		extension   string
	}{
		{"opus", name, framed(packets...), 12, false, ".opus"},
		{"opus, milliseconds", "audio_omi_opus_16000_1_1795357800123.bin", framed(packets...), 12, false, ".opus"},
		{"opus, cut off in a frame", name, framed(packets...)[:len(framed(packets...))-5], 11.98, false, ".opus"},
		{"opus, broken behind", name, append(framed(packets...), make([]byte, 100)...), 12, true, ".opus"},
		{"pcm", pcmName, framed(pcm...), 12, false, ".flac"},
		{"pcm, broken behind", pcmName, append(framed(pcm...), 0, 0, 0, 0, 1), 12, true, ".flac"},
	} {
		t.Run(test.title, func(t *testing.T) {
			t.Parallel()
			a := newAudio(t)
			rec := recording(write(t, test.name, test.data))
			whole, err := tryDecode(t, a, rec)
			if damage := (*orchestrator.DamageError)(nil); errors.As(err, &damage) != test.damaged || err != nil && damage == nil {
				t.Fatalf("got %v", err)
			}
			if seconds := float64(len(whole)) / rate; seconds < test.seconds-0.03 || seconds > test.seconds+0.03 {
				t.Errorf("it is %.3f s long", seconds)
			}
			if length := a.Length(t.Context(), rec); length != int64(len(whole)) {
				t.Errorf("its length is told as %d, decoded %d", length, len(whole))
			}
			if lag, alike := bestLag(whole, sound[5*rate:7*rate], 5*rate); max(lag, -lag) > 2 || alike < 0.95 {
				t.Errorf("it lags by %d samples, alike to %.3f", lag, alike)
			}
			clip := cut(t, a, rec, span(5, 8))[0]
			got := decode(t, a, recording(write(t, "clip"+test.extension, clip.Data)))
			if lag, alike := bestLag(whole, got, 5*rate); clip.Extension != test.extension || lag != 0 || alike < 0.98 {
				t.Errorf("the %s clip lags by %d samples, alike to %.3f", clip.Extension, lag, alike)
			}
		})
	}
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"firmware.bin", framed(packets...)}, {"audio_notes.bin", framed(packets...)}, {name, []byte("Dear diary, today I laughed. Dear diary.")}, {name + ".part", framed(packets...)},
	} {
		if samples, err := tryDecode(t, newAudio(t), recording(write(t, test.name, test.data))); !errors.Is(err, orchestrator.ErrBadRecording) {
			t.Errorf("%s: got %d samples, %v", test.name, len(samples), err)
		}
	}
}
