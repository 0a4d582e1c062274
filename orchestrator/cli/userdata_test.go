package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// holds lists the files below a folder whose name or content has a word.
func (p *place) holds(folder, word string) (files []string) {
	p.Helper()
	for _, name := range p.tree(folder) {
		content, err := os.ReadFile(filepath.Join(p.path(folder), name))
		if err != nil {
			p.Fatal(err)
		}
		if strings.Contains(name, word) || bytes.Contains(content, []byte(word)) {
			files = append(files, name)
		}
	}
	return files
}

func TestDefect1WipeAndPurgeTouchNobodyElse(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	a.must("user", "set", "alice", "--keep-originals")
	a.must(day...)
	bob := a.results("bob")
	if len(a.tree("data/users/1/originals")) == 0 || len(a.holds("data", "alice")) == 0 {
		t.Fatalf("there is nothing to delete: %v", a.tree("data"))
	}
	if r := a.run("user", "purge", "alice"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "--yes") {
		t.Errorf("without --yes: %+v", r)
	}
	a.file("data/clips", "alice/2026/11/21/left-by-a-crash.opus", []byte("x"))

	wiped := a.json(0, "user", "wipe", "alice", "--yes")
	if want := float64(laughsIn(twoUsers["alice"])); at(wiped, "laughs") != want || at(wiped, "clips") != want+1 || at(wiped, "purged") != false {
		t.Errorf("wiped: %v", wiped)
	}
	if left := a.tree("data/clips/alice"); len(left) > 0 || at(a.json(0, "laughs", "list", "--user", "alice"), "laughs", 0) != nil {
		t.Errorf("left: %v", left)
	}
	if again := a.json(0, append(day, "--user", "alice")...); at(again, "users", 0, "laughs", "new") != 0.0 {
		t.Errorf("the next run undoes the wiping: %v", again)
	}
	a.must(append(day, "--user", "alice", "--reprocess")...)
	if got := len(a.tree("data/clips/alice")); got != laughsIn(twoUsers["alice"]) {
		t.Errorf("reprocessed: %d clips", got)
	}

	purged := a.json(0, "user", "purge", "alice", "--yes")
	if at(purged, "purged") != true || at(purged, "recordings") == 0.0 || at(purged, "runs") != 3.0 {
		t.Errorf("purged: %v", purged)
	}
	for _, word := range []string{"alice", apiKeyOf("alice")} {
		if left := a.holds("data", word); len(left) > 0 {
			t.Errorf("%q is still in %v", word, left)
		}
	}
	if left := a.tree("data/users"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if a.results("bob") != bob {
		t.Error("bob lost something")
	}
	fields := documentedFields(t)["user wipe"]
	for _, document := range []any{wiped, purged} {
		if got := fieldsOf("", document); strings.Join(got, " ") != "clips laughs purged recordings runs user" || len(fields) != len(got) {
			t.Errorf("fields %v, documented %v", got, fields)
		}
	}
}
