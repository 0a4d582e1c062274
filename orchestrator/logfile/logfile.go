// Package logfile writes a log into one file a day and deletes old ones, so that logrotate is not needed;
// and it remembers the end of a log.
package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const prefix, suffix = "chortle-", ".log"

// Folder writes to chortle-YYYY-MM-DD.log, the day in UTC, below a folder that it makes; each file is for
// its owner's eyes only. Safe for concurrent use; several processes may write to one folder.
type Folder struct {
	dir  string
	keep int
	now  func() time.Time

	mu   sync.Mutex
	day  string
	file *os.File
}

// New returns a Folder that keeps each file for that many days, or for ever where keep is 0. It writes
// nothing yet.
func New(dir string, keep int, now func() time.Time) *Folder {
	return &Folder{dir: dir, keep: keep, now: now}
}

// Write appends whole lines to the file of the day.
func (f *Folder) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if day := f.now().UTC().Format(time.DateOnly); f.file == nil || day != f.day || f.replaced() {
		if err := f.turn(day); err != nil {
			return 0, fmt.Errorf("write log: %w; let this user write there, or set CHORTLE_LOG_DIR", err)
		}
	}
	return f.file.Write(line)
}

// replaced tells whether the file is not the one of its name any more: somebody forgot a word of it, or took it away.
func (f *Folder) replaced() bool {
	named, err := os.Stat(f.file.Name())
	if err != nil {
		return true
	}
	open, err := f.file.Stat()
	return err != nil || !os.SameFile(named, open)
}

// turn opens the file of a day, and deletes those that are too old.
func (f *Folder) turn(day string) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(f.dir, prefix+day+suffix), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if f.file != nil {
		_ = f.file.Close() // every line went out by itself
	}
	f.file, f.day = file, day
	if f.keep == 0 {
		return nil
	}
	oldest := f.now().UTC().AddDate(0, 0, -f.keep).Format(time.DateOnly)
	entries, err := os.ReadDir(f.dir)
	for _, entry := range entries {
		day, found := strings.CutPrefix(strings.TrimSuffix(entry.Name(), suffix), prefix)
		if _, parse := time.Parse(time.DateOnly, day); found && parse == nil && day < oldest {
			err = errors.Join(err, os.Remove(filepath.Join(f.dir, entry.Name())))
		}
	}
	return err
}

// Close ends the writing.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// Tail remembers the end of what is written to it, whole lines. Safe for concurrent use.
type Tail struct {
	// Limit in bytes; 0 remembers nothing.
	Limit int

	mu   sync.Mutex
	text []byte
}

// Write remembers a line.
func (t *Tail) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, line...)
	if len(t.text) > 2*t.Limit { // seldom, so that a line costs no copy of all
		t.text = append([]byte(nil), t.end()...)
	}
	return len(line), nil
}

// Forget takes every line with a word out of what is remembered.
func (t *Tail) Forget(word string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines, pattern := bytes.SplitAfter(t.text, []byte("\n")), pattern(word)
	t.text = bytes.Join(slices.DeleteFunc(lines, pattern.Match), nil)
}

// Bytes returns the end.
func (t *Tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.end()...)
}

func (t *Tail) end() []byte {
	if len(t.text) <= t.Limit {
		return t.text
	}
	end := t.text[len(t.text)-t.Limit:]
	for i, c := range end {
		if c == '\n' {
			return end[i+1:]
		}
	}
	return end
}
