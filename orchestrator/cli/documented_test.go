package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

var documentedField = regexp.MustCompile("^\\| `([^`]+)` \\|")

// documentedFields reads the fields of each document out of docs/json.md.
func documentedFields(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{}
	var headings []string
	for line := range strings.Lines(string(page)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			headings = strings.Split(strings.TrimSpace(heading), ", ")
		}
		if match := documentedField.FindStringSubmatch(line); match != nil {
			for _, heading := range headings {
				fields[heading] = append(fields[heading], match[1])
			}
		}
	}
	for list, of := range map[string][2]string{"runs list": {"runs", "run"}, "user list": {"users", "user show"}} {
		fields[list] = append(fields[list], of[0])
		for _, field := range fields[of[1]] {
			fields[list] = append(fields[list], of[0]+"[]."+field)
		}
	}
	for _, field := range fields["laughs list"] {
		if of, ok := strings.CutPrefix(field, "laughs[]."); ok {
			fields["laughs diff"] = append(fields["laughs diff"], "agreed[].a[]."+of, "agreed[].b[]."+of)
		}
	}
	return fields
}
