package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// shot is a picture to take.
type shot struct {
	name, path string
	width      int64
	dark       bool
	// press is clicked first, and wait is then waited for; empty for nothing.
	press, wait string
}

// shots are all pictures.
func shots(addresses func(name string) ([]string, error)) (list []shot, err error) {
	full, err := addresses("alice")
	if err != nil {
		return nil, err
	}
	pages := []struct{ name, path, press, wait string }{
		{"home", "/u/alice", "", ""}, {"day", "/u/alice/2026-11-27", ".laugh-row .play", "#player:not([hidden])"}, {"day-part", "/u/alice/2026-11-27?from=18:00&to=21:00&maybe=5", "", ""},
		{"day-25-hours", "/u/alice/2026-10-25", "", ""}, {"review", "/u/alice/review", "", ""}, {"review-many", "/u/alice/review?view=list", "", ""},
		{"laugh", full[0], "", ""}, {"year", "/u/alice/year", "", ""}, {"home-failing", "/u/bob", "", ""}, {"home-empty", "/u/cleo", "", ""}, {"year-empty", "/u/cleo/year", "", ""},
		{"review-empty", "/u/cleo/review", "", ""}, {"day-empty", "/u/alice/2026-08-12", "", ""}, {"error", "/u/nobody", "", ""},
		{"settings", "/u/alice/settings", "", ""}, {"update", "/u/alice/update?from=2026-11-20&to=2026-11-27", "", ""}, {"update-working", "/u/cleo/update", "", ""},
		{"update-failed", "/u/bob/update", "", ""}, {"threshold", "/u/alice/threshold", "", ""}, {"share-choose", "/u/alice/share?day=2026-11-27", "", ""}, {"shares", "/u/alice/shares", "", ""},
		{"shared", full[1], "", ""}, {"account", "/account", "", ""}, {"admin", "/admin", "", ""},
		{"login", "/login", "", ""},
	}
	for _, p := range pages {
		for _, width := range []int64{390, 768, 1440} {
			for _, dark := range []bool{false, true} {
				if width == 768 && (dark || p.name != "home" && p.name != "day" && p.name != "year") {
					continue // between the two others nothing is new
				}
				look := "light"
				if dark {
					look = "dark"
				}
				list = append(list, shot{fmt.Sprintf("%s-%d-%s", p.name, width, look), p.path, width, dark, p.press, p.wait})
			}
		}
	}
	return append([]shot{{name: first, path: "/u/alice", width: 390}}, list...), nil
}

// first is the picture of what a phone shows at once.
const first = "home-first-390-light"

func shoot(ctx context.Context, base, out string, wanted *regexp.Regexp, addresses func(name string) ([]string, error)) error {
	list, err := shots(func(name string) ([]string, error) {
		found, err := addresses(name)
		if err != nil || len(found) < 2 {
			return nil, fmt.Errorf("find a laugh of %s: %w", name, err)
		}
		return found, nil
	})
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(s shot) bool { return !wanted.MatchString(s.name) })
	ctx, cancel := chromedp.NewExecAllocator(ctx, chromedp.NoSandbox, chromedp.Headless, chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("disable-lcd-text", true))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "chortle", Value: "screens", URL: base + "/"}); err != nil {
		return err
	}
	for _, s := range list {
		if s.path == "/login" { // only who is not signed in sees it; it comes last
			if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
				return err
			}
		}
		data, err := take(ctx, base, s)
		if err != nil {
			return fmt.Errorf("take %s: %w", s.name, err)
		}
		if err := os.WriteFile(filepath.Join(out, s.name+".png"), data, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s.png %d kB\n", s.name, len(data)/1000)
	}
	return nil
}

// tallest is as much of a page as a picture shows, in pixels.
const tallest = 1800

func take(ctx context.Context, base string, s shot) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: 900, DeviceScaleFactor: 1, Mobile: s.width < 500}); err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(base+s.path), chromedp.WaitReady(chromedp.CSS("footer"))); err != nil {
		return nil, err
	}
	if s.press != "" {
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(s.press)), chromedp.WaitVisible(chromedp.CSS(s.wait)), chromedp.Sleep(700*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`Promise.all([...document.images].map((i) => { i.loading = "eager"; return i.src && i.decode().catch(() => {}); })).then(() => document.documentElement.scrollHeight)`, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	params := page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng}
	if s.press == "" && s.name != first { // what stays at the bottom of the window would hang in the middle of a long picture
		beyond := true
		params.CaptureBeyondViewport, params.Clip = &beyond, &page.Viewport{Width: float64(s.width), Height: float64(min(height, tallest)), Scale: 1}
	}
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, params)
	if err != nil {
		return nil, err
	}
	return smaller(shot.Data)
}

// smaller writes a picture with 64 of its own colours: a page has few.
func smaller(data []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	paletted := image.NewPaletted(full.Bounds(), commonest(full, 64))
	draw.Draw(paletted, full.Bounds(), full, full.Bounds().Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, paletted)
	return out.Bytes(), err
}

// commonest are the colours that a picture has most of, those that look alike counted as one.
func commonest(picture image.Image, n int) color.Palette {
	type count struct {
		colour color.RGBA
		times  int
	}
	counts := map[color.RGBA]int{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	var sorted []count
	for colour, times := range counts {
		sorted = append(sorted, count{colour, times})
	}
	slices.SortFunc(sorted, func(a, b count) int {
		if a.times != b.times {
			return b.times - a.times
		}
		return int(a.colour.R)<<16 + int(a.colour.G)<<8 + int(a.colour.B) - int(b.colour.R)<<16 - int(b.colour.G)<<8 - int(b.colour.B)
	})
	var chosen color.Palette
	for _, c := range sorted {
		if len(chosen) == n {
			break
		}
		if len(chosen) == 0 || distance(chosen[chosen.Index(c.colour)], c.colour) > 18 {
			chosen = append(chosen, c.colour)
		}
	}
	return chosen
}

func distance(a color.Color, b color.RGBA) int {
	c := color.RGBAModel.Convert(a).(color.RGBA)
	abs := func(v int) int { return max(v, -v) }
	return abs(int(c.R)-int(b.R)) + abs(int(c.G)-int(b.G)) + abs(int(c.B)-int(b.B))
}
