package quality

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a label claims.
type Kind string

// The kinds. Unsure stretches count neither for nor against.
const (
	Laugh   Kind = "laugh"
	NoLaugh Kind = "nolaugh"
	Unsure  Kind = "unsure"
)

// Label is what a person says of a file, or of a stretch of it.
type Label struct {
	// File as it is written, with slashes; empty where the form names none.
	File string
	// Onset and Offset in seconds from the start of the file. Whole: all of the file, whatever they are.
	Onset, Offset float64
	Whole         bool
	Kind          Kind
	// Class is what is heard, such as baby-cry; Source is where the sound is from. Empty where that is not said.
	Class, Source string
	// Line of the labels file, from 1.
	Line int
}

// Problem is a label that cannot be used, or a file that cannot be read.
type Problem struct {
	// Line of the labels file, or 0; File that it is about, or empty.
	Line int    `json:"line"`
	File string `json:"file"`
	// Cause in words.
	Cause string `json:"cause"`
}

// limits of a labels file.
const (
	maxLine   = 1 << 20
	maxLabels = 1 << 20
)

// ReadLabels reads a labels file. Its form is found by looking:
//
//   - with a first row of names, of which one is file or filename: columns by name, in any order: onset or start, offset
//     or end, times_s ("2.6-5.3; 9-10"), label or event_label, class, from or source. Without times a label is the
//     whole file's. DCASE's metadata are of this form;
//   - rows of file, onset, offset, label, class: sed_eval's, the class may be missing;
//   - rows of onset, offset, label: an export of Audacity, or sed_eval's for one file. Their File is empty.
//
// Columns stand between tabs, semicolons or commas; "#" begins a comment. A label is laugh, nolaugh or unsure; any other
// is the name of an event: a laugh where it names laughter, else none. What cannot be used is a Problem and ends
// nothing; the error is that of the reader, or of a file that has no labels at all.
func ReadLabels(r io.Reader) (labels []Label, problems []Problem, err error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	var columns map[string]int
	first := true
	for line := 1; scanner.Scan(); line++ {
		text := strings.TrimRight(strings.TrimPrefix(scanner.Text(), "\ufeff"), "\r")
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, `\`) { // Audacity's frequencies
			continue
		}
		if !utf8.ValidString(text) {
			problems = append(problems, Problem{Line: line, Cause: "not UTF-8"})
			continue
		}
		cells := split(text)
		if first {
			first = false
			if columns = header(cells); columns != nil {
				continue
			}
		}
		read, err := row(cells, columns)
		if err != nil {
			problems = append(problems, Problem{Line: line, File: read.File, Cause: err.Error()})
			continue
		}
		for _, label := range read.labels {
			label.Line = line
			labels = append(labels, label)
		}
		if len(labels) > maxLabels {
			return nil, problems, fmt.Errorf("more than %d labels", maxLabels)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, problems, err
	}
	if len(labels) == 0 {
		cause := errors.New("no labels: want rows of file, onset, offset, label, class")
		if len(problems) > 0 {
			cause = fmt.Errorf("no label can be used; line %d: %s", problems[0].Line, problems[0].Cause)
		}
		return nil, problems, cause
	}
	return labels, problems, nil
}

// split cuts a row at its tabs, else its semicolons, else its commas.
func split(text string) []string {
	for _, separator := range []string{"\t", ";", ","} {
		if strings.Contains(text, separator) {
			cells := strings.Split(text, separator)
			for i, cell := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cell), `"`)
			}
			return cells
		}
	}
	return []string{strings.TrimSpace(text)}
}

// names of columns that mean the same.
var names = map[string]string{"filename": "file", "path": "file", "start": "onset", "end": "offset", "event_label": "label", "times_s": "times",
	"source": "from"}

// header returns the places of the columns, or nil where the row names none.
func header(cells []string) map[string]int {
	columns := map[string]int{}
	for i, cell := range cells {
		name := strings.ToLower(cell)
		if alias, ok := names[name]; ok {
			name = alias
		}
		columns[name] = i
	}
	if _, ok := columns["file"]; !ok {
		return nil
	}
	return columns
}

// rows is what a row says: one label, or several where it has several times.
type rows struct {
	File   string
	labels []Label
}

