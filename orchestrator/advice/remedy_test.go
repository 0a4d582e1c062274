package advice_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
)

// codes reads the codes of problems out of the domain's source.
func codes(t *testing.T) (all []orchestrator.Code) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(testkit.Root(), "orchestrator", "problem.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, orchestrator.Code(value))
		return true
	})
	if len(all) < 30 {
		t.Fatalf("only %d codes were found", len(all))
	}
	return all
}

var command = regexp.MustCompile(`orchestrator |CHORTLE_|--[a-z]`)

// TestEveryCodeHasWords: a page never names commands, flags or variables.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	facts := orchestrator.Facts{"do": "make room", "user": "alice", "date": "2026-11-22", "until": "then", "setting": "CHORTLE_DATA_DIR"}
	for _, code := range codes(t) {
		for _, face := range []advice.Face{advice.Terminal, advice.Page} {
			if words := advice.Remedy(face, code, facts); words == "" || strings.Contains(words, "{") {
				t.Errorf("%s for face %d: %q", code, face, words)
			}
		}
		if words := advice.Remedy(advice.Page, code, facts); command.MatchString(words) && code != orchestrator.CodeDayNotOver &&
			code != orchestrator.CodeNoSecretKeyFile && code != orchestrator.CodeNothingHeard && code != orchestrator.CodeNoForeignDatabase && code != orchestrator.CodeNoForeignClips && code != orchestrator.CodeOtherDemo {
			t.Errorf("%s on a page: %q", code, words)
		}
	}
}

func TestOfError(t *testing.T) {
	t.Parallel()
	coded := orchestrator.WithCode(errors.New("open API key: there is none"), orchestrator.CodeAPIKeyMissing, "user", "alice")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no"), ""},
		{fmt.Errorf("test: %w", coded), "give one with: orchestrator user set alice --api-key-file FILE"},
		{orchestrator.WithCode(errors.New("disk full; make room"), orchestrator.CodeStoreBroken, "do", "make room"), ""}, // it is said already
		{&orchestrator.DamageError{}, "no action needed: the readable part was processed; if you have an undamaged copy, replace the file and run with --reprocess"},
	} {
		if got := advice.OfError(advice.Terminal, c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// TestRowsOlderThanCodesKeepTheirWords.
func TestRowsOlderThanCodesKeepTheirWords(t *testing.T) {
	t.Parallel()
	if got := advice.OfRunError(advice.Page, orchestrator.RunError{Message: "no page", Remedy: "play it"}); got != "play it" {
		t.Errorf("an old row: %q", got)
	}
	if got := advice.OfAlert(advice.Terminal, orchestrator.Alert{Kind: orchestrator.AlertUserFailed, Remedy: "play it"}); got != "play it" {
		t.Errorf("an alert about an old row: %q", got)
	}
	for _, kind := range []string{orchestrator.AlertFailedCalls, orchestrator.AlertMemoryAfter, orchestrator.AlertMemoryPeak, orchestrator.AlertNoAudio,
		orchestrator.AlertNoLaughs, orchestrator.AlertOldGap, orchestrator.AlertNoGoodRun, orchestrator.AlertRunFailed, orchestrator.AlertUserFailed, orchestrator.AlertUnfinished,
		orchestrator.AlertDigest, orchestrator.AlertBroker} {
		for _, face := range []advice.Face{advice.Terminal, advice.Page} {
			words := advice.OfAlert(face, orchestrator.Alert{Kind: kind, User: "alice"})
			if words == "" || face == advice.Page && command.MatchString(words) {
				t.Errorf("%s for face %d: %q", kind, face, words)
			}
		}
	}
}
