package limitless

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Whatever is known of a day: what is asked for is all that is open, once, and nothing else.
func TestWindowsCoverWhatIsOpen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
		span := orchestrator.Span{Start: start, End: start.Add(time.Duration(rapid.IntRange(1, 25*60).Draw(t, "minutes")) * time.Minute)}
		chunk := time.Duration(rapid.IntRange(1, 120).Draw(t, "chunk")) * time.Minute
		nights := rapid.IntRange(0, 7).Draw(t, "nights")
		now := span.End.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "later")) * 24 * time.Hour)
		var ledger []orchestrator.LedgerSpan
		at := start.Add(-time.Hour)
		for range rapid.IntRange(0, 12).Draw(t, "known") {
			at = at.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "gap")) * time.Second)
			end := at.Add(time.Duration(rapid.IntRange(1, 7200).Draw(t, "length")) * time.Second)
			ledger = append(ledger, orchestrator.LedgerSpan{Span: orchestrator.Span{Start: at, End: end}, LastTried: now.Add(-time.Hour),
				State: rapid.SampledFrom([]orchestrator.SpanState{orchestrator.SpanRead, orchestrator.SpanEmpty, orchestrator.SpanFailed}).Draw(t, "state")})
			at = end
		}
		plan := planWindows(span, chunk, ledger, now.Add(-time.Duration(nights)*24*time.Hour))
		all := slices.Concat(plan.gaps, plan.fresh)
		asked := func(at time.Time) (n int) {
			for _, w := range all {
				if w.Contains(at) {
					n++
				}
			}
			return n
		}
		for _, w := range all {
			if w.Duration() <= 0 || w.Duration() > chunk || w.Start.Before(span.Start) || w.End.After(span.End) {
				t.Fatalf("window %v", w)
			}
		}
		for at := span.Start; at.Before(span.End); at = at.Add(30 * time.Second) {
			want := 1
			for _, known := range ledger {
				old := now.Sub(known.End) > time.Duration(nights)*24*time.Hour
				if known.Contains(at) && (known.State == orchestrator.SpanRead || known.State == orchestrator.SpanEmpty && old) {
					want = 0
				}
			}
			if got := asked(at); got != want {
				t.Fatalf("%v is asked for %d times, want %d", at, got, want)
			}
		}
	})
}

// A window that was halved goes on with the halves of its halves.
func TestWindowsAreThoseOfTheUndisturbedDay(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	minute := func(n float64) time.Time { return day.Add(time.Duration(n * float64(time.Minute))) }
	known := []orchestrator.LedgerSpan{{Span: orchestrator.Span{Start: day, End: minute(3.75)}, State: orchestrator.SpanRead}}
	plan := planWindows(orchestrator.Span{Start: day, End: minute(60)}, 30*time.Minute, known, day.Add(-7*24*time.Hour))
	want := []orchestrator.Span{{Start: minute(3.75), End: minute(7.5)}, {Start: minute(7.5), End: minute(15)}, {Start: minute(15), End: minute(30)}, {Start: minute(30), End: minute(60)}}
	if len(plan.fresh) != len(want) || len(plan.gaps) != 0 {
		t.Fatalf("%v", plan)
	}
	for i, w := range plan.fresh {
		if w.Span != want[i] {
			t.Errorf("window %d is %v, want %v", i, w.Span, want[i])
		}
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	var b breaker
	away := errors.New("504")
	feed := func(errs ...error) (asked int) {
		b.begin()
		for _, err := range errs {
			if b.open() {
				break
			}
			b.note(err)
			asked++
		}
		return asked
	}
	for i, step := range []struct {
		outcome []error
		asked   int
	}{
		{[]error{away, away, nil, away, away, ErrNoAudio, errRefused, away}, 8},
		{[]error{nil, away, away, away, away}, 4}, // three in a row are enough
		{[]error{away, away, away}, 1},            // and from then on one
		{[]error{nil, away, away, away, away}, 4}, // until a call succeeds
	} {
		if got := feed(step.outcome...); got != step.asked {
			t.Errorf("step %d: asked %d times, want %d", i, got, step.asked)
		}
	}
}
