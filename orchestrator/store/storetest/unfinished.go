package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// testUnfinished lets a store go in the middle of a run, as the end of its process does.
func testUnfinished(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice := f.user(t, "alice")
	opened, err := f.Open()
	must(t, err)
	other := &fixture{Store: opened, Database: f.Database}
	none := func(what string, stores ...*store.Store) {
		t.Helper()
		for _, s := range stores {
			runs, err := s.Unfinished(ctx)
			must(t, err)
			expect(t, what, len(runs), 0)
		}
	}
	ended := other.begin(t, "ended", noon)
	ended.FinishedAt, ended.Status = noon.Add(time.Hour), orchestrator.StatusOK
	must(t, other.EndRun(ctx, ended))
	killed := other.begin(t, "killed", noon.Add(time.Hour))
	day := fullDay(alice)
	must(t, other.SaveDay(ctx, killed.ID, day))
	killed.Days = []orchestrator.UserDay{day}
	alive := f.begin(t, "alive", noon.Add(2*time.Hour))
	none("while all are under way", f.Store, other.Store)
	must(t, other.Close())

	runs, err := f.Unfinished(ctx)
	must(t, err)
	expect(t, "unfinished", runs, []orchestrator.Run{killed})
	var closing sync.WaitGroup
	var counting sync.Mutex
	var closed []orchestrator.Run
	for _, s := range []*store.Store{f.Store, f.again(t)} {
		closing.Go(func() {
			runs, err := s.CloseUnfinished(ctx, noon.Add(24*time.Hour))
			if err != nil {
				t.Error(err)
			}
			counting.Lock()
			defer counting.Unlock()
			closed = append(closed, runs...)
		})
	}
	closing.Wait()
	killed.FinishedAt, killed.Status, killed.ExitCode, killed.Error = killed.StartedAt.Add(day.Took).Truncate(time.Microsecond), orchestrator.StatusFailed, 1, "it never ended: something killed it"
	expect(t, "closed, once", closed, []orchestrator.Run{killed})
	for id, want := range map[string]orchestrator.Run{"ended": ended, "killed": killed, "alive": alive} {
		run, err := f.Run(ctx, id)
		must(t, err)
		expect(t, id, run, want)
	}
	none("when it is closed", f.Store)

	// A clock that was set back puts no end behind the moment at which it is noticed.
	other.Store, err = f.Open()
	must(t, err)
	other.begin(t, "early", noon.Add(3*time.Hour))
	must(t, other.Close())
	closed, err = f.CloseUnfinished(ctx, noon)
	must(t, err)
	if len(closed) != 1 || closed[0].ID != "early" || !closed[0].FinishedAt.Equal(noon) {
		t.Errorf("closed by a clock that was set back: %+v", closed)
	}
}
