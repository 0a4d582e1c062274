// Package deps proves the directions of DESIGN: which package may know which.
package deps

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

const module = "github.com/chortle-audio/chortle/"

// pkg is what `go list` says of a package. Imports are direct, Deps are all.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// name is the path within the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// imports are the direct imports of the package and its tests.
func (p pkg) imports() []string { return slices.Concat(p.Imports, p.TestImports, p.XTestImports) }

// list asks go about packages: everything of the module for "./...".
func list(t *testing.T, patterns ...string) []pkg {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, patterns...)...)
	command.Dir = testkit.Root()
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		t.Fatalf("list packages: %v: %s", err, &complaint)
	}
	var pkgs []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read packages: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatalf("no package matches %v", patterns)
	}
	return pkgs
}

// within tells whether a path is a folder's package or below it. Paths are whole import paths.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

func ours(path string) bool { return strings.HasPrefix(path, module) }

func TestProgramsCarryOnlyTheirHalf(t *testing.T) {
	t.Parallel()
	for program, forbidden := range map[string][]string{
		"orchestrator": {module + "inferd"},
		"inferd": {
			module + "orchestrator", "database/sql", "github.com/jackc/pgx/v5", "modernc.org/sqlite",
			"github.com/pressly/goose/v3",
		},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			for _, p := range list(t, "./cmd/"+program) {
				for _, dep := range p.Deps {
					if slices.ContainsFunc(forbidden, func(folder string) bool { return within(dep, folder) }) {
						t.Errorf("cmd/%s carries %s", program, dep)
					}
				}
			}
		})
	}
}

func TestDomainsImportTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, dep := range list(t, "./orchestrator")[0].Deps {
		if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") && dep != module+"orchestrator" {
			t.Errorf("orchestrator depends on %s", dep)
		}
	}
}

// TestOutsideThingsHaveOneHome holds the places where a third-party package may be imported.
func TestOutsideThingsHaveOneHome(t *testing.T) {
	t.Parallel()
	homes := map[string][]string{
		"github.com/hashicorp/go-plugin": {"orchestrator/modelhost", "inferd/serve"},
		"github.com/jackc/pgx/v5":        {"orchestrator/store", "internal/pgtest", "internal/storetest"},
		"modernc.org/sqlite":             {"orchestrator/store"},
		"github.com/pressly/goose/v3":    {"orchestrator/store"},
		"github.com/spf13/cobra":         {"orchestrator/cli", "cmd"},
	}
	for _, p := range list(t, "./...") {
		for _, path := range p.imports() {
			for outside, allowed := range homes {
				at := func(home string) bool { return within(p.name(), home) }
				if within(path, outside) && !slices.ContainsFunc(allowed, at) {
					t.Errorf("%s imports %s, which belongs to %v", p.name(), path, allowed)
				}
			}
		}
	}
}

// TestDirections goes over every import inside the module. A package's tests are bound like itself, but the
// external ones may also use what lies below it.
func TestDirections(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		for _, path := range p.imports() {
			to := strings.TrimPrefix(path, module)
			below := slices.Contains(p.XTestImports, path) && within(to, p.name())
			if ours(path) && !below && !mayImport(p.name(), to) {
				t.Errorf("%s imports %s", p.name(), to)
			}
		}
	}
}

// mayImport is the table of directions: a package may know what is above it (its domain), the internal parts
// of its own folder, and the shared internal packages. The command lines may know their whole half.
func mayImport(from, to string) bool {
	half := func(path string) string { first, _, _ := strings.Cut(path, "/"); return first }
	switch {
	case half(to) == "internal", half(from) == "internal" && from != "internal/gen":
		return true
	case half(from) == "cmd":
		return to == "orchestrator/cli" || to == "inferd/serve"
	case half(from) == "scripts":
		return half(to) == "orchestrator"
	case half(from) != half(to):
		return false
	case from == "inferd/yamnet" && to == "inferd/tflite": // the model stands on the binding
		return true
	case within(from, "orchestrator/cli"), within(from, "inferd/serve"):
		return true
	}
	if owner, _, internal := strings.Cut(to, "/internal/"); internal {
		return within(from, owner)
	}
	return within(from, to)
}

func TestMayImport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"orchestrator/detect", "orchestrator", true},
		{"orchestrator/store/sqlite", "orchestrator/store", true},
		{"orchestrator/audio", "orchestrator/audio/internal/ogg", true},
		{"orchestrator/audio/internal/opus", "orchestrator/audio/internal/ogg", true},
		{"orchestrator/cli", "orchestrator/source/folder", true},
		{"inferd/serve", "inferd/yamnet", true},
		{"cmd/inferd", "inferd/serve", true},
		{"inferd/yamnet", "inferd/tflite", true},
		{"inferd/tflite", "inferd/yamnet", false},
		{"orchestrator/audio", "internal/cachedir", true},
		{"orchestrator", "orchestrator/detect", false},
		{"orchestrator/detect", "orchestrator/audio", false},
		{"orchestrator/source/folder", "orchestrator/source/limitless", false},
		{"inferd/yamnet", "inferd/serve", false},
		{"orchestrator/modelhost", "inferd/fake", false},
		{"inferd", "orchestrator", false},
		{"cmd/inferd", "inferd/yamnet", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("may %s import %s: got %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestTheEnvironmentIsReadAtTheEdges finds reads of it, in what is not a test.
func TestTheEnvironmentIsReadAtTheEdges(t *testing.T) {
	t.Parallel()
	allowed := []string{"orchestrator/cli", "inferd/serve", "cmd", "internal/testkit", "internal/pgtest"}
	reads := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}
	for _, p := range list(t, "./...") {
		if slices.ContainsFunc(allowed, func(home string) bool { return within(p.name(), home) }) {
			continue
		}
		for _, file := range p.GoFiles {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatalf("parse %s: %v", file, err)
			}
			ast.Inspect(tree, func(node ast.Node) bool {
				selector, ok := node.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if of, ok := selector.X.(*ast.Ident); ok && of.Name == "os" && slices.Contains(reads, selector.Sel.Name) {
					t.Errorf("%s/%s reads the environment: os.%s", p.name(), file, selector.Sel.Name)
				}
				return true
			})
		}
	}
}
