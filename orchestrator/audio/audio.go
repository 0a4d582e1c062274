package audio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

var (
	_ orchestrator.Audio     = (*Audio)(nil)
	_ orchestrator.Inspector = (*Audio)(nil)
)

// Options says where the programs and libraries are that Audio uses.
type Options struct {
	// FFmpeg is the absolute path of an ffmpeg. Empty: only Ogg Opus can be read.
	FFmpeg string
	// OpusLibrary is the path of libopus, or its name for the system's loader. Empty, or one that
	// cannot be opened: Opus is decoded by slower code in Go.
	OpusLibrary string
	// Silence is the peak, up to 1, below which sound is taken for silence where nothing louder is within
	// a second of it; 0: none is. See Levels in the package's comment.
	Silence float64
	// MaxLength is the most sound that a recording may have; 0: DefaultMaxLength. One that has more is a bad recording.
	MaxLength time.Duration
	// Sandbox confines ffmpeg; see package sandbox. Default: as far as the kernel can.
	Sandbox sandbox.Mode
}

// Audio reads, cuts and writes files of sound. Safe for concurrent use.
type Audio struct {
	ffmpeg      string
	silence     float32
	maxLength   int64 // in samples
	sandbox     sandbox.Mode
	openLibrary func() (*opus.Library, error)
}

// New returns an Audio. It opens nothing yet: libopus is opened when it is first needed.
func New(options Options) (*Audio, error) {
	return &Audio{
		ffmpeg:    options.FFmpeg,
		silence:   float32(options.Silence),
		maxLength: orchestrator.DurationToSamples(cmp.Or(options.MaxLength, DefaultMaxLength)),
		sandbox:   options.Sandbox,
		openLibrary: sync.OnceValues(func() (*opus.Library, error) {
			if options.OpusLibrary == "" {
				return nil, errors.New("no libopus is set")
			}
			return opus.OpenLibrary(options.OpusLibrary)
		}),
	}, nil
}

// OpusDecoder names what decodes Opus, such as "libopus 1.5.2", and says why it is not libopus where
// that was asked for in vain.
func (a *Audio) OpusDecoder() (string, error) {
	library, err := a.openLibrary()
	if err != nil {
		return "pion/opus (Go)", err
	}
	return library.Version, nil
}

// Decode yields the recording in blocks of exactly 160,000 samples (10 s), the last one shorter,
// levelled as the package's comment says. Decoding runs ahead by five blocks. An error comes last: it
// wraps orchestrator.ErrBadRecording where it is the file's fault, and is the context's own when that
// ended; an *orchestrator.DamageError comes behind all that can be read of a damaged file. A missing or
// broken ffmpeg is nobody's fault but the machine's.
func (a *Audio) Decode(ctx context.Context, rec orchestrator.Recording) iter.Seq2[orchestrator.Chunk, error] {
	return ahead(ctx, a.silence, func(ctx context.Context) iter.Seq2[[]float32, error] {
		return func(yield func([]float32, error) bool) {
			file, err := openFile(rec)
			if err != nil {
				yield(nil, err)
				return
			}
			defer file.Close()
			var damage *orchestrator.DamageError
			for piece, err := range bounded(a.samples(ctx, file), a.maxLength) {
				if errors.As(err, &damage) {
					break // it comes last, and means nothing of a file that changed
				}
				if !yield(piece, err) || err != nil {
					return
				}
			}
			if err := file.checkUnchanged(); err != nil {
				yield(nil, err)
			} else if damage != nil {
				yield(nil, damage)
			}
		}
	})
}

// Length estimates the recording's length in samples, from a few pages of Ogg Opus or from what ffmpeg
// reads in the header. 0 where it is unknown or the file cannot be read.
func (a *Audio) Length(ctx context.Context, rec orchestrator.Recording) int64 {
	length, _ := a.Inspect(ctx, rec)
	return length
}

// Inspect implements orchestrator.Inspector.
func (a *Audio) Inspect(ctx context.Context, rec orchestrator.Recording) (length int64, notes []orchestrator.Note) {
	file, err := openFile(rec)
	if err != nil {
		return 0, nil
	}
	defer file.Close()
	return a.inspect(ctx, file)
}

// samples yields the sound of a file in pieces of any length, each valid until the next.
func (a *Audio) samples(ctx context.Context, file *file) iter.Seq2[[]float32, error] {
	if frames := readOmi(file); frames != nil {
		if frames.pcm {
			return frames.mono(ctx, a, file)
		}
		return a.packetSamples(ctx, func(damage *opus.Damage) iter.Seq2[opus.Packet, error] { return frames.packets(file, damage) })
	}
	link, err := a.readOpus(file)
	if err != nil {
		return fail(err)
	}
	if link != nil {
		return a.opusSamples(ctx, file.reader())
	}
	sound, err := readWave(file)
	switch {
	case err != nil:
		return fail(err)
	case sound != nil:
		return a.pcmSamples(ctx, file, sound)
	}
	return a.ffmpegSamples(ctx, file)
}

// readLink returns the start of an Ogg Opus file that can be decoded here; nil for any other file.
func (a *Audio) readLink(file *file) (*opus.Link, error) {
	// Headers and the first sound lie in the first few pages; a bigger picture in them does no harm.
	const enough = 256 << 10
	link, err := opus.ReadLink(io.NewSectionReader(file, 0, enough))
	switch {
	case errors.Is(err, opus.ErrNotOpus), errors.Is(err, opus.ErrUnsupported):
		return nil, nil
	case err != nil:
		return nil, damaged(err)
	}
	if _, err := a.openLibrary(); err != nil && link.Head.Multistream() {
		return nil, nil
	}
	if link.Others > 0 && a.ffmpeg != "" {
		return nil, nil // several tracks, all of which count
	}
	return link, nil
}

// readOpus is readLink for a file of which all is to be decoded: one whose later links are no Opus is not.
func (a *Audio) readOpus(file *file) (*opus.Link, error) {
	link, err := a.readLink(file)
	if link != nil && a.ffmpeg != "" && mixedChain(file) != nil {
		link = nil
	}
	return link, err
}

func fail(err error) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) { yield(nil, err) }
}

// damaged marks an error as the recording's own.
func damaged(err error) error { return fmt.Errorf("%w: %w", orchestrator.ErrBadRecording, err) }

func damagedf(format string, args ...any) error { return damaged(fmt.Errorf(format, args...)) }
