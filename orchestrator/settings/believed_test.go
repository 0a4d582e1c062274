package settings_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// TestASettingsFileOfAnotherUserIsIgnored: it chooses programs, so that who drops one into a shared folder could run
// code as the next person who calls the program there.
func TestASettingsFileOfAnotherUserIsIgnored(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	p := newPlace(t)
	const nobody = 65534
	if err := os.Chown(write(t, p.work+"/.env", "CHORTLE_CATCH_UP_DAYS=5\n"), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := load(t, p.input())
	if s.EnvFile != "" || s.Config.CatchUpDays == 5 {
		t.Errorf("a file of another user was read: %q", s.EnvFile)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "belongs to another user") {
		t.Errorf("warnings: %q", s.Warnings)
	}
	named := p.input()
	named.EnvFile = p.work + "/.env"
	if _, err := settings.Load(named); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("named by a person: %v", err)
	}
}

func TestASettingsFileThatOthersCanWriteIsRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	write(t, p.work+"/.env", "CHORTLE_CATCH_UP_DAYS=5\n")
	if err := os.Chmod(p.work+"/.env", 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.Load(p.input()); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("got %v", err)
	}
}

// TestASettingsFileThatIsNone must not wait for somebody to write into a FIFO.
func TestASettingsFileThatIsNone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if err := os.MkdirAll(p.work, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(p.work+"/.env", 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.Load(p.input()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestWarningsAboutASettingsFile(t *testing.T) {
	t.Parallel()
	const address = "CHORTLE_DATABASE_URL="
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"a dollar sign":                  {address + "postgres://u:pa$word@localhost/db\n", 0o600, "'$'"},
		"a dollar sign in double quotes": {address + `"postgres://u:pa$word@localhost/db"` + "\n", 0o600, "'$'"},
		"in single quotes":               {address + "'postgres://u:pa$word@localhost/db'\n", 0o600, ""},
		"secrets for everybody":          {address + "postgres://u:p@localhost/db\n", 0o644, "chmod o-r"},
		"no secrets":                     {"CHORTLE_CATCH_UP_DAYS=5\n", 0o644, ""},
		"a comment":                      {"# " + address + "$x\n", 0o644, ""},
	} {
		p := newPlace(t)
		if err := os.Chmod(write(t, p.work+"/.env", c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(load(t, p.input()).Warnings, "\n")
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: got %q, want %q", name, said, c.want)
		}
	}
}
