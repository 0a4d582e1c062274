// Package export writes laughs in the formats of other programs.
package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// Format is a file format.
type Format struct {
	// Name as on the command line; Help is one line for a person.
	Name, Help string
	// Write writes laughs as they come. An error of the laughs ends it and is returned as it is.
	Write func(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error
}

// Formats are all formats.
var Formats = []Format{
	{"csv", "a table for spreadsheets; times in UTC", writeCSV},
	{"jsonl", "one JSON object a line, with the score of each class", writeJSONLines},
	{"tsv", "the table of csv, with tabs", writeTSV},
	{"audacity", "a label track; times are those of the recording", writeAudacity},
	{"webvtt", "subtitles for players; times are those of the recording", writeWebVTT},
	{"textgrid", "Praat, one tier a recording; times are those of the recording", writeTextGrid},
	{"rttm", "NIST's speaker segments; times are those of the recording", writeRTTM},
}

// columns of csv and tsv. They are part of the contract: never changed, only added to.
var columns = []string{"user", "start", "end", "score", "class", "recording", "offset_s", "duration_s", "clip", "model", "mark", "star", "note", "id", "tier"}

func instant(t time.Time) string { return document.Stamp(t).String() }

func row(l orchestrator.StoredLaugh) []string {
	return []string{l.User, instant(l.Start), instant(l.End), score(l.Score), l.Class, l.Recording,
		inSeconds(l.Offset), inSeconds(l.End.Sub(l.Start)), l.Clip, l.Model, string(l.Mark), strconv.FormatBool(l.Star), l.Note, l.ID, string(l.Tier)}
}

func score(v float64) string                            { return strconv.FormatFloat(v, 'f', 4, 64) }
func inSeconds(d time.Duration) string                  { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
func duration(l orchestrator.StoredLaugh) time.Duration { return l.End.Sub(l.Start) }

// harmless keeps a spreadsheet from running a text as a formula: names and notes are written by others.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func writeCSV(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error {
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
			cells[i] = harmless(cells[i])
		}
		if err := writer.Write(cells); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func writeTSV(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error {
	return lines(w, laughs, strings.Join(columns, "\t"), func(l orchestrator.StoredLaugh) string {
		cells := row(l)
		for i := range cells {
			cells[i] = tsvEscapes.Replace(harmless(cells[i]))
		}
		return strings.Join(cells, "\t")
	})
}

func writeJSONLines(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error {
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

func writeRTTM(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error {
	return lines(w, laughs, "", func(l orchestrator.StoredLaugh) string {
		file := strings.Join(strings.Fields(l.Recording), "_")
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
