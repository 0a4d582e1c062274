package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/frames"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
)

// section is a stretch of a file that ffmpeg reads as if it were one: what ffmpeg cannot follow in one go is read in several.
type section struct {
	from, to int64  // in bytes; to is 0 for the whole file
	format   string // of ffmpeg's reader; empty where ffmpeg finds out
	start    int64  // at which it begins, in samples; 0: behind the one before it
	lost     int64  // sound missing before it, in samples
	allEdits bool   // in MP4: an edit list is left unheeded
	picture  bool   // its picture is read, too: the timeline begins with that
}

// source is how ffmpeg is told of it.
func (s section) source() (protocols, name string) {
	if s.to == 0 {
		return "file", "file:" + inherited
	}
	return "file,subfile", fmt.Sprintf("subfile,,start,%d,end,%d,,:file:%s", s.from, s.to, inherited)
}

// maxSections bounds how many there are: each is read by a process of its own.
const maxSections = 64

// sections are what a file is read in: one, for nearly all files. Chained Ogg is read link by link where the links differ, as
// ffmpeg follows no change of codec, rate or channels; MP3 and ADTS on both sides of damage, whose length is known from the
// bytes that it takes; and fragmented MP4 up to its last fragment that is whole.
func (a *Audio) sections(file *file) []section {
	head := headOf(file)
	switch {
	case bytes.HasPrefix(head, []byte("OggS")):
		if parts := mixedChain(file); parts != nil {
			return parts
		}
	case isMP4(file):
		return []section{wholeBoxes(file)}
	case bytes.HasPrefix(head, []byte("ID3")) || len(head) > 1 && head[0] == 0xff && head[1]&0xe0 == 0xe0:
		if parts := rawStretches(file); parts != nil {
			return parts
		}
	}
	return []section{{}}
}

// isMP4 tells whether a file is MP4 or of its kin.
func isMP4(file *file) bool {
	head := headOf(file)
	return len(head) == 12 && string(head[4:8]) == "ftyp"
}

// headOf is how a file begins, in at most 12 bytes.
func headOf(file *file) []byte {
	head := make([]byte, 12)
	n, _ := file.ReadAt(head, 0)
	return head[:n]
}

// wholeBoxesOf is wholeBoxes for any file.
func wholeBoxesOf(file *file) section {
	if isMP4(file) {
		return wholeBoxes(file)
	}
	return section{}
}

// mixedChain are the links of an Ogg file that are not all alike; nil for any other file.
func mixedChain(file *file) []section {
	starts, alike, err := ogg.Links(file.reader())
	if err != nil || alike || len(starts) < 2 || len(starts) > maxSections {
		return nil
	}
	parts := make([]section, len(starts))
	for i, start := range starts {
		parts[i] = section{from: start, to: file.info.Size(), format: "ogg"}
		if i > 0 {
			parts[i-1].to = start
		}
	}
	return parts
}

// rawStretches are the stretches of a file of raw frames that breaks off; nil for any other file.
func rawStretches(file *file) []section {
	kind, stretches, err := frames.Stretches(file, file.info.Size())
	if err != nil || len(stretches) < 2 {
		return nil
	}
	samples := func(seconds float64) int64 { return int64(seconds * orchestrator.SampleRateHz) }
	parts := make([]section, len(stretches))
	for i, s := range stretches {
		parts[i] = section{from: s.Offset, to: s.End, format: kind, start: samples(s.Start), lost: samples(s.Lost)}
	}
	return parts
}

// wholeBoxes is an MP4 file up to its last box that is all there, where a fragment breaks off behind that: ffmpeg refuses
// some of those. Other files are whole.
func wholeBoxes(file *file) section {
	size := file.info.Size()
	head := make([]byte, 16)
	for at := int64(0); at < size; {
		n, err := file.ReadAt(head, at)
		if err != nil && !errors.Is(err, io.EOF) {
			break
		}
		length := int64(8)
		if n >= 8 {
			length = int64(binary.BigEndian.Uint32(head))
		}
		if length == 1 && n == 16 {
			length = int64(min(binary.BigEndian.Uint64(head[8:]), math.MaxInt64/2))
		}
		if n >= 8 && length == 0 || n >= 8 && length < 8 {
			break
		}
		if at+length > size {
			if kind := string(head[4:8]); at > 0 && (n < 8 || kind == "moof" || kind == "styp" || kind == "sidx" || kind == "mfra") {
				return section{to: at}
			}
			break
		}
		at += length
	}
	return section{}
}

// joined yields the sound of several sections at their places, mixed to one channel. One that cannot be read is damage; where
// none can, the error is the first one's.
func (a *Audio) joined(ctx context.Context, file *file, parts []section, rateHz int) iter.Seq2[pcm, error] {
	if rateHz == 0 {
		rateHz = tracksRate
	}
	return func(yield func(pcm, error) bool) {
		j := joint{out: pcm{rate: int64(rateHz), width: 4, tracks: 1}, yield: func(piece pcm) bool { return yield(piece, nil) }}
		for _, part := range parts {
			if part.lost > 0 {
				j.note(part.start-part.lost, part.lost)
			}
			if !j.silence(part.start) {
				return
			}
			begun := j.out.start
			for mono, err := range mixPieces(a.sectionSound(ctx, file, part, rateHz), rateHz) {
				damage := (*orchestrator.DamageError)(nil)
				switch {
				case err == nil:
					if !j.put(mono) {
						return
					}
				case errors.As(err, &damage):
					j.note(j.samples(begun)+damage.First, damage.Lost)
				case errors.Is(err, orchestrator.ErrBadRecording):
					j.note(j.samples(j.out.start), 0)
					j.err = errors.Join(j.err, err)
				default:
					yield(pcm{}, err)
					return
				}
			}
		}
		switch {
		case j.out.start == 0 && j.err != nil:
			yield(pcm{}, j.err)
		case j.damage != nil:
			yield(pcm{}, j.damage)
		}
	}
}

// joint puts sections behind each other.
type joint struct {
	out    pcm
	yield  func(pcm) bool
	damage *orchestrator.DamageError
	err    error
}

// samples converts a position to one at orchestrator.SampleRateHz.
func (j *joint) samples(position int64) int64 {
	return scale(position, orchestrator.SampleRateHz, j.out.rate)
}

func (j *joint) note(first, lost int64) {
	if j.damage == nil {
		j.damage = &orchestrator.DamageError{First: first}
	}
	j.damage.Lost += lost
}

func (j *joint) put(mono []float32) bool {
	j.out.data = j.out.data[:0]
	for _, v := range mono {
		j.out.data = binary.LittleEndian.AppendUint32(j.out.data, math.Float32bits(v))
	}
	ok := j.yield(j.out)
	j.out.start = j.out.end()
	return ok
}

// silence fills up to a position, in samples at orchestrator.SampleRateHz.
func (j *joint) silence(start int64) bool {
	zeros := make([]float32, pieceBytes/4)
	for left := atRate(start, j.out.rate) - j.out.start; left > 0; left -= int64(len(zeros)) {
		if zeros = zeros[:min(left, int64(len(zeros)))]; !j.put(zeros) {
			return false
		}
	}
	return true
}
