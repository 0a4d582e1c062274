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

// instant is RFC 3339 in UTC with milliseconds.
const instant = "2006-01-02T15:04:05.000Z07:00"

func row(l orchestrator.StoredLaugh) []string {
	return []string{l.User, l.Start.UTC().Format(instant), l.End.UTC().Format(instant), score(l.Score), l.Class, l.Recording,
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

// Document is a laugh as JSON; docs/json.md describes it.
type Document struct {
	User         string             `json:"user"`
	Timezone     string             `json:"timezone"`
	Start        string             `json:"start"`
	End          string             `json:"end"`
	Score        float64            `json:"score"`
	Class        string             `json:"class"`
	ClassScores  map[string]float64 `json:"class_scores"`
	Recording    string             `json:"recording"`
	Offset       float64            `json:"offset_s"`
	Duration     float64            `json:"duration_s"`
	Uncertain    float64            `json:"uncertain_s"`
	Clip         string             `json:"clip"`
	Model        string             `json:"model"`
	ModelVersion string             `json:"model_version"`
	ModelSHA256  string             `json:"model_sha256"`
	Mark         string             `json:"mark"`
	Star         bool               `json:"star"`
	Note         string             `json:"note"`
	ID           string             `json:"id"`
	Day          string             `json:"day"`
	Tier         string             `json:"tier"`
}

// DocumentOf describes a laugh.
func DocumentOf(l orchestrator.StoredLaugh) Document {
	return Document{User: l.User, Timezone: l.Timezone, Start: l.Start.UTC().Format(instant), End: l.End.UTC().Format(instant),
		Score: l.Score, Class: l.Class, ClassScores: l.ClassScores, Recording: l.Recording,
		Offset: float64(l.Offset.Milliseconds()) / 1000, Duration: float64(duration(l).Milliseconds()) / 1000,
		Uncertain: float64(l.Uncertainty.Milliseconds()) / 1000,
		Clip:      l.Clip, Model: l.Model, ModelVersion: l.ModelVersion, ModelSHA256: l.ModelSHA256, Mark: string(l.Mark), Star: l.Star, Note: l.Note,
		ID: l.ID, Day: l.Day.String(), Tier: string(l.Tier)}
}

func writeJSONLines(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error]) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		if err := encoder.Encode(DocumentOf(laugh)); err != nil {
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
