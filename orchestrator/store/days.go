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
		return q.each(ctx, "SELECT day, tier, mark, star, COUNT(*) FROM laughs"+w.String()+" GROUP BY day, tier, mark, star ORDER BY day", w.args,
			func(scan func(...any) error) error {
				var date orchestrator.Date
				var tier orchestrator.Tier
				var mark orchestrator.Mark
				var star bool
				var n int
				if err := scan(day{&date}, &tier, &mark, &star, &n); err != nil {
					return err
				}
				if len(days) == 0 || days[len(days)-1].Date != date {
					days = append(days, orchestrator.DayCount{Date: date})
				}
				count(&days[len(days)-1], tier, mark, star, n)
				return nil
			})
	})
	return days, err
}

// count adds laughs of one kind to those of their day.
func count(d *orchestrator.DayCount, tier orchestrator.Tier, mark orchestrator.Mark, star bool, n int) {
	if star {
		d.Starred += n
	}
	all, unmarked := &d.Sure, &d.UnmarkedSure
	if tier == orchestrator.TierMaybe {
		all, unmarked = &d.Maybe, &d.UnmarkedMaybe
	}
	switch mark {
	case orchestrator.MarkWrong:
		d.Wrong += n
	case orchestrator.MarkNone:
		*unmarked += n
		*all += n
	case orchestrator.MarkRight:
		*all += n
	}
}

// hoursQuery counts by an index for each hour of each class that the user has: to sort the rows would take longer.
var hoursQuery = `WITH RECURSIVE classes (class) AS (
		SELECT MIN(class) FROM laughs WHERE user_id = ?1 AND mark <> 'wrong'
		UNION ALL
		SELECT (SELECT MIN(class) FROM laughs WHERE user_id = ?1 AND mark <> 'wrong' AND class > c.class) FROM classes c WHERE c.class IS NOT NULL
	), hours (hour) AS (SELECT 0 UNION ALL SELECT hour + 1 FROM hours WHERE hour < 23)
	SELECT h.hour, c.class, ` + ofHour("sure", "*") + ", " + ofHour("maybe", "*") + ", " + ofHour("maybe", "CASE WHEN l.mark = 'right' THEN 1 END") + ` FROM hours h, classes c WHERE c.class IS NOT NULL ORDER BY h.hour, c.class`

// ofHour counts what is not NULL. Its conditions are always the same, for they choose the index.
func ofHour(tier, what string) string {
	return `(SELECT COUNT(` + what + `) FROM laughs l WHERE l.user_id = ?1 AND l.class = c.class AND l.tier = '` + tier + `' AND l.hour = h.hour AND l.day >= ?2 AND l.day <= ?3 AND l.mark <> 'wrong')`
}

// Hours counts a user's laughs that are not marked wrong by hour of the day and class, over local days as Days takes
// them; hours and classes without laughs are left out.
func (s *Store) Hours(ctx context.Context, userID int64, from, to orchestrator.Date) (counts []orchestrator.LaughCount, err error) {
	first, last := "", "9999-12-31"
	if from != (orchestrator.Date{}) {
		first = from.String()
	}
	if to != (orchestrator.Date{}) {
		last = to.String()
	}
	err = s.read(ctx, "count laughs by hour", func(ctx context.Context, q querier) error {
		counts = nil
		return q.each(ctx, hoursQuery, []any{userID, first, last}, func(scan func(...any) error) error {
			var c orchestrator.LaughCount
			err := scan(&c.Hour, &c.Class, &c.Sure, &c.Maybe, &c.RightMaybe)
			if c.Sure+c.Maybe > 0 {
				counts = append(counts, c)
			}
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

// longestRecording is how far before a time a recording, or a laugh, may begin that reaches it.
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
