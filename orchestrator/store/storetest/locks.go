package storetest

import (
	"errors"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// testNamedLocks: what is shared keeps out who wants to be alone, and the other way round.
func testNamedLocks(t *testing.T, f *fixture) {
	ctx := t.Context()
	other := f.again(t)
	locked := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, orchestrator.ErrLocked) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	first, err := f.LockShared(ctx, "work")
	must(t, err)
	second, err := other.LockShared(ctx, "work")
	must(t, err)
	third, err := f.LockShared(ctx, "work")
	must(t, err)
	_, err = other.LockExclusive(ctx, "work")
	locked("beside three", err)
	free, err := other.LockExclusive(ctx, "something else")
	must(t, err)
	first()
	first() // once more does no harm
	third()
	_, err = f.LockExclusive(ctx, "work")
	locked("beside one", err)
	second()
	alone, err := other.LockExclusive(ctx, "work")
	must(t, err)
	for name, s := range map[string]*store.Store{"another store": f.Store, "the same store": other} {
		_, err = s.LockShared(ctx, "work")
		locked(name+", shared", err)
		_, err = s.LockExclusive(ctx, "work")
		locked(name+", alone", err)
	}
	alone()
	free()
	again, err := f.LockShared(ctx, "work")
	must(t, err)
	again()
}
