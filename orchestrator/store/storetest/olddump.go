package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// testForgottenDump: a backup from before a laugh was forgotten.
func testForgottenDump(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	other := Result(alice, Recording("a.ogg", noon), At(1.5, 3))
	other.Model.Name = "laughnet"
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(5, 6)))
	f.save(t, other)
	f.save(t, Result(alice, Recording("late.ogg", noon.Add(time.Hour)), At(1, 2)))
	earlier := dump(t, f.Store)
	f.save(t, Result(alice, Recording("later.ogg", noon.Add(2*time.Hour)), At(1, 2)))
	laughs := f.laughs(t, orchestrator.LaughFilter{Model: "yamnet"})
	for _, l := range []orchestrator.StoredLaugh{laughs[0], laughs[3]} { // the second one's recording is not in the backup
		_, err := f.Forget(ctx, []int64{alice.ID}, l.ID)
		must(t, err)
	}
	var clips []string
	earlier.Replace, earlier.Commit = true, func(keys []string) error { clips = keys; return nil }
	loaded, err := f.Load(ctx, earlier)
	must(t, err)
	left := f.laughs(t, orchestrator.LaughFilter{})
	expect(t, "left", spans(left), []string{"5-6", "3601-3602"})
	expect(t, "rows", loaded.Rows["laughs"], int64(2))
	// The forgotten one of the same name in another recording keeps its clip's key in use.
	expect(t, "clips", clips, []string{"clip-1-2", "clip-5-6"})
	f.save(t, Result(alice, Recording("a.ogg", noon), At(1, 2), At(5, 6)))
	f.save(t, Result(alice, Recording("later.ogg", noon.Add(2*time.Hour)), At(1, 2)))
	expect(t, "left when it is read again", f.laughs(t, orchestrator.LaughFilter{}), left)
	_, err = f.PurgeUser(ctx, alice)
	must(t, err)
}

// testOldDump takes away what the schema of the first release did not have, and expects it all back.
func testOldDump(t *testing.T, f *fixture, other *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	bob.Timezone = "Asia/Tokyo"
	must(t, f.UpdateUser(ctx, bob))
	f.fill(t, "run", alice, bob)
	many := make([]orchestrator.Laugh, 2345)
	for i := range many {
		many[i] = At(float64(i)*1.5, float64(i)*1.5+1)
	}
	f.save(t, Result(bob, Recording("many.ogg", noon.Add(10*time.Hour)), many...))
	want := f.content(t)
	taken := dump(t, f.Store)
	fresh := map[string][]string{
		"users":  {"policy"},
		"scores": {"policy_id", "features"},
		"laughs": {"public_id", "day", "hour", "length_ms", "tier", "certainty", "policy_id", "context", "features"},
	}
	tables := taken.Tables
	taken.Schema = 7
	taken.Tables = func(yield func(orchestrator.Table, error) bool) {
		for table, err := range tables {
			if table.Name == "forgotten" || table.Name == "policies" {
				continue
			}
			if !yield(without(table, fresh[table.Name]), err) {
				return
			}
		}
	}
	_, err := other.Load(ctx, taken)
	must(t, err)
	expect(t, "content", other.content(t), want)
	days, err := f.Days(ctx, bob.ID, orchestrator.Date{}, orchestrator.Date{})
	must(t, err)
	again, err := other.Days(ctx, bob.ID, orchestrator.Date{}, orchestrator.Date{})
	must(t, err)
	expect(t, "days", again, days)
	hours, err := f.Hours(ctx, bob.ID, orchestrator.Date{}, orchestrator.Date{})
	must(t, err)
	againHours, err := other.Hours(ctx, bob.ID, orchestrator.Date{}, orchestrator.Date{})
	must(t, err)
	expect(t, "hours", againHours, hours)
	longest := orchestrator.LaughFilter{Order: orchestrator.OrderLongest, Limit: 5}
	expect(t, "the longest", other.laughs(t, longest), f.laughs(t, longest))
}

// without takes columns away.
func without(table orchestrator.Table, columns []string) orchestrator.Table {
	keep := make([]bool, len(table.Columns))
	for i, column := range table.Columns {
		keep[i] = !slices.Contains(columns, column)
	}
	table.Columns = slices.DeleteFunc(slices.Clone(table.Columns), func(column string) bool { return slices.Contains(columns, column) })
	rows := table.Rows
	table.Rows = func(yield func([]any, error) bool) {
		for row, err := range rows {
			var left []any
			for i, value := range row {
				if keep[i] {
					left = append(left, value)
				}
			}
			if !yield(left, err) {
				return
			}
		}
	}
	return table
}
