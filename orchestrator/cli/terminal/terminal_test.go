package terminal_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
)

func noEnv(string) string { return "" }

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := terminal.NewTable("name", "count>", "what")
	table.Add("Zoë", "7", "short")
	table.Add("\x1b[32mbob\x1b[0m", "1234", "")
	if err := table.WriteTo(terminal.NewScreen(&out, noEnv)); err != nil {
		t.Fatal(err)
	}
	want := "name  count  what\n" +
		"Zoë       7  short\n" +
		"\x1b[32mbob\x1b[0m    1234  \n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if table.Len() != 2 {
		t.Errorf("length %d", table.Len())
	}
}

func TestPlainWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	screen := terminal.NewScreen(&out, noEnv)
	screen.SetStatus("50 %")
	if got := screen.Green("ok") + screen.Bold("x") + screen.Red("") + screen.Dim("y") + screen.Yellow("z"); got != "okxyz" {
		t.Errorf("coloured: %q", got)
	}
	if _, err := screen.Write([]byte("line\n")); err != nil || out.String() != "line\n" || screen.Terminal {
		t.Errorf("wrote %q, %v", out.String(), err)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-22 at tea.ogg": "2026-11-22 at tea.ogg",
		"Zoë 笑.ogg":             "Zoë 笑.ogg",
		"a\nb\t\x1b[2J":         `a\nb\t\x1b[2J`,
		"\xff.ogg":              `\xff.ogg`,
		"\x05\xffé\n":           `\x05\xffé\n`,
		"\u202egpj":             `\u202egpj`,
	} {
		if got := terminal.Printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31m\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := terminal.Printable(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// M7: whatever a row, a name or an error holds, it moves no cursor, sets no title and starts no line of its own.
func TestNothingControlsTheTerminal(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b]0;PWNED\x07\x1b[2J\r\u009b31m\u202ex"
	var out strings.Builder
	screen := terminal.NewScreen(&out, noEnv)
	table := terminal.NewTable("class")
	table.Add(hostile + "\nforged")
	if err := table.WriteTo(screen); err != nil {
		t.Fatal(err)
	}
	if _, err := screen.Write([]byte("name: " + hostile + "\n\ttabbed\n")); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\x07\r\u009b\u202e") || strings.Count(got, "\n") != 4 || !strings.Contains(got, "\n\ttabbed\n") {
		t.Errorf("wrote %q", got)
	}
	out.Reset()
	if _, err := screen.Raw().Write([]byte(hostile)); err != nil || out.String() != hostile {
		t.Errorf("raw: %q, %v", out.String(), err)
	}
}
