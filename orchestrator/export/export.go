// Package export writes laughs in the formats of other programs.
package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// Format is a file format.
type Format struct {
	// Name as on the command line; Help is one line for a person.
	Name, Help string
	// Write writes laughs as they come. An error of the laughs ends it and is returned as it is.
	Write func(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], places Places) error
}

// Places say where the reader of a file finds what it refers to. The zero value knows no place.
type Places struct {
	// Page is the address under which people reach the page, without a slash at its end; empty: unknown.
	Page string
	// Clips is the folder in which the clips lie on this machine; empty: they lie elsewhere.
	Clips string
}

// of is the address of a laugh on the page; empty where the page's is unknown.
func (p Places) of(l orchestrator.StoredLaugh) string {
	if p.Page == "" {
		return ""
	}
	return p.Page + "/l/" + l.ID
}

// Formats are all formats.
var Formats = []Format{
	{"csv", "a table for spreadsheets; times in UTC", writeCSV},
	{"jsonl", "one JSON object a line, with the score of each class", writeJSONLines},
	{"json", "one JSON document, the same as laughs list --json", writeJSON},
	{"tsv", "the table of csv, with tabs", writeTSV},
	{"audacity", "a label track; times are those of the recording", writeAudacity},
	{"webvtt", "subtitles for players; times are those of the recording", writeWebVTT},
	{"textgrid", "Praat, one tier a recording; times are those of the recording", writeTextGrid},
	{"rttm", "NIST's speaker segments; times are those of the recording", writeRTTM},
	{"ics", "a calendar (iCalendar), one event a laugh; times in UTC", writeICS},
	{"m3u", "a playlist (UTF-8) of the clips, of those that have one", writeM3U},
}

// columns of csv and tsv. They are part of the contract: never changed, only added to.
var columns = []string{"user", "start", "end", "score", "class", "recording", "offset_s", "duration_s", "clip", "model", "mark", "star", "note", "id", "tier", "with"}

func instant(t time.Time) string { return document.Stamp(t).String() }

func row(l orchestrator.StoredLaugh) []string {
	cells := []string{l.User, instant(l.Start), instant(l.End), score(l.Score), l.Class, l.Recording,
		inSeconds(l.Offset), inSeconds(l.End.Sub(l.Start)), l.Clip, l.Model, string(l.Mark), strconv.FormatBool(l.Star), l.Note, l.ID, string(l.Tier),
		strings.Join(l.Around.With(), " ")}
	for i, cell := range cells { // names of files may be any bytes
		cells[i] = strings.ReplaceAll(strings.ToValidUTF8(cell, "\uFFFD"), "\x00", "\uFFFD")
	}
	return cells
}

func score(v float64) string                            { return strconv.FormatFloat(v, 'f', 4, 64) }
func inSeconds(d time.Duration) string                  { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
func duration(l orchestrator.StoredLaugh) time.Duration { return l.End.Sub(l.Start) }

// Harmless keeps a spreadsheet from running a text as a formula: names and notes are written by others.
func Harmless(cell string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(cell, func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) || unicode.Is(unicode.Cf, r)
	}))
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

func writeCSV(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	writer := csv.NewWriter(w)
	if err := writer.Write(columns); err != nil {
		return err
	}
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		cells := row(laugh)
		for i := range cells {
			cells[i] = Harmless(cells[i])
		}
		if err := writer.Write(cells); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func writeTSV(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	return lines(w, laughs, strings.Join(columns, "\t"), func(l orchestrator.StoredLaugh) string {
		cells := row(l)
		for i := range cells {
			cells[i] = tsvEscapes.Replace(Harmless(cells[i]))
		}
		return strings.Join(cells, "\t")
	})
}

func writeJSONLines(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		if err := encoder.Encode(document.OfLaugh(laugh)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// writeJSON writes the document of laughs list --json, laugh by laugh: a list of any length in flat memory.
func writeJSON(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	buffered := bufio.NewWriter(w)
	fmt.Fprint(buffered, "{\n  \"laughs\": [")
	separator, end := "\n    ", "]\n}\n"
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		var object bytes.Buffer
		encoder := json.NewEncoder(&object)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("    ", "  ")
		if err := encoder.Encode(document.OfLaugh(laugh)); err != nil {
			return err
		}
		if _, err := fmt.Fprint(buffered, separator, strings.TrimSuffix(object.String(), "\n")); err != nil {
			return err
		}
		separator, end = ",\n    ", "\n  ]\n}\n"
	}
	fmt.Fprint(buffered, end)
	return buffered.Flush()
}

// writeRTTM writes SPEAKER lines of NIST's Rich Transcription format: ten fields without white space, in which <NA> is
// what is unknown.
func writeRTTM(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	return lines(w, laughs, "", func(l orchestrator.StoredLaugh) string {
		file := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(l.Recording, "_"), func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r)
		}), "_")
		if file == "" {
			file = "<NA>"
		}
		return fmt.Sprintf("SPEAKER %s 1 %s %s <NA> <NA> laughter %s <NA>", file, inSeconds(l.Offset), inSeconds(duration(l)), score(l.Score))
	})
}

// lines writes a heading, unless empty, and one line a laugh.
func lines(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], heading string, line func(orchestrator.StoredLaugh) string) error {
	buffered := bufio.NewWriter(w)
	if heading != "" {
		fmt.Fprintln(buffered, heading)
	}
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(buffered, line(laugh)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
