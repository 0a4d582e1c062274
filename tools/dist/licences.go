package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|patents)([._-].*)?$`)

// licences is ours, those of the files that are fetched, and those of every Go module in the programs.
func (r *release) licences(ctx context.Context, arch string) ([]byte, error) {
	var b bytes.Buffer
	for _, name := range []string{"LICENSE", filepath.Join("scripts", "package", "NOTICE")} {
		content, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, err
		}
		b.Write(content)
		b.WriteString("\n")
	}
	modules, err := r.modules(ctx, arch)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		entries, err := os.ReadDir(modules[name])
		if err != nil {
			return nil, err
		}
		found := false
		for _, entry := range entries {
			if entry.IsDir() || !licenceFile.MatchString(entry.Name()) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(modules[name], entry.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			fmt.Fprintf(&b, "%s\n%s: %s\n\n%s\n", strings.Repeat("=", 80), name, entry.Name(), content)
		}
		if !found {
			return nil, fmt.Errorf("find the licence of %s: its folder has none", name)
		}
	}
	return b.Bytes(), nil
}

// modules are the folders of the Go modules that the programs hold, by name and version; also that of Go itself.
func (r *release) modules(ctx context.Context, arch string) (map[string]string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Module", "./cmd/orchestrator", "./cmd/inferd")
	command.Dir, command.Stderr = r.root, os.Stderr
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	folders := map[string]string{}
	for in := json.NewDecoder(bytes.NewReader(answer)); ; {
		var listed struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := in.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("list modules: %w", err)
		}
		if m := listed.Module; m != nil && !m.Main {
			folders[m.Path+" "+m.Version] = m.Dir
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go: %w", err)
	}
	folders["Go"] = strings.TrimSpace(string(root))
	return folders, nil
}
