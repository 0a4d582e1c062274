package storetest

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// testHostileDump holds Load to refuse rows that no program would have stored (H3, M7, M11), each before anything is
// changed.
func testHostileDump(t *testing.T, f *fixture, other *fixture) {
	f.fill(t, "one", f.user(t, "alice"))
	before := other.content(t)
	const controls = "x\x1b]0;PWNED\x07"
	for _, c := range []struct {
		table, column string
		value         any
	}{
		{"users", "name", "../alice"},
		{"users", "name", controls},
		{"users", "timezone", "Nowhere/City"},
		{"users", "threshold", 7.0},
		{"users", "policy", `{"unknown":1}`},
		{"users", "inferd", controls},
		{"users", "source", "folder:/a\nfolder:/b"},
		{"users", "enabled", "yes"},
		{"users", "priority", "first"},
		{"laughs", "class", controls},
		{"laughs", "class", []byte("x\x1b[2J")},
		{"laughs", "clip", "../../etc/passwd"},
		{"laughs", "clip", "alice/" + controls},
		{"laughs", "public_id", "<script>"},
		{"laughs", "day", "today"},
		{"laughs", "hour", int64(99)},
		{"laughs", "start_at", "2026-11-22T00:00:00Z"},
		{"laughs", "class_scores", "{"},
		{"laughs", "first_sample", int64(-1)},
		{"laughs", "note", "a\x00b"},
		{"models", "name", controls},
		{"models", "laughter", `["` + `\u001b[31m` + `"]`},
		{"models", "laughter", `{}`},
		{"runs", "id", controls},
		{"runs", "started_at", int64(1)},
		{"run_users", "date", "../.."},
		{"run_users", "timezone", controls},
		{"run_errors", "facts", "no json"},
		{"scores", "data", bomb(t)},
		{"scores", "data", []byte("no zlib")},
		{"scores", "frame_hop", int64(0)},
		{"scores", "samples", int64(-5)},
	} {
		taken := dump(t, f.Store)
		done := false
		tables := taken.Tables
		taken.Tables = func(yield func(orchestrator.Table, error) bool) {
			for table, err := range tables {
				rows, at := table.Rows, slices.Index(table.Columns, c.column)
				if table.Name == c.table {
					table.Rows = func(yield func([]any, error) bool) {
						for row, err := range rows {
							row = slices.Clone(row)
							row[at], done = c.value, true
							if !yield(row, err) {
								return
							}
						}
					}
				}
				if !yield(table, err) {
					return
				}
			}
		}
		if _, err := other.Load(t.Context(), taken); !done || !errors.Is(err, store.ErrBadRow) {
			t.Errorf("%s.%s = %.40q: %v (changed: %v)", c.table, c.column, fmt.Sprint(c.value), err, done)
		}
	}
	expect(t, "after all of them", other.content(t), before)
	_, err := other.Load(t.Context(), dump(t, f.Store))
	must(t, err)
}

// bomb is a few hundred kilobytes that unpack to 200 MB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	block := make([]byte, 1<<20)
	for range 200 {
		_, err := w.Write(block)
		must(t, err)
	}
	must(t, w.Close())
	return packed.Bytes()
}
