package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

// onRetry is a logger that calls f when the store tries again for the first time.
func onRetry(f func()) logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.AddHook(&hook{f: f})
	return log
}

type hook struct{ f func() }

func (h *hook) Levels() []logrus.Level { return []logrus.Level{logrus.WarnLevel} }

func (h *hook) Fire(*logrus.Entry) error {
	if f := h.f; f != nil {
		h.f = nil
		f()
	}
	return nil
}

func open(t *testing.T, address string, log logrus.FieldLogger, options ...store.Option) *store.Store {
	t.Helper()
	s, err := Open(t.Context(), address, log, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func addUser(t *testing.T, s *store.Store, name string) orchestrator.User {
	t.Helper()
	user, err := s.AddUser(t.Context(), storetest.User(name))
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func count(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	for _, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestServerComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, server.Database(t), onRetry(func() { server.Restart(t) }))
	user := addUser(t, s, "alice")
	release, err := s.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	server.Stop(t)
	result := storetest.Result(user, storetest.Recording("a.ogg", start), storetest.At(1, 2))
	saved, err := s.SaveRecording(t.Context(), result)
	if err != nil || saved.New != 1 || count(t, s) != 1 {
		t.Fatalf("saved %+v, %d rows, %v", saved, count(t, s), err)
	}
}

func TestServerStaysAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	address := server.Database(t)
	s := open(t, address, quiet(), store.RetryFor(200*time.Millisecond))
	user := addUser(t, s, "alice")
	server.Stop(t)
	calls := map[string]func() error{
		"open":           func() error { return opened(t, address) },
		"begin run":      func() error { return s.BeginRun(t.Context(), orchestrator.Run{ID: "r", StartedAt: start}) },
		"lock user":      func() error { _, err := s.LockUser(t.Context(), user.ID); return err },
		"check database": func() error { _, err := s.Check(t.Context()); return err },
		"save recording": func() error {
			_, err := s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("a.ogg", start)))
			return err
		},
		"list laughs": func() error {
			for _, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		err := call()
		if !errors.Is(err, orchestrator.ErrStoreUnavailable) || !strings.HasPrefix(err.Error(), name) ||
			!strings.Contains(err.Error(), "see whether the server") || strings.Contains(err.Error(), "failed to") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// opened is the error of opening, with little patience.
func opened(t *testing.T, address string) error {
	s, err := Open(t.Context(), address, quiet(), store.RetryFor(200*time.Millisecond))
	if err != nil {
		return err
	}
	return errors.Join(errors.New("opened"), s.Close())
}

// TestConnectionBreaksInTheMiddle ends the store's session while its transaction waits for another.
func TestConnectionBreaksInTheMiddle(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s := open(t, address, quiet())
	user := addUser(t, s, "alice")
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	blocker, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), "SELECT id FROM users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		saved, err := s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("a.ogg", start), storetest.At(1, 2)))
		if err == nil && saved.New != 1 {
			err = fmt.Errorf("saved %+v", saved)
		}
		done <- err
	}()
	broken := false
	for !broken { // as soon as it waits
		err := blocker.QueryRow(t.Context(), `SELECT COALESCE(bool_or(pg_terminate_backend(pid)), FALSE) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&broken)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || count(t, s) != 1 {
		t.Fatalf("%d rows, %v", count(t, s), err)
	}
}

// breakLocks ends the sessions that hold advisory locks.
func breakLocks(t *testing.T, address string) {
	t.Helper()
	if err := execute(address, `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
}

func TestLostLockIsTakenAgain(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := open(t, address, quiet()), open(t, address, quiet())
	user := addUser(t, s, "alice")
	release, err := s.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	breakLocks(t, address)
	if _, err := s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("a.ogg", start))); err != nil {
		t.Fatal(err)
	}
	if _, err := other.LockUser(t.Context(), user.ID); !errors.Is(err, orchestrator.ErrLocked) {
		t.Fatalf("the lock is free: %v", err)
	}
	release()
	release, err = other.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestLostLockThatAnotherTook(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := open(t, address, quiet(), store.RetryFor(200*time.Millisecond)), open(t, address, quiet())
	user := addUser(t, s, "alice")
	release, err := s.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	breakLocks(t, address)
	releaseOther, err := other.LockUser(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer releaseOther()
	_, err = s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("a.ogg", start), storetest.At(1, 2)))
	if !errors.Is(err, orchestrator.ErrStoreUnavailable) || !errors.Is(err, orchestrator.ErrLocked) || count(t, s) != 0 {
		t.Fatalf("%d rows, %v", count(t, s), err)
	}
}

