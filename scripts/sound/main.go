// Command sound makes the recordings that the bench measures with: an hour as it comes, one without a
// laugh, or one full of them. The same arguments give the same sound.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

const (
	seed  = 1
	floor = 0.002 // the noise of a quiet room
	pause = 10 * orchestrator.SampleRateHz
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sound:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sound", flag.ExitOnError)
	length := flags.Duration("length", time.Hour, "how long the recording is")
	kind := flags.String("kind", "day", "`what` is heard: day, quiet or laughs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("want one argument, the Ogg file to write; got %d", flags.NArg())
	}
	var samples iter.Seq[[]float32]
	switch *kind {
	case "day":
		samples = synth.New(seed, *length).Samples()
	case "quiet":
		samples = noise(*length, false)
	case "laughs":
		samples = noise(*length, true)
	default:
		return fmt.Errorf("there is no kind %q: it is day, quiet or laughs", *kind)
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return err
	}
	decoder, err := audio.New(audio.Options{FFmpeg: ffmpeg})
	if err != nil {
		return err
	}
	return decoder.Encode(ctx, flags.Arg(0), orchestrator.SampleRateHz, samples)
}

// noise is a quiet room, in which somebody laughs every ten seconds where laughs is set.
func noise(length time.Duration, laughs bool) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		random := rand.New(rand.NewPCG(seed, seed))
		piece := make([]float32, pause)
		left := orchestrator.DurationToSamples(length)
		for number := uint64(0); left > 0; number++ {
			for i := range piece {
				piece[i] = floor * (2*random.Float32() - 1)
			}
			if laughs {
				voice := synth.Voices[number%uint64(len(synth.Voices))]
				for i, sample := range voice.Laugh(number) {
					piece[i] += sample
				}
			}
			if !yield(piece[:min(pause, left)]) {
				return
			}
			left -= pause
		}
	}
}
