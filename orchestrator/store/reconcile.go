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
	id          int64  // 0 for a new row
	publicID    string // of a new row, or of the one that it is
	recording   int64  // id
	length      int64  // of the recording, in samples
	start, end  int64  // milliseconds since 1970
	first, last int64  // samples of the recording, half-open; last lies beyond where it goes on in the next one
	score       float64
	class       string
	tier        orchestrator.Tier
	certainty   float64
	policy      int64  // id; 0 where it is not known
	day         string // YYYY-MM-DD in the user's zone, and the hour there
	hour        int
	classScores string // JSON
	context     string // JSON of laughContext
	clip        string
	mark        orchestrator.Mark
	star        bool
	note        string
}

func (l laugh) judged() bool { return l.mark != orchestrator.MarkNone || l.star || l.note != "" }

// joint is how far apart two recordings may lie, or how far they may overlap, for a laugh to go on from
// one into the other, in milliseconds: a recorder loses a little between two files.
const joint = 500

const samplesPerMilli = orchestrator.SampleRateHz / 1000

func near(a, b int64) bool { return max(a, b)-min(a, b) <= joint }

// cut tells whether the laugh touches the end of its recording, and may go on in the next one.
func (l laugh) cut() bool { return l.last >= l.length }

// border is where the recording of a laugh ends that is cut there.
func (l laugh) border() int64 { return l.end - (l.last-l.length)/samplesPerMilli }

// until is the laugh with another end.
func (l laugh) until(end int64) laugh {
	l.last += (end - l.end) * samplesPerMilli
	l.end = end
	return l
}

// goesOn tells whether b, in another recording, is the rest of a.
func goesOn(a, b laugh) bool {
	return a.cut() && b.first == 0 && a.start < b.start && (near(a.border(), b.start) || near(a.end, b.start))
}

// change is what has to happen to the rows of a recording.
type change struct {
	insert     []laugh // rows that were changed keep their id, and are removed first
	remove     []int64
	created    int
	duplicates int
	// loose are the clips of rows that went and of laughs that were not stored.
	loose []string
	// copies are laughs of this or another recording that do not count, because the same sound counts elsewhere.
	copies []laughCopy
}

// laughCopy is a laugh that does not count.
type laughCopy struct {
	of          string // public id of the laugh that counts
	recording   int64
	first, last int64
	score       float64
	later       int64 // milliseconds by which it is later than the laugh that counts
}

func copyOf(publicID string, l laugh, counts laugh) laughCopy {
	return laughCopy{of: publicID, recording: l.recording, first: l.first, last: l.last, score: l.score, later: l.start - counts.start}
}

// reconcile compares the laughs that were found in a recording, which begins at a time in milliseconds,
// with the rows that it has, and with those that the user's other recordings have about then. A laugh
// takes over the row that it overlaps, with what people said of it; a judged row that nothing overlaps
// stays.
//
// What sounds the same as another recording's laugh is a duplicate: its twin. The one with the better score counts, and
// takes over the row. So is what overlaps another recording's laugh where nobody knows how the two sound, and the half of a laugh that lies across the
// border of two recordings: the row is the half that begins it, which says what was heard there and ends
// where the laugh ends, whichever half is stored first.
func reconcile(begin int64, old, found, others []laugh, twins []twin) change {
	var c change
	now := reach(begin, found, others)
	found, worse := c.dropDuplicates(found, others, now, twins)

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
	gains := make([][]laugh, len(others)) // likewise
	taken := make([]bool, len(others))    // by a better copy
	for i, l := range found {
		rows, end := heirs[i], l.end
		if k := worse[i]; k >= 0 {
			rows = append(rows, others[k])
		}
		for _, row := range rows { // it goes on as far as before
			if l.cut() {
				end = max(end, l.end+(row.last-row.length)/samplesPerMilli)
			}
		}
		l = l.until(end)
		if rest := slices.IndexFunc(others, func(o laugh) bool { return goesOn(l, o) }); rest >= 0 {
			l = l.until(max(l.end, others[rest].end))
			rows = append(rows, others[rest])
			now[rest] = others[rest]
		}
		k := precedes(others, l)
		switch {
		case k >= 0:
			now[k] = now[k].until(max(now[k].end, l.end))
			gains[k] = append(gains[k], rows...)
			c.duplicates++
			c.loose = append(c.loose, l.clip)
			continue
		case len(rows) == 0:
			if l.tier != orchestrator.TierMaybe { // counts are of what is shown
				c.created++
			}
			c.insert = append(c.insert, l)
			continue
		case len(heirs[i]) == 0: // its rest was there, or a worse copy
			c.duplicates++
		}
		publicID := c.takeOver(l, rows)
		if k := worse[i]; k >= 0 {
			c.copies = append(c.copies, copyOf(publicID, others[k], l))
			now[k] = others[k]
			taken[k] = true
		}
	}
	for k, o := range others {
		if !taken[k] {
			c.takeOver(now[k], append(gains[k], o))
		}
	}
	return c
}

