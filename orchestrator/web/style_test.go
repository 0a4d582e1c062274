package web

import (
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func stylesheet(t *testing.T) string {
	t.Helper()
	css, err := assetFiles.ReadFile("assets/page.css")
	if err != nil {
		t.Fatal(err)
	}
	return string(css)
}

// themes reads the colours of each theme: light, dark by the system, dark by choice.
func themes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css := stylesheet(t)
	token := regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`)
	read := func(from string) map[string]string {
		_, block, ok := strings.Cut(css, from)
		if !ok {
			t.Fatalf("the stylesheet has no %q", from)
		}
		block, _, _ = strings.Cut(block, "}")
		colours := map[string]string{}
		for _, match := range token.FindAllStringSubmatch(block, -1) {
			colours[match[1]] = match[2]
		}
		return colours
	}
	return map[string]map[string]string{"light": read(":root {"), "dark": read(`:root:not([data-theme="light"]) {`), "chosen dark": read(`:root[data-theme="dark"] {`)}
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

// TestContrast computes the contrast of every pair of colours that meet on the page (WCAG 2.2: 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	const text, shape = 4.5, 3
	pairs := []struct {
		front string
		on    []string
		least float64
	}{
		{"ink", []string{"paper", "sheet", "wash"}, 7},
		{"soft", []string{"paper", "sheet", "wash"}, text},
		{"laugh-ink", []string{"paper", "sheet", "wash"}, text},
		{"fail", []string{"paper", "sheet"}, text},
		{"paper", []string{"ink"}, text}, // buttons and the message at the bottom
		{"laugh", []string{"paper", "sheet", "wash"}, shape},
		{"gold", []string{"paper", "sheet", "wash"}, shape},
		{"sound", []string{"paper", "sheet", "wash"}, shape},
		{"gap", []string{"paper", "sheet", "wash"}, shape},
		{"edge", []string{"paper", "sheet"}, shape},
		{"paper", []string{"laugh"}, shape}, // the sign on the play button
	}
	for name, colours := range themes(t) {
		for _, pair := range pairs {
			for _, on := range pair.on {
				a, b := luminance(t, colours[pair.front]), luminance(t, colours[on])
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", name, pair.front, on, ratio, pair.least)
				}
			}
		}
	}
}

func TestThemesHaveTheSameColours(t *testing.T) {
	t.Parallel()
	all := themes(t)
	if !maps.Equal(all["dark"], all["chosen dark"]) {
		t.Error("the dark theme by choice differs from the one by the system")
	}
	if light, dark := slices.Sorted(maps.Keys(all["light"])), slices.Sorted(maps.Keys(all["dark"])); !slices.Equal(light, dark) || len(light) < 10 {
		t.Errorf("light has %v, dark has %v", light, dark)
	}
}

// TestStylesheet: colours and sizes of type are tokens only, and nothing comes from elsewhere.
func TestStylesheet(t *testing.T) {
	t.Parallel()
	css := stylesheet(t)
	_, rest, _ := strings.Cut(css, "/* Ground */")
	for _, match := range regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`).FindAllString(rest, -1) {
		t.Errorf("%s is a colour without a name", match)
	}
	for _, match := range regexp.MustCompile(`font-size:\s*([^;}]+)`).FindAllStringSubmatch(rest, -1) {
		if !strings.HasPrefix(match[1], "var(--s") && match[1] != "10px" && match[1] != "8px" { // names in the year grow with their picture
			t.Errorf("%s is a size beside the five", match[1])
		}
	}
	if strings.Contains(css, "@import") || strings.Contains(css, "http") || strings.Contains(css, "@font-face") {
		t.Error("the stylesheet asks somebody else")
	}
}

// TestTemplatesAreClean: no script, style or handler stands in a template, and none makes HTML out of text.
func TestTemplatesAreClean(t *testing.T) {
	t.Parallel()
	bad := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script>|<script [^>]*>[^<]|https?://`)
	word := regexp.MustCompile(`\b(?:t|n) "([a-z0-9.-]+)"`)
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		if found := bad.Find(text); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		for _, match := range word.FindAllSubmatch(text, -1) {
			if !catalogue.Has(string(match[1])) {
				t.Errorf("%s: no word for %q", name, match[1])
			}
		}
	}
}
