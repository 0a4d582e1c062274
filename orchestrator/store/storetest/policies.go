package storetest

import (
	"errors"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func testPolicyChanges(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	if _, err := f.UndoPolicy(ctx, alice.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("undo of nothing: %v", err)
	}
	if err := f.ChangePolicy(ctx, alice.ID, 0, `{"classes": 1}`, ""); err == nil {
		t.Error("a policy that is none was stored")
	}
	if err := f.ChangePolicy(ctx, 99, 0, "", ""); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("the policy of nobody: %v", err)
	}
	first, second := `{"release": 0.004}`, `{"release": 0.003}`
	must(t, f.ChangePolicy(ctx, alice.ID, alice.Threshold, first, "by hand"))
	must(t, f.ChangePolicy(ctx, alice.ID, alice.Threshold, first, "the same"))
	changed, err := f.User(ctx, "alice")
	must(t, err)
	changed.Policy, changed.Threshold = second, 0.5
	must(t, f.UpdateUser(ctx, changed)) // of everything else, too
	must(t, f.UpdateUser(ctx, changed))
	changes, err := f.PolicyChanges(ctx, alice.ID)
	must(t, err)
	if len(changes) != 2 || changes[0].Policy != first || changes[0].Note != "by hand" || changes[1].BeforePolicy != first || changes[1].Threshold != 0.5 {
		t.Fatalf("changes %+v", changes)
	}
	for _, want := range []string{first, alice.Policy} {
		undone, err := f.UndoPolicy(ctx, alice.ID)
		must(t, err)
		now, err := f.User(ctx, "alice")
		must(t, err)
		if now.Policy != want || now.Threshold != alice.Threshold || undone.BeforePolicy != want {
			t.Errorf("policy is %q of %v, want %q", now.Policy, now.Threshold, want)
		}
	}
	if _, err := f.UndoPolicy(ctx, alice.ID); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("undo of everything: %v", err)
	}
	if of, err := f.PolicyChanges(ctx, bob.ID); err != nil || len(of) != 0 {
		t.Errorf("bob's changes: %v, %v", of, err)
	}
	_, err = f.PurgeUser(ctx, alice)
	must(t, err)
	if of, err := f.PolicyChanges(ctx, alice.ID); err != nil || len(of) != 0 {
		t.Errorf("changes of who was purged: %v, %v", of, err)
	}
}
