package web

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/media"
)

// writeLimit is how long a listener may take over a clip: one who is slower is cut off.
const writeLimit = 5 * time.Minute

// soundOf finds the laugh of an address that has sound.
func (s *Server) soundOf(r *http.Request, v viewer) (orchestrator.StoredLaugh, error) {
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	if !ok {
		return orchestrator.StoredLaugh{}, orchestrator.ErrNotFound
	}
	l, err := s.options.Laughs.Laugh(r.Context(), v.userIDs(), id)
	if err == nil && l.Clip == "" {
		err = orchestrator.ErrNotFound
	}
	return l, err
}

// clip is the sound as it was cut.
func (s *Server) clip(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, err := s.soundOf(r, v)
	if err != nil {
		return err
	}
	return s.serveClip(w, r, l)
}

// serveClip answers with a clip or a part of it. Whoever calls it has checked that the listener may hear it.
func (s *Server) serveClip(w http.ResponseWriter, r *http.Request, l orchestrator.StoredLaugh) error {
	sound, err := s.options.Sounds.Original(r.Context(), l.Clip)
	if err != nil {
		return err
	}
	defer sound.Close()
	s.serveMedia(w, r, l, media.Type(l.Clip), path.Base(l.Clip), sound)
	return nil
}

// clipWAV is the same sound for browsers that cannot play the original.
func (s *Server) clipWAV(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, err := s.soundOf(r, v)
	if err != nil {
		return err
	}
	return s.serveWAV(w, r, l)
}

func (s *Server) serveWAV(w http.ResponseWriter, r *http.Request, l orchestrator.StoredLaugh) error {
	data, err := s.options.Sounds.WAV(r.Context(), l.Clip)
	if err != nil {
		return err
	}
	s.serveMedia(w, r, l, media.Type(".wav"), path.Base(l.Clip)+".wav", bytes.NewReader(data))
	return nil
}

func (s *Server) serveMedia(w http.ResponseWriter, r *http.Request, l orchestrator.StoredLaugh, mediaType, etag string, content io.ReadSeeker) {
	media.Headers(w.Header(), mediaType, etag)
	if loc, err := time.LoadLocation(l.Timezone); err == nil {
		w.Header().Set("Content-Disposition", disposition("inline", fileName(l, loc)))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit)) // the system's clock, whatever ours says; a test's writer has none
	http.ServeContent(w, r, "", time.Time{}, content)
}

// spectrogram is a picture of the sound, for a light or a dark page.
func (s *Server) spectrogram(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, err := s.soundOf(r, v)
	if err != nil {
		return err
	}
	dark := r.URL.Query().Get("theme") == "dark"
	data, err := s.options.Sounds.Spectrogram(r.Context(), l.Clip, dark)
	if err != nil {
		return err
	}
	media.Headers(w.Header(), "image/png", path.Base(l.Clip)+strconv.FormatBool(dark))
	_, err = w.Write(data) //nolint:gosec // a picture of ours, sent as image/png with nosniff
	return err
}

// Colours of a waveform in a list, which is a picture of its own and knows no stylesheet. A test holds their contrast on both papers.
const (
	waveColour   = "#d4491b"
	aroundColour = "#8b806f"
)

// waveSVG is the waveform of a laugh, for lists.
func (s *Server) waveSVG(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, err := s.soundOf(r, v)
	if err != nil {
		return err
	}
	const parts, height = 80, 48
	outline, err := s.options.Sounds.Waveform(r.Context(), l.Clip, parts)
	if err != nil {
		return err
	}
	onset, until := within(l, outline.Length)
	wave := chart.Wave{Peaks: outline.Peaks, Length: outline.Length, Onset: onset, Until: until, Height: height}.Draw()
	type line struct {
		D    string `xml:"d,attr"`
		Fill string `xml:"fill,attr"`
	}
	data, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
		ViewBox string   `xml:"viewBox,attr"`
		Ratio   string   `xml:"preserveAspectRatio,attr"`
		Paths   []line   `xml:"path"`
	}{ViewBox: "0 0 " + strconv.Itoa(wave.Width) + " " + strconv.Itoa(height), Ratio: "none", Paths: []line{{wave.Around, aroundColour}, {wave.Laugh, waveColour}}})
	if err != nil {
		return err
	}
	media.Headers(w.Header(), "image/svg+xml", path.Base(l.Clip)+"-wave")
	w.Header().Set("Chortle-Gain", twoDigits(outline.Gain)) // the player levels by it
	_, err = w.Write(data)
	return err
}

// twoDigits formats a number with two decimals.
// scoreWords is a score or a threshold for people: two digits behind the point, or two that count where it is small.
func scoreWords(v float64) string {
	if v >= 0.1 || v == 0 {
		return twoDigits(v)
	}
	return strconv.FormatFloat(v, 'f', 1-int(math.Floor(math.Log10(v))), 64)
}

func twoDigits(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
