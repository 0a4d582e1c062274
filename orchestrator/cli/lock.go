package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// holder says who holds the lock of a data folder.
type holder struct {
	PID       int       `json:"pid"`
	Host      string    `json:"host"`
	StartedAt time.Time `json:"started_at"`
	Command   string    `json:"command"`
}

// lockDataDir keeps every other run away from the data folder. The lock is the kernel's, so it ends
// with this process however that ends; the file stays and only tells who holds it.
func (a *app) lockDataDir() (release func(), err error) {
	dir := a.settings.Config.DataDir
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "run.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w; let this user write there and make room, or set CHORTLE_DATA_DIR", err)
	}
	if err := flock.TryLock(file); err != nil {
		defer file.Close()
		if errors.Is(err, flock.ErrLocked) {
			return nil, &exitError{orchestrator.ExitLocked, fmt.Errorf("lock data folder %s: %s; wait until it ends", dir, whoHolds(file))}
		}
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	host, _ := os.Hostname()
	words := append([]string{"orchestrator"}, a.args...)
	for i, word := range words {
		words[i] = settings.Mask(word)
	}
	// It is only what people read: a full disk does not keep a run from being the only one.
	if content, err := json.Marshal(holder{os.Getpid(), host, a.now().UTC().Truncate(time.Second), strings.Join(words, " ")}); err == nil {
		_ = file.Truncate(0)
		_, _ = file.WriteAt(append(content, '\n'), 0)
	}
	return func() {
		_ = file.Truncate(0)
		_ = flock.Close(file)
	}, nil
}

// whoHolds describes the holder; it may be just writing itself down, and is then not known.
func whoHolds(file *os.File) string {
	var h holder
	if err := json.NewDecoder(file).Decode(&h); err != nil {
		return "another run holds it"
	}
	return fmt.Sprintf("process %d on %s holds it since %s (%s)", h.PID, h.Host, h.StartedAt.Format(time.RFC3339), h.Command)
}
