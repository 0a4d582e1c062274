package settings_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const configurationHead = `# Configuration

A flag overrides an environment variable, which overrides a line of a ` + "`.env`" + ` file, which overrides the default.
` + "`orchestrator config`" + ` prints every setting with its value and where it comes from; secrets are masked.

The ` + "`.env`" + ` file is the first that exists of: ` + "`--env-file FILE`" + `; ` + "`.env`" + ` in the working directory, beside the program, in
` + "`~/.config/chortle`" + `, ` + "`/etc/chortle`" + ` and ` + "`/var/lib/chortle`" + `. It must belong to root or to the user who runs Chortle, and nobody else may
be able to write it. Lines are ` + "`NAME=value`" + `; put a value with spaces or with a ` + "`$`" + ` in single quotes.

A setting marked *secret* can also be given as ` + "`NAME_FILE`" + `, the path of a file that holds nothing but the value. Durations have a unit
(` + "`90s`, `36h`" + `), sizes too (` + "`512MB`" + ` is 512,000,000 bytes, ` + "`512MiB`" + ` 536,870,912).

| setting | flag | default | meaning |
|---|---|---|---|
`

// found are settings whose default is looked for on the machine; their text says what for.
var found = []string{"CHORTLE_OPUS_LIBRARY", "CHORTLE_FFMPEG", "CHORTLE_MODEL", "CHORTLE_MODELS_FILE"}

// TestConfigurationPage holds docs/configuration.md to the program: go test ./orchestrator/settings -run TestConfigurationPage -update
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	s, err := settings.Load(settings.Input{Environ: []string{"HOME=/home/alice"}, Executable: "/usr/local/bin/orchestrator"})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString(configurationHead)
	for _, v := range s.Values {
		meaning := v.Help
		if v.Secret {
			meaning += " *(secret)*"
		}
		flagName, fallback := "", ""
		if v.Flag != "" {
			flagName = "`--" + v.Flag + "`"
		}
		if v.Shown() != "" && !slices.Contains(found, v.Name) {
			fallback = "`" + strings.ReplaceAll(v.Shown(), "/home/alice", "~") + "`"
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", v.Name, flagName, fallback, strings.ReplaceAll(meaning, "|", "\\|"))
	}
	path := filepath.Join(testkit.Root(), "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(there) != page.String() {
		t.Error("docs/configuration.md is stale: run this test with -update")
	}
}
