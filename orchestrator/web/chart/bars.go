package chart

import "strconv"

// Bars is a small bar chart of numbers that are not negative.
type Bars struct {
	Head
	Bars []Value
	// Every names each so-manieth bar; 0 names all.
	Every int
}

// Value is a bar: Label below it, Text above it; Name says both in words.
type Value struct {
	Label, Text, Name string
	Value             float64
	Href              string
}

// BarsPicture is the geometry of Bars.
type BarsPicture struct {
	Head
	Height int
	Bars   []DrawnBar
}

// DrawnBar is a bar with its label in the middle of its share of the width.
type DrawnBar struct {
	Bar
	Middle, Left, Share string
	TextY               string
	Label, Text, Name   string
	Href                string
	Best                bool
}

const (
	barsHeight = 112 // of the bars themselves
	barsAbove  = 18  // for the largest's number
	barsBelow  = 22  // for labels
)

// Draw computes the bars.
func (b Bars) Draw() BarsPicture {
	p := BarsPicture{Head: b.Head, Height: barsAbove + barsHeight + barsBelow}
	most := 0.0
	for _, v := range b.Bars {
		most = max(most, v.Value)
	}
	n := float64(len(b.Bars))
	crowded := len(b.Bars) > 12
	for i, v := range b.Bars {
		height := 0.0
		if most > 0 {
			height = v.Value / most * barsHeight
		}
		if v.Value > 0 {
			height = max(height, 2)
		}
		left := float64(i) / n
		width := 0.62 / n
		y := barsAbove + barsHeight - height
		bar := DrawnBar{Bar: Bar{X: percent(left + (1/n-width)/2), W: percent(width), Y: pixels(y), H: pixels(height)},
			Middle: percent(left + 0.5/n), Left: percent(left), Share: percent(1 / n), TextY: pixels(y - 5),
			Name: v.Name, Href: v.Href, Best: most > 0 && v.Value == most}
		if b.Every == 0 || i%b.Every == 0 {
			bar.Label = v.Label
		}
		if !crowded || bar.Best {
			bar.Text = v.Text
		}
		p.Bars = append(p.Bars, bar)
	}
	return p
}

// fixed formats a score with two decimals.
func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
