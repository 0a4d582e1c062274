package store_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrationNumbers: both databases have the same migrations, and no two of them the same number.
func TestMigrationNumbers(t *testing.T) {
	t.Parallel()
	names := map[string]map[string]string{} // by dialect and number
	for _, dialect := range []string{"sqlite", "postgres"} {
		names[dialect] = map[string]string{}
		files, err := filepath.Glob(filepath.Join(dialect, "migrations", "*.sql"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no migrations, %v", dialect, err)
		}
		for _, file := range files {
			number, name, _ := strings.Cut(filepath.Base(file), "_")
			if other := names[dialect][number]; other != "" {
				t.Errorf("%s: %s and %s are both number %s", dialect, other, name, number)
			}
			names[dialect][number] = name
		}
	}
	for number, name := range names["sqlite"] {
		if other := names["postgres"][number]; other != name {
			t.Errorf("number %s is %q for SQLite and %q for Postgres", number, name, other)
		}
	}
	if len(names["sqlite"]) != len(names["postgres"]) {
		t.Errorf("%d migrations for SQLite, %d for Postgres", len(names["sqlite"]), len(names["postgres"]))
	}
}
