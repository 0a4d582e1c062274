package cli_test

import (
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestALockHasOneOutcome: whatever a command does to a user, a run that reads that user ends it with the same message
// and code.
func TestALockHasOneOutcome(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	s := p.openStore()
	user, err := s.User(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, args := range []string{"user wipe alice --yes", "user purge alice --yes", "rescore --threshold 0.3"} {
		r := p.run(strings.Fields(args)...)
		if r.code != orchestrator.ExitLocked || !strings.Contains(r.stderr, "lock user alice: a run reads this user; wait until it ends") {
			t.Errorf("%s: exit code %d: %s", args, r.code, r.stderr)
		}
	}
}
