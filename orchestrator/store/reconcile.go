package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// laugh is a row of the table of laughs, of one recording and model. Comparable: two that are equal
// are the same row.
type laugh struct {
	id          int64 // 0 for a new row
	start, end  int64 // milliseconds since 1970
	first, last int64 // samples of the recording, half-open
	score       float64
	class       string
	classScores string // JSON
	clip        string
	mark        orchestrator.Mark
	star        bool
	note        string
}

func (l laugh) judged() bool { return l.mark != orchestrator.MarkNone || l.star || l.note != "" }

// interval is a half-open stretch of time in milliseconds since 1970.
type interval struct{ start, end int64 }

// change is what has to happen to the rows of a recording.
type change struct {
	insert     []laugh // rows that were changed keep their id, and are removed first
	remove     []int64
	created    int
	duplicates int
	// loose are the clips of rows that went and of laughs that were not stored.
	loose []string
}

// reconcile compares the laughs that were found in a recording with the rows that it has, and with
// the time that laughs of the user's other recordings take. A laugh takes over the row that it
// overlaps, with what people said of it; a judged row that nothing overlaps stays.
func reconcile(old, found []laugh, taken []interval) change {
	var c change
	found = c.dropDuplicates(found, taken)

	heirs := make([][]laugh, len(found)) // the rows that each laugh takes over
	for _, row := range old {
		switch i := successor(row, found); {
		case i >= 0:
			heirs[i] = append(heirs[i], row)
		case !row.judged():
			c.remove = append(c.remove, row.id)
			c.loose = append(c.loose, row.clip)
		}
	}
	for i, l := range found {
		if len(heirs[i]) == 0 {
			c.created++
			c.insert = append(c.insert, l)
			continue
		}
		c.takeOver(l, heirs[i])
	}
	return c
}

// dropDuplicates leaves out what overlaps another recording's laugh, and what would be the same row
// twice.
func (c *change) dropDuplicates(found []laugh, taken []interval) []laugh {
	type key struct {
		start int64
		class string
	}
	seen := make(map[key]bool, len(found))
	var kept []laugh
	for _, l := range found {
		overlaps := slices.ContainsFunc(taken, func(t interval) bool { return t.start < l.end && l.start < t.end })
		if overlaps || seen[key{l.start, l.class}] {
			c.duplicates++
			c.loose = append(c.loose, l.clip)
			continue
		}
		seen[key{l.start, l.class}] = true
		kept = append(kept, l)
	}
	return kept
}

// takeOver merges the rows into one that says what l says. The judged row with the largest overlap
// gives its id and its mark; where none is judged, the one with the largest overlap.
func (c *change) takeOver(l laugh, rows []laugh) {
	slices.SortStableFunc(rows, func(a, b laugh) int { return cmp.Compare(shared(b, l), shared(a, l)) })
	heir := rows[0]
	var notes []string
	for _, row := range rows {
		if !heir.judged() && row.judged() {
			heir = row
		}
		l.mark = cmp.Or(l.mark, row.mark)
		l.star = l.star || row.star
		if row.note != "" && !slices.Contains(notes, row.note) {
			notes = append(notes, row.note)
		}
	}
	l.id = heir.id
	l.note = strings.Join(notes, "\n")
	for _, row := range rows {
		if row == l {
			continue
		}
		c.remove = append(c.remove, row.id)
		c.loose = append(c.loose, row.clip)
		if row.id == l.id {
			c.insert = append(c.insert, l)
		}
	}
}

// successor is the index of the laugh that overlaps the row most, or -1. Positions in the recording
// count, not instants: its start may have been corrected since. A laugh that would have the row's own
// place in the table succeeds it too.
func successor(row laugh, found []laugh) int {
	best, most := -1, int64(0)
	for i, l := range found {
		if n := shared(row, l); n > most {
			best, most = i, n
		}
		if best < 0 && l.start == row.start && l.class == row.class {
			best = i
		}
	}
	return best
}

// shared is how many samples two laughs of one recording have in common; below 0 where there is a gap.
func shared(a, b laugh) int64 { return min(a.last, b.last) - max(a.first, b.first) }