// TestLostSharedLock: a run shares a lock while it stores, and takes it again where the connection has lost it, unless
// somebody wants to be alone by then.
func TestLostSharedLock(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := open(t, address, quiet(), store.RetryFor(200*time.Millisecond)), open(t, address, quiet())
	user := addUser(t, s, "alice")
	release, err := s.LockShared(t.Context(), store.WorkLock)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	breakLocks(t, address)
	if _, err := s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("a.ogg", start))); err != nil {
		t.Fatal(err)
	}
	if _, err := other.LockExclusive(t.Context(), store.WorkLock); !errors.Is(err, orchestrator.ErrLocked) {
		t.Fatalf("the lock is free: %v", err)
	}
	breakLocks(t, address)
	alone, err := other.LockExclusive(t.Context(), store.WorkLock)
	if err != nil {
		t.Fatal(err)
	}
	defer alone()
	_, err = s.SaveRecording(t.Context(), storetest.Result(user, storetest.Recording("b.ogg", start), storetest.At(1, 2)))
	if !errors.Is(err, orchestrator.ErrStoreUnavailable) || !errors.Is(err, orchestrator.ErrLocked) || count(t, s) != 0 {
		t.Fatalf("%d rows, %v", count(t, s), err)
	}
}

func TestWrongAddress(t *testing.T) {
	t.Parallel()
	const secret = "hunter2secret"
	right := pgtest.Database(t)
	tests := map[string]struct {
		address     string
		unavailable bool // and not only refused
		want        string
	}{
		"not an address":     {"chortle.db " + secret, false, "postgres://"},
		"another scheme":     {"mysql://u:" + secret + "@h/d", false, "postgres://"},
		"bad escape":         {"postgres://u:" + secret + "%zz@h/d", false, "parse database address"},
		"slash in password":  {"postgres://u:" + secret + "/x@h/d", false, "parse database address"},
		"bad port":           {"postgres://u:" + secret + "@h:port/d", false, "parse database address"},
		"bad sslmode":        {"postgres://u:" + secret + "@h/d?sslmode=perhaps", false, "sslmode"},
		"password as option": {"postgres://h/d?password=" + secret + "&sslmode=perhaps", false, "sslmode"},
		"no server":          {"postgres://u:" + secret + "@127.0.0.1:1/d", true, "see whether the server"},
		"no socket":          {"postgres://u:" + secret + "@/d?host=/nowhere", true, "see whether the server"},
		"no database":        {strings.Replace(right, "/chortle_test", "/no_such", 1) + "&password=" + secret, true, "create the database"},
		"no such role":       {strings.Replace(right, "//chortle", "//stranger:"+secret, 1), true, "check user and password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := opened(t, test.address)
			if errors.Is(err, orchestrator.ErrStoreUnavailable) != test.unavailable || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%q", err)} {
				if strings.Contains(text, secret) || strings.Contains(text, "hunter2") {
					t.Errorf("the password is in %s", text)
				}
			}
		})
	}
}

// TestLostLockOfARun: a run that is under way does not pass for one that was killed, also after its connections broke.
func TestLostLockOfARun(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := open(t, address, quiet()), open(t, address, quiet())
	user := addUser(t, s, "alice")
	if err := s.BeginRun(t.Context(), orchestrator.Run{ID: "run", Trigger: orchestrator.TriggerCron, StartedAt: start}); err != nil {
		t.Fatal(err)
	}
	result := storetest.Result(user, storetest.Recording("a.ogg", start))
	result.RunID = "run"
	for name, save := range map[string]func() error{
		"recording": func() error { _, err := s.SaveRecording(t.Context(), result); return err },
		"failure":   func() error { return s.FailRecording(t.Context(), "run", user.ID, result.Recording, "no") },
		"day": func() error {
			return s.SaveDay(t.Context(), "run", orchestrator.UserDay{UserID: user.ID, Date: orchestrator.DateOf(start)})
		},
	} {
		breakLocks(t, address)
		if err := save(); err != nil {
			t.Fatal(err)
		}
		if runs, err := other.Unfinished(t.Context()); err != nil || len(runs) != 0 {
			t.Errorf("after a %s: %v, %v", name, runs, err)
		}
	}
}
