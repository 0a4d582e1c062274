package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
)

// laughsPage is how many laughs are in memory at once.
const laughsPage = 500

// within leaves out what does not lie in the span; a zero end is open.
func (w *where) within(column string, span orchestrator.Span) {
	if !span.Start.IsZero() {
		w.add(column+" >= ?", span.Start)
	}
	if !span.End.IsZero() {
		w.add(column+" < ?", span.End)
	}
}

// Laughs yields the laughs that the filter wants, by start. What is added behind the last one while
// they are read comes too.
func (s *Store) Laughs(ctx context.Context, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error] {
	return pages(laughsPage, func(last *orchestrator.StoredLaugh) (page []orchestrator.StoredLaugh, err error) {
		var w where
		in(&w, "u.name", filter.Users)
		if filter.Model != "" {
			w.add("m.name = ?", filter.Model)
		}
		if filter.MinScore > 0 {
			w.add("l.score >= ?", filter.MinScore)
		}
		w.within("l.start_at", filter.Span)
		if last != nil {
			w.add("(l.start_at, l.id) > (?, ?)", last.Start, last.ID)
		}
		err = s.read(ctx, "list laughs", func(ctx context.Context, q querier) error {
			page = nil
			return q.each(ctx, `SELECT l.id, u.name, u.timezone, l.start_at, l.end_at, l.score, l.class, l.class_scores,
					r.name, r.uncertain_ns, l.first_sample, l.clip, m.name, m.version, m.sha256, l.mark, l.star, l.note
				FROM laughs l JOIN users u ON u.id = l.user_id JOIN recordings r ON r.id = l.recording_id
					JOIN models m ON m.id = l.model_id`+w.String()+fmt.Sprintf(`
				ORDER BY l.start_at, l.id LIMIT %d`, laughsPage), w.args, func(scan func(...any) error) error {
				var l orchestrator.StoredLaugh
				var first int64
				err := scan(&l.ID, &l.User, &l.Timezone, instant{&l.Start}, instant{&l.End}, &l.Score, &l.Class,
					fromJSON{&l.ClassScores}, &l.Recording, &l.Uncertainty, &first, &l.Clip, &l.Model, &l.ModelVersion, &l.ModelSHA256, &l.Mark, &l.Star, &l.Note)
				l.Offset = orchestrator.SamplesToDuration(first)
				page = append(page, l)
				return err
			})
		})
		return page, err
	})
}

// Judge stores what a person says of a laugh, and replaces what was said before.
// orchestrator.ErrNotFound when there is no such laugh.
func (s *Store) Judge(ctx context.Context, laughID int64, mark orchestrator.Mark, star bool, note string) error {
	verb := fmt.Sprintf("judge laugh %d", laughID)
	switch mark {
	case orchestrator.MarkNone, orchestrator.MarkRight, orchestrator.MarkWrong:
	default:
		return fmt.Errorf("%s: unknown mark %q; want %q, %q or none", verb, mark, orchestrator.MarkRight, orchestrator.MarkWrong)
	}
	return s.transaction(ctx, verb, func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "UPDATE laughs SET mark = ?1, star = ?2, note = ?3 WHERE id = ?4", string(mark), star, note, laughID)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return err
	})
}

// ClipKeys yields every key that a laugh refers to, once, in order.
func (s *Store) ClipKeys(ctx context.Context) iter.Seq2[string, error] {
	const size = 1000
	return pages(size, func(last *string) (page []string, err error) {
		after := ""
		if last != nil {
			after = *last
		}
		err = s.read(ctx, "list clips", func(ctx context.Context, q querier) error {
			page = nil
			return q.each(ctx, fmt.Sprintf("SELECT DISTINCT clip FROM laughs WHERE clip > ?1 ORDER BY clip LIMIT %d", size),
				[]any{after}, func(scan func(...any) error) error {
					var key string
					err := scan(&key)
					page = append(page, key)
					return err
				})
		})
		return page, err
	})
}
