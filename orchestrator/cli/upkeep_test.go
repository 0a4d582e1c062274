package cli_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

// oldDatabase puts a database of an older version into the data folder.
func (p *place) oldDatabase() {
	p.Helper()
	packed, err := os.Open(filepath.Join(testkit.Root(), "orchestrator/store/sqlite/testdata/schema7.db.gz"))
	if err != nil {
		p.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		p.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		p.Fatal(err)
	}
	p.file("data", "chortle.db", content)
}

// An upgrade keeps the database as it was, for this user's eyes only, and a purge leaves nobody in such a copy.
func TestAnUpgradeKeepsTheDatabaseAsItWas(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.oldDatabase()
	copies := func() []string {
		found, err := filepath.Glob(p.path("data/backups/*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	p.must("user", "list")
	p.must("user", "list")
	found := copies()
	if len(found) != 1 || !strings.HasPrefix(filepath.Base(found[0]), "before-schema-") {
		t.Fatalf("copies: %v", found)
	}
	if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	other := newPlace(t, "CHORTLE_DATABASE_URL=sqlite:"+found[0], "CHORTLE_MIGRATION_BACKUPS=0")
	if users := other.json(0, "user", "list"); at(users, "users", 1, "user") != "bob" {
		t.Errorf("the copy has %v", users)
	}
	if left, _ := filepath.Glob(other.path("data/backups/*")); len(left) > 0 {
		t.Errorf("none was wanted: %v", left)
	}
	p.must("user", "purge", "bob", "--yes")
	if found := copies(); len(found) > 0 {
		t.Errorf("bob is still in %v", found)
	}

	// Without room for it nothing changes.
	full := newPlace(t)
	full.oldDatabase()
	full.file("data", "backups", []byte("no folder"))
	if r := full.run("user", "list"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "CHORTLE_MIGRATION_BACKUPS=0") && !strings.Contains(r.stderr, "before its schema changes") {
		t.Errorf("%+v", r)
	}
}

// A damaged database is read into a new file beside it, which the program goes on with.
func TestDoctorRepairs(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must(day...)
	repaired := p.json(0, "doctor", "--repair")
	if diff := len(fieldsOf("", repaired)); diff == 0 {
		t.Fatal(repaired)
	}
	documented := documentedFields(t)["doctor --repair"]
	for _, field := range fieldsOf("", repaired) {
		if !strings.Contains(strings.Join(documented, " ")+" ", field+" ") {
			t.Errorf("docs/json.md does not describe %s", field)
		}
	}
	path, _ := repaired["new"].(string)
	p.environ = append(p.environ, "CHORTLE_DATABASE_URL=sqlite:"+path)
	if laughs := p.json(0, "laughs", "list"); at(laughs, "laughs", 0, "user") != "alice" {
		t.Errorf("%v", laughs)
	}
	if r := newPlace(t, "CHORTLE_DATABASE_URL=postgres://nobody@127.0.0.1:1/x").run("doctor", "--repair"); r.code != orchestrator.ExitUsage {
		t.Errorf("Postgres: %+v", r)
	}
}
