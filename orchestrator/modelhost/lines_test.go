package modelhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"pgregory.net/rapid"
)

func TestParseLine(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]logLine{
		"INFO: Created TensorFlow Lite delegate": {logrus.DebugLevel, "INFO: Created TensorFlow Lite delegate", nil},
		"[WARN] low on disk":                     {logrus.WarnLevel, "low on disk", nil},
		"[ERROR]":                                {logrus.ErrorLevel, "", nil},
		`{"@level":"info","@message":"model loaded","@timestamp":"x","ms":12,"path":"/m"}`: {logrus.InfoLevel, "model loaded",
			logrus.Fields{"ms": "12", "path": "/m"}},
		`{"@level":"odd","@message":"m"}`:         {logrus.DebugLevel, "m", nil},
		`{"@message":{"a":[1]},"@level":5}`:       {logrus.DebugLevel, "map[a:[1]]", nil},
		`{"@message":null}`:                       {logrus.DebugLevel, "<nil>", nil},
		`{"level":"info","msg":"not hclog"}`:      {logrus.DebugLevel, `{"level":"info","msg":"not hclog"}`, nil},
		`{"@message":"cut`:                        {logrus.DebugLevel, `{"@message":"cut`, nil},
		"\x1b[31mred\x1b[0m \xff\xfe\r":           {logrus.DebugLevel, "[31mred [0m \uFFFD", nil},
		`{"@message":"\u001b[2J","k\u0007":"\n"}`: {logrus.DebugLevel, "[2J", logrus.Fields{"k": ""}},
	} {
		got := parseLine(raw)
		if got.level != want.level || got.message != want.message || fmt.Sprint(got.pairs) != fmt.Sprint(want.pairs) {
			t.Errorf("%q is %+v; want %+v", raw, got, want)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add(`{"@level":"info","@message":"m","a":1,"b":{"c":null}}`)
	f.Add(`{"@message":1,"@level":{},"@timestamp":[]}`)
	f.Add("[TRACE] \x00\x9b\xff")
	f.Fuzz(func(t *testing.T, raw string) {
		line := parseLine(raw)
		for _, r := range line.String() {
			if unicode.IsControl(r) {
				t.Fatalf("%q keeps a control character: %q", raw, line)
			}
		}
		if !utf8.ValidString(line.String()) || len(line.String()) > maxShownBytes+len(" … ") || len(line.pairs) > maxPairs || line.level < logrus.ErrorLevel {
			t.Fatalf("%q is %+v", raw, line)
		}
	})
}

// newTestLog returns a log of lines, what it logged, and its clock.
func newTestLog() (lines *lineLog, logged *logtest.Hook, seconds *atomic.Int64) {
	log, logged := logtest.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	seconds = &atomic.Int64{}
	return newLineLog(log, func() time.Time { return time.Unix(1e9+seconds.Load(), 0) }), logged, seconds
}

func TestFloodIsBounded(t *testing.T) {
	t.Parallel()
	lines, logged, seconds := newTestLog()
	out := lines.writer()
	for i := range 1000 {
		fmt.Fprintf(out, "line %d\n", i)
	}
	if got := len(logged.AllEntries()); got != maxLinesPerSecond {
		t.Errorf("%d lines were logged; want %d", got, maxLinesPerSecond)
	}
	seconds.Add(1)
	fmt.Fprintln(out, "calm again")
	entries := logged.AllEntries()[maxLinesPerSecond:]
	if len(entries) != 2 || entries[0].Data[keyLeftAway] != 1000-maxLinesPerSecond || entries[1].Message != "calm again" {
		t.Errorf("logged after the flood: %v", entries)
	}
	tail := lines.last()
	if len(tail) != tailLines || tail[0] != "line 981" || tail[tailLines-1] != "calm again" {
		t.Errorf("tail is %q", tail)
	}
}

// TestTailNamesTheReason: the stacks of a crash do not push it out.
func TestTailNamesTheReason(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"panic: boom", "fatal error: out of memory", "SIGSEGV: segmentation violation"} {
		lines, logged, _ := newTestLog()
		out := lines.writer()
		fmt.Fprintf(out, "loading\n%s\n\ngoroutine 1 [running]:\n%s", reason, strings.Repeat("main.main()\n\t/x.go:1\n", 30))
		out.close()
		if want := []string{"loading", reason}; !slices.Equal(lines.last(), want) {
			t.Errorf("tail is %q; want %q", lines.last(), want)
		}
		if last := logged.LastEntry(); last.Level != logrus.ErrorLevel {
			t.Errorf("stack is logged as %v", last.Level)
		}
	}
}

