package audio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

// Sound that ffmpeg decodes lies where its timestamps put it, in a file's own timeline: what they leave
// out is silence, as in Ogg Opus. Decoding and cutting both read it here, so that they cannot disagree.
const (
	// minGap is the shortest pause that counts, in seconds: below it timestamps are only inexact.
	minGap = 0.1
	// maxGap is the longest silence, in seconds, that is believed: all of a file's together.
	maxGap = opus.MaxGap / opus.RateHz
)

// pcm is a piece of decoded sound, its channels interleaved.
type pcm struct {
	start int64 // the first sample's position
	rate  int64 // samples in a second
	width int   // bytes of a sample of all channels
	data  []byte
	// tracks is how many tracks of the file the channels are; 0: they are those of one.
	tracks int
}

// end is the position behind the last sample.
func (p pcm) end() int64 { return p.start + int64(len(p.data)/p.width) }

// samples are those of all channels, written over a slice of before.
func (p pcm) samples(before []float32) []float32 {
	samples := before[:0]
	for i := 0; i+4 <= len(p.data); i += 4 {
		samples = append(samples, math.Float32frombits(binary.LittleEndian.Uint32(p.data[i:])))
	}
	return samples
}

// ffmpegSamples decodes any file through ffmpeg, which brings every channel to our rate; they are mixed here.
func (a *Audio) ffmpegSamples(ctx context.Context, file *file) iter.Seq2[[]float32, error] {
	return mixPieces(a.ffmpegSound(ctx, file, orchestrator.SampleRateHz), orchestrator.SampleRateHz)
}

// ffmpegSound yields what ffmpeg decodes, all channels as 32-bit floats, in pieces without gap, each
// valid until the next: at a rate, or at the file's own where that is 0. The sound counts only where ffmpeg ends well: it
// does so for files that are cut off or damaged in places, of which it decodes what is there. An
// *orchestrator.DamageError comes last where ffmpeg complained and timestamps leave something out. A complaint alone is no
// sign of that, as ffmpeg takes tags for sound, too; so nobody is told of damage where timestamps are only counted, as in
// MP3, or behind the end of a file that is cut off. Where there are several tracks, each is a channel.
func (a *Audio) ffmpegSound(ctx context.Context, file *file, rateHz int) iter.Seq2[pcm, error] {
	parts := a.sections(file)
	if len(parts) > 1 {
		return a.joined(ctx, file, parts, rateHz)
	}
	return a.sectionSound(ctx, file, parts[0], rateHz)
}

// sectionSound is ffmpegSound for one section.
func (a *Audio) sectionSound(ctx context.Context, file *file, part section, rateHz int) iter.Seq2[pcm, error] {
	return func(yield func(pcm, error) bool) {
		for piece, err := range a.ffmpegTrack(ctx, file, part, rateHz, anyTrack) {
			if several := (*severalTracksError)(nil); errors.As(err, &several) {
				a.ffmpegTracks(ctx, file, part, rateHz, several.tracks)(yield)
				return
			}
			if !yield(piece, err) || err != nil {
				return
			}
		}
	}
}

// anyTrack is the first track, if it is the only one.
const anyTrack = -1

// severalTracksError says that a file has more than the one that was asked for.
type severalTracksError struct{ tracks int }

func (e *severalTracksError) Error() string { return fmt.Sprintf("the file has %d tracks", e.tracks) }

// Reasons to read a file once more, in another way, before any of its sound came.
var (
	errNothing = damagedf("there is no sound in it")
	errPicture = errors.New("the timeline begins with a picture")
)

// ffmpegTrack is sectionSound for one track; for anyTrack, the error is a *severalTracksError where there are more.
func (a *Audio) ffmpegTrack(ctx context.Context, file *file, part section, rateHz, track int) iter.Seq2[pcm, error] {
	return func(yield func(pcm, error) bool) {
		for again := true; again; {
			again = false
			for piece, err := range a.ffmpegOnce(ctx, file, part, rateHz, track) {
				switch {
				case errors.Is(err, errPicture):
					part.picture, again = true, true
				case errors.Is(err, errNothing) && !part.allEdits && isMP4(file):
					part.allEdits, again = true, true // an edit list that leaves nothing is none
				case !yield(piece, err) || err != nil:
					return
				}
			}
		}
	}
}

