package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

// filled makes a database with a user and a laugh, and returns its path.
func filled(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	save(t, s, "alice", 1)
	return path
}

// save stores a user and that many recordings with a laugh each.
func save(t *testing.T, s *store.Store, name string, recordings int) {
	t.Helper()
	user, err := s.AddUser(t.Context(), storetest.User(name))
	if err != nil {
		t.Fatal(err)
	}
	for i := range recordings {
		rec := storetest.Recording(fmt.Sprintf("%s-%d.ogg", name, i), time.Unix(int64(i)*3600, 0))
		if _, err := s.SaveRecording(t.Context(), storetest.Result(user, rec, storetest.At(1, 2))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, path string){
		"text": func(t *testing.T, path string) {
			write(t, path, 0, "these are not the rows that you look for, I am afraid\n")
		},
		"a first page of noise": func(t *testing.T, path string) {
			write(t, path, 100, strings.Repeat("noise", 700))
		},
		"a second page of noise": func(t *testing.T, path string) { // what opening says of it is that a table is there already
			noise := make([]byte, 4096)
			random := rand.New(rand.NewPCG(1, 2))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			write(t, path, 4096, string(noise))
		},
		"half a file": func(t *testing.T, path string) {
			if err := os.Truncate(path, 5000); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filled(t, "chortle.db")
			damage(t, path)
			s, err := Open(t.Context(), path, quiet())
			if err == nil {
				t.Fatal(errors.Join(errors.New("opened"), s.Close()))
			}
			mustName(t, err, path, "damaged", "backup")
		})
	}
}

// TestDamageFurtherIn is damage that opening does not see: the check does, and so does what reads it.
func TestDamageFurtherIn(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for page := int64(20); page*4096 < info.Size(); page++ {
		write(t, path, page*4096, strings.Repeat("noise", 800))
	}
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		mustName(t, err, path, "damaged")
		return
	}
	defer s.Close()
	if _, err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("check: %v", err)
	}
}

func write(t *testing.T, path string, at int64, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
}

// mustName wants ErrStoreUnavailable with these words.
func mustName(t *testing.T, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, orchestrator.ErrStoreUnavailable) {
		t.Errorf("not ErrStoreUnavailable: %v", err)
	}
	for _, word := range words {
		if err != nil && !strings.Contains(err.Error(), word) {
			t.Errorf("%q is missing in: %v", word, err)
		}
	}
}

// TestNoRight opens what this user may not write. The tests may run as root, whom nothing stops: the
// thread then takes another user's rights to files.
func TestNoRight(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T) string{
		"a file that can only be read": func(t *testing.T) string {
			path := filled(t, "chortle.db")
			for name, mode := range map[string]os.FileMode{path: 0o444, filepath.Dir(path): 0o755, filepath.Dir(filepath.Dir(path)): 0o755,
				path + "-locks": 0o777, path + "-locks/0": 0o666} {
				if err := os.Chmod(name, mode); err != nil {
					t.Fatal(err)
				}
			}
			return path
		},
		"a folder that can only be read": func(t *testing.T) string {
			dir := t.TempDir()
			for _, name := range []string{dir, filepath.Dir(dir)} {
				if err := os.Chmod(name, 0o555); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.Chmod(name, 0o755) })
			}
			return filepath.Join(dir, "data", "chortle.db")
		},
		"a folder that is a file": func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(file, "chortle.db")
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := prepare(t)
			var err error
			testkit.AsNobody(t, func() {
				var s *store.Store
				if s, err = Open(t.Context(), path, quiet()); err == nil {
					err = errors.Join(errors.New("opened"), s.Close())
				}
			})
			mustName(t, err, path, "let this user write")
		})
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	s, err := open(t.Context(), path, quiet(), append([]string{"max_page_count(90)"}, pragmas...))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	user, err := s.User(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	var last orchestrator.Recording
	stored := 1
	for err == nil && stored < 10_000 {
		last = storetest.Recording(fmt.Sprintf("%d.ogg", stored), time.Unix(int64(stored)*7200, 0))
		if _, err = s.SaveRecording(t.Context(), storetest.Result(user, last, storetest.At(1, 2))); err == nil {
			stored++
		}
	}
	mustName(t, err, path, "make room")
	if code, facts := orchestrator.CodeOf("", err); code != orchestrator.CodeStoreBroken || !strings.HasPrefix(facts["do"], "make room on the disk of ") {
		t.Errorf("no remedy: %v", err)
	}

	// Everything before is there, and nothing of the one that did not fit.
	laughs := 0
	for _, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		laughs++
	}
	state, err := s.FindRecording(t.Context(), user.ID, last)
	if err != nil || laughs != stored || state != (orchestrator.RecordingState{}) {
		t.Fatalf("%d laughs of %d, state %+v, %v", laughs, stored, state, err)
	}
}

func TestRightsOfFiles(t *testing.T) {
	t.Parallel()
	path := filled(t, "data/chortle.db")
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	save(t, s, "bob", 1)
	for name, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
		path + "-locks": 0o700 | os.ModeDir, filepath.Dir(path): 0o700 | os.ModeDir} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestOddPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "100%.db", "what?.db", "#1.db", "é/%20/&x=1.db"} {
		if _, err := os.Stat(filled(t, name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestLockedByAnotherProgram holds the database's own lock for longer than the store tries.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	db, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	impatient := append([]string{"busy_timeout(10)"}, pragmas[1:]...)
	_, err = open(t.Context(), path, quiet(), impatient, store.RetryFor(100*time.Millisecond))
	mustName(t, err, path, "locked")
}

// helper is the environment variable that makes the test binary hold a lock instead of testing.
const helper = "CHORTLE_TEST_HOLD_LOCK_OF"

// TestLockEndsWithItsProcess kills a process that has a user.
func TestLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), helper+"="+path)
	in, err := holder.StdinPipe() // open until the holder is killed
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, len("held"))
	_, readErr := out.Read(ready)

	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, lockErr := s.LockUser(t.Context(), 1)
	if err := holder.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = holder.Wait() // killed
	if readErr != nil || string(ready) != "held" || !errors.Is(lockErr, orchestrator.ErrLocked) {
		t.Fatalf("holder said %q (%v), lock: %v", ready, readErr, lockErr)
	}
	release, err := s.LockUser(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// TestLocksOfRunsDoNotPileUp: there is a lock a night.
func TestLocksOfRunsDoNotPileUp(t *testing.T) {
	t.Parallel()
	path := filled(t, "chortle.db")
	locks := func() int {
		entries, err := os.ReadDir(path + "-locks")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := locks()
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, id := range []string{"ended", "under way"} {
		if err := s.BeginRun(t.Context(), orchestrator.Run{ID: id, Trigger: orchestrator.TriggerCron, StartedAt: time.Unix(0, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndRun(t.Context(), orchestrator.Run{ID: "ended", Status: orchestrator.StatusOK, FinishedAt: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	if got := locks(); got != before+1 {
		t.Errorf("%d locks, %d before, one run under way", got, before)
	}
	for _, left := range []string{"-5", "notes.txt"} { // of a run that was killed, and of a person
		if err := os.WriteFile(filepath.Join(path+"-locks", left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if swept, err := s.SweepLocks(t.Context()); err != nil || swept != 1 || locks() != before+2 {
		t.Errorf("swept %d, %v; %d are left", swept, err, locks())
	}
}
