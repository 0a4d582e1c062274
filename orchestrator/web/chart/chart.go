// Package chart computes the pictures of the page: the strip of a day, the dots of a year, bars, and the waveform of a
// laugh. Functions are pure: they turn data into geometry, and Templates draws it as SVG by html/template, so that
// every text is escaped. Colours are classes of the stylesheet.
//
// Every chart has a title, a description and a table with the same numbers. Positions across are percentages, so that
// a chart fits any width while its text keeps its size; heights are CSS pixels.
package chart

import (
	"embed"
	"strconv"
)

// Templates draws the charts: chart-day, chart-year, chart-bars, chart-wave, chart-axis and chart-table.
//
//go:embed *.tmpl
var Templates embed.FS

// Head names a chart: ID is unique on its page, Title says what it shows, Desc what is to be seen in it.
type Head struct{ ID, Title, Desc string }

// Table holds the numbers of a chart.
type Table struct {
	Caption string
	Columns []string
	Rows    [][]Cell
}

// Cell of a table; Href may be empty. Text is right-aligned where Number is set.
type Cell struct {
	Text, Href string
	Number     bool
}

// percent formats a share in 0..1 of the width.
func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'f', -1, 32) + "%"
}

// pixels formats a length with at most a tenth.
func pixels(v float64) string {
	return strconv.FormatFloat(float64(int64(v*10+0.5))/10, 'f', -1, 64)
}
