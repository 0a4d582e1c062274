package orchestrator

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// SampleRateHz is the rate at which all sound is decoded and all positions are counted.
const SampleRateHz = 16000

// TimeSource says how the start of a recording was found, the most trustworthy first.
type TimeSource string

// The ways to find a recording's start.
const (
	TimeFromSource    TimeSource = "source"    // the source's own word, as of an API
	TimeFromName      TimeSource = "name"      // a time in the file's name
	TimeFromContainer TimeSource = "container" // the creation time inside the file
	TimeFromModTime   TimeSource = "mtime"     // modification time less duration
)

// Recording is one file of sound of one user. A source makes it; the Runner passes it on unchanged.
type Recording struct {
	// Path is where the file can be read now; empty where a source did not fetch it, because of a dry
	// run. It is never stored.
	Path string
	// File, unless nil, is the open file: it is read then, and whatever lies at Path is not. Whoever opened it closes it.
	File *os.File
	// Name is the file's name within its source, with '/' between folders, valid UTF-8. Shown to people.
	Name string
	// Start is the instant of the first sample, in UTC.
	Start time.Time
	// End is the instant behind the last sample, where that is known better than Start: Start then follows from the length
	// that is decoded. Zero elsewhere.
	End time.Time
	// TimeSource says how Start was found.
	TimeSource TimeSource
	// Uncertainty is by how much a moment of the recording may lie before or after what its position says:
	// audio is missing somewhere around it. 0 where positions are exact.
	Uncertainty time.Duration
	// Replaces is the name of a recording of which this is the better copy: what is stored of that one becomes this one's.
	// Empty where there is none.
	Replaces string
	// Window is the span of the ledger that the recording answers; zero where its source keeps none.
	Window Span
	// Size is the file's length in bytes when the source saw it.
	Size int64
	// ModTime is the file's modification time when the source saw it; the end of Window for a file that the
	// source made itself.
	ModTime time.Time
	// SHA256 of the content, lower-case hexadecimal: the recording's identity. A source may leave it
	// empty; the Runner then computes it where the store does not know the file by name, size and time.
	SHA256 string
	// Release, unless nil, is called once the recording was stored, failed for good or skipped: a
	// source that downloads deletes its copy there.
	Release func() error
}

// ErrBadRecording marks an error that is the recording's own (damaged, empty, unreadable, changed
// while it was read): it costs this recording and nothing else.
var ErrBadRecording = errors.New("bad recording")

// DamageError tells that a recording lacks some of its sound, though the rest was read.
type DamageError struct {
	// First is the position, in samples, from which sound is missing first.
	First int64
	// Lost is how much is missing, in samples; 0 where that cannot be known.
	Lost int64
}

// Error says how much is lost, and where.
func (e *DamageError) Error() string {
	first := SamplesToDuration(e.First)
	at := fmt.Sprintf("%d:%02d:%04.1f", int(first.Hours()), int(first.Minutes())%60, (first % time.Minute).Truncate(100*time.Millisecond).Seconds())
	if e.Lost == 0 {
		return "damaged: some of its sound is lost, the first at " + at
	}
	return fmt.Sprintf("damaged: %v of its sound is lost, the first at %s", SamplesToDuration(e.Lost).Round(time.Millisecond), at)
}

// Problem returns its code.
func (e *DamageError) Problem() (Code, Facts) { return CodeRecordingDamaged, nil }

// Unwrap makes it an ErrBadRecording for all who do not want to know more.
func (e *DamageError) Unwrap() error { return ErrBadRecording }

// Chunk is a piece of a decoded recording: 16 kHz, mono.
type Chunk struct {
	// Offset is the position of the first sample in the recording. Chunks follow each other without gap.
	Offset int64
	// Samples in [-1, 1]. Valid until the next chunk is asked for.
	Samples []float32
}

// SampleSpan is a half-open stretch of a recording, in samples at SampleRateHz.
type SampleSpan struct{ Start, End int64 }

// Clip is the sound around one laugh, cut out of its recording.
type Clip struct {
	// Span that the clip really covers, at most what was asked for and the packets at its edges.
	Span SampleSpan
	// Data is a whole audio file.
	Data []byte
	// Extension of the file, with its dot: ".opus" or ".flac".
	Extension string
}

// SamplesToDuration converts a number of samples at SampleRateHz. Exact to the nanosecond below a year.
func SamplesToDuration(n int64) time.Duration {
	return time.Duration(n/SampleRateHz)*time.Second + time.Duration(n%SampleRateHz)*time.Second/SampleRateHz
}

// DurationToSamples converts a duration to samples at SampleRateHz, rounding down.
func DurationToSamples(d time.Duration) int64 {
	return int64(d/time.Second)*SampleRateHz + int64(d%time.Second)*SampleRateHz/int64(time.Second)
}
