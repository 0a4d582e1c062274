package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// laughsPage is how many laughs of a list are in memory at once.
	laughsPage = 500
	// leastPage is the smallest page of one user where a list has many.
	leastPage = 50
)

// within leaves out what does not lie in the span; a zero end is open.
func (w *where) within(column string, span orchestrator.Span) {
	if !span.Start.IsZero() {
		w.add(column+" >= ?", span.Start)
	}
	if !span.End.IsZero() {
		w.add(column+" < ?", span.End)
	}
}

// Laughs yields the laughs that the filter wants, in its order. Each user's are read page by page by an index, and
// merged: laughs that are added while the list is read may come or not. Unknown users have none. An After that is no
// Cursor is an error.
func (s *Store) Laughs(ctx context.Context, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error] {
	return func(yield func(orchestrator.StoredLaugh, error) bool) {
		lists, err := s.lists(ctx, filter)
		if err != nil {
			yield(orchestrator.StoredLaugh{}, fmt.Errorf("list laughs: %w", err))
			return
		}
		left := filter.Limit
		for laugh, err := range merge(lists, orders[filter.Order].compare) {
			if left--; !yield(laugh, err) || err != nil || left == 0 {
				return
			}
		}
	}
}

// LaughsOf is Laughs of these users alone: an empty list has no laughs, whatever the filter says of users. It is
// what a face calls that serves more than one person.
func (s *Store) LaughsOf(ctx context.Context, userIDs []int64, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error] {
	filter.Users, filter.UserIDs = nil, append([]int64{}, userIDs...)
	return s.Laughs(ctx, filter)
}

// lists are the laughs of each user that the filter wants, each in order.
func (s *Store) lists(ctx context.Context, filter orchestrator.LaughFilter) (lists []iter.Seq2[orchestrator.StoredLaugh, error], err error) {
	if _, known := orders[filter.Order]; !known {
		return nil, fmt.Errorf("unknown order %q", filter.Order)
	}
	var after *orchestrator.LaughCursor
	if filter.After != "" {
		c, err := orchestrator.ParseLaughCursor(filter.After)
		if err != nil {
			return nil, err
		}
		after = &c
	}
	owners, err := s.owners(ctx, filter)
	if err != nil {
		return nil, err
	}
	size := max(leastPage, laughsPage/max(1, len(owners)))
	if filter.Limit > 0 {
		size = min(size, filter.Limit)
	}
	for _, part := range parts(owners, filter) {
		lists = append(lists, pages(size, func(last *orchestrator.StoredLaugh) ([]orchestrator.StoredLaugh, error) {
			place := after
			if last != nil {
				c, err := orchestrator.ParseLaughCursor(last.Cursor())
				if err != nil {
					return nil, err
				}
				place = &c
			}
			return s.laughsPage(ctx, part, place, size)
		}))
	}
	return lists, nil
}

// part is what one index has in the filter's order: the laughs of one user.
type part struct {
	owner  orchestrator.User
	filter orchestrator.LaughFilter
}

// parts of a list. The index by certainty has a user's laughs tier by tier.
func parts(owners []orchestrator.User, filter orchestrator.LaughFilter) (all []part) {
	for _, owner := range owners {
		if filter.Order != orchestrator.OrderLeastCertain || filter.Tier != "" {
			all = append(all, part{owner, filter})
			continue
		}
		for _, tier := range []orchestrator.Tier{orchestrator.TierSure, orchestrator.TierMaybe} {
			filter.Tier = tier
			all = append(all, part{owner, filter})
		}
		filter.Tier = ""
	}
	return all
}

// owners are the users that a filter names.
func (s *Store) owners(ctx context.Context, filter orchestrator.LaughFilter) (owners []orchestrator.User, err error) {
	if filter.UserIDs != nil && len(filter.UserIDs) == 0 {
		return nil, nil
	}
	var w where
	in(&w, "name", filter.Users)
	in(&w, "id", filter.UserIDs)
	err = s.read(ctx, "find users", func(ctx context.Context, q querier) error {
		owners, err = findUsers(ctx, q, w)
		return err
	})
	return owners, err
}

