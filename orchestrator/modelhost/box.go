package modelhost

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/internal/sandbox"
)

// box says what a model process may do: read its program and what we name to it, serve its socket, and nothing else.
func (c Config) box(path, socketDir string) sandbox.Box {
	box := sandbox.Box{Mode: c.Sandbox, Serve: true, Write: append([]string{socketDir}, c.Write...)}
	box.Read = slices.Concat(programs(path), c.Read, c.named())
	if c.Dir != "" {
		box.Read = append(box.Read, c.Dir)
	}
	return box
}

// programs lists what a program needs to start, and a Python also the folders that packages were installed from to be
// worked on (pip install -e), which its *.pth files name.
func programs(path string) []string {
	list := sandbox.Program(path)
	for _, dir := range list {
		if filepath.Base(dir) != "lib" {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "python3*", "site-packages", "*.pth"))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(content)) {
				if line = strings.TrimSpace(line); filepath.IsAbs(line) && filepath.Clean(line) != "/" {
					list = append(list, line)
				}
			}
		}
	}
	return list
}

// named are the files and folders that the command and its environment name: weights and libraries in our own
// variables, folders of programs and modules in the usual ones, and scripts, whose folder holds what they import.
func (c Config) named() (paths []string) {
	home := ""
	for _, entry := range c.Env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "HOME":
			home = filepath.Clean(value)
		case name == "PATH", name == "PYTHONPATH", name == "LD_LIBRARY_PATH":
			paths = append(paths, filepath.SplitList(value)...)
		case strings.HasPrefix(name, "CHORTLE_") && filepath.IsAbs(value):
			paths = append(paths, value)
		}
	}
	if home != "" { // where pip installs a user's own packages
		paths = append(paths, filepath.Join(home, ".local", "lib"))
	}
	for _, argument := range c.Command[1:] {
		file := argument
		if !filepath.IsAbs(file) && c.Dir != "" {
			file = filepath.Join(c.Dir, file)
		}
		file, err := filepath.Abs(file)
		if err != nil {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		paths = append(paths, file)
		if info.Mode().IsRegular() && info.Mode()&0o111 != 0 { // a program that the program starts
			paths = append(paths, programs(file)...)
		}
		if dir := filepath.Dir(file); !info.IsDir() && dir != "/" && dir != home { // neither everything, nor a person's all
			paths = append(paths, dir)
		}
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !filepath.IsAbs(path) || filepath.Clean(path) == "/" })
}
