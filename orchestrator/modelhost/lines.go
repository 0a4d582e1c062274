package modelhost

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
)

const (
	maxLineBytes      = 128 << 10 // what a line has beyond is thrown away; a record of our SDK has half of it at most
	maxShownBytes     = 4 << 10   // a text that is longer is shown without its middle
	maxLinesPerSecond = 200       // what a second has beyond is counted only
	maxPairs          = 16        // pairs of one log line
	tailLines         = 20
)

// lineLog takes the lines that a process writes to stderr, in whatever form, passes them on to the
// log as far as that can bear it, and keeps the last ones. Safe for concurrent use.
type lineLog struct {
	log logrus.FieldLogger
	now func() time.Time

	mu       sync.Mutex
	tail     []string
	second   time.Time // start of the second that is being counted
	inSecond int
	left     int  // lines left away since the last that was logged
	crashed  bool // a Go program said why it dies; what follows are its stacks
}

// crash is how the Go runtime begins to say why a program dies.
var crash = regexp.MustCompile(`^(panic|fatal error|SIG[A-Z]+): `)

func newLineLog(log logrus.FieldLogger, now func() time.Time) *lineLog {
	return &lineLog{log: log, now: now}
}

// writer returns a writer that splits what it gets into lines. Each source needs its own.
func (l *lineLog) writer() *lineWriter { return &lineWriter{log: l} }

// last returns the last lines.
func (l *lineLog) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tail)
}

func (l *lineLog) add(raw []byte) {
	line := parseLine(string(raw))
	l.mu.Lock()
	defer l.mu.Unlock()
	if line.message == "" && len(line.pairs) == 0 {
		return
	}
	if !l.crashed { // stacks would push the reason, which comes before them, out of the tail
		if len(l.tail) == tailLines {
			l.tail = slices.Delete(l.tail, 0, 1)
		}
		l.tail = append(l.tail, line.String())
	}
	if l.crashed = l.crashed || crash.MatchString(line.message); l.crashed {
		line.level = logrus.ErrorLevel
	}
	if l.mayLog() {
		l.log.WithFields(line.pairs).Log(line.level, line.message)
	}
}

// mayLog counts a line and reports whether its second still has room for it.
func (l *lineLog) mayLog() bool {
	if now := l.now(); now.Sub(l.second) >= time.Second {
		l.flush()
		l.second, l.inSecond = now, 0
	}
	if l.inSecond++; l.inSecond > maxLinesPerSecond {
		l.left++
		return false
	}
	return true
}

// flush says how many lines were left away.
func (l *lineLog) flush() {
	if l.left > 0 {
		l.log.WithField(keyLeftAway, l.left).Warn("model process writes too many lines; some were left away")
		l.left = 0
	}
}

// close says what is still to be said.
func (l *lineLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

// lineWriter cuts a stream of bytes into lines of bounded length. Writing never fails.
type lineWriter struct {
	log  *lineLog
	line []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		end := slices.Index(rest, '\n')
		piece := rest[:max(end, 0)]
		if end < 0 {
			piece = rest
		}
		w.line = append(w.line, piece[:min(len(piece), maxLineBytes-len(w.line))]...)
		if end < 0 {
			break
		}
		w.close()
		rest = rest[end+1:]
	}
	return len(b), nil
}

// close ends a line that has no end.
func (w *lineWriter) close() {
	w.log.add(w.line)
	w.line = w.line[:0]
	if cap(w.line) > maxShownBytes {
		w.line = nil // long ones are rare
	}
}

// logLine is one line of a process's log.
type logLine struct {
	level   logrus.Level
	message string
	pairs   logrus.Fields
}

// String writes the line for a person, in about maxShownBytes.
func (l logLine) String() string {
	var b strings.Builder
	b.WriteString(l.message)
	for _, key := range slices.Sorted(maps.Keys(l.pairs)) {
		fmt.Fprintf(&b, " %s=%v", key, l.pairs[key])
	}
	return shortened(b.String())
}

// prefixes by which libraries mark the level of a plain line.
var prefixes = map[string]logrus.Level{
	"[TRACE]": logrus.DebugLevel,
	"[DEBUG]": logrus.DebugLevel,
	"[INFO]":  logrus.InfoLevel,
	"[WARN]":  logrus.WarnLevel,
	"[ERROR]": logrus.ErrorLevel,
}

// levels of hclog.
var levels = map[string]logrus.Level{
	"trace": logrus.DebugLevel,
	"debug": logrus.DebugLevel,
	"info":  logrus.InfoLevel,
	"warn":  logrus.WarnLevel,
	"error": logrus.ErrorLevel,
}

// parseLine reads a line in hclog's JSON, whose level and pairs are kept, or any text, which is
// worth Debug unless it is marked otherwise. It accepts everything.
func parseLine(raw string) logLine {
	if line, ok := parseJSONLine(raw); ok {
		return line
	}
	line := logLine{level: logrus.DebugLevel, message: shown(raw)}
	for prefix, level := range prefixes {
		if rest, ok := strings.CutPrefix(line.message, prefix); ok {
			line.level, line.message = level, strings.TrimSpace(rest)
		}
	}
	return line
}

func parseJSONLine(raw string) (logLine, bool) {
	if !strings.HasPrefix(raw, "{") {
		return logLine{}, false
	}
	var values map[string]any
	if json.Unmarshal([]byte(raw), &values) != nil {
		return logLine{}, false
	}
	message, ok := values["@message"]
	if !ok {
		return logLine{}, false
	}
	line := logLine{level: logrus.DebugLevel, message: shown(fmt.Sprint(message))}
	if name, ok := values["@level"].(string); ok {
		if level, ok := levels[name]; ok {
			line.level = level
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(key, "@") || len(line.pairs) == maxPairs {
			continue
		}
		if line.pairs == nil {
			line.pairs = logrus.Fields{}
		}
		line.pairs[shown(key)] = shown(fmt.Sprint(values[key]))
	}
	return line, true
}

// shown makes a text of the process's fit for a log.
func shown(s string) string { return printable(shortened(s)) }

// shortened leaves out the middle of a text that is longer than maxShownBytes, and more of its beginning than
// of its end: that is where a traceback names the exception.
func shortened(s string) string {
	if len(s) <= maxShownBytes {
		return s
	}
	begin, end := maxShownBytes/4, len(s)-maxShownBytes*3/4
	for begin > 0 && !utf8.RuneStart(s[begin]) {
		begin--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	return s[:begin] + " … " + s[end:]
}

// printable makes a text safe to show: valid UTF-8 without control characters, which could steer a
// terminal.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
