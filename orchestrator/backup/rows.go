package backup

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// maxLine bounds a row: scores of a day are a few hundred kilobytes.
const maxLine = 64 << 20

// head is the first line of a table's file.
type head struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// writeTable writes a table and returns how many rows it has. each, unless nil, sees every row.
func writeTable(w io.Writer, table orchestrator.Table, each func(row []any)) (rows int64, err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	line, err := json.Marshal(head{table.Name, table.Columns})
	if err != nil {
		return 0, err
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		return 0, err
	}
	for row, err := range table.Rows {
		if err != nil {
			return rows, err
		}
		if each != nil {
			each(row)
		}
		if line, err = appendRow(line[:0], row); err != nil {
			return rows, err
		}
		if _, err := out.Write(line); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, out.Flush()
}

// appendRow writes a row as a JSON list. What JSON has no word for is an object of one field.
func appendRow(line []byte, row []any) ([]byte, error) {
	line = append(line, '[')
	for i, value := range row {
		if i > 0 {
			line = append(line, ',')
		}
		switch value := value.(type) {
		case nil:
			line = append(line, "null"...)
		case int64:
			line = strconv.AppendInt(line, value, 10)
		case bool:
			line = strconv.AppendBool(line, value)
		case float64:
			text := strconv.FormatFloat(value, 'g', -1, 64)
			if !strings.ContainsAny(text, ".e") {
				text += ".0" // a whole number of this column's kind, not of the other
			}
			line = append(line, text...)
		case string:
			quoted, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			line = append(line, quoted...)
		case []byte:
			line = fmt.Appendf(line, `{"bytes":%q}`, base64.StdEncoding.EncodeToString(value))
		case time.Time:
			line = fmt.Appendf(line, `{"time":%q}`, value.UTC().Format(time.RFC3339Nano))
		default:
			return nil, fmt.Errorf("write row: a value of type %T", value)
		}
	}
	return append(line, "]\n"...), nil
}

// readTable reads what writeTable wrote; r is read while the rows are.
func readTable(r io.Reader) (orchestrator.Table, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	var first head
	if !lines.Scan() {
		return orchestrator.Table{}, errors.Join(errors.New("read table: there is nothing in it"), lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &first); err != nil {
		return orchestrator.Table{}, fmt.Errorf("read table: %w", err)
	}
	return orchestrator.Table{Name: first.Table, Columns: first.Columns, Rows: rowsOf(lines)}, nil
}

func rowsOf(lines *bufio.Scanner) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for lines.Scan() {
			row, err := parseRow(lines.Bytes())
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("read row: %w", err))
		}
	}
}

func parseRow(line []byte) ([]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var row []any
	if err := decoder.Decode(&row); err != nil {
		return nil, fmt.Errorf("read row: %w", err)
	}
	if row == nil {
		return nil, errors.New("read row: null is no list")
	}
	for i, value := range row {
		var err error
		switch value := value.(type) {
		case json.Number:
			if strings.ContainsAny(value.String(), ".e") {
				row[i], err = value.Float64()
			} else {
				row[i], err = value.Int64()
			}
		case map[string]any:
			row[i], err = parseTagged(value)
		case []any:
			err = errors.New("a list is no value")
		}
		if err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
	}
	return row, nil
}

func parseTagged(value map[string]any) (any, error) {
	if text, ok := value["time"].(string); ok {
		return time.Parse(time.RFC3339Nano, text)
	}
	if text, ok := value["bytes"].(string); ok {
		return base64.StdEncoding.DecodeString(text)
	}
	return nil, errors.New("a value of an unknown kind")
}
