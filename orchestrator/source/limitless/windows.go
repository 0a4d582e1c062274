package limitless

import (
	"cmp"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// window is a span to ask for in one call.
type window struct {
	orchestrator.Span
	// empty is true where the API had nothing when it was asked before.
	empty bool
	// tried is when it failed last; zero where it never did.
	tried time.Time
	// read is true where some of it is read already: to ask again in vain leaves it so.
	read bool
	// afterSilence is true where the API had nothing just before it.
	afterSilence bool
}

// plan is what to ask for.
type plan struct {
	gaps  []window // what failed before, the least recently tried first
	fresh []window // the rest, by time
}

// planWindows cuts what is not settled of span into windows. They are cells of a grid of chunk, counted from
// the span's start, or halves of such cells, or halves of those: the same windows that are asked for when
// answers are short, so that a day that was interrupted goes on as if it had not been.
func planWindows(span orchestrator.Span, chunk time.Duration, ledger []orchestrator.LedgerSpan, emptySince time.Time) (p plan) {
	state := survey{ledger, emptySince}
	for start := span.Start; start.Before(span.End); start = start.Add(chunk) {
		for _, w := range state.cover(orchestrator.Span{Start: start, End: earlier(start.Add(chunk), span.End)}) {
			if w.tried.IsZero() {
				p.fresh = append(p.fresh, w)
			} else {
				p.gaps = append(p.gaps, w)
			}
		}
	}
	slices.SortStableFunc(p.gaps, func(a, b window) int { return cmp.Or(a.tried.Compare(b.tried), a.Start.Compare(b.Start)) })
	return p
}

// survey is what is known of a day.
type survey struct {
	ledger     []orchestrator.LedgerSpan // in order, and without overlap
	emptySince time.Time                 // what is empty and ends before is so for good
}

// cover lists the fewest windows that hold what is open of a cell, and nothing that is settled.
func (s survey) cover(cell orchestrator.Span) []window {
	pieces := s.pieces(cell)
	if len(pieces) == 0 || len(pieces) == 1 && pieces[0].Span == cell || cell.Duration() <= smallestWindow/2 {
		return pieces
	}
	middle := halfWay(cell)
	return append(s.cover(orchestrator.Span{Start: cell.Start, End: middle}), s.cover(orchestrator.Span{Start: middle, End: cell.End})...)
}

// pieces are the parts of a cell that are neither read nor, for good, empty. Neighbours are one piece, unless
// one is known to be empty and the other is not.
func (s survey) pieces(cell orchestrator.Span) (pieces []window) {
	at, silence := cell.Start, false
	add := func(w window) {
		if !w.Start.Before(w.End) {
			return
		}
		if last := len(pieces) - 1; last >= 0 && pieces[last].End.Equal(w.Start) && pieces[last].empty == w.empty {
			pieces[last].End, pieces[last].tried = w.End, later(pieces[last].tried, w.tried)
			return
		}
		pieces = append(pieces, w)
	}
	for _, known := range s.ledger {
		empty := known.State == orchestrator.SpanEmpty
		if known.End.Equal(at) {
			silence = empty
		}
		if !known.Start.Before(cell.End) || !at.Before(known.End) {
			continue
		}
		add(window{Span: orchestrator.Span{Start: at, End: known.Start}, afterSilence: silence})
		part := orchestrator.Span{Start: later(at, known.Start), End: earlier(known.End, cell.End)}
		switch young := !known.End.Before(s.emptySince); {
		case known.State == orchestrator.SpanFailed:
			add(window{Span: part, tried: known.LastTried, afterSilence: silence && part.Start.Equal(at)})
		case empty && young:
			add(window{Span: part, empty: true})
		}
		at, silence = known.End, empty
	}
	add(window{Span: orchestrator.Span{Start: at, End: cell.End}, afterSilence: silence})
	return pieces
}

// halfWay is where a window is cut in two.
func halfWay(span orchestrator.Span) time.Time {
	return span.Start.Add(span.Duration() / 2).Truncate(time.Millisecond)
}

// again makes the plan one for all of span, also for what is read.
func again(span orchestrator.Span, chunk time.Duration, ledger []orchestrator.LedgerSpan) plan {
	all := planWindows(span, chunk, nil, time.Time{})
	for i, w := range all.fresh {
		all.fresh[i].read = slices.ContainsFunc(ledger, func(known orchestrator.LedgerSpan) bool {
			return known.State == orchestrator.SpanRead && known.Start.Before(w.End) && w.Start.Before(known.End)
		})
	}
	return all
}

// join makes spans of windows of which nothing is known, or that they failed; neighbours become one.
func join(windows []window) (spans []orchestrator.Span) {
	for _, w := range windows {
		switch last := len(spans) - 1; {
		case w.empty || w.read || !w.Start.Before(w.End):
		case last >= 0 && spans[last].End.Equal(w.Start):
			spans[last].End = w.End
		default:
			spans = append(spans, w.Span)
		}
	}
	return spans
}

// cutDone takes what is done off the first window, of which that is true up to the given time.
func cutDone(windows []window, done time.Time) []window {
	windows = slices.Clone(windows)
	windows[0].Start = done
	return windows
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
