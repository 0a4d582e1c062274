package inferd

// Batch is a run of windows at equal distances, with the samples of all of them.
type Batch struct {
	// First is the position of the first window's first sample in the recording.
	First int64
	// Windows is their number, at least 1.
	Windows int
	// Samples holds Window+(Windows-1)*hop of them.
	Samples []float32
}

// Framer cuts a recording that arrives in pieces into windows, and carries the overlap of
// neighbouring windows from piece to piece. Which windows there are depends on the recording alone,
// not on the pieces. Not safe for concurrent use.
//
// Samples are written to Room and then announced by Grow; when the room is used up, or a piece ends,
// Cut hands out the windows that are complete.
type Framer struct {
	window, hop int
	// buffer[0] lies at position first, where the next window starts; filled samples are in it.
	buffer []float32
	filled int
	first  int64
}

// BufferLength is the number of samples that a batch of n windows spans, and the least length of the
// buffers of a Framer that cuts such batches.
func BufferLength(window, hop, n int) int { return window + (n-1)*hop }

// NewFramer starts a recording, 1 <= hop <= window. The buffer has BufferLength samples and is the
// Framer's until it is handed out in a Batch.
func NewFramer(window, hop int, buffer []float32) *Framer {
	return &Framer{window: window, hop: hop, buffer: buffer}
}

// Room is where the samples that follow are to be written. Empty when windows must be cut first.
func (f *Framer) Room() []float32 { return f.buffer[f.filled:] }

// Grow says that the first n samples of Room were written.
func (f *Framer) Grow(n int) { f.filled += n }

// Windows is the number of complete windows.
func (f *Framer) Windows() int {
	if f.filled < f.window {
		return 0
	}
	return 1 + (f.filled-f.window)/f.hop
}

// Cut hands out the complete windows, of which there must be one at least, together with the buffer
// that they lie in, and goes on in next.
func (f *Framer) Cut(next []float32) Batch {
	n := f.Windows()
	batch := Batch{f.first, n, f.buffer[:BufferLength(f.window, f.hop, n)]}
	f.filled = copy(next, f.buffer[n*f.hop:f.filled])
	f.first += int64(n * f.hop)
	f.buffer = next
	return batch
}

// Rest ends the recording, after the last Cut: it returns the window, padded with zeros, that covers
// the samples behind the last whole one, if there are any. The Framer is not used afterwards.
func (f *Framer) Rest() (batch Batch, ok bool) {
	covered := 0 // how much of the buffer the last whole window reaches into
	if f.first > 0 {
		covered = f.window - f.hop
	}
	if f.filled <= covered {
		return Batch{}, false
	}
	window := f.buffer[:f.window]
	clear(window[f.filled:])
	return Batch{f.first, 1, window}, true
}
