package chart

import (
	"strconv"
	"strings"
	"time"
)

// Wave is the waveform of a clip.
type Wave struct {
	Head
	// Peaks are the loudest amplitude of equal stretches of the clip, 0..255.
	Peaks []byte
	// Length of the clip, and the laugh within it; what lies around it is drawn pale.
	Length       time.Duration
	Onset, Until time.Duration
	Height       int
	Maybe        bool
}

// WavePicture is the geometry of a Wave: a viewBox that is stretched to the width.
type WavePicture struct {
	Head
	Width, Height int
	// Laugh and Around are paths of bars.
	Laugh, Around string
	Maybe         bool
	Ticks         []Tick
}

// Draw computes the waveform.
func (w Wave) Draw() WavePicture {
	const step, bar = 3, 2
	p := WavePicture{Head: w.Head, Width: max(1, len(w.Peaks)*step-(step-bar)), Height: w.Height, Maybe: w.Maybe, Ticks: Seconds(w.Length)}
	loudest := byte(1)
	for _, peak := range w.Peaks {
		loudest = max(loudest, peak)
	}
	var laugh, around strings.Builder
	for i, peak := range w.Peaks {
		at := w.Length * time.Duration(2*i+1) / time.Duration(2*len(w.Peaks))
		path := &around
		if w.Length == 0 || at >= w.Onset && at < w.Until {
			path = &laugh
		}
		height := max(2, float64(peak)/float64(loudest)*float64(w.Height))
		path.WriteString("M" + strconv.Itoa(i*step) + " " + pixels((float64(w.Height)-height)/2) +
			"h" + strconv.Itoa(bar) + "v" + pixels(height) + "h-" + strconv.Itoa(bar) + "z")
	}
	p.Laugh, p.Around = laugh.String(), around.String()
	return p
}

// Seconds is the axis of a clip: a tick every second, or every five of a long one.
func Seconds(length time.Duration) []Tick {
	if length <= 0 {
		return nil
	}
	step := time.Second
	if length > 12*time.Second {
		step = 5 * time.Second
	}
	if length > time.Minute {
		step = 15 * time.Second
	}
	var ticks []Tick
	for at := time.Duration(0); at <= length; at += step {
		tick := Tick{X: percent(float64(at) / float64(length)), Label: strconv.Itoa(int(at.Seconds())), Anchor: "middle"}
		switch {
		case at == 0:
			tick.Anchor = "start"
		case length-at < step/4:
			tick.Anchor = "end"
		}
		ticks = append(ticks, tick)
	}
	return ticks
}