// laughsPage reads at most size laughs of a part, behind a place.
func (s *Store) laughsPage(ctx context.Context, p part, after *orchestrator.LaughCursor, size int) (page []orchestrator.StoredLaugh, err error) {
	w, err := conditions(p.owner, p.filter)
	if err != nil {
		return nil, err
	}
	order := orders[p.filter.Order]
	if after != nil {
		w.add(order.after, order.place(*after)...)
	}
	by := order.by
	if p.filter.Starred {
		by = sorted.Replace(by)
	}
	query := fmt.Sprintf("%s%s ORDER BY %s LIMIT %d", selectLaughs, w.String(), by, size)
	err = s.read(ctx, "list laughs", func(ctx context.Context, q querier) error {
		page = nil
		return q.each(ctx, query, w.args, func(scan func(...any) error) error {
			l, err := scanLaugh(p.owner, scan)
			page = append(page, l)
			return err
		})
	})
	return page, err
}

// sorted hides the columns of orders from the indexes: starred laughs are few, have an index of their own, and are sorted at once, where
// an index in the order would lead through all laughs to them.
var sorted = strings.NewReplacer("l.score", "COALESCE(l.score, l.score)", "l.length_ms", "COALESCE(l.length_ms, l.length_ms)", "l.certainty", "COALESCE(l.certainty, l.certainty)")

// conditions of a filter on the laughs of one user. What chooses an index is written out: a database that prepares a
// statement does not know its parameters.
func conditions(owner orchestrator.User, filter orchestrator.LaughFilter) (w where, err error) {
	w.add("l.user_id = ?", owner.ID)
	in(&w, "l.public_id", filter.IDs)
	span := filter.Span
	if filter.From != (orchestrator.Date{}) || filter.To != (orchestrator.Date{}) {
		location := zone(owner.Timezone)
		if start := filter.From.Span(location).Start; filter.From != (orchestrator.Date{}) && start.After(span.Start) {
			span.Start = start
		}
		if end := filter.To.Span(location).End; filter.To != (orchestrator.Date{}) && (span.End.IsZero() || end.Before(span.End)) {
			span.End = end
		}
	}
	start := "l.start_at"
	if byTime := filter.Order == orchestrator.OrderOldest || filter.Order == orchestrator.OrderNewest; !byTime && !filter.Starred && len(filter.IDs) == 0 && wide(span) {
		start = "COALESCE(l.start_at, l.start_at)" // not by the index of starts: by that of the order, where enough are found soon
	}
	w.within(start, span)
	if filter.MinScore > 0 {
		w.add("l.score >= ?", filter.MinScore)
	}
	for _, equal := range []struct{ column, value string }{{"m.name", filter.Model}, {"l.class", filter.Class}, {"r.name", filter.Recording}, {"l.tier", string(filter.Tier)}} {
		if equal.value != "" {
			w.add(equal.column+" = ?", equal.value)
		}
	}
	if len(filter.Marks) > 0 {
		var marks []string
		for _, mark := range filter.Marks {
			if err := checkMark(mark); err != nil {
				return w, err
			}
			marks = append(marks, "l.mark = '"+string(mark)+"'")
		}
		w.conditions = append(w.conditions, either(marks))
	}
	for _, with := range filter.With {
		w.add("l.context LIKE ?", `%"with":[%"`+strings.NewReplacer("%", "", "_", "").Replace(with)+`"%]%`)
	}
	if filter.Starred {
		w.conditions = append(w.conditions, "l.star")
	}
	if filter.WithClip {
		w.conditions = append(w.conditions, "l.clip <> ''")
	}
	return w, nil
}

// wide tells whether there is more in a span than is quickly sorted.
func wide(span orchestrator.Span) bool {
	const most = 60 * 24 * time.Hour
	return span.Start.IsZero() || span.End.IsZero() || span.Duration() > most
}

func either(conditions []string) string {
	if len(conditions) == 1 {
		return conditions[0]
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// laughOrder is an order of lists, in SQL and in Go.
type laughOrder struct {
	by      string // ORDER BY
	after   string // the condition of what comes behind a place
	place   func(orchestrator.LaughCursor) []any
	compare func(a, b orchestrator.StoredLaugh) int
}

var orders = map[orchestrator.LaughOrder]laughOrder{
	orchestrator.OrderOldest: {"l.start_at, l.public_id", "(l.start_at, l.public_id) > (?, ?)",
		func(c orchestrator.LaughCursor) []any { return []any{c.Start, c.ID} },
		func(a, b orchestrator.StoredLaugh) int {
			return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
		}},
	orchestrator.OrderNewest: {"l.start_at DESC, l.public_id DESC", "(l.start_at, l.public_id) < (?, ?)",
		func(c orchestrator.LaughCursor) []any { return []any{c.Start, c.ID} },
		func(a, b orchestrator.StoredLaugh) int {
			return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.ID, a.ID))
		}},
	orchestrator.OrderLeastCertain: {"l.certainty, l.public_id", "(l.certainty, l.public_id) > (?, ?)",
		func(c orchestrator.LaughCursor) []any { return []any{c.Certainty, c.ID} },
		func(a, b orchestrator.StoredLaugh) int {
			return cmp.Or(cmp.Compare(a.Certainty, b.Certainty), cmp.Compare(a.ID, b.ID))
		}},
	orchestrator.OrderBest: {"l.score DESC, l.public_id DESC", "(l.score, l.public_id) < (?, ?)",
		func(c orchestrator.LaughCursor) []any { return []any{c.Score, c.ID} },
		func(a, b orchestrator.StoredLaugh) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.ID, a.ID))
		}},
	orchestrator.OrderLongest: {"l.length_ms DESC, l.public_id DESC", "(l.length_ms, l.public_id) < (?, ?)",
		func(c orchestrator.LaughCursor) []any { return []any{c.Length.Milliseconds(), c.ID} },
		func(a, b orchestrator.StoredLaugh) int {
			return cmp.Or(cmp.Compare(b.End.Sub(b.Start), a.End.Sub(a.Start)), cmp.Compare(b.ID, a.ID))
		}},
}

