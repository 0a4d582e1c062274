package giggles

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The old system served whatever file a row named. Of such a path only the name counts, and no link leads out.
func TestDefect10NoPathOfTheOldDatabaseIsBelieved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"uploads/clips/u1/a.wav": "a", "uploads/clips/u2/b.wav": "b", "uploads/clips/flat.wav": "c",
		"uploads/clips/u1/empty.wav": "", "secret.env": "hunter2"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"uploads/clips/u1/link.wav": "../../../secret.env", "uploads/clips/u1/absolute.wav": filepath.Join(dir, "secret.env")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, open := range []string{"uploads", "uploads/clips"} {
		folder, err := OpenFolder(filepath.Join(dir, open))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { folder.Close() })
		for clipPath, want := range map[string]string{
			"/var/lib/giggles/uploads/clips/u1/a.wav": "a", "uploads/clips/u1/a.wav": "a", "a.wav": "a", `C:\clips\a.wav`: "a", "clips/flat.wav": "c",
			"/var/lib/giggles/uploads/clips/u2/b.wav": "", // another user's
			"../../secret.env":                        "", "/etc/passwd": "", "link.wav": "", "absolute.wav": "", "empty.wav": "", "": "", "..": "", "/": "", "u1": "",
		} {
			file, err := folder.find("u1", clipPath)
			if want == "" {
				if !errors.Is(err, errNoClip) {
					t.Errorf("%s, %q: found %q, %v", open, clipPath, file, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, %q: %v", open, clipPath, err)
				continue
			}
			if data, err := folder.read(file); err != nil || string(data) != want {
				t.Errorf("%s, %q: %q, %v", open, clipPath, data, err)
			}
		}
	}
	if _, err := OpenFolder(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func TestOldKeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", "00", "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"} {
		if _, err := NewKeys(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	none, err := NewKeys(" ")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.open("u", "AAAA"); err == nil {
		t.Error("opened without a key")
	}
	keys, err := NewKeys("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range []string{"", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if text, err := keys.open("u", sealed); err == nil {
			t.Errorf("%q was opened: %q", sealed, text)
		}
	}
}
