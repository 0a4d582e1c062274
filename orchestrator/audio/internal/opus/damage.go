package opus

// Damage is what a file lacks of its own sound: it was there once, and cannot be read any more. A pause
// that positions tell of is none, and neither is a stream that just ends. The zero value is a whole file.
type Damage struct {
	// Found says whether there is any.
	Found bool
	// First is the position, in ticks since the recording's start, from which sound is missing first.
	First int64
	// Lost is how much is missing, in ticks, as far as that can be known: nobody knows what a file held
	// behind the place where it breaks off.
	Lost int64
}

// Add notes that sound is missing from a position on, in the order of positions. Nobody may listen.
func (d *Damage) Add(position, ticks int64) {
	if d == nil {
		return
	}
	if !d.Found {
		d.Found, d.First = true, max(0, position)
	}
	d.Lost += ticks
}
