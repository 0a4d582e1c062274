// Package listening makes of a clip what a browser plays and shows: the original, the same sound as WAV, its waveform and its
// spectrogram. Decoding takes some milliseconds for each second of sound, so no more clips are decoded at once than the machine
// has processors to spare, and what was decoded for a list of waveforms is remembered.
package listening

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/picture"
)

const (
	// largest clip that is decoded, in bytes: two minutes of FLAC.
	largest = 32 << 20
	// drawnRate is the rate at which waveforms and spectrograms are drawn, in Hz: what lies above 8 kHz is not shown.
	drawnRate = orchestrator.SampleRateHz
	// Size of a spectrogram, in pixels.
	pictureWidth, pictureHeight = 1024, 256
	// remembered is how many waveforms are kept, some 200 bytes each.
	remembered = 4096
)

// Decoder decodes clips.
type Decoder interface {
	Sound(ctx context.Context, clip []byte, maxRateHz int) (audio.Sound, error)
	Rendition(ctx context.Context, clip []byte) (wav []byte, err error)
}

// Sounds makes what is heard and seen of clips. Safe for concurrent use.
type Sounds struct {
	open    func(ctx context.Context, key string) (io.ReadSeekCloser, error)
	decoder Decoder
	slots   chan struct{}

	mutex sync.Mutex
	waves map[waveKey]*list.Element
	order *list.List // the latest used first
}

type waveKey struct {
	clip  string
	parts int
}

// Wave is the outline of a clip.
type Wave struct {
	// Peaks are the loudest amplitude of equal parts of the clip, 0..255.
	Peaks []byte
	// Length of the clip.
	Length time.Duration
	// Gain makes the clip as loud as others for a listener; see audio.Sound.
	Gain float64
}

type wave struct {
	key waveKey
	Wave
}

// New returns Sounds over clips that open opens; orchestrator.ErrNotFound where there is none.
func New(open func(ctx context.Context, key string) (io.ReadSeekCloser, error), decoder Decoder) *Sounds {
	return &Sounds{open: open, decoder: decoder, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)), waves: map[waveKey]*list.Element{}, order: list.New()}
}

// Original opens the clip as it was cut.
func (s *Sounds) Original(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	return s.open(ctx, key)
}

// WAV is the same sound as 16-bit WAV.
func (s *Sounds) WAV(ctx context.Context, key string) (data []byte, err error) {
	err = s.decode(ctx, key, func(clip []byte) error {
		data, err = s.decoder.Rendition(ctx, clip)
		return err
	})
	return data, err
}

// Waveform is the outline of a clip in so many parts.
func (s *Sounds) Waveform(ctx context.Context, key string, parts int) (Wave, error) {
	at := waveKey{key, parts}
	if known, ok := s.recall(at); ok {
		return known.Wave, nil
	}
	var w Wave
	err := s.sound(ctx, key, func(sound audio.Sound) error {
		w.Length = time.Duration(len(sound.Samples)) * time.Second / time.Duration(sound.RateHz)
		w.Gain = sound.ListeningGain()
		for _, peak := range picture.Waveform(sound.Samples, parts) {
			w.Peaks = append(w.Peaks, byte(math.Round(float64(min(max(peak, 0), 1))*math.MaxUint8)))
		}
		return nil
	})
	if err == nil {
		s.remember(wave{at, w})
	}
	return w, err
}

// Spectrogram is a PNG of the clip, for a light or a dark page: time runs left to right, and up to 8 kHz upwards on the mel scale.
func (s *Sounds) Spectrogram(ctx context.Context, key string, dark bool) (data []byte, err error) {
	options := picture.Options{Width: pictureWidth, Height: pictureHeight, TopHz: drawnRate / 2, Palette: picture.Paper}
	if dark {
		options.Palette = picture.Night
	}
	err = s.sound(ctx, key, func(sound audio.Sound) error {
		data, err = picture.Spectrogram(sound.Samples, sound.RateHz, options)
		return err
	})
	return data, err
}

// sound decodes a clip at the rate that is drawn.
func (s *Sounds) sound(ctx context.Context, key string, use func(audio.Sound) error) error {
	return s.decode(ctx, key, func(clip []byte) error {
		sound, err := s.decoder.Sound(ctx, clip, drawnRate)
		if err != nil {
			return err
		}
		return use(sound)
	})
}

// decode reads a clip and works on it when its turn comes.
func (s *Sounds) decode(ctx context.Context, key string, work func(clip []byte) error) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	file, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	defer file.Close()
	var clip bytes.Buffer
	switch n, err := clip.ReadFrom(io.LimitReader(file, largest+1)); {
	case err != nil:
		return fmt.Errorf("read clip: %w", err)
	case n > largest:
		return fmt.Errorf("read clip: it is larger than %d MB: %w", largest>>20, orchestrator.ErrBadRecording)
	}
	return work(clip.Bytes())
}

func (s *Sounds) recall(key waveKey) (wave, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	element, ok := s.waves[key]
	if !ok {
		return wave{}, false
	}
	s.order.MoveToFront(element)
	return element.Value.(wave), true
}

func (s *Sounds) remember(w wave) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if element, ok := s.waves[w.key]; ok {
		element.Value = w
		return
	}
	s.waves[w.key] = s.order.PushFront(w)
	for s.order.Len() > remembered {
		delete(s.waves, s.order.Remove(s.order.Back()).(wave).key)
	}
}

// Place is where a frequency lies in every spectrogram, as a share of its height from the top.
func Place(hz float64) float64 { return picture.Y(hz, pictureHeight, drawnRate/2) / pictureHeight }
