package logfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/chortle-audio/chortle/internal/atomicfile"
)

// Forget takes every line with a word out of all files of the folder. A folder that is not there is no error. Other
// processes that write to it go on in the new files; a line that one writes at this very moment may be lost.
func (f *Folder) Forget(word string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil { // the next line opens it again
		_ = f.file.Close()
		f.file = nil
	}
	files, err := filepath.Glob(filepath.Join(f.dir, prefix+"*"+suffix))
	for _, path := range files {
		err = errors.Join(err, Forget(path, word))
	}
	return err
}

// Forget takes every line with a word out of a file: beside it, then renamed. A file that is not there is no
// error.
func Forget(path, word string) error {
	if err := forget(path, pattern(word)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take lines out of %s: %w", path, err)
	}
	return nil
}

// pattern finds a word that is a user's name, and no part of another one.
func pattern(word string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^a-z0-9._-])` + regexp.QuoteMeta(word) + `($|[^a-z0-9._-]|[.]($|[^a-z0-9]))`)
}

func forget(path string, word *regexp.Regexp) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, info.Mode().Perm(), func(fresh *os.File) error {
		in, out := bufio.NewReader(file), bufio.NewWriter(fresh)
		for {
			line, readErr := in.ReadBytes('\n')
			if !word.Match(line) {
				if _, err := out.Write(line); err != nil {
					return err
				}
			}
			if readErr != nil { // the end
				return out.Flush()
			}
		}
	})
}
