package audio

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator"
)

// maxClip is the longest clip in samples: two minutes. A span that is longer is cut off there, so that
// a clip fits into memory.
const maxClip = 120 * orchestrator.SampleRateHz

// maxClipBytes bounds a FLAC clip: two minutes of stereo at 48 kHz fit well.
const maxClipBytes = 32 << 20

// Cut yields a clip for each span, as it sounds in the file: not levelled. Ogg Opus is cut without
// encoding it again, to the sample; of a span across the links of a chained file, the link that holds
// most of it is kept. Other files become FLAC with their own rate and channels. Clips are at most two
// minutes long. A span without any sound, or a file that was changed since it was listed, is an error
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
		link, err := a.readLink(file)
		if err != nil {
			yield(orchestrator.Clip{}, err)
			return
		}
		clips := a.cutFLAC(ctx, file, bounded)
		if link != nil {
			clips = cutOpus(ctx, file.reader(), bounded)
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
	for clip, err := range cutOpus(ctx, file.reader(), []orchestrator.SampleSpan{span}) {
		return clip, err
	}
	return orchestrator.Clip{}, errNoSound(span)
}

func errNoSound(span orchestrator.SampleSpan) error {
	return damagedf("cut %v to %v: there is no sound", orchestrator.SamplesToDuration(span.Start), orchestrator.SamplesToDuration(span.End))
}

// cutFLAC cuts with ffmpeg, a process for each span: it goes to the place without decoding all before.
func (a *Audio) cutFLAC(ctx context.Context, file *file, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		for _, span := range spans {
			clip, err := a.cutOneFLAC(ctx, file, span)
			if !yield(clip, err) || err != nil {
				return
			}
		}
	}
}

func (a *Audio) cutOneFLAC(ctx context.Context, file *file, span orchestrator.SampleSpan) (orchestrator.Clip, error) {
	if span.End <= span.Start {
		return orchestrator.Clip{}, errNoSound(span)
	}
	// ffmpeg completes a FLAC file's header when it is done, so a pipe will not do.
	output, err := scratchFile()
	if err != nil {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	defer output.Close()
	ffmpeg := program{path: a.ffmpeg, file: file, output: output}
	// It goes to a second before the start and decodes from there, for codecs that need to settle.
	settle := min(span.Start, orchestrator.SampleRateHz)
	args := []string{"-v", "error", "-threads", "1"}
	if span.Start > settle {
		args = append(args, "-ss", seconds(span.Start-settle))
	}
	args = append(args, input...)
	if settle > 0 {
		args = append(args, "-ss", seconds(settle))
	}
	args = append(args, "-t", seconds(span.End-span.Start), "-map_metadata", "-1", "-c:a", "flac", "-sample_fmt", "s16",
		"-fs", strconv.Itoa(maxClipBytes), "-f", "flac", "-y", "file:"+inheritedOutput)
	if err := ffmpeg.run(ctx, args...); err != nil {
		return orchestrator.Clip{}, err
	}
	info, err := output.Stat()
	if err != nil {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	data := make([]byte, info.Size())
	if _, err := output.ReadAt(data, 0); err != nil && err != io.EOF {
		return orchestrator.Clip{}, fmt.Errorf("cut clip: %w", err)
	}
	length := flacLength(data)
	if length == 0 {
		return orchestrator.Clip{}, errNoSound(span)
	}
	span.End = min(span.End, span.Start+length)
	return orchestrator.Clip{Span: span, Data: data, Extension: ".flac"}, nil
}

// flacLength reads the length, in samples at orchestrator.SampleRateHz, out of a FLAC file's header.
func flacLength(data []byte) int64 {
	const streamInfo = 8 // behind the magic and the block's own header
	if len(data) < streamInfo+18 {
		return 0
	}
	rateHz := int64(data[streamInfo+10])<<12 | int64(data[streamInfo+11])<<4 | int64(data[streamInfo+12])>>4
	samples := int64(data[streamInfo+13]&15)<<32 | int64(binary.BigEndian.Uint32(data[streamInfo+14:]))
	if rateHz == 0 {
		return 0
	}
	return (samples*orchestrator.SampleRateHz + rateHz/2) / rateHz
}

// seconds writes a number of samples as ffmpeg wants it, exact to the microsecond.
func seconds(samples int64) string {
	microseconds := orchestrator.SamplesToDuration(samples).Microseconds()
	return fmt.Sprintf("%d.%06d", microseconds/1e6, microseconds%1e6)
}
