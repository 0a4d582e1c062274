package web

import (
	"fmt"
	"mime"
	"path"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// clipMargin is how much sound a clip has before and after its laugh.
const clipMargin = 2 * time.Second

// laughView is a laugh as templates show it.
type laughView struct {
	ID, Page                            string
	Clip, WAV, WavePicture, Picture     string // addresses; empty where no sound was kept
	ISO, Time, Seconds, Day             string
	Long, What, File, Alt, Score, Model string
	ClipSeconds                         string
	Maybe, Star, Right, Wrong           bool
	Note, Recording, Offset, Policy     string
	Uncertain                           string
	Back                                string
	MayChange, ShowDay                  bool
	Scores                              []classScore

	laugh orchestrator.StoredLaugh
}

// classScore is one bar of the scores by class.
type classScore struct {
	Label, Score, Width string
}

// counts reports whether a laugh counts as one: it is sure, or a person said so, and nobody said that it is wrong.
func counts(l orchestrator.StoredLaugh) bool {
	return l.Mark != orchestrator.MarkWrong && (l.Tier != orchestrator.TierMaybe || l.Mark == orchestrator.MarkRight)
}

// countOf is how many laughs of a day count, by the same rule.
func countOf(day orchestrator.DayCount) int {
	return day.Sure + day.Maybe - day.UnmarkedMaybe // those that may be one and are marked are marked right
}

func (s *Server) laughView(l orchestrator.StoredLaugh, p *person, v viewer, back string) laughView {
	length := l.End.Sub(l.Start)
	view := laughView{ID: l.ID, Page: "/l/" + l.ID, ISO: l.Start.In(p.location).Format(time.RFC3339), Time: words.Clock(l.Start, p.location),
		Seconds: words.ClockSeconds(l.Start, p.location), Day: catalogue.Near(orchestrator.DayIn(l.Start, p.location), p.today), Long: catalogue.Seconds(length),
		What: className(l.Class), Score: fmt.Sprintf("%.2f", l.Score), Model: l.Model, Maybe: l.Tier == orchestrator.TierMaybe && l.Mark != orchestrator.MarkRight,
		Star: l.Star, Right: l.Mark == orchestrator.MarkRight, Wrong: l.Mark == orchestrator.MarkWrong, Note: l.Note, Recording: l.Recording,
		Offset: clock(l.Offset), Policy: l.Policy, Back: back, MayChange: v.may(member), laugh: l}
	if l.Uncertainty > 0 {
		view.Uncertain = catalogue.Seconds(l.Uncertainty)
	}
	lead := min(clipMargin, l.Offset)
	view.ClipSeconds = fmt.Sprintf("%.2f", (lead + length + clipMargin).Seconds())
	view.Alt = word("laugh.alt", "length", view.Long, "what", view.What, "score", view.Score)
	if l.Clip != "" {
		view.Clip, view.WAV = view.Page+"/clip", view.Page+"/clip.wav"
		view.WavePicture, view.Picture = view.Page+"/wave.svg", view.Page+"/spectrogram.png"
		view.File = fileName(l, p.location)
	}
	return view
}

// fileName is what a downloaded clip is called: whose it is and when it was, in the person's zone.
func fileName(l orchestrator.StoredLaugh, loc *time.Location) string {
	return fmt.Sprintf("%s-%s-laugh%s", l.User, l.Start.In(loc).Format("2006-01-02_15-04-05"), path.Ext(l.Clip))
}

// disposition names a file for the browser.
func disposition(kind, name string) string {
	return mime.FormatMediaType(kind, map[string]string{"filename": name})
}

// className is a label of the model in a person's words; labels of other models are shown as they are.
func className(label string) string {
	key := "class." + strings.ToLower(strings.ReplaceAll(label, " ", "-"))
	if catalogue.Has(key) {
		return word(key)
	}
	return label
}

// clock formats a position in a recording: 1:02:03.4.
func clock(d time.Duration) string {
	tenths := int64(d.Round(100*time.Millisecond) / (100 * time.Millisecond))
	seconds := tenths / 10
	return fmt.Sprintf("%d:%02d:%02d.%d", seconds/3600, seconds/60%60, seconds%60, tenths%10)
}