func row(cells []string, columns map[string]int) (read rows, err error) {
	if columns == nil {
		return bare(cells)
	}
	cell := func(name string) string {
		if i, ok := columns[name]; ok && i < len(cells) {
			return cells[i]
		}
		return ""
	}
	label := Label{File: cell("file"), Class: cell("class"), Source: cell("from"), Whole: true}
	read.File = label.File
	if label.File == "" {
		return read, errors.New("the file has no name")
	}
	event := cmp.Or(cell("label"), label.Class)
	if event == "" {
		return read, errors.New("no label: want laugh, nolaugh or unsure, or the name of an event")
	}
	label.Kind, label.Class = kindOf(event), cmp.Or(label.Class, event)
	spans, err := times(cell("onset"), cell("offset"), cell("times"))
	if err != nil {
		return read, err
	}
	if len(spans) == 0 {
		read.labels = []Label{label}
	}
	for _, span := range spans {
		label.Whole, label.Onset, label.Offset = false, span[0], span[1]
		read.labels = append(read.labels, label)
	}
	return read, nil
}

// bare reads a row of a file without names of columns.
func bare(cells []string) (read rows, err error) {
	var label Label
	if len(cells) > 0 && !number(cells[0]) {
		label.File, cells = cells[0], cells[1:]
		if len(cells) > 2 && !number(cells[0]) { // sed_eval may have a scene before the times
			cells = cells[1:]
		}
	}
	read.File = label.File
	if len(cells) < 2 || !number(cells[0]) || !number(cells[1]) {
		return read, errors.New("want file, onset, offset and label, or onset, offset and label")
	}
	spans, err := times(cells[0], cells[1], "")
	if err != nil {
		return read, err
	}
	event := "laugh" // labels of Audacity may have no text
	if len(cells) > 2 && cells[2] != "" {
		event = cells[2]
	}
	label.Onset, label.Offset, label.Kind, label.Class = spans[0][0], spans[0][1], kindOf(event), event
	if len(cells) > 3 && cells[3] != "" {
		label.Class = cells[3]
	}
	read.labels = []Label{label}
	return read, nil
}

func number(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// times reads the stretches of a row: none where it has no times.
func times(onset, offset, list string) (spans [][2]float64, err error) {
	add := func(onset, offset string) error {
		from, errFrom := strconv.ParseFloat(strings.TrimSpace(onset), 64)
		to, errTo := strconv.ParseFloat(strings.TrimSpace(offset), 64)
		switch {
		case errFrom != nil || errTo != nil:
			return fmt.Errorf("times %q to %q: want seconds", onset, offset)
		case math.IsNaN(from) || math.IsNaN(to) || math.IsInf(from, 0) || math.IsInf(to, 0):
			return fmt.Errorf("times %q to %q: want finite seconds", onset, offset)
		case from < 0:
			return fmt.Errorf("onset %v is before the file begins", from)
		case to <= from:
			return fmt.Errorf("offset %v is not behind onset %v", to, from)
		}
		spans = append(spans, [2]float64{from, to})
		return nil
	}
	if onset != "" || offset != "" {
		return spans, add(onset, offset)
	}
	for _, span := range strings.FieldsFunc(list, func(r rune) bool { return r == ';' || r == ' ' || r == ',' }) {
		from, to, ok := strings.Cut(strings.ReplaceAll(span, "–", "-"), "-")
		if !ok {
			return nil, fmt.Errorf("times %q: want stretches such as 2.6-5.3; 9-10", list)
		}
		if err := add(from, to); err != nil {
			return nil, err
		}
	}
	return spans, nil
}

// laughter are parts of the names that data sets have for laughter.
var laughter = []string{"laugh", "giggl", "chuckl", "chortle", "snicker", "guffaw", "titter"}

// kindOf is what a label or the name of an event says.
func kindOf(text string) Kind {
	lower := strings.ToLower(strings.TrimSpace(text))
	switch lower {
	case string(Laugh), string(NoLaugh), string(Unsure):
		return Kind(lower)
	case "no_laugh", "no-laugh", "no laugh", "not laughter", "no laughter":
		return NoLaugh
	case "maybe", "?":
		return Unsure
	}
	if contains(lower, laughter) {
		return Laugh
	}
	return NoLaugh
}

func contains(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// source is where the sound of a label is from: as it says, else the folder of its file, else "labels".
func (l Label) source() string {
	folder := path.Dir(l.File)
	if folder == "." {
		folder = ""
	}
	return cmp.Or(l.Source, folder, "labels")
}
