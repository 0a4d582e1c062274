// Package models reads models.toml, in which a person gives models names:
//
//	[yamnet-python]
//	about = "the same weights, served from Python"
//	command = ".venv/bin/python -m chortle_yamnet"
//	env = { CHORTLE_MODEL_THREADS = "1" }
//	sha256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"
//
// A model runs in the folder of the file unless `dir` names another; a program named by a path is
// looked for there too.
package models

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Entry is one model. Its zero value names none.
type Entry struct {
	// Name is short: lower-case letters, digits, '-', '_' and '.'. Empty for a command that has none.
	Name string
	// About is for people.
	About string
	// Command is the program and its arguments; a path of the program is absolute.
	Command []string
	// Env holds NAME=value settings of the program beside those that every model gets, by name.
	Env []string
	// Dir is the folder in which the program runs, absolute; empty means the orchestrator's own.
	Dir string
	// SHA256 that the model must say of its weights, lower-case hexadecimal; empty means any.
	SHA256 string
}

// maxFile bounds what is read: a larger file is something else.
const maxFile = 1 << 20

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	envForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	hashForm = regexp.MustCompile(`^([0-9a-f]{64})?$`)
)

// Read returns the entries of a models.toml, by name. An empty path has none. Errors name the file,
// the entry and what is wrong with it.
func Read(path string) ([]Entry, error) {
	if path == "" {
		return nil, nil
	}
	entries, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read models %s: %w", path, err)
	}
	return entries, nil
}

func read(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; let this user read it, or set CHORTLE_MODELS_FILE", errors.Unwrap(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, err
	}
	var tables map[string]table
	meta, err := toml.Decode(string(content), &tables)
	if at := (toml.ParseError{}); errors.As(err, &at) {
		return nil, fmt.Errorf("line %d: %s", at.Position.Line, at.Message)
	} else if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s is not known; want about, command, dir, env and sha256", unknown[0])
	}
	var entries []Entry
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		entry, err := tables[name].entry(name, filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", name, err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// table is a model as it is written down.
type table struct {
	About   string            `toml:"about"`
	Command command           `toml:"command"`
	Env     map[string]string `toml:"env"`
	Dir     string            `toml:"dir"`
	SHA256  string            `toml:"sha256"`
}

// command is a text, split into words as a shell does, or a list of words.
type command []string

// UnmarshalTOML implements toml.Unmarshaler.
func (c *command) UnmarshalTOML(value any) error {
	switch value := value.(type) {
	case string:
		words, err := settings.SplitCommand(value)
		*c = words
		return err
	case []any:
		for _, word := range value {
			text, ok := word.(string)
			if !ok {
				return fmt.Errorf("command has the word %v; want texts", word)
			}
			*c = append(*c, text)
		}
		return nil
	}
	return fmt.Errorf("command is %v; want a text, or a list of texts", value)
}

func (t table) entry(name, folder string) (Entry, error) {
	e := Entry{Name: name, About: t.About, Command: t.Command, Dir: t.Dir, SHA256: strings.ToLower(t.SHA256)}
	switch {
	case !nameForm.MatchString(name):
		return e, errors.New("want a name of 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
	case len(e.Command) == 0 || e.Command[0] == "":
		return e, errors.New(`command is missing; want one such as command = "python my_model.py"`)
	case !hashForm.MatchString(e.SHA256):
		return e, fmt.Errorf("sha256 is %q; want 64 hexadecimal digits", t.SHA256)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return e, err
	}
	if !filepath.IsAbs(e.Dir) {
		e.Dir = filepath.Join(folder, e.Dir)
	}
	if program := e.Command[0]; strings.Contains(program, "/") && !filepath.IsAbs(program) {
		e.Command[0] = filepath.Join(e.Dir, program)
	}
	for _, key := range slices.Sorted(maps.Keys(t.Env)) {
		if !envForm.MatchString(key) || strings.Contains(t.Env[key], "\x00") {
			return e, fmt.Errorf("env has %q; want names of letters, digits and '_'", key)
		}
		e.Env = append(e.Env, key+"="+t.Env[key])
	}
	return e, nil
}

// Find returns the entry that a command names: one whose name is its only word.
func Find(entries []Entry, command []string) (Entry, bool) {
	for _, e := range entries {
		if len(command) == 1 && command[0] == e.Name {
			return e, true
		}
	}
	return Entry{}, false
}
