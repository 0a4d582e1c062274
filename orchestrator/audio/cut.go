package audio

import (
	"context"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// maxClip is the longest clip in samples: two minutes. A span that is longer is cut off there, so that
// a clip fits into memory.
const maxClip = 120 * orchestrator.SampleRateHz

// Cut yields a clip for each span, as it sounds in the file: not levelled. Ogg Opus is cut without
// encoding it again, to the sample; of a span across the links of a chained file, the link that holds
// most of it is kept. Other files become FLAC with their own rate, as they are where they have one or two channels within full scale: more are mixed
// to one, as are two that cancel each other, and what exceeds full scale is turned down as a whole. Clips are at most two minutes long. A span without any sound, or a file that was changed since it was listed, is an error
// that wraps orchestrator.ErrBadRecording.
func (a *Audio) Cut(ctx context.Context, rec orchestrator.Recording, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		if len(spans) == 0 {
			return
		}
		file, err := openFile(rec)
		if err != nil {
			yield(orchestrator.Clip{}, err)
			return
		}
		defer file.Close()
		bounded := make([]orchestrator.SampleSpan, len(spans))
		for i, span := range spans {
			start := max(0, span.Start)
			bounded[i] = orchestrator.SampleSpan{Start: start, End: min(span.End, start+maxClip)}
		}
		link, err := a.readOpus(file)
		if err != nil {
			yield(orchestrator.Clip{}, err)
			return
		}
		var clips iter.Seq2[orchestrator.Clip, error]
		if frames := readOmi(file); frames != nil && frames.pcm {
			clips = frames.cut(ctx, file, bounded)
		} else if frames != nil {
			clips = cutOpus(ctx, frames.packets(file, nil), bounded)
		} else if link != nil {
			clips = cutOpus(ctx, opus.Packets(file.reader(), nil), bounded)
		} else if sound, err := readWave(file); err != nil {
			yield(orchestrator.Clip{}, err)
			return
		} else if sound != nil {
			clips = cutPCM(ctx, file, sound, bounded)
		} else {
			clips = a.cutFLAC(ctx, file, bounded)
		}
		for clip, err := range clips {
			if err == nil {
				err = file.checkUnchanged()
			}
			if !yield(clip, err) || err != nil {
				return
			}
		}
	}
}

// Slice copies a stretch of an Ogg Opus file of any length, to the sample, as a file of its own in memory. A
// span without any sound, or another kind of file, is an error that wraps orchestrator.ErrBadRecording.
func (a *Audio) Slice(ctx context.Context, path string, span orchestrator.SampleSpan) (orchestrator.Clip, error) {
	file, err := openFile(orchestrator.Recording{Path: path})
	if err != nil {
		return orchestrator.Clip{}, err
	}
	defer file.Close()
	for clip, err := range cutOpus(ctx, opus.Packets(file.reader(), nil), []orchestrator.SampleSpan{span}) {
		return clip, err
	}
	return orchestrator.Clip{}, errNoSound(span)
}

func errNoSound(span orchestrator.SampleSpan) error {
	return damagedf("cut %v to %v: there is no sound", orchestrator.SamplesToDuration(span.Start), orchestrator.SamplesToDuration(span.End))
}
