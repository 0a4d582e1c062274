package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// dump reads a whole store.
func dump(t *testing.T, s *store.Store) (d orchestrator.Dump) {
	t.Helper()
	var tables []orchestrator.Table
	schema, err := s.Dump(t.Context(), func(table orchestrator.Table) error {
		var rows [][]any
		for row, err := range table.Rows {
			if err != nil {
				return err
			}
			rows = append(rows, slices.Clone(row))
		}
		table.Rows = func(yield func([]any, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
		tables = append(tables, table)
		return nil
	})
	must(t, err)
	return orchestrator.Dump{Schema: schema, Tables: func(yield func(orchestrator.Table, error) bool) {
		for _, table := range tables {
			if !yield(table, nil) {
				return
			}
		}
	}}
}

// content is everything that a store answers, but for users who are left out.
func (f *fixture) content(t *testing.T) (all []any) {
	t.Helper()
	ctx := t.Context()
	users, err := f.Users(ctx)
	must(t, err)
	runs, err := f.Runs(ctx, 100)
	must(t, err)
	all = append(all, users, runs, f.laughs(t, orchestrator.LaughFilter{}))
	for _, user := range users {
		ledger, err := f.Ledger(ctx, user.ID, orchestrator.Span{Start: noon.Add(-time.Hour * 99), End: noon.Add(time.Hour * 99)})
		must(t, err)
		keys, err := f.UserClips(ctx, user.ID)
		must(t, err)
		names, err := f.FormerNames(ctx, user.ID)
		must(t, err)
		all = append(all, ledger, keys, names)
	}
	secrets, err := f.Secrets(ctx)
	must(t, err)
	status, err := f.Status(ctx)
	must(t, err)
	return append(all, secrets, status)
}

// fill stores something of everything for each of the users.
func (f *fixture) fill(t *testing.T, run string, users ...orchestrator.User) {
	t.Helper()
	begun := f.begin(t, run, noon)
	for _, user := range users {
		result := Result(user, Recording("a-of-"+user.Name+".ogg", noon), At(1, 2), At(100, 101.5))
		for i := range result.Laughs {
			result.Laughs[i].Clip = user.Name + "/" + result.Laughs[i].Clip
		}
		result.RunID = run
		f.save(t, result)
		must(t, f.SaveDay(t.Context(), run, fullDay(user)))
		must(t, f.SetSecret(t.Context(), store.Secret{UserID: user.ID, Field: "api_key", Sealed: "v1.x.y"}))
	}
	begun.FinishedAt, begun.Status, begun.ExitCode, begun.Error = noon.Add(time.Minute), orchestrator.StatusFailed, 1, "lock user alice: no"
	must(t, f.EndRun(t.Context(), begun))
}

func testDump(t *testing.T, f *fixture, other *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "zoe"), f.user(t, "bob")
	alice.Name = "alice"
	must(t, f.UpdateUser(ctx, alice))
	f.fill(t, "one", alice, bob)
	want := f.content(t)
	taken := dump(t, f.Store)

	var clips []string
	taken.Commit = func(keys []string) error { clips = keys; return nil }
	loaded, err := other.Load(ctx, taken)
	must(t, err)
	expect(t, "loaded", other.content(t), want)
	expect(t, "clips", clips, []string{"alice/clip-1-2", "alice/clip-100-101.5", "bob/clip-1-2", "bob/clip-100-101.5"})
	expect(t, "rows", []int64{loaded.Rows["users"], loaded.Rows["laughs"], loaded.Rows["run_errors"]}, []int64{2, 4, 4})
	carol := other.user(t, "carol") // gets an id of her own
	if carol.ID <= bob.ID {
		t.Errorf("carol has id %d", carol.ID)
	}

	// It goes into an empty database only, unless that is to be replaced; and what fails changes nothing.
	if _, err := other.Load(ctx, taken); !errors.Is(err, orchestrator.ErrExists) {
		t.Errorf("into a full one: %v", err)
	}
	before := other.content(t)
	taken.Replace, taken.Commit = true, func([]string) error { return errors.New("no room for clips") }
	if _, err := other.Load(ctx, taken); err == nil {
		t.Error("the clips' error is lost")
	}
	expect(t, "after a failure", other.content(t), before)
	taken.Commit = nil
	_, err = other.Load(ctx, taken)
	must(t, err)
	expect(t, "replaced", other.content(t), want)

	// Who is purged stays purged; who comes back under the name is somebody else.
	_, err = f.PurgeUser(ctx, alice)
	must(t, err)
	again := f.user(t, "alice")
	loaded, err = f.Load(ctx, taken)
	must(t, err)
	expect(t, "left out", loaded.Purged, 1)
	users, err := f.Users(ctx)
	must(t, err)
	expect(t, "without alice", users, []orchestrator.User{bob})
	for _, run := range collectRuns(t, f) {
		if run.Error != "" || len(run.Days) != 1 {
			t.Errorf("the log tells of her: %+v", run)
		}
	}
	if rows := f.laughs(t, orchestrator.LaughFilter{}); len(rows) != 2 || rows[0].User != "bob" {
		t.Errorf("laughs: %+v", rows)
	}
	again.ID = 0
	again, err = f.AddUser(ctx, again)
	must(t, err)
	later := dump(t, f.Store)
	later.Replace = true
	_, err = other.Load(ctx, later) // its tombstones come along
	must(t, err)
	users, err = other.Users(ctx)
	must(t, err)
	expect(t, "with the new alice", users, []orchestrator.User{again, bob})
	if _, err := other.Load(ctx, taken); err != nil {
		t.Error(err)
	}
	users, err = other.Users(ctx)
	must(t, err)
	expect(t, "the old alice is purged there too", users, []orchestrator.User{bob})

	taken.Schema = 1 << 20
	if _, err := other.Load(ctx, taken); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("a newer one: %v", err)
	}
}

func collectRuns(t *testing.T, f *fixture) []orchestrator.Run {
	t.Helper()
	runs, err := f.Runs(t.Context(), 100)
	must(t, err)
	return runs
}
