package store

import (
	"context"
	"fmt"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ofDays chooses a user's rows from one local day to another; a zero day leaves its side open.
func ofDays(userID int64, from, to orchestrator.Date) (w where) {
	w.add("user_id = ?", userID)
	if from != (orchestrator.Date{}) {
		w.add("day >= ?", from.String())
	}
	if to != (orchestrator.Date{}) {
		w.add("day <= ?", to.String())
	}
	return w
}

// Days counts a user's laughs by local day, from one day to another, the earliest first; a zero day leaves its side
// open. Days without laughs are left out.
func (s *Store) Days(ctx context.Context, userID int64, from, to orchestrator.Date) (days []orchestrator.DayCount, err error) {
	w := ofDays(userID, from, to)
	err = s.read(ctx, "count laughs by day", func(ctx context.Context, q querier) error {
		days = nil
		return q.each(ctx, `SELECT day,
				SUM(CASE WHEN tier = 'sure' AND mark <> 'wrong' THEN 1 ELSE 0 END), SUM(CASE WHEN tier = 'maybe' AND mark <> 'wrong' THEN 1 ELSE 0 END),
				SUM(CASE WHEN mark = 'wrong' THEN 1 ELSE 0 END),
				SUM(CASE WHEN tier = 'sure' AND mark = '' THEN 1 ELSE 0 END), SUM(CASE WHEN tier = 'maybe' AND mark = '' THEN 1 ELSE 0 END),
				SUM(CASE WHEN star THEN 1 ELSE 0 END)
			FROM laughs`+w.String()+" GROUP BY day ORDER BY day", w.args, func(scan func(...any) error) error {
			var c orchestrator.DayCount
			err := scan(day{&c.Date}, &c.Sure, &c.Maybe, &c.Wrong, &c.UnmarkedSure, &c.UnmarkedMaybe, &c.Starred)
			days = append(days, c)
			return err
		})
	})
	return days, err
}

// Hours counts a user's laughs that are not marked wrong by hour of the day and class, over local days as Days takes
// them; hours and classes without laughs are left out.
func (s *Store) Hours(ctx context.Context, userID int64, from, to orchestrator.Date) (counts []orchestrator.LaughCount, err error) {
	w := ofDays(userID, from, to)
	err = s.read(ctx, "count laughs by hour", func(ctx context.Context, q querier) error {
		counts = nil
		return q.each(ctx, `SELECT hour, class, SUM(CASE WHEN tier = 'sure' THEN 1 ELSE 0 END), SUM(CASE WHEN tier = 'maybe' THEN 1 ELSE 0 END)
			FROM laughs`+w.String()+" AND mark <> 'wrong' GROUP BY hour, class ORDER BY hour, class", w.args, func(scan func(...any) error) error {
			var c orchestrator.LaughCount
			err := scan(&c.Hour, &c.Class, &c.Sure, &c.Maybe)
			counts = append(counts, c)
			return err
		})
	})
	return counts, err
}

// Unreviewed counts a user's laughs that nobody marked, of a tier or of both, up to limit.
func (s *Store) Unreviewed(ctx context.Context, userID int64, tier orchestrator.Tier, limit int) (count int, err error) {
	var w where
	w.add("user_id = ?", userID)
	w.conditions = append(w.conditions, "mark = ''") // written out: it chooses the index
	if tier != "" {
		w.add("tier = ?", string(tier))
	}
	err = s.read(ctx, "count laughs to review", func(ctx context.Context, q querier) error {
		return q.one(ctx, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM laughs%s LIMIT %d) found", w.String(), limit), w.args, &count)
	})
	return count, err
}

// longestRecording is how far before a day a recording may begin that reaches into it.
const longestRecording = 7 * 24 * time.Hour

// Recordings returns where a user's recordings lie that overlap a span of time, by start: those that were read, and
// those that could not be, which have no length.
func (s *Store) Recordings(ctx context.Context, userID int64, span orchestrator.Span) (found []orchestrator.RecordingSpan, err error) {
	err = s.read(ctx, "list recordings", func(ctx context.Context, q querier) error {
		found = nil
		return q.each(ctx, `SELECT name, started_at, samples, status, error FROM recordings
			WHERE user_id = ?1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at, id`,
			[]any{userID, span.Start.Add(-longestRecording), span.End}, func(scan func(...any) error) error {
				var r orchestrator.RecordingSpan
				var samples int64
				var status string
				err := scan(&r.Name, instant{&r.Start}, &samples, &status, &r.Reason)
				r.Done, r.End = status == statusDone, r.Start.Add(orchestrator.SamplesToDuration(samples))
				if r.End.After(span.Start) || !r.Start.Before(span.Start) {
					found = append(found, r)
				}
				return err
			})
	})
	return found, err
}

// BestOfDays returns the laugh of each local day that is worth playing first: with a clip, not marked wrong, a starred
// one before others, a sure one before a maybe, then the best score. Days without one are left out; days are taken as
// Days takes them.
func (s *Store) BestOfDays(ctx context.Context, userID int64, from, to orchestrator.Date) (best map[orchestrator.Date]orchestrator.StoredLaugh, err error) {
	owners, err := s.owners(ctx, orchestrator.LaughFilter{UserIDs: []int64{userID}})
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	w := ofDays(userID, from, to)
	query := selectLaughs + ` JOIN (SELECT id, ROW_NUMBER() OVER (PARTITION BY day ORDER BY star DESC, tier DESC, score DESC, public_id) AS place
		FROM laughs` + w.String() + ` AND mark <> 'wrong' AND clip <> '') chosen ON chosen.id = l.id WHERE chosen.place = 1`
	err = s.read(ctx, "find best laughs", func(ctx context.Context, q querier) error {
		best = map[orchestrator.Date]orchestrator.StoredLaugh{}
		return q.each(ctx, query, w.args, func(scan func(...any) error) error {
			l, err := scanLaugh(owners[0], scan)
			best[l.Day] = l
			return err
		})
	})
	return best, err
}