// precedes is the index of the laugh that l goes on from, or -1.
func precedes(others []laugh, l laugh) int {
	return slices.IndexFunc(others, func(o laugh) bool { return goesOn(o, l) })
}

// reach is what becomes of other recordings' laughs that were cut where the recording begins: they end
// with what was found to go on from them.
func reach(begin int64, found, others []laugh) []laugh {
	now := slices.Clone(others)
	for k, o := range others {
		if o.cut() && near(o.border(), begin) {
			now[k] = o.until(o.border())
		}
	}
	for _, l := range found {
		if k := precedes(others, l); k >= 0 {
			end := max(now[k].end, l.end)
			if l.cut() { // and on, into the recording behind this one, as before
				end = max(end, others[k].end)
			}
			now[k] = now[k].until(end)
		}
	}
	return now
}

// dropDuplicates leaves out what counts in another recording, unless it is a part of it, and what would be the same row
// twice. worse are, for each laugh that is left, the index of another recording's that it takes the place of, or -1.
func (c *change) dropDuplicates(found, others, now []laugh, twins []twin) (kept []laugh, worse []int) {
	type key struct {
		start int64
		class string
	}
	seen := make(map[key]bool, len(found))
	claimed := make(map[int]bool)
	for i, l := range found {
		overlaps, replaces := false, -1
		for k, o := range others {
			if goesOn(o, l) || goesOn(l, o) {
				continue
			}
			switch twin := twins[i]; {
			case twin.other == k && l.score > o.score+clearlyBetter && !claimed[k]:
				replaces = k
			case twin.other == k:
				overlaps = true
				c.copies = append(c.copies, copyOf(o.publicID, l, o))
			case twin.blind[k]:
				overlaps = overlaps || now[k].start < l.end && l.start < now[k].end
			}
		}
		if overlaps || seen[key{l.start, l.class}] {
			c.duplicates++
			c.loose = append(c.loose, l.clip)
			continue
		}
		seen[key{l.start, l.class}] = true
		claimed[replaces] = true
		kept, worse = append(kept, l), append(worse, replaces)
	}
	return kept, worse
}

// takeOver merges the rows into one that says what l says. The judged row with the largest overlap
// gives its ids and its mark; where none is judged, the one with the largest overlap. It returns the public id.
func (c *change) takeOver(l laugh, rows []laugh) string {
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
	l.id, l.publicID = heir.id, heir.publicID
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
	return l.publicID
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

// shared is how many samples two laughs have in common; below 0 where there is a gap.
func shared(a, b laugh) int64 {
	if a.recording != b.recording {
		return (min(a.end, b.end) - max(a.start, b.start)) * samplesPerMilli
	}
	return min(a.last, b.last) - max(a.first, b.first)
}
