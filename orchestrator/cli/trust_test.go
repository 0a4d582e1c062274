package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// otherKey is a secret key that is not this machine's.
const otherKey = "CHORTLE_SECRET_KEY=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

// H3: whoever can write a backup gets no process out of it, not even where restoring it is insisted on.
func TestABackupOfAStrangerRunsNothing(t *testing.T) {
	t.Parallel()
	theirs := newPlace(t, otherKey).alice()
	pwned := theirs.path("pwned")
	theirs.must("user", "set", "alice", "--model", "touch "+pwned)
	backup := theirs.path("theirs.tar")
	theirs.must("backup", backup)

	for _, c := range []struct {
		name, key string
		refused   bool
	}{
		{"with a key here", "CHORTLE_SECRET_KEY=" + strings.Repeat("a", 64), true},
		{"without a key here", "CHORTLE_SECRET_KEY=", false},
	} {
		p := newPlace(t, c.key, "HOME="+theirs.dir)
		if c.refused {
			if r := p.run("restore", backup); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "--unauthenticated") {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
		if dry := p.must("restore", backup, "--dry-run"); !strings.Contains(dry, "Not authenticated") || !strings.Contains(dry, "touch") || !strings.Contains(dry, "folder:") {
			t.Errorf("%s: a dry run does not say what it brings:\n%s", c.name, dry)
		}
		if out := p.must("restore", backup, "--unauthenticated"); !strings.Contains(out, "left out") {
			t.Errorf("%s:\n%s", c.name, out)
		}
		p.must("run", "--date", "2026-11-22")
		if _, err := os.Stat(pwned); err == nil {
			t.Fatalf("%s: the command ran", c.name)
		}
	}
	again := newPlace(t, otherKey)
	if out := again.must("restore", backup); !strings.Contains(out, "Authenticated") {
		t.Errorf("with the key that wrote it:\n%s", out)
	}
	if users := again.json(0, "user", "list"); at(users, "users", 0, "model") != "touch "+pwned {
		t.Errorf("the command is not back: %v", users)
	}
}

// M4: a clock that was ahead never makes backup --keep delete the backup that was just written.
func TestKeepSparesTheNewBackup(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	for _, name := range []string{"chortle-20310101T000000Z.tar", "chortle-20310102T000000Z.tar", "chortle-20310103T000000Z.tar", "chortle-20010101T000000Z.tar"} {
		p.file("backups", name, nil)
	}
	made := p.json(0, "backup", p.path("backups"), "--keep", "1")
	file, _ := at(made, "file").(string)
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(p.path("backups/*"))
	if err != nil || len(left) != 4 {
		t.Errorf("want the new one and those of the future: %v, %v", left, err)
	}
}
