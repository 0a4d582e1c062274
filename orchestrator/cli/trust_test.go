package cli_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/internal/testkit"
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

// H1, H4: what kills every run counts, although the run cannot say so any more: it is given up after some nights, the
// other users are read, and other content is tried again.
func TestWhatKillsTheRunIsGivenUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_SANDBOX=off").alice()
	deadly := testkit.Python(t) + " " + p.file("", "deadly.py", fmt.Appendf(nil, faulty, "import os; os.kill(os.getppid(), 9)"))
	p.recording("bob", "2026-11-22_16-30-01.ogg")
	p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "folder:"+p.path("bob"))
	p.must("user", "set", "alice", "--model", deadly)
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for night := range orchestrator.MaxAttempts {
		run := exec.CommandContext(t.Context(), bin+"/orchestrator", day...)
		run.Env = p.environ
		if out, err := run.CombinedOutput(); err == nil || run.ProcessState.ExitCode() != -1 {
			t.Fatalf("night %d was not killed: %v\n%s", night, err, out)
		}
	}
	run := p.json(0, day...)
	if at(run, "users", 0, "recordings", "given_up") != 1.0 || at(run, "users", 1, "laughs", "new") != 1.0 {
		t.Errorf("alice's is not given up, or bob is not read: %v", run)
	}
	if lost := at(p.json(0, "status"), "users", 0, "given_up", 0); at(lost, "attempts") != 3.0 || !strings.Contains(fmt.Sprint(at(lost, "reason")), "killed") {
		t.Errorf("status: %v", lost)
	}
	p.must("user", "set", "alice", "--model", "")
	p.recording("alice", "2026-11-22_18-30-01.ogg")
	if run := p.json(0, day...); at(run, "users", 0, "recordings", "processed") != 1.0 {
		t.Errorf("another recording: %v", run)
	}
}

// H4: a run that finds the lock held for too long notifies: nobody else does where the one that holds it hangs.
func TestAStuckRunIsTold(t *testing.T) {
	t.Parallel()
	pings, messages := newWeb(t), newWeb(t)
	p := newPlace(t, "CHORTLE_PING_URL="+pings.URL+"/check", "CHORTLE_NOTIFY_URLS=generic+"+messages.URL+"/topic").alice()
	held, err := os.OpenFile(p.path("data/run.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := flock.TryLock(held); err != nil {
		t.Fatal(err)
	}
	for age, stuck := range map[time.Duration]bool{time.Hour: false, 9 * time.Hour: true} {
		holder := fmt.Sprintf(`{"pid":7,"host":"here","started_at":%q,"command":"run"}`, time.Now().Add(-age).UTC().Format(time.RFC3339))
		if err := errors.Join(held.Truncate(0), os.WriteFile(held.Name(), []byte(holder), 0o600)); err != nil {
			t.Fatal(err)
		}
		if r := p.run(day...); r.code != orchestrator.ExitLocked {
			t.Errorf("held for %v: %+v", age, r)
		}
		told, pinged := messages.hears(), pings.hears()
		if (len(told) == 1) != stuck || stuck && !strings.Contains(told[0], "process 7") || (len(pinged) == 1) != stuck {
			t.Errorf("held for %v: notified %q, pinged %q", age, told, pinged)
		}
	}
}

// M2: a purge while somebody reads the database deletes everything that it can, says what is left, and is finished by
// the same command, or by the next run.
func TestAPurgeCanBeFinished(t *testing.T) {
	t.Parallel()
	for _, finish := range []string{"purge", "run"} {
		t.Run(finish, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "CHORTLE_LOG_DIR="+filepath.Join(t.TempDir(), "log")).alice()
			p.recording("bob", "2026-11-22_16-30-01.ogg")
			p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "folder:"+p.path("bob"))
			p.must(day...)
			reader, err := sql.Open("sqlite", "file:"+p.path("data/chortle.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			tx, err := reader.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var n int
			if err := tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM laughs").Scan(&n); err != nil {
				t.Fatal(err)
			}
			if r := p.run("user", "purge", "alice", "--yes"); r.code == 0 || !strings.Contains(r.stderr, "somebody reads the database") || !strings.Contains(r.stderr, "purge alice") {
				t.Errorf("%+v", r)
			}
			if files := p.clipFiles(); len(files) != 1 {
				t.Errorf("clips: %v", files)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if finish == "run" {
				p.must(day...)
			} else if out := p.must("user", "purge", "alice", "--yes"); !strings.Contains(out, "Finished") {
				t.Errorf("again: %s", out)
			}
			if r := p.run("user", "purge", "alice", "--yes"); r.code != orchestrator.ExitUsage {
				t.Errorf("nothing is left to do: %+v", r)
			}
			if found, err := exec.CommandContext(t.Context(), "grep", "-rlw", "alice", p.path("data")).CombinedOutput(); err == nil {
				t.Errorf("still named in %s", found)
			}
		})
	}
}