// ffmpegOnce is ffmpegTrack for one run of ffmpeg.
func (a *Audio) ffmpegOnce(ctx context.Context, file *file, part section, rateHz, track int) iter.Seq2[pcm, error] {
	return func(yield func(pcm, error) bool) {
		ffmpeg := program{path: a.ffmpeg, confine: a.sandbox, file: file, said: newSaid()}
		t := timeline{yield: func(piece pcm) bool { return yield(piece, nil) }}
		t.begin = func() error {
			found, odd := ffmpeg.said.found(ctx)
			switch {
			case odd != nil:
				return odd
			case found.pictures > 0 && pictureFormats[found.format] && !part.picture:
				return errPicture
			case track == anyTrack && found.tracks > 1:
				return &severalTracksError{found.tracks}
			}
			t.counted = countedFormats[found.format]
			if strings.HasPrefix(found.format, "mov,") {
				t.late = found.start
			}
			return nil
		}
		ffmpeg.read = t.read
		// Each packet comes behind a line that tells its timestamp. Timestamps that go back, as those of
		// chained streams do, are counted on from the last; so are leaps that no pause explains.
		args := slices.Concat([]string{"-v", "level+info", "-nostats", "-threads", "1", "-dts_delta_threshold", strconv.Itoa(maxGap)}, input(part), output(max(track, 0)))
		if rateHz > 0 {
			args = append(args, "-ar", strconv.Itoa(rateHz))
		}
		args = append(args, "-c:a", "pcm_f32le", "-f", "tee", "[f=framecrc:flush_packets=1]pipe:1|[f=f32le:flush_packets=1]pipe:1")
		if part.picture {
			args = append(args, "-map", "0:v:0", "-c:v", "copy", "-f", "null", "-")
		}
		err := ffmpeg.run(ctx, args...)
		switch {
		case errors.Is(err, errStopped):
		case err != nil:
			yield(pcm{}, err)
		case t.end == 0:
			yield(pcm{}, errNothing)
		case t.hole > 0 && len(ffmpeg.messages.data) > 0:
			// How much is lost is not known: some of the holes may be pauses.
			yield(pcm{}, &orchestrator.DamageError{First: t.hole * orchestrator.SampleRateHz / t.rate})
		}
	}
}

// countedFormats have no timestamps: ffmpeg counts them by the rate of the first frame, and where that changes they leave out
// what is no pause.
var countedFormats = map[string]bool{"aac": true, "mp3": true, "ac3": true, "eac3": true, "dts": true}

// pictureFormats have no start of their own: ffmpeg counts from the first of the streams that it reads.
var pictureFormats = map[string]bool{"mpegts": true, "mpeg": true, "ogg": true}

// pieceBytes is the most that a piece holds.
const pieceBytes = 64 << 10

var errStopped = errors.New("stopped")

// timeline puts the packets that ffmpeg decodes at their places.
type timeline struct {
	yield   func(pcm) bool
	rate    int64
	end     int64        // of the sound so far
	silence int64        // filled in so far
	hole    int64        // where sound breaks off that silence was filled in behind; 0: nowhere
	counted bool         // timestamps are no more than that
	late    float64      // seconds before the first sound that ffmpeg leaves out of its timestamps
	begin   func() error // called before the first sound
}

// read reads what ffmpeg writes: lines of its framecrc format, a packet behind each. Its error is
// errStopped, or that of a timestamp; a stream that breaks off is ffmpeg's end, which tells why.
func (t *timeline) read(from io.Reader) error {
	r := bufio.NewReaderSize(from, pieceBytes)
	buffer := make([]byte, pieceBytes)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil
		}
		if base, ok := bytes.CutPrefix(line, []byte("#tb 0: 1/")); ok {
			t.rate, _ = strconv.ParseInt(string(bytes.TrimSpace(base)), 10, 64)
		}
		if line[0] == '#' {
			continue
		}
		fields := bytes.Split(line, []byte(","))
		if len(fields) < 5 || t.rate <= 0 {
			return fmt.Errorf("read what ffmpeg decodes: line %q is not understood", line)
		}
		number := func(i int) int64 {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(fields[i])), 10, 64)
			if err != nil {
				return -1 // also where there is no timestamp
			}
			return n
		}
		if t.begin != nil {
			if err := t.begin(); err != nil {
				return err
			}
			t.begin = nil
		}
		at, samples, size := number(2), number(3), number(4)
		if samples <= 0 || size%samples != 0 || size <= 0 {
			return fmt.Errorf("read what ffmpeg decodes: a packet of %d samples has %d bytes", samples, size)
		}
		piece := pcm{rate: t.rate, width: int(size / samples)}
		whole := buffer[:pieceBytes/piece.width*piece.width]
		if err := t.fill(at, piece, whole); err != nil {
			return err
		}
		for left := size; left > 0; left -= int64(len(piece.data)) {
			piece.data = whole[:min(left, int64(len(whole)))]
			if _, err := io.ReadFull(r, piece.data); err != nil {
				return nil
			}
			if err := t.put(piece); err != nil {
				return err
			}
		}
	}
}

// fill puts silence up to a timestamp that lies well behind the end of the sound so far.
func (t *timeline) fill(at int64, piece pcm, zeros []byte) error {
	gap := at + int64(t.late*float64(t.rate)) - t.end
	if t.counted || float64(gap) <= minGap*float64(t.rate) {
		return nil
	}
	if t.hole == 0 {
		t.hole = t.end // still 0 where the sound begins late
	}
	if t.silence += gap; t.silence > maxGap*t.rate {
		return damagedf("absurd timestamp: it leaves out %d hours", gap/t.rate/3600)
	}
	clear(zeros)
	for left := gap; left > 0; left -= int64(len(piece.data) / piece.width) {
		piece.data = zeros[:min(left*int64(piece.width), int64(len(zeros)))]
		if err := t.put(piece); err != nil {
			return err
		}
	}
	return nil
}

func (t *timeline) put(piece pcm) error {
	piece.start = t.end
	t.end = piece.end()
	if !t.yield(piece) {
		return errStopped
	}
	return nil
}
