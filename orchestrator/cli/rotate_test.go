package cli_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/vault"
)

const (
	// rotateHelper is the environment variable that makes the test binary rotate the keys of a database half, instead
	// of testing; halfway is what it says then.
	rotateHelper = "CHORTLE_TEST_ROTATE_HALF_OF"
	halfway      = "halfway"
)

// rotateHalf encrypts secrets anew, and calls middle when one is done and another is to come.
func rotateHalf(ctx context.Context, address, oldKey, newKey string, middle func() error) error {
	now, err := vault.New(oldKey)
	if err != nil {
		return err
	}
	next, err := vault.New(newKey)
	if err != nil {
		return err
	}
	s, err := openStoreAt(ctx, address)
	if err != nil {
		return err
	}
	defer s.Close()
	done := 0
	_, err = s.Reseal(ctx, func(secret store.Secret) (string, error) {
		if done++; done == 2 {
			if err := middle(); err != nil {
				return "", err
			}
		}
		text, err := now.Open(secret.UserID, secret.Field, secret.Sealed)
		if err != nil {
			return "", err
		}
		return next.Seal(secret.UserID, secret.Field, text)
	})
	return err
}

// A rotation that ends in the middle, with one key encrypted anew and one not, leaves every key readable under the
// old secret, and can be repeated.
func TestKeyRotateInTheMiddle(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, settings := range map[string]func(t testing.TB) []string{
		"sqlite":   func(testing.TB) []string { return nil },
		"postgres": func(t testing.TB) []string { return []string{"CHORTLE_DATABASE_URL=" + server.Database(t)} },
	} {
		for how, interrupt := range map[string]func(a *api, newKey string){
			"it fails": rotateFails,
			"canceled": rotateCanceled,
			"killed":   rotateKilled,
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				a := newAPI(t, twoUsers, settings(t)...)
				a.must("key", "new", a.path("new.key"))
				newKey, err := os.ReadFile(a.path("new.key"))
				if err != nil {
					t.Fatal(err)
				}
				interrupt(a, strings.TrimSpace(string(newKey)))
				for _, user := range []string{"alice", "bob"} {
					a.must("user", "key", "test", user)
				}
				if out := a.must("key", "rotate", "--new-key-file", a.path("new.key")); !strings.Contains(out, "2 secrets") {
					t.Errorf("repeated: %s", out)
				}
				rotated := a.with("CHORTLE_SECRET_KEY_FILE=" + a.path("new.key"))
				for _, user := range []string{"alice", "bob"} {
					rotated.must("user", "key", "test", user)
				}
			})
		}
	}
}

// rotateFails has a key that does not open, behind one that does; it is put right afterwards.
func rotateFails(a *api, _ string) {
	a.Helper()
	stray := a.with("CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY="+strings.Repeat("cd", 32))
	stray.must("user", "set", "bob", "--api-key-file", a.path("bob.key"))
	if r := a.run("key", "rotate", "--new-key-file", a.path("new.key")); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "does not open it") {
		a.Errorf("rotated: %+v", r)
	}
	a.must("user", "key", "test", "alice")
	a.must("user", "set", "bob", "--api-key-file", a.path("bob.key"))
}

func rotateCanceled(a *api, newKey string) {
	a.Helper()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(a.Context())
	err := rotateHalf(ctx, a.database(), a.secretKey(), newKey, func() error { cancel(why); return nil })
	if !errors.Is(err, why) {
		a.Errorf("rotated: %v", err)
	}
}

func rotateKilled(a *api, newKey string) {
	a.Helper()
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), rotateHelper+"="+a.database(), "OLD="+a.secretKey(), "NEW="+newKey)
	in, err := helper.StdinPipe() // open until it is killed
	if err != nil {
		a.Fatal(err)
	}
	defer in.Close()
	out, err := helper.StdoutPipe()
	if err != nil {
		a.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		a.Fatal(err)
	}
	said := make([]byte, len(halfway))
	_, readErr := io.ReadFull(out, said)
	if err := helper.Process.Kill(); err != nil {
		a.Error(err)
	}
	_ = helper.Wait() // killed
	if string(said) != halfway {
		a.Fatalf("it said %q (%v)", said, readErr)
	}
}
