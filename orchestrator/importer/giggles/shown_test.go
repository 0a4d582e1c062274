package giggles

import (
	"testing"
	"time"
)

// L10 and M7: what the old database has no word for gets a name, and what it says controls no terminal.
func TestNamesOfTheOldDatabase(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"": "", "/": "", ".": "", "/var/a.ogg": "a.ogg", ".hidden.ogg": ".hidden.ogg"} {
		if got := baseName(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	if got := laughOf(oldDetection{ClassName: "\x1b[31mLaughter\n", At: time.Now()}, time.Now()).Class; got != "[31mLaughter" {
		t.Errorf("class %q", got)
	}
	if got := laughOf(oldDetection{ClassName: "\x1b"}, time.Now()).Class; got != "Laughter" {
		t.Errorf("class %q", got)
	}
}