const selectLaughs = `SELECT l.public_id, l.day, l.start_at, l.end_at, l.score, l.class, l.tier, l.certainty, COALESCE(p.name, ''), COALESCE(p.version, 0), l.class_scores, l.context,
		r.name, r.uncertain_ns, l.first_sample, l.clip, m.name, m.version, m.sha256, l.mark, l.star, l.note
	FROM laughs l JOIN recordings r ON r.id = l.recording_id JOIN models m ON m.id = l.model_id LEFT JOIN policies p ON p.id = l.policy_id`

// scanLaugh reads a row of selectLaughs.
func scanLaugh(owner orchestrator.User, scan func(...any) error) (orchestrator.StoredLaugh, error) {
	l := orchestrator.StoredLaugh{UserID: owner.ID, User: owner.Name, Timezone: owner.Timezone}
	var first int64
	var policy string
	var version int
	var context laughContext
	err := scan(&l.ID, day{&l.Day}, instant{&l.Start}, instant{&l.End}, &l.Score, &l.Class, &l.Tier, &l.Certainty, &policy, &version, fromJSON{&l.ClassScores}, fromJSON{&context},
		&l.Recording, &l.Uncertainty, &first, &l.Clip, &l.Model, &l.ModelVersion, &l.ModelSHA256, &l.Mark, &l.Star, &l.Note)
	l.Offset = orchestrator.SamplesToDuration(first)
	l.Around, l.Evidence = context.Around, context.Evidence
	if policy != "" {
		l.Policy = fmt.Sprintf("%s-%d", policy, version)
	}
	return l, err
}

// zone is a user's time zone; UTC where this machine does not know it.
func zone(name string) *time.Location {
	location, err := orchestrator.User{Timezone: name}.Location()
	if err != nil {
		return time.UTC
	}
	return location
}

// merge joins sequences that are in order. It ends with the first error.
func merge[T any](sequences []iter.Seq2[T, error], compare func(a, b T) int) iter.Seq2[T, error] {
	if len(sequences) == 1 {
		return sequences[0]
	}
	type head struct {
		item T
		next func() (T, error, bool)
	}
	return func(yield func(T, error) bool) {
		var heads []head
		for _, sequence := range sequences {
			next, stop := iter.Pull2(sequence)
			defer stop()
			item, err, ok := next()
			if err != nil {
				yield(item, err)
				return
			}
			if ok {
				heads = append(heads, head{item, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if compare(heads[i].item, heads[first].item) < 0 {
					first = i
				}
			}
			if !yield(heads[first].item, nil) {
				return
			}
			item, err, ok := heads[first].next()
			switch {
			case err != nil:
				yield(item, err)
				return
			case ok:
				heads[first].item = item
			default:
				heads = slices.Delete(heads, first, first+1)
			}
		}
	}
}

// Unreferenced returns those of the keys that no laugh refers to, each once and in order.
func (s *Store) Unreferenced(ctx context.Context, keys []string) (free []string, err error) {
	err = s.read(ctx, "look for clips without laughs", func(ctx context.Context, q querier) error {
		free, err = unreferenced(ctx, q, keys)
		return err
	})
	return free, err
}

// SweepLocks removes what is left of locks of runs that are over, and returns how many there were.
func (s *Store) SweepLocks(ctx context.Context) (int, error) {
	if sweeper, ok := s.locker.(interface {
		Sweep(ctx context.Context) (int, error)
	}); ok {
		return sweeper.Sweep(ctx)
	}
	return 0, nil
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
