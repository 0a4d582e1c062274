package audio

const (
	// cellLength is the step in which silence is looked for, in samples: 50 ms.
	cellLength = 800
	// silenceReach is how far around a sound nothing is taken for silence, in cells: 1 s. That is more
	// than YAMNet's window, so that a window with any sound in it is the same as before.
	silenceReach = 20
)

// silencer makes digital silence of what is far below hearing, which costs a model nothing. It sees
// blocks of whole cells, one after another; only the last may end within a cell.
type silencer struct {
	// below is the peak of what is silence; 0: nothing is touched.
	below float32
	// since is the number of cells since the last sound before the block at hand; 0: none was heard.
	since int
}

// silence clears the cells of a block that are far from every sound: before the block, in it, or in
// the one after it. It is told the peaks of the block's cells, and of those after it.
func (s *silencer) silence(block, cells, after []float32) {
	if s.below == 0 {
		return
	}
	next := 0 // the next sound, from the cell at hand on
	for cell := range cells {
		if next < cell || cell == 0 {
			next = s.nextSound(cells, after, cell)
		}
		if next == cell {
			s.since = 1
			continue
		}
		far := s.since == 0 || s.since > silenceReach
		if far && next-cell > silenceReach {
			begin := cell * cellLength
			clear(block[begin:min(begin+cellLength, len(block))])
		}
		if s.since > 0 {
			s.since++
		}
	}
}

// nextSound is the first cell from a cell on that has a sound; cells count on into the block after it.
func (s *silencer) nextSound(cells, after []float32, from int) int {
	for i := from; i < len(cells); i++ {
		if cells[i] >= s.below {
			return i
		}
	}
	for i := range min(len(after), silenceReach+1) {
		if after[i] >= s.below {
			return len(cells) + i
		}
	}
	return len(cells) + len(after) + silenceReach + 1
}
