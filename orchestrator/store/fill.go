package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// unfilled is where the public ids begin of rows of an older schema: those that SQL alone could not give their
// values. No public id has it.
const unfilled = "~"

// fill gives rows of an older schema their public ids, local days and lengths. It is begun again where it was
// interrupted, and writes nothing where nothing is to be done.
func (s *Store) fill(ctx context.Context) error {
	for {
		left := false
		err := s.transaction(ctx, "fill laughs", func(ctx context.Context, q querier) (err error) {
			left, err = fillLaughs(ctx, q)
			return err
		})
		if err != nil || !left {
			return err
		}
	}
}

// withoutNames are the laughs of a dump of an older schema, ready to be filled.
func withoutNames(laughs orchestrator.Table) orchestrator.Table {
	id := slices.Index(laughs.Columns, "id")
	rows := laughs.Rows
	laughs.Columns = append(slices.Clone(laughs.Columns), "public_id")
	laughs.Rows = func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil && id >= 0 && id < len(row) {
				row = append(slices.Clone(row), fmt.Sprint(unfilled, row[id]))
			}
			if !yield(row, err) {
				return
			}
		}
	}
	return laughs
}

// fillLaughs fills some rows, and tells whether there may be more. The ids are those that the laughs would get if
// they were stored now.
func fillLaughs(ctx context.Context, q querier) (more bool, err error) {
	const size = 10 * batchRows
	var rows [][]any
	var bases [][]string
	zones := map[string]*time.Location{}
	err = q.each(ctx, fmt.Sprintf(`SELECT l.id, l.start_at, l.end_at, l.score, u.uid, u.timezone, r.sha256, m.name, m.version, m.sha256, l.first_sample
		FROM laughs l JOIN users u ON u.id = l.user_id JOIN recordings r ON r.id = l.recording_id JOIN models m ON m.id = l.model_id
		WHERE l.public_id >= '%s' ORDER BY l.public_id LIMIT %d`, unfilled, size), nil, func(scan func(...any) error) error {
		var id, start, end, first int64
		var score float64
		var timezone string
		base := make([]string, 6)
		err := scan(&id, millis{&start}, millis{&end}, &score, &base[0], &timezone, &base[1], &base[2], &base[3], &base[4], &first)
		base[5] = strconv.FormatInt(first, 10)
		if zones[timezone] == nil {
			zones[timezone] = zone(timezone)
		}
		day, hour := local(start, zones[timezone])
		rows, bases = append(rows, []any{id, nil, day, hour, end - start, score}), append(bases, base)
		return err
	})
	if err != nil {
		return false, err
	}
	ids, err := freeIDs(ctx, q, bases)
	if err != nil {
		return false, err
	}
	for i := range rows {
		rows[i][1] = ids[i]
	}
	return len(rows) == size, q.update(ctx, "laughs", []string{"public_id TEXT", "day TEXT", "hour BIGINT", "length_ms BIGINT", "certainty DOUBLE PRECISION"}, rows)
}

// moveDays puts a user's laughs on the local days of another zone.
func moveDays(ctx context.Context, q querier, userID int64, location *time.Location) error {
	var last int64
	for {
		const size = 10 * batchRows
		read := 0
		var rows [][]any
		err := q.each(ctx, fmt.Sprintf("SELECT id, start_at, day, hour FROM laughs WHERE user_id = ?1 AND id > ?2 ORDER BY id LIMIT %d", size),
			[]any{userID, last}, func(scan func(...any) error) error {
				var start int64
				var before string
				var beforeHour int
				err := scan(&last, millis{&start}, &before, &beforeHour)
				day, hour := local(start, location)
				if read++; day != before || hour != beforeHour {
					rows = append(rows, []any{last, day, hour})
				}
				return err
			})
		if err != nil {
			return err
		}
		if err := q.update(ctx, "laughs", []string{"day TEXT", "hour BIGINT"}, rows); err != nil {
			return err
		}
		if read < size {
			return nil
		}
	}
}

// update sets columns, each with its type, of the rows whose ids come first.
func (q querier) update(ctx context.Context, table string, columns []string, rows [][]any) error {
	for batch := range slices.Chunk(rows, batchRows) {
		var n placeholders
		var args []any
		values := make([]string, len(batch))
		for i, row := range batch {
			fields := make([]string, len(row))
			for k := range row {
				kind := "BIGINT"
				if k > 0 {
					_, kind, _ = strings.Cut(columns[k-1], " ")
				}
				n++
				fields[k] = fmt.Sprintf("CAST(?%d AS %s)", n, kind)
			}
			values[i], args = "("+strings.Join(fields, ", ")+")", append(args, row...)
		}
		set := make([]string, len(columns))
		for k, column := range columns {
			name, _, _ := strings.Cut(column, " ")
			set[k] = fmt.Sprintf("%s = v.column%d", name, k+2)
		}
		_, err := q.exec(ctx, "UPDATE "+table+" SET "+strings.Join(set, ", ")+" FROM (VALUES "+strings.Join(values, ", ")+") AS v WHERE "+table+".id = v.column1", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// freeIDs makes a public id from each of the lists of parts: the same as ever, unless a laugh has it, or had it
// before it was forgotten.
func freeIDs(ctx context.Context, q querier, bases [][]string) ([]string, error) {
	ids := make([]string, len(bases))
	taken := map[string]bool{}
	open := make([]int, len(bases)) // those that are still to be chosen
	for i := range open {
		open[i] = i
	}
	for try := 0; len(open) > 0; try++ {
		var wanted []string
		for _, i := range open {
			parts := bases[i]
			if try > 0 {
				parts = append(slices.Clone(parts), strconv.Itoa(try))
			}
			ids[i] = orchestrator.LaughID(parts...)
			wanted = append(wanted, ids[i])
		}
		for batch := range slices.Chunk(wanted, batchRows) {
			if err := findIDs(ctx, q, batch, taken); err != nil {
				return nil, err
			}
		}
		var again []int
		for _, i := range open {
			if taken[ids[i]] {
				again = append(again, i)
			}
			taken[ids[i]] = true
		}
		open = again
	}
	return ids, nil
}

// findIDs adds those that are taken.
func findIDs(ctx context.Context, q querier, ids []string, taken map[string]bool) error {
	var w where
	in(&w, "public_id", ids)
	return q.each(ctx, "SELECT public_id FROM laughs"+w.String()+" UNION ALL SELECT public_id FROM forgotten"+w.String(), w.args,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			taken[id] = true
			return err
		})
}
