package listening

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"io"
	"math"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tones decodes every clip to two seconds: one of silence, one of a tone. It counts how many are decoded, and at once.
type tones struct {
	mutex             sync.Mutex
	decoded, now, max int
	wait              chan struct{}
}

func (d *tones) Sound(ctx context.Context, _ []byte, rate int) (audio.Sound, error) {
	d.mutex.Lock()
	d.decoded++
	d.now++
	d.max = max(d.max, d.now)
	d.mutex.Unlock()
	if d.wait != nil {
		<-d.wait
	}
	samples := make([]float32, 2*rate)
	for i := rate; i < len(samples); i++ {
		samples[i] = float32(0.5 * math.Sin(float64(i)*2*math.Pi*440/float64(rate)))
	}
	d.mutex.Lock()
	d.now--
	d.mutex.Unlock()
	return audio.Sound{RateHz: rate, Samples: samples}, nil
}

func (d *tones) Rendition(ctx context.Context, clip []byte) ([]byte, error) {
	sound, err := d.Sound(ctx, clip, 16000)
	return sound.WAV(), err
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	if key == "gone" {
		return nil, orchestrator.ErrNotFound
	}
	return file{bytes.NewReader([]byte("a clip"))}, nil
}

func TestWaveform(t *testing.T) {
	t.Parallel()
	decoder := &tones{}
	s := New(open, decoder)
	for range 3 {
		w, err := s.Waveform(t.Context(), "a", 10)
		if err != nil || w.Length != 2*time.Second || len(w.Peaks) != 10 || w.Peaks[0] != 0 || w.Peaks[9] < 126 || w.Peaks[9] > 129 || w.Gain >= 1 {
			t.Fatalf("got %+v, %v", w, err)
		}
	}
	if decoder.decoded != 1 {
		t.Errorf("decoded %d times, want once", decoder.decoded)
	}
	if _, err := s.Waveform(t.Context(), "gone", 10); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("a clip that is gone: %v", err)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	s := New(open, &tones{})
	for i := range remembered + 10 {
		s.remember(wave{key: waveKey{strconv.Itoa(i), 1}})
	}
	if len(s.waves) != remembered || s.order.Len() != remembered {
		t.Errorf("%d and %d are remembered", len(s.waves), s.order.Len())
	}
	if _, ok := s.recall(waveKey{"0", 1}); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := s.recall(waveKey{strconv.Itoa(remembered + 9), 1}); !ok {
		t.Error("the latest is gone")
	}
}

func TestSpectrogramAndWAV(t *testing.T) {
	t.Parallel()
	s := New(open, &tones{})
	light, err := s.Spectrogram(t.Context(), "a", false)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(light))
	if err != nil || picture.Bounds().Dx() != pictureWidth || picture.Bounds().Dy() != pictureHeight {
		t.Fatalf("picture %v, %v", picture.Bounds(), err)
	}
	if dark, err := s.Spectrogram(t.Context(), "a", true); err != nil || bytes.Equal(light, dark) {
		t.Errorf("the dark one is the same (%v)", err)
	}
	if wav, err := s.WAV(t.Context(), "a"); err != nil || !bytes.HasPrefix(wav, []byte("RIFF")) {
		t.Errorf("no WAV: %v", err)
	}
}

// TestWorkIsBounded: more listeners than slots wait, and one who goes away waits no longer.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	decoder := &tones{wait: make(chan struct{})}
	s := New(open, decoder)
	var done sync.WaitGroup
	for range 3 * cap(s.slots) {
		done.Go(func() { _, _ = s.WAV(context.Background(), "a") })
	}
	impatient, leave := context.WithCancel(t.Context())
	for len(s.slots) < cap(s.slots) {
		runtime.Gosched() // until the slots are taken
	}
	leave()
	if _, err := s.WAV(impatient, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(decoder.wait)
	done.Wait()
	if decoder.max > cap(s.slots) {
		t.Errorf("%d were decoded at once, want %d", decoder.max, cap(s.slots))
	}
}
