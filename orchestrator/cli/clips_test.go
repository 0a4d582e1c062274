package cli_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
)

// documentHas reports fields of a document that docs/json.md does not have, and the other way round.
func documentHas(t *testing.T, name string, document map[string]any) {
	t.Helper()
	got, want := fieldsOf("", document), slices.Sorted(slices.Values(documentedFields(t)[name]))
	if !slices.Equal(got, want) {
		t.Errorf("%s has the fields %v, documented are %v", name, got, want)
	}
}

func TestRepairClips(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("run", "--date", "2026-11-22")
	old, err := os.ReadFile(filepath.Join(testkit.Root(), "orchestrator", "cli", "testdata", "old.flac"))
	if err != nil {
		t.Fatal(err)
	}
	if !audio.FLACNeedsRepair(old) {
		t.Fatal("the clip needs no repair")
	}
	first, second := p.file("data/clips", "alice/2026/11/22/a.flac", old), p.file("data/clips", "alice/2026/11/22/b.flac", old)
	damaged := p.file("data/clips", "alice/2026/11/22/c.flac", append(slices.Clone(old[:len(old)-40]), make([]byte, 40)...))
	if doctor := p.run("doctor"); !strings.Contains(doctor.stdout, "3 of 3 FLAC clips") || !strings.Contains(doctor.stdout, "orchestrator clips repair") {
		t.Errorf("doctor: %s", doctor.stdout)
	}
	if looked := p.json(0, "clips", "repair", "--dry-run"); at(looked, "repaired") != 3.0 || at(looked, "clips") != 4.0 || at(looked, "flac") != 3.0 {
		t.Errorf("dry run: %v", looked)
	}
	mended := p.json(orchestrator.ExitIncomplete, "clips", "repair")
	if at(mended, "repaired") != 2.0 || at(mended, "damaged_clips") != 1.0 || at(mended, "damaged", 0) != "alice/2026/11/22/c.flac" {
		t.Errorf("mended: %v", mended)
	}
	documentHas(t, "clips repair", mended)
	for _, path := range []string{first, second} {
		now, err := os.ReadFile(path)
		if want, changed, repairErr := audio.RepairFLAC(old); err != nil || repairErr != nil || !changed || !bytes.Equal(now, want) || audio.FLACNeedsRepair(now) {
			t.Errorf("%s: %v, %v", path, err, repairErr)
		}
	}
	if content, err := os.ReadFile(damaged); err != nil || len(content) != len(old) || !audio.FLACNeedsRepair(content) {
		t.Errorf("the damaged one was changed: %v", err)
	}
	if again := p.json(orchestrator.ExitIncomplete, "clips", "repair"); at(again, "repaired") != 0.0 {
		t.Errorf("again: %v", again)
	}
}

func TestUserExport(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.must("run", "--date", "2026-11-22")
	done := p.json(0, "user", "export", "alice", p.path("alice.zip"))
	documentHas(t, "user export", done)
	if at(done, "laughs") != 1.0 || at(done, "clips") != 1.0 || at(done, "recordings") != 1.0 || at(done, "missing_clips") != 0.0 {
		t.Errorf("%v", done)
	}
	archive, err := zip.OpenReader(p.path("alice.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 7 || !strings.HasPrefix(archive.File[5].Name, "clips/2026-11-22 14.30.0") {
		t.Errorf("%d files, %s", len(archive.File), archive.File[5].Name)
	}
	if info, err := os.Stat(p.path("alice.zip")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for args, want := range map[string]string{"alice": "2 arg", "nobody " + p.path("n.zip"): "unknown user", "alice " + p.path("alice.zip"): "--force"} {
		if r := p.run(append([]string{"user", "export"}, strings.Fields(args)...)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if err := os.RemoveAll(p.path("data/clips/alice")); err != nil {
		t.Fatal(err)
	}
	if done := p.json(0, "user", "export", "alice", p.path("alice.zip"), "--force"); at(done, "missing_clips") != 1.0 || at(done, "missing", 0) == nil {
		t.Errorf("without its clip: %v", done)
	}
}
