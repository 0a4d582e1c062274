package limitless

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/internal/flock"
	"github.com/chortle-audio/chortle/orchestrator"
)

// ManifestName is the file in an archive that lists what it holds: one JSON object a line.
const ManifestName = "manifest.jsonl"

// ManifestLine is what became of a window of an archive, or of a piece of one.
type ManifestLine struct {
	// User whose recordings they are.
	User  string    `json:"user"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// File is the path below the archive, with '/'; empty where there is no audio. Its name tells when it starts.
	File string `json:"file,omitempty"`
	// Uncertain is by how many seconds a moment of the file may lie before or after what its position says.
	Uncertain float64 `json:"uncertain_s,omitempty"`
	SHA256    string  `json:"sha256,omitempty"`
	Bytes     int64   `json:"bytes,omitempty"`
}

// manifest is the list of an archive that is being added to.
type manifest struct {
	file  *os.File
	user  string
	lines []ManifestLine // those whose file is there as it was written
}

// openManifest reads the manifest of a user's archive, and keeps every other archive out of the folder until
// close. A last line that a crash cut off does not count.
func openManifest(dir, user string) (_ *manifest, err error) {
	path := filepath.Join(dir, ManifestName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	m := &manifest{file: file, user: user}
	defer func() {
		if err != nil {
			err = errors.Join(err, flock.Close(file))
		}
	}()
	if err := flock.TryLock(file); err != nil {
		return nil, fmt.Errorf("lock manifest %s: %w; wait until the other archive ends", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	for text := range bytes.Lines(text) {
		var line ManifestLine
		if json.Unmarshal(text, &line) != nil {
			continue
		}
		if line.User != user {
			return nil, fmt.Errorf("read %s: the archive is that of user %q; give user %s another folder", path, line.User, user)
		}
		if line.File != "" {
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(line.File)))
			if err != nil || info.Size() != line.Bytes {
				continue
			}
		}
		m.lines = append(m.lines, line)
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		if _, err := file.WriteString("\n"); err != nil {
			return nil, fmt.Errorf("write manifest: %w", err)
		}
	}
	return m, nil
}

// ledger is what the archive holds of a span and needs not be asked for again, in order.
func (m *manifest) ledger(span orchestrator.Span) (spans []orchestrator.LedgerSpan) {
	for _, line := range m.lines {
		// The neighbours count, too: where there is none before it, sound is placed by that.
		if line.Start.After(span.End) || line.End.Before(span.Start) {
			continue
		}
		state := orchestrator.SpanRead
		if line.File == "" {
			state = orchestrator.SpanEmpty
		}
		spans = append(spans, orchestrator.LedgerSpan{Span: orchestrator.Span{Start: line.Start, End: line.End}, State: state})
	}
	slices.SortStableFunc(spans, func(a, b orchestrator.LedgerSpan) int { return a.Start.Compare(b.Start) })
	return spans
}

// add writes one more line, durably.
func (m *manifest) add(line ManifestLine) error {
	line.User, line.Start, line.End = m.user, line.Start.UTC(), line.End.UTC()
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if _, err := m.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	m.lines = append(m.lines, line)
	return m.file.Sync()
}

func (m *manifest) close() error { return flock.Close(m.file) }
