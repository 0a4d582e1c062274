package audio_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

// printed is a recording's print as a run makes it, when laughter is heard between two samples.
func printed(samples []float32, laugh orchestrator.SampleSpan) orchestrator.SoundPrint {
	var p orchestrator.Printer
	for chunk := range slices.Chunk(samples, 1000) {
		p.Add(chunk)
	}
	scores := orchestrator.Scores{Classes: []string{"Laughter"}, Window: 15600, Hop: 7680}
	for at := int64(0); at < laugh.End; at += scores.Hop {
		if at >= laugh.Start {
			_ = scores.Add(orchestrator.Frame{Offset: at, Scores: []float32{0.9}})
		}
	}
	scores.Close(int64(len(samples)))
	return p.Keep(&scores)[0]
}

// scene is the start of a synthetic recording, and where its laugh is.
func scene(seed uint64) ([]float32, orchestrator.SampleSpan) {
	r := synth.New(seed, 50*time.Second)
	var samples []float32
	for block := range r.Samples() {
		samples = append(samples, block...)
	}
	start := orchestrator.DurationToSamples(r.Laughs[0].Start)
	return samples, orchestrator.SampleSpan{Start: start, End: start + orchestrator.DurationToSamples(r.Laughs[0].Length)}
}

// TestPrintsOutliveCoding measures prints on copies of synthetic recordings: the store takes for the same sound what
// differs in 28 % of its bits at most.
func TestPrintsOutliveCoding(t *testing.T) {
	t.Parallel()
	const alike, second = 0.28, orchestrator.SampleRateHz
	codings := map[string]string{
		"opus.ogg":    "-c:a libopus -b:a 16k",
		"mp3.mp3":     "-c:a libmp3lame -b:a 32k -ar 22050",
		"aac.m4a":     "-c:a aac -b:a 32k",
		"narrow.wav":  "-ar 8000",
		"quieter.wav": "-af volume=-20dB",
		"shifted.wav": "-af adelay=3511:all=1",
		"cut.wav":     "-ss 7.337",
		"echo.wav":    "-af aecho=0.8:0.6:23|41:0.4|0.25",
		"louder.wav":  "-af equalizer=f=1500:t=q:w=1:g=6,volume=0.5",
	}
	lags := map[string]int64{"shifted.wav": 3511 * second / 1000, "cut.wav": -7337 * second / 1000}
	var prints []orchestrator.SoundPrint
	var laughs []orchestrator.SampleSpan
	for seed := range uint64(6) {
		samples, laugh := scene(100 + seed)
		original := printed(samples, laugh)
		prints, laughs = append(prints, original), append(laughs, laugh)
		original16 := write(t, "scene.wav", wav(samples))
		for name, args := range codings {
			copied := decode(t, newAudio(t), recording(convert(t, original16, name, strings.Fields(args)...)))
			lag := lags[name]
			there := printed(copied, orchestrator.SampleSpan{Start: laugh.Start + lag, End: laugh.End + lag})
			like := orchestrator.Compare(original, laugh, there, lag-2*second, lag+2*second)
			if d := like.Lag - lag; like.Laugh > alike || max(d, -d) > second/10 {
				t.Errorf("scene %d, %s: %.3f of the bits differ, at a lag of %d samples, want %d", seed, name, like.Laugh, like.Lag, lag)
			}
		}
	}
	for i := range prints {
		for j := range prints {
			base := laughs[j].Start - laughs[i].Start
			if like := orchestrator.Compare(prints[i], laughs[i], prints[j], base-second, base+second); i != j && like.Laugh <= alike {
				t.Errorf("scenes %d and %d sound alike: %.3f", i, j, like.Laugh)
			}
		}
	}
}

// TestPrintsOfSilenceTellNothing: digital silence is like nothing, not like other silence.
func TestPrintsOfSilenceTellNothing(t *testing.T) {
	t.Parallel()
	laugh := orchestrator.SampleSpan{Start: 5 * rate, End: 8 * rate}
	silent := printed(make([]float32, 20*rate), laugh)
	if like := orchestrator.Compare(silent, laugh, silent, -rate, rate); like.Laugh != 1 || like.Around != 1 {
		t.Errorf("got %+v", like)
	}
}

func BenchmarkPrinter(b *testing.B) {
	minute := make([]float32, 60*rate)
	for i := range minute {
		minute[i] = float32(i%97) / 97
	}
	for b.Loop() {
		var p orchestrator.Printer
		p.Add(minute)
	}
}
