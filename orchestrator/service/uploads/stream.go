package uploads

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/internal/flock"
)

// ErrNoSound marks a piece of a stream that is no raw 16-bit sound.
var ErrNoSound = errors.New("piece is no raw 16-bit sound")

const (
	// streamIdle is the silence behind which a stream has ended: what comes then begins a new recording.
	streamIdle = 2 * time.Minute
	// jitter is how much later than it should a piece may come without a gap between it and the one before: networks are
	// uneven, clocks of devices drift, and silence that is put in by mistake would tear a laugh apart.
	jitter = 3 * time.Second
	// streamLength bounds a recording of a stream: a crash of a device costs no more, and its sizes fit a WAV's header.
	streamLength = 2 * time.Hour
	// MaxPiece bounds a piece of a stream, in bytes: two minutes at 16 kHz.
	MaxPiece = 4 << 20
	// leastRate and mostRate of a stream, in Hz.
	leastRate, mostRate = 4000, 48000
)

// stream is a recording that is being streamed, as its name tells it.
type stream struct {
	key   string
	start time.Time // to the millisecond
	rate  int
}

func (st stream) name() string {
	return fmt.Sprintf("%s-%d-%d.pcm", st.key, st.start.UnixMilli(), st.rate)
}

func parseStream(name string) (stream, bool) {
	parts := strings.Split(strings.TrimSuffix(name, ".pcm"), "-")
	if len(parts) != 3 || !strings.HasSuffix(name, ".pcm") {
		return stream{}, false
	}
	millis, err := strconv.ParseInt(parts[1], 10, 64)
	rate, rateErr := strconv.Atoi(parts[2])
	return stream{parts[0], time.UnixMilli(millis).UTC(), rate}, err == nil && rateErr == nil && rate >= leastRate && rate <= mostRate
}

// lasts is how long so many bytes of the stream are.
func (st stream) lasts(bytes int64) time.Duration {
	return time.Duration(bytes/2) * time.Second / time.Duration(st.rate)
}

// bytes is how many bytes so long a stretch of the stream has.
func (st stream) bytes(length time.Duration) int64 {
	return int64(length) * int64(st.rate) / int64(time.Second) * 2
}

// Stream takes in a piece of a stream of raw 16-bit samples, little-endian and mono, that has just been recorded, and
// returns once it is on the disk. who tells streams of one user apart. There is no time in such a piece, so that of its
// arrival is taken for its end; a gap between it and the piece before becomes silence, and a long one ends the recording.
// Errors: ErrNoSound, ErrBusy, *QuotaError.
func (s *Spool) Stream(ctx context.Context, who string, rate int, piece []byte) error {
	if rate < leastRate || rate > mostRate {
		return fmt.Errorf("%w: a rate of %d Hz", ErrNoSound, rate)
	}
	if err := checkSound(piece); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(who))
	st := stream{key: hex.EncodeToString(sum[:8]), rate: rate}
	now := s.Now().UTC()
	st.start = now.Add(-st.lasts(int64(len(piece)))).Truncate(time.Millisecond)

	release, err := s.lockStream(st.key)
	if err != nil {
		return err
	}
	defer release()
	if err := s.admitStream(int64(len(piece))); err != nil {
		return err
	}
	open, err := filepath.Glob(filepath.Join(s.Dir, incoming, st.key+"-*.pcm"))
	if err != nil {
		return err
	}
	for _, path := range open {
		other, ok := parseStream(filepath.Base(path))
		info, err := os.Stat(path)
		if !ok || err != nil {
			continue
		}
		end := other.start.Add(other.lasts(info.Size()))
		gap := st.start.Sub(end)
		if other.rate == rate && gap < streamIdle && other.lasts(info.Size()+int64(len(piece)))+max(0, gap) <= streamLength {
			if gap < jitter {
				gap = 0
			}
			return appendTo(path, other.bytes(gap), piece)
		}
		if err := s.closeStream(path, other); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return appendTo(filepath.Join(s.Dir, incoming, st.name()), 0, piece)
}

