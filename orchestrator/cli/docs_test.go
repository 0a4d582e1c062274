package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

var (
	codeInDocs    = regexp.MustCompile("`([^`]+)`")
	commandInDocs = regexp.MustCompile(`(?m)(?:^|[ /])orchestrator( [^|#&;\n]+)`)
	wordInDocs    = regexp.MustCompile(`^[a-z]+$`)
	flagInDocs    = regexp.MustCompile(`--([a-z][a-z-]+)`)
)

// Every command that the documents name exists, with the flags that they name.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	pages, err := filepath.Glob(filepath.Join(testkit.Root(), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	for _, page := range append(pages, filepath.Join(testkit.Root(), "README.md")) {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			code := []string{line}
			if !strings.HasPrefix(line, "    ") {
				code = codeInDocs.FindAllString(line, -1)
			}
			for _, match := range commandInDocs.FindAllStringSubmatch(strings.ReplaceAll(strings.Join(code, "\n"), "`", ""), -1) {
				words := strings.Fields(match[1])
				end := slices.IndexFunc(words, func(w string) bool { return !wordInDocs.MatchString(w) })
				if end < 0 {
					end = len(words)
				}
				if end = min(end, 2); end == 0 {
					continue
				}
				name := strings.Join(words[:end], " ")
				if _, asked := help[name]; !asked {
					r := p.run(append(slices.Clone(words[:end]), "--help")...)
					help[name] = r.stdout
					if r.code != 0 || !strings.Contains(r.stdout, "orchestrator "+words[0]) {
						t.Errorf("%s: there is no command %q", filepath.Base(page), name)
					}
				}
				for _, flag := range flagInDocs.FindAllStringSubmatch(match[1], -1) {
					if !strings.Contains(help[name], "--"+flag[1]) {
						t.Errorf("%s: %q has no flag --%s", filepath.Base(page), name, flag[1])
					}
				}
			}
		}
	}
	if len(help) < 12 {
		t.Errorf("only %d commands were found", len(help))
	}
}
