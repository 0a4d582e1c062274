// Command sound makes the recordings that the bench measures with: an hour as it comes, a busy one, full of
// laughs, or a quiet one, of which four fifths are near-silence. The same arguments give the same sound.
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
	faint = 3e-5  // that of a recorder which holds its noise down: the last of 16 bits
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
	kind := flags.String("kind", "day", "`what` is heard: day, quiet or busy")
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
		samples = room(*length, 5)
	case "busy":
		samples = room(*length, 1)
	default:
		return fmt.Errorf("there is no kind %q: it is day, quiet or busy", *kind)
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return err
	}
	decoder, err := audio.New(audio.Options{FFmpeg: ffmpeg})
	if err != nil {
		return err
	}
	path := flags.Arg(0)
	if err := decoder.Encode(ctx, path, orchestrator.SampleRateHz, samples); err != nil || *kind == "day" {
		return err
	}
	return record(ctx, ffmpeg, path)
}

// record writes a file anew as a recorder of speech does, which sends next to nothing while it hears nothing.
func record(ctx context.Context, ffmpeg, path string) error {
	whole := path + ".whole"
	if err := os.Rename(path, whole); err != nil {
		return err
	}
	defer os.Remove(whole)
	command := exec.CommandContext(ctx, ffmpeg, "-v", "error", "-nostdin", "-y", "-i", whole,
		"-c:a", "libopus", "-b:a", "24k", "-application", "voip", "-dtx", "1", "-f", "ogg", path)
	command.Stderr = os.Stderr
	return command.Run()
}

// room is one in which somebody laughs every ten seconds, for one minute in so many; the others are
// near-silence.
func room(length time.Duration, minutes uint64) iter.Seq[[]float32] {
	const pieces = 6 // a minute
	return func(yield func([]float32) bool) {
		random := rand.New(rand.NewPCG(seed, seed))
		piece := make([]float32, pause)
		left := orchestrator.DurationToSamples(length)
		for number := uint64(0); left > 0; number++ {
			noise := float32(floor)
			busy := number/pieces%minutes == 0
			if !busy {
				noise = faint
			}
			for i := range piece {
				piece[i] = noise * (2*random.Float32() - 1)
			}
			if busy {
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
