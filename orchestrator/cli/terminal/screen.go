// Package terminal writes for people: aligned tables, a little colour, and one status line that
// other output does not tear apart. On anything but a terminal the output is plain text.
package terminal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Screen is a place that people read: a terminal, or a file or pipe. Safe for concurrent use.
type Screen struct {
	// Terminal is true where a person looks at it now.
	Terminal bool

	writer  io.Writer
	file    *os.File
	colours bool
	writing sync.Mutex
	status  string
	broken  bool
	onBreak func()
}

// OnBroken has f called, once, when the reader of a pipe is gone. f must not write to the screen.
func (s *Screen) OnBroken(f func()) { s.onBreak = f }

// Broken reports whether the reader of a pipe is gone.
func (s *Screen) Broken() bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.broken
}

// note remembers that nobody reads.
func (s *Screen) note(err error) error {
	if errors.Is(err, syscall.EPIPE) && !s.broken {
		s.broken = true
		if s.onBreak != nil {
			s.onBreak()
		}
	}
	return err
}

// NewScreen wraps a writer; getenv is os.Getenv or a stand-in. NO_COLOR and TERM=dumb are respected.
func NewScreen(w io.Writer, getenv func(string) string) *Screen {
	s := &Screen{writer: w}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		dumb := getenv("TERM") == "dumb"
		s.Terminal, s.file = !dumb, file
		s.colours = !dumb && getenv("NO_COLOR") == ""
	}
	return s
}

// Write writes whole lines, above the status line where there is one. They are for people, and may hold what others
// chose, such as a name, an error of a server or a row of a backup: what controls a terminal becomes escapes, except
// ends of lines, tabs, and the Screen's own colours.
func (s *Screen) Write(p []byte) (int, error) {
	n, err := s.write([]byte(safe(string(p), "\n\t")))
	return min(n, len(p)), err
}

// Raw is the Screen for a program that reads: every byte is written as it is.
func (s *Screen) Raw() io.Writer { return raw{s} }

type raw struct{ *Screen }

func (r raw) Write(p []byte) (int, error) { return r.write(p) }

// safe is Printable, but for the characters of free and the colours of Screens.
func safe(text, free string) string {
	isHidden := func(r rune) bool { return hidden(r) && !strings.ContainsRune(free, r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isHidden) {
		return text
	}
	var b strings.Builder
	plain := func(text string) {
		for at := 0; at < len(text); {
			end := strings.IndexAny(text[at:], free)
			if free == "" || end < 0 {
				b.WriteString(Printable(text[at:]))
				return
			}
			b.WriteString(Printable(text[at : at+end]))
			b.WriteByte(text[at+end])
			at += end + 1
		}
	}
	at := 0
	for _, colour := range escape.FindAllStringIndex(text, -1) {
		plain(text[at:colour[0]])
		b.WriteString(text[colour[0]:colour[1]])
		at = colour[1]
	}
	plain(text[at:])
	return b.String()
}

func (s *Screen) write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.status == "" {
		n, err := s.writer.Write(p)
		return n, s.note(err)
	}
	var b bytes.Buffer
	b.WriteString("\r\x1b[K")
	b.Write(p)
	b.WriteString(s.status)
	_, err := s.writer.Write(b.Bytes())
	return len(p), s.note(err)
}

// SetStatus shows a line that the next one replaces; the empty one removes it. It does nothing where
// nobody looks.
func (s *Screen) SetStatus(line string) {
	if !s.Terminal {
		return
	}
	line = safe(line, "")
	s.writing.Lock()
	defer s.writing.Unlock()
	if line == s.status {
		return
	}
	width, _, err := term.GetSize(int(s.file.Fd()))
	if err == nil && utf8.RuneCountInString(line) >= width {
		line = string([]rune(line)[:max(0, width-1)])
	}
	s.status = line
	_, _ = io.WriteString(s.writer, "\r\x1b[K"+line)
}

// Green colours a text where the screen has colours, as do its siblings below.
func (s *Screen) Green(text string) string { return s.colour("32", text) }

// Yellow colours a text.
func (s *Screen) Yellow(text string) string { return s.colour("33", text) }

// Red colours a text.
func (s *Screen) Red(text string) string { return s.colour("31", text) }

// Bold makes a text bold.
func (s *Screen) Bold(text string) string { return s.colour("1", text) }

// Dim makes a text faint.
func (s *Screen) Dim(text string) string { return s.colour("2", text) }

func (s *Screen) colour(code, text string) string {
	if !s.colours || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Printable makes a name that others chose safe to show: control characters and bytes that are no
// text become escapes, so that no name can move the cursor or start a new line.
func Printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[i])|0x100, 16)[1:])
		case hidden(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
