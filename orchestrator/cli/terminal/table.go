package terminal

import (
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Table collects rows and writes them with aligned columns.
type Table struct {
	rows  [][]string
	right map[int]bool
}

// NewTable starts a table with its headings. A heading that ends in ">" makes its column right-aligned.
func NewTable(headings ...string) *Table {
	t := &Table{right: map[int]bool{}}
	row := make([]string, len(headings))
	for i, heading := range headings {
		row[i], t.right[i] = strings.CutSuffix(heading, ">")
	}
	t.rows = append(t.rows, row)
	return t
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Len is the number of rows below the headings.
func (t *Table) Len() int { return len(t.rows) - 1 }

// WriteTo writes the table, its headings bold. What is in a cell may come from anybody: it stays within its cell.
func (t *Table) WriteTo(s *Screen) error {
	for _, row := range t.rows {
		for i, cell := range row {
			row[i] = safe(cell, "")
		}
	}
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for r, row := range t.rows {
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-width(cell))
			if r == 0 {
				cell = s.Bold(cell)
			}
			switch {
			case t.right[i]:
				cell = gap + cell
			case i < len(row)-1:
				cell += gap
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// escape is a colour of a Screen.
var escape = regexp.MustCompile("\x1b\\[(0|1|2|31|32|33)m")

func width(cell string) int { return utf8.RuneCountInString(escape.ReplaceAllString(cell, "")) }
