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
	"path"
	"path/filepath"
	"regexp"
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
		"github.com/jackc/pgx/v5":        {"orchestrator/store", "orchestrator/importer", "orchestrator/queue", "internal/pgtest"},
		"modernc.org/sqlite":             {"orchestrator/store"},
		"github.com/pressly/goose/v3":    {"orchestrator/store"},
		"github.com/spf13/cobra":         {"orchestrator/cli", "cmd"},
		"github.com/wneessen/go-mail":    {"orchestrator/notify/mail"},
		"github.com/eclipse/paho.golang": {"orchestrator/notify/homeassistant"},
		"github.com/mochi-mqtt/server":   {"orchestrator/notify/homeassistant"},
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
// external ones may also use what lies below it, and those of the faces every part: they hold what the parts do
// together.
func TestDirections(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		check := func(path string, free bool) {
			if to := strings.TrimPrefix(path, module); ours(path) && !free && !mayImport(p.name(), to) {
				t.Errorf("%s imports %s", p.name(), to)
			}
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports) {
			check(path, false)
		}
		for _, path := range p.XTestImports {
			check(path, within(path, module+p.name()) || withinAny(p.name(), faces) && within(path, module+"orchestrator"))
		}
	}
}

// The rooms of the orchestrator that are no adapters: what every face may use, and the faces themselves.
var (
	shared = []string{"orchestrator/document", "orchestrator/advice", "orchestrator/health", "orchestrator/export", "orchestrator/letter", "orchestrator/settings", "orchestrator/logfile"}
	faces  = []string{"orchestrator/cli", "orchestrator/web", "orchestrator/queue"}
)

func withinAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
}

// mayImport is the table of directions: cmd, then faces, then service, then adapters, then the domain. A package may
// know what is above it (its domain), the internal parts of its own folder, and the shared internal packages.
func mayImport(from, to string) bool {
	half := func(path string) string { first, _, _ := strings.Cut(path, "/"); return first }
	switch {
	case half(to) == "internal", half(from) == "internal" && from != "internal/gen":
		return true
	case half(from) == "cmd":
		return to == "inferd/serve" || slices.Contains(faces, to)
	case half(from) == "scripts", half(from) == "bench":
		return half(to) == "orchestrator"
	case from == "orchestrator/modelhost/plugintest": // it holds both halves to each other
		return true
	case half(from) != half(to):
		return false
	case from == "inferd/yamnet" && to == "inferd/tflite": // the model stands on the binding
		return true
	case within(from, "inferd/serve"):
		return true
	}
	if owner, _, internal := strings.Cut(to, "/internal/"); internal {
		return within(from, owner)
	}
	switch {
	case within(from, to): // the domain, and an adapter's own root
		return true
	case strings.HasSuffix(to, "test"): // a conformance suite holds every implementation
		return within(from, path.Dir(to))
	case withinAny(from, faces):
		own := strings.Join(strings.SplitN(from, "/", 3)[:2], "/") // a face's own rooms are below it
		return within(to, "orchestrator/service") || withinAny(to, shared) || within(to, own)
	case within(from, "orchestrator/service"):
		return !withinAny(to, faces)
	case withinAny(from, shared): // the forms of settings and their defaults
		return withinAny(to, shared) || withinAny(to, []string{"orchestrator/detect", "orchestrator/vault", "orchestrator/notify"})
	case within(from, "orchestrator/importer"): // it writes what it reads elsewhere
		return to == "orchestrator/store"
	case from == "orchestrator/source/limitless/limitlesstest": // it answers with sound
		return to == "orchestrator/audio"
	}
	return false
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
		{"orchestrator/service", "orchestrator/source/folder", true},
		{"orchestrator/web", "orchestrator/service", true},
		{"orchestrator/web", "orchestrator/document", true},
		{"orchestrator/web", "orchestrator/web/words", true},
		{"orchestrator/web/chart", "orchestrator/web/words", true},
		{"orchestrator/web/chart", "orchestrator/store", false},
		{"orchestrator/web", "orchestrator/store", false},
		{"orchestrator/cli", "orchestrator/service/setup", true},
		{"orchestrator/cli", "orchestrator/store", false},
		{"orchestrator/cli", "orchestrator/notify", false},
		{"orchestrator/health", "orchestrator/advice", true},
		{"orchestrator/notify", "orchestrator/health", false},
		{"orchestrator/web", "orchestrator/cli", false},
		{"orchestrator/queue", "orchestrator/web", false},
		{"orchestrator/service", "orchestrator/cli", false},
		{"orchestrator/store", "orchestrator/document", false},
		{"inferd/serve", "inferd/yamnet", true},
		{"cmd/inferd", "inferd/serve", true},
		{"cmd/orchestrator", "orchestrator/web", true},
		{"cmd/orchestrator", "orchestrator/service", false},
		{"inferd/yamnet", "inferd/tflite", true},
		{"inferd/tflite", "inferd/yamnet", false},
		{"orchestrator/audio", "internal/artifacts", true},
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
	allowed := []string{"orchestrator/settings", "orchestrator/cli", "inferd/serve", "cmd", "internal/testkit", "internal/pgtest"}
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

// commandWords are names of our commands, flags and variables.
var commandWords = regexp.MustCompile(`orchestrator (run|user|doctor|status|setup|runs|laughs|key|restore|backup|models|config)\b|\bCHORTLE_[A-Z]|(^|[ (])--[a-z]{2}|make setup`)

// TestPartsNameNoCommands: the domain and its adapters report problems by codes and facts; which command, setting or
// button helps is said by package advice and the faces.
func TestPartsNameNoCommands(t *testing.T) {
	t.Parallel()
	speak := append(slices.Concat(faces, shared), "orchestrator/service")
	for _, p := range list(t, "./orchestrator/...") {
		if withinAny(p.name(), speak) || strings.HasSuffix(p.name(), "test") {
			continue
		}
		for _, file := range p.GoFiles {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatalf("parse %s: %v", file, err)
			}
			ast.Inspect(tree, func(node ast.Node) bool {
				if text, ok := node.(*ast.BasicLit); ok && text.Kind == token.STRING && commandWords.MatchString(strings.Trim(text.Value, "`\"")) {
					t.Errorf("%s/%s names a command, a flag or a variable: %s", p.name(), file, text.Value)
				}
				return true
			})
		}
	}
}
