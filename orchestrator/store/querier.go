package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// batchRows bounds the rows of one statement, well below the 32,766 parameters that SQLite takes.
const batchRows = 200

// querier runs statements, in a transaction or without one.
type querier struct {
	on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	dialect Dialect
}

// exec returns the number of rows that were changed.
func (q querier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.on.ExecContext(ctx, q.dialect.Bind(query), storable(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls row for every row of the answer, with the function that scans it.
func (q querier) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := q.on.QueryContext(ctx, q.dialect.Bind(query), storable(args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row; orchestrator.ErrNotFound when there is none.
func (q querier) one(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := q.each(ctx, query, args, func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	})
	if err == nil && !found {
		return orchestrator.ErrNotFound
	}
	return err
}

// insert adds rows of the same number of columns, many at a time. head is what comes before VALUES.
func (q querier) insert(ctx context.Context, head string, rows [][]any) error {
	_, err := q.insertOr(ctx, head, rows, "")
	return err
}

// insertOr is insert with what comes behind the values, such as ON CONFLICT. It returns how many rows were stored.
func (q querier) insertOr(ctx context.Context, head string, rows [][]any, end string) (stored int64, err error) {
	for batch := range slices.Chunk(rows, batchRows) {
		var values placeholders
		var args []any
		groups := make([]string, len(batch))
		for i, row := range batch {
			groups[i] = values.group(len(row))
			args = append(args, row...)
		}
		n, err := q.exec(ctx, head+" VALUES "+strings.Join(groups, ", ")+" "+end, args...)
		if err != nil {
			return stored, err
		}
		stored += n
	}
	return stored, nil
}

// remove deletes rows by id.
func (q querier) remove(ctx context.Context, table string, ids []int64) error {
	for batch := range slices.Chunk(ids, batchRows) {
		var w where
		in(&w, "id", batch)
		if _, err := q.exec(ctx, "DELETE FROM "+table+w.String(), w.args...); err != nil {
			return err
		}
	}
	return nil
}

// placeholders numbers parameters.
type placeholders int

// group returns the next n as "(?1, ?2)".
func (p *placeholders) group(n int) string {
	names := make([]string, n)
	for i := range names {
		*p++
		names[i] = fmt.Sprintf("?%d", *p)
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// storable makes arguments fit for every database: text is valid UTF-8 without NUL, which Postgres
// refuses (names of files and messages about them come from outside), and instants are whole
// microseconds, so that one that comes back compares equal.
func storable(args []any) []any {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(arg, "\uFFFD"), "\x00", "\uFFFD")
		case time.Time:
			args[i] = stored(arg)
		}
	}
	return args
}

// asJSON is for values that always can be encoded: texts, and numbers that are finite.
func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// fromJSON scans a JSON column into what v points at; NULL leaves it as it is.
type fromJSON struct{ v any }

// Scan implements sql.Scanner.
func (j fromJSON) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(src), j.v)
	case []byte:
		return json.Unmarshal(src, j.v)
	}
	return errors.New("scan JSON column: want text")
}

// instant scans a time, in UTC; NULL is the zero time. A number is microseconds since 1970: that is how
// SQLite keeps a time, and what MAX makes of one there.
type instant struct{ t *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(src any) error {
	if micros, ok := src.(int64); ok {
		src = time.UnixMicro(micros)
	}
	var t sql.NullTime
	if err := t.Scan(src); err != nil {
		return err
	}
	*i.t = time.Time{}
	if t.Valid {
		*i.t = t.Time.UTC()
	}
	return nil
}

// where collects the conditions of a query.
type where struct {
	conditions []string
	args       []any
	next       placeholders
}

// add takes a condition with one "?" for each argument.
func (w *where) add(condition string, args ...any) {
	for range args {
		w.next++
		condition = strings.Replace(condition, "?", fmt.Sprintf("\x00%d", w.next), 1)
	}
	w.conditions = append(w.conditions, strings.ReplaceAll(condition, "\x00", "?"))
	w.args = append(w.args, args...)
}

// in takes the values that a column may have; none means any.
func in[T any](w *where, column string, values []T) {
	if len(values) == 0 {
		return
	}
	w.conditions = append(w.conditions, column+" IN "+w.next.group(len(values)))
	for _, v := range values {
		w.args = append(w.args, v)
	}
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// pages joins the pages of a list. fetch returns at most size items that follow last, which is nil at
// the beginning.
func pages[T any](size int, fetch func(last *T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for {
			page, err := fetch(last)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if len(page) < size {
				return
			}
			last = &page[len(page)-1]
		}
	}
}
