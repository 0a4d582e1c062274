package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"github.com/chortle-audio/chortle/internal/owned"
)

// maxFile bounds a .env file and a file with a secret: whatever is larger is something else.
const maxFile = 1 << 20

// places lists the folders in which a .env file and a models.toml are looked for, the first place first.
func (s *Settings) places(in Input) []string {
	config := s.environment["XDG_CONFIG_HOME"]
	if !filepath.IsAbs(config) && s.home != "" {
		config = filepath.Join(s.home, ".config")
	}
	dirs := append([]string{in.WorkingDir, dirOf(in.Executable), below(config, "chortle")}, in.system()...)
	return slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
}

func (in Input) system() []string {
	if in.System == nil {
		return []string{"/etc/chortle", "/var/lib/chortle"}
	}
	return in.System
}

// closedService returns the last of the system's folders, where the data is, if one of them, or the settings in it, is
// closed to this user; else nothing. open opens a file, or says why it cannot.
func closedService(dirs []string, open func(path string) error) string {
	closed := func(dir string) bool { return errors.Is(open(filepath.Join(dir, ".env")), fs.ErrPermission) }
	if !slices.ContainsFunc(dirs, closed) {
		return ""
	}
	return dirs[len(dirs)-1]
}

// modelsFile finds the models.toml: the first that is there.
func (s *Settings) modelsFile() string {
	for _, dir := range s.dirs {
		if path := s.existing(filepath.Join(dir, "models.toml")); path != "" {
			return path
		}
	}
	return ""
}

// findEnvFile reads the .env file that a person named, or the first that is there.
func (s *Settings) findEnvFile(in Input) (map[string]string, error) {
	var files []string
	for _, dir := range s.dirs {
		files = append(files, filepath.Join(dir, ".env"))
	}
	if in.EnvFile != "" {
		files = []string{in.EnvFile}
	}
	for _, path := range files {
		content, err := readSmall(path)
		if in.EnvFile == "" {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && (closed(path) || slices.Contains(in.system(), filepath.Dir(path))) {
				continue
			}
			if errors.Is(err, owned.ErrForeign) { // whoever put it there must not choose what we run
				s.Warnings = append(s.Warnings, fmt.Sprintf("ignoring the settings file: %v; name it with --env-file if it is yours", err))
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read settings file: %w; let this user read it, or name another with --env-file", err)
		}
		s.EnvFile = path
		s.warnOfFile(path, content)
		values, err := godotenv.Unmarshal(content + "\n") // else the parser overlooks a bad last line
		if err != nil {
			// The parser's own message quotes the file, and the file may hold secrets.
			return nil, fmt.Errorf("read settings file %s: line %d is not understood; want NAME=value, in quotes where it has spaces", path, badLine(content))
		}
		return values, nil
	}
	return nil, nil
}

// closed tells whether a file lies where this user may not even look, such as in somebody else's home: what
// is there is not meant for us. A file that can be seen and not be read is.
func closed(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrPermission)
}

// warnOfFile notes what a settings file most likely does not mean: secrets that others can read, and a '$' that the
// parser expands as a variable, so that a password becomes another one.
func (s *Settings) warnOfFile(path, content string) {
	secret := false
	number := 0
	for line := range strings.Lines(content) {
		number++
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || value == "" || strings.HasPrefix(name, "#") {
			continue
		}
		i := slices.IndexFunc(Table, func(d Definition) bool { return d.Name == name })
		secret = secret || i >= 0 && (Table[i].Secret || Table[i].Hidden)
		if strings.Contains(value, "$") && value[0] != '\'' && !strings.Contains(value, `\$`) {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s in %s, line %d, has a '$', which is replaced like a shell's variable; put the value in single quotes to keep it as it is", name, path, number))
		}
	}
	if info, err := os.Stat(path); secret && err == nil && info.Mode().Perm()&0o004 != 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s holds secrets and every user of this machine can read it; run: chmod o-r %s", path, path))
	}
}

// badLine finds the first line that cannot be read by itself.
func badLine(content string) int {
	number := 0
	for line := range strings.Lines(content) {
		number++
		if _, err := godotenv.Unmarshal(line + "\n"); err != nil {
			return number
		}
	}
	return number
}

// readSecret reads a file that holds nothing but a secret.
func readSecret(path string) (string, error) {
	content, err := readSmall(path)
	if err != nil {
		return "", fmt.Errorf("%w; let this user read the file", err)
	}
	secret := strings.TrimSpace(content)
	if secret == "" {
		return "", fmt.Errorf("%s is empty; write the value into it", path)
	}
	return secret, nil
}

func readSmall(path string) (string, error) {
	content, err := owned.Read(path, maxFile)
	return string(content), err
}

// existing returns path where there is such a file, else nothing.
func (s *Settings) existing(path string) string {
	if info, err := os.Stat(path); path == "" || err != nil || info.IsDir() {
		return ""
	}
	return path
}

// program finds a program in PATH, else at the place given; nothing where it is at neither.
func (s *Settings) program(name, otherwise string) string {
	for _, dir := range filepath.SplitList(s.environment["PATH"]) {
		if path := filepath.Join(dir, name); filepath.IsAbs(dir) && executable(path) {
			return path
		}
	}
	if executable(otherwise) {
		return otherwise
	}
	return ""
}

// inferd finds our own inferd: beside this program, else in PATH.
func (s *Settings) inferd() string {
	if path := below(dirOf(s.executable), "inferd"); executable(path) {
		return path
	}
	return s.program("inferd", "")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return path != "" && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func below(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

func dirOf(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Dir(path)
}