// checkSound refuses what is surely no raw sound: half a sample, text, and files with a header.
func checkSound(piece []byte) error {
	switch {
	case len(piece) == 0 || len(piece)%2 != 0:
		return fmt.Errorf("%w: %d bytes", ErrNoSound, len(piece))
	case slices.Contains([]string{"RIFF", "OggS", "fLaC", "\x1aE\xdf\xa3"}, string(piece[:min(4, len(piece))])):
		return fmt.Errorf("%w: it is a file with a header", ErrNoSound)
	}
	if start := piece[:min(len(piece), 512)]; len(start) >= 16 && utf8.Valid(start) && !strings.ContainsFunc(string(start), func(r rune) bool {
		return !unicode.IsPrint(r) && !unicode.IsSpace(r)
	}) {
		return fmt.Errorf("%w: it is text", ErrNoSound)
	}
	return nil
}

// lockStream keeps other writers, here and in other processes, away from the streams of a key.
func (s *Spool) lockStream(key string) (release func(), err error) {
	dir := filepath.Join(s.Dir, incoming)
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(filepath.Join(s.Dir, Folder), 0o700)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, key+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock.TryLock(file); err != nil {
		if errors.Is(err, flock.ErrLocked) {
			err = ErrBusy
		}
		return nil, errors.Join(err, file.Close())
	}
	here, err := file.Stat()
	there, statErr := os.Stat(file.Name())
	if err = errors.Join(err, statErr); err != nil || !os.SameFile(here, there) { // tidied up meanwhile
		return nil, errors.Join(ErrBusy, flock.Close(file))
	}
	return func() { _ = flock.Close(file) }, nil
}

func (s *Spool) admitStream(more int64) error {
	admitting.Lock()
	defer admitting.Unlock()
	return s.admit(more)
}

// appendTo writes silence and a piece behind a stream, durably. What a crash left half of a sample is overwritten.
func appendTo(path string, silence int64, piece []byte) (err error) {
	_, statErr := os.Lstat(path)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	end := info.Size()&^1 + silence // what lies between is a hole, which reads as silence
	if _, err = file.WriteAt(piece, end); err == nil {
		err = file.Sync()
	}
	if err != nil || statErr == nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(atomicfile.SyncDir(root, "."), root.Close())
}

// closeIdle closes a stream that has ended. One that somebody writes to has not.
func (s *Spool) closeIdle(path string, st stream) error {
	release, err := s.lockStream(st.key)
	if errors.Is(err, ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	info, err := os.Stat(path)
	if err != nil || s.Now().Sub(st.start.Add(st.lasts(info.Size()))) < streamIdle {
		return nil // closed meanwhile, or still coming
	}
	return s.closeStream(path, st)
}

// closeStream makes a WAV file of a stream, with its start in the name.
func (s *Spool) closeStream(path string, st stream) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	size := info.Size() &^ 1
	if size == 0 {
		return os.Remove(path)
	}
	name := "stream_" + st.start.Format("2006-01-02T15-04-05.000Z") + "_" + st.key[:4] + ".wav"
	err = atomicfile.Write(s.final(name), 0o600, func(to *os.File) error {
		if _, err := to.Write(wavHeader(size, st.rate)); err != nil {
			return err
		}
		_, err := io.CopyN(to, from, size)
		return err
	})
	if err != nil {
		return err
	}
	end := st.start.Add(st.lasts(size))
	if err := os.Chtimes(s.final(name), end, end); err != nil {
		return err
	}
	return os.Remove(path)
}

// wavHeader is what stands before so many bytes of 16-bit mono samples.
func wavHeader(size int64, rate int) []byte {
	h := make([]byte, 44)
	copy(h, "RIFF")
	binary.LittleEndian.PutUint32(h[4:], uint32(36+size))
	copy(h[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(h[16:], 16)
	binary.LittleEndian.PutUint16(h[20:], 1) // PCM
	binary.LittleEndian.PutUint16(h[22:], 1) // mono
	binary.LittleEndian.PutUint32(h[24:], uint32(rate))
	binary.LittleEndian.PutUint32(h[28:], uint32(rate)*2)
	binary.LittleEndian.PutUint16(h[32:], 2)
	binary.LittleEndian.PutUint16(h[34:], 16)
	copy(h[36:], "data")
	binary.LittleEndian.PutUint32(h[40:], uint32(size))
	return h
}
