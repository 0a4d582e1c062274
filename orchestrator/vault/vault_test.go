package vault_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator/vault"
)

var (
	keyA = strings.Repeat("0a", 32)
	keyB = strings.Repeat("0b", 32)
)

func open(t testing.TB, key string) vault.Vault {
	t.Helper()
	v, err := vault.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsSealedOpensOnlyWhereItWasPut(t *testing.T) {
	t.Parallel()
	a, b := open(t, keyA), open(t, keyB)
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.String().Draw(t, "secret")
		id := rapid.Int64().Draw(t, "user")
		sealed, err := a.Seal(id, "api_key", secret)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Open(id, "api_key", sealed); err != nil || got != secret {
			t.Fatalf("got %q, %v", got, err)
		}
		again, _ := a.Seal(id, "api_key", secret)
		if again == sealed {
			t.Fatal("the nonce was used twice")
		}
		flipped := []byte(sealed)
		flipped[rapid.IntRange(0, len(flipped)-1).Draw(t, "flip")] ^= 1
		for name, try := range map[string]func() (string, error){
			"another user":  func() (string, error) { return a.Open(id+1, "api_key", sealed) },
			"another field": func() (string, error) { return a.Open(id, "note", sealed) },
			"another key":   func() (string, error) { return b.Open(id, "api_key", sealed) },
			"damaged":       func() (string, error) { return a.Open(id, "api_key", string(flipped)) },
			"not sealed":    func() (string, error) { return a.Open(id, "api_key", secret) },
		} {
			if got, err := try(); !errors.Is(err, vault.ErrWrongKey) {
				t.Fatalf("%s: %q, %v", name, got, err)
			}
		}
	})
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"short", strings.Repeat("0g", 32), keyA + "00", keyA[1:]} {
		_, err := vault.New(bad)
		if err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	none := open(t, " \n")
	if _, err := none.Seal(1, "api_key", "x"); !errors.Is(err, vault.ErrNoKey) {
		t.Error(err)
	}
	if _, err := none.Open(1, "api_key", "x"); !errors.Is(err, vault.ErrNoKey) {
		t.Error(err)
	}
	if a, b := open(t, keyA+"\n"), open(t, keyB); a.KeyID() == b.KeyID() || len(a.KeyID()) != 8 || strings.Contains(keyA, a.KeyID()) {
		t.Errorf("key ids %q and %q", a.KeyID(), b.KeyID())
	}
}

func FuzzOpen(f *testing.F) {
	v := open(f, keyA)
	sealed, _ := v.Seal(1, "api_key", "secret")
	f.Add(sealed)
	f.Add("v1..")
	f.Add("v1." + v.KeyID() + ".AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := v.Open(1, "api_key", text); err == nil && got != "secret" {
			t.Errorf("%q opened as %q", text, got)
		}
	})
}
