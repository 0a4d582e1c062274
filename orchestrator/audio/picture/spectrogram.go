package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Options says how a spectrogram looks.
type Options struct {
	// Width and Height in pixels, 1 to MaxWidth and 2 to MaxHeight.
	Width, Height int
	// TopHz is the frequency at the upper edge; 0: half the rate. What lies above half the rate is blank.
	TopHz float64
	// Palette are the colours from silence to the loudest, at least two; between them they blend. Empty: Paper.
	Palette []color.RGBA
}

// Bounds of a picture: the work for one does not grow with the sound.
const (
	MaxWidth  = 2048
	MaxHeight = 512
)

// Palettes for the two looks of the page.
var (
	Paper = []color.RGBA{{0xfa, 0xf7, 0xf2, 0xff}, {0xe8, 0xcf, 0xbb, 0xff}, {0xc4, 0x5a, 0x2b, 0xff}, {0x1f, 0x1b, 0x16, 0xff}}
	Night = []color.RGBA{{0x14, 0x12, 0x0f, 0xff}, {0x4a, 0x2c, 0x1d, 0xff}, {0xe0, 0x74, 0x3f, 0xff}, {0xf2, 0xed, 0xe6, 0xff}}
)

const (
	shades = 64
	// depth is how far below the loudest the palette begins, in dB.
	depth = 60
	// faintest is the loudness, in dB below a tone of full scale, that is never drawn dark: silence stays blank.
	faintest = -40
	// windowSeconds is about how much sound one spectrum is taken from.
	windowSeconds = 0.032
	// framesPerColumn is how many spectra a column of a long sound shows at most, each the loudest of them.
	framesPerColumn = 4
)

// ErrEmpty is that there is nothing to draw.
var ErrEmpty = errors.New("draw spectrogram: no sound")

// Spectrogram draws sound of one channel as a PNG of at most 64 colours: time runs left to right, and frequency
// upwards on the mel scale, on which equal steps sound equal. The loudest moment has the last colour. Safe for concurrent use.
func Spectrogram(samples []float32, rateHz int, options Options) ([]byte, error) {
	width, height := options.Width, options.Height
	switch {
	case width < 1 || width > MaxWidth || height < 2 || height > MaxHeight:
		return nil, fmt.Errorf("draw spectrogram: invalid size %d x %d; at most %d x %d", width, height, MaxWidth, MaxHeight)
	case rateHz < 1000 || rateHz > 1_000_000:
		return nil, fmt.Errorf("draw spectrogram: invalid rate of %d Hz", rateHz)
	case len(samples) == 0:
		return nil, ErrEmpty
	}
	top := options.TopHz
	if top <= 0 {
		top = float64(rateHz) / 2
	}
	size := 1 << int(math.Round(math.Log2(windowSeconds*float64(rateHz))))
	size = max(size, 16)
	f := newFFT(size)
	rows := melRows(height, top, float64(rateHz)/float64(size), size/2)

	power := make([]float64, size/2+1)
	levels := make([]float32, width*height)
	loudest := float32(math.Inf(-1))
	hop := float64(len(samples)) / float64(width)
	frames := min(max(int(math.Ceil(hop/float64(size/2))), 1), framesPerColumn)
	for x := range width {
		clear(power)
		for k := range frames {
			middle := hop * (float64(x) + (float64(k)+0.5)/float64(frames))
			f.power(samples, int(middle)-size/2, power)
		}
		for y, row := range rows {
			level := float32(-200)
			if p := row.loudest(power); p > 0 {
				level = float32(10 * math.Log10(p))
			}
			levels[y*width+x] = level
			loudest = max(loudest, level)
		}
	}
	return encode(levels, width, height, max(loudest, faintest), options.Palette)
}

// Y is the row, counted from the top, at which a frequency lies in a picture of this height: for an axis. TopHz is that of
// the Options, and not 0.
func Y(hz float64, height int, topHz float64) float64 {
	return float64(height) * (1 - mel(hz)/mel(topHz))
}

func mel(hz float64) float64 { return 2595 * math.Log10(1+hz/700) }

func hertz(mel float64) float64 { return 700 * (math.Pow(10, mel/2595) - 1) }

// row is the part of a spectrum that a row of pixels shows: between two bins where it is narrower than one.
type row struct {
	first, last int
	part        float64 // of the way from first to last, where they are neighbours and the row lies between them; <0: all of them
}

func melRows(height int, top, binHz float64, last int) []row {
	rows := make([]row, height)
	for y := range rows {
		low := hertz(mel(top)*(1-float64(y+1)/float64(height))) / binHz
		high := hertz(mel(top)*(1-float64(y)/float64(height))) / binHz
		switch {
		case low >= float64(last):
			rows[y] = row{first: 1, last: 0} // nothing
		case high-low < 1:
			middle := min((low+high)/2, float64(last)-1e-6)
			rows[y] = row{int(middle), int(middle) + 1, middle - math.Floor(middle)}
		default:
			rows[y] = row{int(low), min(int(high), last), -1}
		}
	}
	return rows
}

func (r row) loudest(power []float64) float64 {
	if r.part >= 0 && r.last == r.first+1 {
		return power[r.first]*(1-r.part) + power[r.last]*r.part
	}
	top := 0.0
	for bin := r.first; bin <= r.last; bin++ {
		top = max(top, power[bin])
	}
	return top
}

func encode(levels []float32, width, height int, loudest float32, stops []color.RGBA) ([]byte, error) {
	img := image.NewPaletted(image.Rect(0, 0, width, height), palette(stops))
	for i, level := range levels {
		shade := (level - loudest + depth) / depth * (shades - 1)
		img.Pix[i] = uint8(min(max(shade, 0), shades-1))
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("draw spectrogram: %w", err)
	}
	return out.Bytes(), nil
}

func palette(stops []color.RGBA) color.Palette {
	if len(stops) < 2 {
		stops = Paper
	}
	colours := make(color.Palette, shades)
	for i := range colours {
		at := float64(i) / (shades - 1) * float64(len(stops)-1)
		k := min(int(at), len(stops)-2)
		from, to, part := stops[k], stops[k+1], at-float64(k)
		blend := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + part*(float64(b)-float64(a)))) }
		colours[i] = color.RGBA{blend(from.R, to.R), blend(from.G, to.G), blend(from.B, to.B), blend(from.A, to.A)}
	}
	return colours
}
