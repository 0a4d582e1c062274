package orchestrator

import (
	"context"
	"fmt"
	"math"
)

// NoteCode names what there is to say of a recording that was read: of what was left out, mended or hard to hear.
type NoteCode string

// The codes, and what their numbers count.
const (
	NoteNarrowBand  NoteCode = "narrow_band"       // nothing above 4 kHz, as of a telephone; the number is 0
	NoteTracks      NoteCode = "tracks_together"   // tracks of sound that were heard together
	NoteTracksLeft  NoteCode = "tracks_left_out"   // tracks of sound that were not heard
	NoteUnannounced NoteCode = "unannounced_bytes" // bytes of sound that the file's header does not tell of; they were read
	NoteDamaged     NoteCode = "damaged"           // milliseconds of sound that are lost; 0 where that is not known
)

// Note is one thing to say of a recording. It is stored with it, and replaced when it is processed again.
type Note struct {
	Code NoteCode `json:"code"`
	N    int64    `json:"n,omitempty"`
}

// String says it to people.
func (n Note) String() string {
	switch n.Code {
	case NoteNarrowBand:
		return "narrow-band sound, with nothing above 4 kHz, as of a telephone: many laughs cannot be found in it"
	case NoteTracks:
		return fmt.Sprintf("%d tracks of sound, heard together", n.N)
	case NoteTracksLeft:
		return fmt.Sprintf("%d more tracks of sound were left out", n.N)
	case NoteUnannounced:
		return fmt.Sprintf("the header leaves out %d bytes of its sound, which were read all the same", n.N)
	case NoteDamaged:
		if n.N > 0 {
			return fmt.Sprintf("damaged: %.1f s of its sound is lost", float64(n.N)/1000)
		}
		return "damaged: some of its sound is lost"
	}
	return string(n.Code)
}

// RecordingNote is a note and the name of its recording.
type RecordingNote struct {
	Recording string
	Note
}

// Inspector is an Audio that can say more of a recording than its length before it is decoded.
type Inspector interface {
	// Inspect looks at the recording's container: its length is that of Audio.Length; notes are nil where there is nothing
	// to say or the recording cannot be read.
	Inspect(ctx context.Context, rec Recording) (length int64, notes []Note)
}

// RecordingFacts are what is stored of a recording beside its laughs.
type RecordingFacts struct {
	Recording
	// Length in samples.
	Length int64
	Notes  []Note
}

// bandMeter finds out whether a recording has any sound above 4 kHz, from a sample of its loud moments.
type bandMeter struct {
	loud      int // pieces that were measured
	low, high float64
}

const (
	bandEvery = SampleRateHz / 8 // samples of which a piece is measured
	bandPiece = 512
	bandStep  = 7    // samples of a piece of which one is measured
	bandLoud  = 6    // pieces that must be loud before anything is said
	bandFloor = 1e-3 // root mean square of a piece that counts as loud
	bandRatio = 1e-5 // of power above 4.4 kHz to all power; a telephone's is far below, any microphone's above
)

// highPass passes what lies above 4.4 kHz of sound at SampleRateHz: a Blackman-windowed sinc of 63 taps.
var highPass = func() (taps [63]float64) {
	const cut, middle = 4800.0 / SampleRateHz, 31
	for i := range taps {
		x := float64(i - middle)
		window := 0.42 + 0.5*math.Cos(math.Pi*x/middle) + 0.08*math.Cos(2*math.Pi*x/middle)
		sinc := 2 * cut
		if x != 0 {
			sinc = math.Sin(2*math.Pi*cut*x) / (math.Pi * x)
		}
		taps[i] = -sinc * window
	}
	taps[middle]++
	return taps
}()

// add measures pieces of a chunk.
func (m *bandMeter) add(samples []float32) {
	for ; len(samples) >= bandPiece; samples = samples[min(bandEvery, len(samples)):] {
		m.piece(samples[:bandPiece])
	}
}

func (m *bandMeter) piece(samples []float32) {
	low, high := 0.0, 0.0
	for i := len(highPass); i < len(samples); i += bandStep {
		low += float64(samples[i]) * float64(samples[i])
		v := 0.0
		for k, tap := range highPass {
			v += tap * float64(samples[i-k])
		}
		high += v * v
	}
	if low < bandFloor*bandFloor*float64((len(samples)-len(highPass))/bandStep) {
		return
	}
	m.loud++
	m.low, m.high = m.low+low, m.high+high
}

// narrow tells whether there is nothing above 4 kHz.
func (m *bandMeter) narrow() bool { return m.loud >= bandLoud && m.high < bandRatio*m.low }