// TestTracebackNamesTheException: a record with many frames keeps its level and its pairs, and what is shown of
// it ends as it does.
func TestTracebackNamesTheException(t *testing.T) {
	t.Parallel()
	traceback := "Traceback (most recent call last):\n"
	for i := range 900 {
		traceback += fmt.Sprintf("  File \"/models/layers.py\", line %d, in forward\n    return self.inner(x)\n", i)
	}
	traceback += "ValueError: the tensor ‘x’ has no rows"
	record, err := json.Marshal(map[string]string{"@level": "error", "@message": "predict raised", "@timestamp": "x", "traceback": traceback})
	if err != nil {
		t.Fatal(err)
	}
	if len(record) < maxLineBytes/2 {
		t.Fatalf("the record has only %d bytes", len(record))
	}
	lines, logged, _ := newTestLog()
	out := lines.writer()
	_, _ = out.Write(append(record, '\n'))
	entry := logged.LastEntry()
	if entry == nil || entry.Level != logrus.ErrorLevel || entry.Message != "predict raised" {
		t.Fatalf("logged %v; want an error", entry)
	}
	told, _ := entry.Data["traceback"].(string)
	words := strings.Join(lines.last(), "|")
	for name, text := range map[string]string{"log": told, "last words": words} {
		if !strings.Contains(text, "Traceback (most recent call last)") || !strings.HasSuffix(text, "ValueError: the tensor ‘x’ has no rows") ||
			len(text) > maxShownBytes+len(" … ") {
			t.Errorf("%s: %d bytes: %s", name, len(text), text)
		}
	}
	if !strings.HasPrefix(words, "predict raised ") {
		t.Errorf("last words are %.100s", words)
	}
}

// TestLineWithoutEnd: what never ends takes no more memory than the longest line.
func TestLineWithoutEnd(t *testing.T) {
	t.Parallel()
	lines, logged, _ := newTestLog()
	out := lines.writer()
	block := bytes.Repeat([]byte("x"), 1<<20)
	for range 64 {
		_, _ = out.Write(block)
	}
	if got := cap(out.line); got > 2*maxLineBytes {
		t.Errorf("%d bytes are kept of a line without an end", got)
	}
	out.close()
	if entries := logged.AllEntries(); len(entries) != 1 || len(entries[0].Message) > maxShownBytes+len(" … ") || cap(out.line) != 0 {
		t.Errorf("logged %d lines; %d bytes are kept", len(entries), cap(out.line))
	}
}

func TestLinesHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var want []string
		lengths := rapid.OneOf(rapid.IntRange(1, 2*maxShownBytes), rapid.IntRange(maxLineBytes-1, maxLineBytes+1))
		for i, n := range rapid.SliceOfN(lengths, 0, tailLines).Draw(t, "lengths") {
			line := strings.Repeat(string(rune('a'+i)), n)
			text.WriteString(line + "\n")
			want = append(want, shortened(line[:min(n, maxLineBytes)]))
		}
		lines, _, _ := newTestLog()
		out := lines.writer()
		for rest := text.String(); rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "write")
			if m, err := io.WriteString(out, rest[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if !slices.Equal(lines.last(), want) {
			t.Fatalf("lines are %.300q; want %.300q", lines.last(), want)
		}
	})
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxHandshakeBytes-1) + "\n"
	for text, want := range map[string]string{
		"":                              "",
		"1|1|unix|/s|grpc|\n":           "1|1|unix|/s|grpc|\n",
		"1|1|unix|/s|grpc|\nmore\nmore": "1|1|unix|/s|grpc|\n",
		"no end":                        "no end",
		strings.Repeat("x", 1<<20):      long,
	} {
		for name, from := range map[string]io.Reader{
			"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text)),
			"with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			var spoke atomic.Bool
			got, err := io.ReadAll(&firstLine{from: from, spoke: &spoke})
			if err != nil || string(got) != want || spoke.Load() != (text != "") {
				t.Errorf("%s: read %.50q (%v); want %.50q", name, got, err, want)
			}
			if rest, _ := io.ReadAll(from); len(rest) > 0 {
				t.Errorf("%s: %d bytes were not read", name, len(rest))
			}
		}
	}
}
