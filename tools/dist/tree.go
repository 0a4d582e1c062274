package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/artifacts/fetch"
)

// file is one file of what is installed. Its place is below the prefix, such as "bin/orchestrator".
type file struct {
	place   string
	mode    fs.FileMode
	content []byte
}

// tree is what is installed on a machine, by place.
type tree []file

func (t *tree) add(place string, mode fs.FileMode, content []byte) {
	*t = append(*t, file{place, mode, content})
}

func (t *tree) find(place string) []byte {
	for _, f := range *t {
		if f.place == place {
			return f.content
		}
	}
	return nil
}

// tree builds the programs and gathers what goes with them.
func (r *release) tree(ctx context.Context, arch string) (tree, error) {
	var t tree
	for _, program := range []string{"orchestrator", "inferd"} {
		content, err := r.build(ctx, program, arch)
		if err != nil {
			return nil, err
		}
		t.add("bin/"+program, 0o755, content)
	}
	for _, place := range []string{artifacts.Model, artifacts.TFLite, artifacts.Opus} {
		content, err := r.artifact(ctx, place, arch)
		if err != nil {
			return nil, err
		}
		t.add("lib/chortle/"+place, 0o644, content)
	}
	for _, add := range []func(context.Context, string, *tree) error{r.addScripts, r.addDocuments, r.addPages} {
		if err := add(ctx, arch, &t); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t, func(a, b file) int { return strings.Compare(a.place, b.place) })
	return t, nil
}

// build compiles a program as make build does, and for any machine.
func (r *release) build(ctx context.Context, program, arch string) ([]byte, error) {
	path := filepath.Join(r.work, arch, program)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+r.version.program, "-o", path, "./cmd/"+program)
	command.Dir, command.Stderr = r.root, os.Stderr
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("build %s: %w", program, err)
	}
	return os.ReadFile(path)
}

// artifact fetches a pinned file for a machine.
func (r *release) artifact(ctx context.Context, place, arch string) ([]byte, error) {
	artifact, err := artifacts.Named(place, "linux", arch)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.work, arch, "artifacts")
	source, err := fetch.Ensure(ctx, artifact, fetch.Options{Dir: dir, Mirrors: r.mirrors, Index: os.Getenv("PIP_INDEX_URL")})
	if err != nil {
		return nil, err
	}
	if source != "" {
		r.say("fetched %s from %s", artifact.Title, source)
	}
	return os.ReadFile(filepath.Join(dir, filepath.FromSlash(place)))
}

// addScripts adds the units, for programs in /usr, and what prepares a machine.
func (r *release) addScripts(_ context.Context, _ string, t *tree) error {
	settle, err := os.ReadFile(filepath.Join(r.root, "scripts/package/settle"))
	if err != nil {
		return err
	}
	t.add("lib/chortle/settle", 0o755, settle)
	units, err := filepath.Glob(filepath.Join(r.root, "scripts/systemd/chortle*"))
	if err != nil || len(units) == 0 {
		return fmt.Errorf("find units in scripts/systemd: %d, %w", len(units), err)
	}
	for _, unit := range units {
		content, err := os.ReadFile(unit)
		if err != nil {
			return err
		}
		t.add("lib/systemd/system/"+filepath.Base(unit), 0o644, bytes.ReplaceAll(content, []byte("/usr/local/"), []byte("/usr/")))
	}
	return nil
}

func (r *release) addDocuments(ctx context.Context, arch string, t *tree) error {
	pages, err := filepath.Glob(filepath.Join(r.root, "docs/*.md"))
	if err != nil {
		return err
	}
	pages = append(pages, filepath.Join(r.root, "README.md"), filepath.Join(r.root, "CHANGELOG.md"))
	for _, page := range pages {
		content, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		t.add("share/doc/chortle/"+filepath.Base(page), 0o644, content)
	}
	list, err := r.bom(arch)
	if err != nil {
		return err
	}
	t.add("share/doc/chortle/"+sbomFile, 0o644, list)
	licences, err := r.licences(ctx, arch)
	if err != nil {
		return err
	}
	t.add("share/doc/chortle/copyright", 0o644, licences)
	return nil
}

// addPages adds man pages and completions, which the program writes itself: that of the machine that builds.
func (r *release) addPages(ctx context.Context, _ string, t *tree) error {
	if _, err := r.build(ctx, "orchestrator", runtime.GOARCH); err != nil {
		return err
	}
	program, err := filepath.Abs(filepath.Join(r.work, runtime.GOARCH, "orchestrator"))
	if err != nil {
		return err
	}
	man := filepath.Join(r.work, "man")
	if err := os.RemoveAll(man); err != nil {
		return err
	}
	if _, err := r.call(ctx, program, "man", man); err != nil {
		return err
	}
	entries, err := os.ReadDir(man)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		page, err := os.ReadFile(filepath.Join(man, entry.Name()))
		if err != nil {
			return err
		}
		t.add("share/man/man1/"+entry.Name()+".gz", 0o644, compress(page))
	}
	for shell, place := range map[string]string{
		"bash": "share/bash-completion/completions/orchestrator",
		"zsh":  "share/zsh/site-functions/_orchestrator",
		"fish": "share/fish/vendor_completions.d/orchestrator.fish",
	} {
		script, err := r.call(ctx, program, "completion", shell)
		if err != nil {
			return err
		}
		t.add(place, 0o644, script)
	}
	return nil
}

// call runs a program with nothing of this machine in its environment.
func (r *release) call(ctx context.Context, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir, command.Stderr = r.root, os.Stderr
	command.Env = []string{"HOME=/nonexistent", "PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s %s: %w", path.Base(program), strings.Join(args, " "), err)
	}
	return answer, nil
}

// compress makes the same bytes of the same content: no name and no time in its head.
func compress(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}
