package service

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Root is refused a folder of another user, and one that would be made in it; everybody else is not asked.
func TestGuardOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	theirs := filepath.Join(dir, "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if os.Geteuid() == 0 {
		if err := os.Chown(theirs, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	for _, below := range []string{"", "data", "data/clips/alice"} {
		err := guardOwner(filepath.Join(theirs, below), 0)
		if invalid := (*InvalidError)(nil); !errors.As(err, &invalid) || !strings.Contains(advice.OfError(advice.Terminal, err), "sudo -u "+userName(ownerOf(theirs))+" ") {
			t.Errorf("root below %q: %v", below, err)
		}
		if err := guardOwner(filepath.Join(theirs, below), 1000); err != nil {
			t.Errorf("a user below %q: %v", below, err)
		}
	}
	if err := guardOwner(filepath.Join("/", "nowhere-at-all", "data"), 0); err != nil {
		t.Errorf("root in its own: %v", err)
	}
}

// Where a service is installed that this user cannot read, no empty database is made, unless its place was named.
func TestNoEmptyDatabaseBesideAService(t *testing.T) {
	t.Parallel()
	log := logrus.New()
	log.SetOutput(io.Discard)
	for _, other := range []string{"", "/var/lib/chortle"} {
		dir := filepath.Join(t.TempDir(), "data")
		s := New(Options{Config: settings.Config{DataDir: dir, DatabaseURL: "sqlite:" + filepath.Join(dir, "chortle.db"), OtherService: other}, Log: log, Now: time.Now})
		_, err := s.Store(t.Context())
		if closeErr := s.Close(); closeErr != nil {
			t.Error(closeErr)
		}
		made := false
		if _, statErr := os.Stat(dir); statErr == nil {
			made = true
		}
		if refused := err != nil; refused != (other != "") || made == refused {
			t.Errorf("beside %q: %v, made %t", other, err, made)
		}
		if other != "" && !strings.Contains(advice.OfError(advice.Terminal, err), "sudo -u ") {
			t.Errorf("without a remedy: %v", err)
		}
	}
}
