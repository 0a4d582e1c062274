package api

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/testkit"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDescription holds docs/openapi.json to the table of routes and the documents.
func TestDescription(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Log: logrus.New()})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(testkit.Root(), "docs", "openapi.json")
	if *update {
		if err := os.WriteFile(path, append(s.Description(), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(committed)) != string(s.Description()) {
		t.Error("docs/openapi.json is not that of the program: go test ./orchestrator/web/api -run TestDescription -update")
	}
	var described struct {
		Paths map[string]map[string]struct {
			Responses map[string]any
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(committed, &described); err != nil {
		t.Fatal(err)
	}
	for _, rule := range s.routes() {
		if operation, ok := described.Paths[rule.path][strings.ToLower(rule.method)]; !ok || len(operation.Responses) < 1 {
			t.Errorf("%s %s is not described", rule.method, rule.path)
		}
	}
	for name := range meanings {
		schema, field, _ := strings.Cut(name, ".")
		properties, _ := described.Components.Schemas[schema].(map[string]any)
		if all, _ := properties["properties"].(map[string]any); all[field] == nil {
			t.Errorf("%s means something and is no field of an answer", name)
		}
	}
}
