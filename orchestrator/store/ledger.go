package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// entry is a row of the ledger.
type entry struct {
	id int64 // 0 for a new row
	orchestrator.LedgerSpan
	runID string // that tried it last; empty where that is not known
}

// longestAbsence is how far back a run makes up for nights without any: longer than a server is away, and
// shorter than the years that a run of a single day long ago would ask for.
const longestAbsence = 90 * 24 * time.Hour

// Ledger returns what became of the user's time that span overlaps, in order: spans that do not
// overlap, as long as they were, also beyond span.
func (s *Store) Ledger(ctx context.Context, userID int64, span orchestrator.Span) (spans []orchestrator.LedgerSpan, err error) {
	err = s.read(ctx, "read ledger", func(ctx context.Context, q querier) error {
		spans = nil
		rows, err := findEntries(ctx, q, userID, span)
		for _, row := range rows {
			spans = append(spans, row.LedgerSpan)
		}
		return err
	})
	return spans, err
}

// Gaps returns the spans of a user's time that are not settled and end at or before the given time, in order:
// those that failed, those that are empty and end at or after emptySince, and, up to that time, those between and
// behind them that no run asked for, within longestAbsence. Between two that were imported it is left at what the
// other system made of it.
func (s *Store) Gaps(ctx context.Context, userID int64, before, emptySince time.Time) (gaps []orchestrator.Span, err error) {
	const query = `SELECT start_at, end_at FROM ledger
			WHERE user_id = ?1 AND end_at <= ?2 AND (state = 'failed' OR state = 'empty' AND end_at >= ?3)
		UNION ALL
		SELECT CASE WHEN end_at < ?4 THEN ?4 ELSE end_at END, next_at FROM (SELECT end_at, run_id, LEAD(start_at) OVER w AS next_at, LEAD(run_id) OVER w AS next_run
				FROM ledger WHERE user_id = ?1 WINDOW w AS (ORDER BY start_at)) known
			WHERE end_at < ?2 AND (next_at IS NULL OR next_at > end_at AND next_at > ?4 AND (run_id IS NOT NULL OR next_run IS NOT NULL))
		ORDER BY 1`
	err = s.read(ctx, "find gaps", func(ctx context.Context, q querier) error {
		gaps = nil
		return q.each(ctx, query, []any{userID, before, emptySince, before.Add(-longestAbsence)}, func(scan func(...any) error) error {
			var gap orchestrator.Span
			err := scan(instant{&gap.Start}, instant{&gap.End})
			if gap.End.IsZero() || gap.End.After(before) { // nothing is known from there on
				gap.End = stored(before)
			}
			gaps = append(gaps, gap)
			return err
		})
	})
	return gaps, err
}

// findEntries reads the rows that overlap span, in order. Rows do not overlap each other: the first one is the last that
// starts before span, if any.
func findEntries(ctx context.Context, q querier, userID int64, span orchestrator.Span) (rows []entry, err error) {
	err = q.each(ctx, `SELECT id, start_at, end_at, state, reason, attempts, tried_at, COALESCE(run_id, '') FROM ledger
		WHERE user_id = ?1 AND end_at > ?2 AND start_at < ?3
			AND start_at >= COALESCE((SELECT MAX(start_at) FROM ledger WHERE user_id = ?1 AND start_at <= ?2), ?2) ORDER BY start_at`, []any{userID, span.Start, span.End},
		func(scan func(...any) error) error {
			var e entry
			err := scan(&e.id, instant{&e.Start}, instant{&e.End}, &e.State, &e.Reason, &e.Attempts, instant{&e.LastTried}, &e.runID)
			rows = append(rows, e)
			return err
		})
	return rows, err
}

// noteSpans writes what a run found out about spans of the user's time.
func noteSpans(ctx context.Context, q querier, runID string, userID int64, spans []orchestrator.LedgerSpan) error {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s orchestrator.LedgerSpan) bool { return !s.Start.Before(s.End) })
	if len(spans) == 0 {
		return nil
	}
	whole := spans[0].Span
	for i := range spans {
		spans[i].Start, spans[i].End, spans[i].LastTried = stored(spans[i].Start), stored(spans[i].End), stored(spans[i].LastTried)
		if spans[i].Start.Before(whole.Start) {
			whole.Start = spans[i].Start
		}
		if spans[i].End.After(whole.End) {
			whole.End = spans[i].End
		}
	}
	old, err := findEntries(ctx, q, userID, whole)
	if err != nil {
		return err
	}
	rows := slices.Clone(old)
	for _, span := range spans {
		rows = note(rows, entry{LedgerSpan: span, runID: runID})
	}

	var remove []int64
	for _, row := range old {
		if !slices.Contains(rows, row) {
			remove = append(remove, row.id)
		}
	}
	if err := q.remove(ctx, "ledger", remove); err != nil {
		return err
	}
	var added [][]any
	for _, e := range rows {
		if !slices.Contains(old, e) {
			added = append(added, []any{userID, e.Start, e.End, string(e.State), e.Reason, e.Attempts, e.LastTried, optional(e.runID)})
		}
	}
	return q.insert(ctx, "INSERT INTO ledger (user_id, start_at, end_at, state, reason, attempts, tried_at, run_id)", added)
}

// note puts one more span into rows that do not overlap, and keeps them so. The same span again
// counts one more attempt, once for each run; of others, what the new one covers goes.
func note(rows []entry, e entry) []entry {
	var left []entry
	for _, row := range rows {
		if row.Start.Equal(e.Start) && row.End.Equal(e.End) {
			e.Attempts = row.Attempts
			if e.runID == "" || e.runID != row.runID {
				e.Attempts++
			}
			continue
		}
		if !row.Start.Before(e.End) || !e.Start.Before(row.End) {
			left = append(left, row)
			continue
		}
		before, after := row, row
		if before.End = e.Start; before.Start.Before(before.End) {
			before.id = 0
			left = append(left, before)
		}
		if after.Start = e.End; after.Start.Before(after.End) {
			after.id = 0
			left = append(left, after)
		}
	}
	left = append(left, e)
	slices.SortFunc(left, func(a, b entry) int { return cmp.Compare(a.Start.UnixMicro(), b.Start.UnixMicro()) })
	return left
}

// stored is t as it comes back from the database.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
