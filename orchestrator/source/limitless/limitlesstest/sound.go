package limitlesstest

import (
	"context"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// FromFile is a recording whose sound is a file of Ogg Opus.
func FromFile(ctx context.Context, sounds *audio.Audio, path string, start time.Time) (Recording, error) {
	length, err := sounds.Measure(ctx, path)
	if err != nil {
		return Recording{}, fmt.Errorf("measure %s: %w", path, err)
	}
	return Recording{Start: start, Length: orchestrator.SamplesToDuration(length),
		Cut: func(ctx context.Context, from, to time.Duration) ([]byte, error) {
			clip, err := sounds.Slice(ctx, path, orchestrator.SampleSpan{Start: orchestrator.DurationToSamples(from), End: orchestrator.DurationToSamples(to)})
			return clip.Data, err
		}}, nil
}
