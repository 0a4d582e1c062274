package orchestrator_test

import (
	"errors"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestDamageSaysHowMuchAndWhere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		damage orchestrator.DamageError
		want   string
	}{
		{orchestrator.DamageError{First: 723*16000 + 6400, Lost: 51200}, "damaged: 3.2s of its sound is lost, the first at 0:12:03.4"},
		{orchestrator.DamageError{First: 36059*16000 + 15999}, "damaged: some of its sound is lost, the first at 10:00:59.9"},
	} {
		if got := test.damage.Error(); got != test.want || !errors.Is(&test.damage, orchestrator.ErrBadRecording) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
