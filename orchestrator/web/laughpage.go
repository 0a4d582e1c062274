package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/listening"
	"github.com/chortle-audio/chortle/orchestrator/web/chart"
)

// laughData is one laugh, large.
type laughData struct {
	*laughView
	DayHref, DayName string
	Wave             *chart.WavePicture
	Gone             bool
	Ticks            []chart.Tick
	Why              string
	Weighed          string
	Heard            []classScore
	With             []string
	Tones            []tone
	MaxNote          int
}

func (s *Server) laughPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, p, err := s.findLaugh(r, v)
	if err != nil {
		return err
	}
	view := s.laughView(l, p, v, backTo(r.URL))
	date := orchestrator.DayIn(l.Start, p.location)
	data := laughData{laughView: &view, DayHref: p.day(date), DayName: catalogue.Day(date, p.today), MaxNote: orchestrator.MaxNote / utf8.UTFMax, Why: why(l)}
	view.Scores = scores(l)
	data.Heard, data.With, data.Tones = heardWith(l), withWords(l), tones()
	if data.Weighed, err = s.weighed(r.Context(), p, l); err != nil {
		return err
	}
	if data.Wave = s.wave(r.Context(), &view, "wave", waveParts, 128); data.Wave != nil {
		data.Ticks = data.Wave.Ticks
	}
	data.Gone = view.Clip == ""
	s.render(w, r, v, http.StatusOK, "laugh.html", pageOf(view, p, data))
	return nil
}

func pageOf(l laughView, p *person, data any) view {
	return view{Title: l.Day + ", " + l.Time, Person: p, Data: data}
}

// findLaugh finds the laugh of an address, and whose it is.
func (s *Server) findLaugh(r *http.Request, v viewer) (orchestrator.StoredLaugh, *person, error) {
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	if !ok {
		return orchestrator.StoredLaugh{}, nil, orchestrator.ErrNotFound
	}
	l, err := s.options.Laughs.Laugh(r.Context(), v.userIDs(), id)
	if err != nil {
		return l, nil, err
	}
	p, err := s.person(r.Context(), v, l.User, "")
	return l, p, err
}

// wave draws the waveform of a laugh; nil where there is no sound. A clip that is gone is shown as gone.
func (s *Server) wave(ctx context.Context, l *laughView, id string, parts, height int) *chart.WavePicture {
	if l.Clip == "" {
		return nil
	}
	outline, err := s.options.Sounds.Waveform(ctx, l.laugh.Clip, parts)
	if err != nil {
		s.log.WithError(err).WithField("laugh", l.ID).Info("draw waveform")
		l.Clip = ""
		return nil
	}
	onset, until := within(l.laugh, outline.Length)
	picture := chart.Wave{Head: chart.Head{ID: id, Title: l.Alt}, Peaks: outline.Peaks, Length: outline.Length, Onset: onset, Until: until, Height: height, Maybe: l.Maybe}.Draw()
	return &picture
}

// within is where a laugh lies in its clip: behind the margin, unless its recording begins with it or only the laugh was kept.
func within(l orchestrator.StoredLaugh, clip time.Duration) (onset, until time.Duration) {
	length := l.End.Sub(l.Start)
	onset = max(0, min(clipMargin, l.Offset, clip-length))
	return onset, min(clip, onset+length)
}

// scores are the laughter classes of a laugh, the best first.
func scores(l orchestrator.StoredLaugh) []classScore {
	type pair struct {
		label string
		score float64
	}
	var list []pair
	for label, score := range l.ClassScores {
		list = append(list, pair{label, score})
	}
	slices.SortFunc(list, func(a, b pair) int { return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.label, b.label)) })
	out := make([]classScore, len(list))
	for i, c := range list {
		out[i] = classScore{className(c.label), twoDigits(c.score), twoDigits(c.score*100) + "%"}
	}
	return out
}

// why says under what a laugh counts.
func why(l orchestrator.StoredLaugh) string {
	tier := "why.sure"
	switch {
	case l.Mark == orchestrator.MarkRight:
		tier = "why.right"
	case l.Mark == orchestrator.MarkWrong:
		tier = "why.wrong"
	case l.Tier == orchestrator.TierMaybe:
		tier = "why.maybe"
	}
	return word(tier, "what", className(l.Class), "score", twoDigits(l.Score))
}

// weighed says how the evidence of a laugh compares with its policy; empty where that is not known, or the score says it all.
func (s *Server) weighed(ctx context.Context, p *person, l orchestrator.StoredLaugh) (string, error) {
	if l.Evidence == 0 {
		return "", nil
	}
	policy, err := s.options.Laughs.LaughPolicy(ctx, p.ids(), l.ID)
	if errors.Is(err, orchestrator.ErrNotFound) {
		return "", nil
	}
	t, ok := policy.Of(l.Class)
	if err != nil || !ok || policy.Plain() {
		return "", err
	}
	key := "why.weighed"
	if len(policy.AgainstClasses()) > 0 {
		key = "why.weighed-against"
	}
	return word(key, "evidence", scoreWords(l.Evidence), "sure", scoreWords(t.Sure), "maybe", scoreWords(t.Maybe)), nil
}

// tone is a mark of a spectrogram's axis.
type tone struct{ Y, Shift, Label string }

// tones are the axis of every spectrogram, from below.
func tones() (list []tone) {
	for _, hz := range []int{500, 1000, 2000, 4000} {
		t := tone{Y: twoDigits(listening.Place(float64(hz))*100) + "%", Shift: "4", Label: word("tones.hz", "n", strconv.Itoa(hz))}
		if hz >= 1000 {
			t.Label = word("tones.khz", "n", strconv.Itoa(hz/1000))
		}
		list = append(list, t)
	}
	return list
}

// heardWith are the other classes that were heard, the strongest first.
func heardWith(l orchestrator.StoredLaugh) (list []classScore) {
	for _, c := range l.Around.Heard {
		list = append(list, classScore{strings.ToLower(c.Class), twoDigits(c.Score), twoDigits(c.Score*100) + "%"})
	}
	return list
}

// withWords says where a laugh was heard.
func withWords(l orchestrator.StoredLaugh) (list []string) {
	for _, with := range l.Around.With() {
		list = append(list, word("with."+with))
	}
	return list
}

// judge carries out one form about one laugh and goes back to its page.
func (s *Server) change(do func(r *http.Request, ids []int64, id string) (did string, undo []judged, err error)) handler {
	return func(w http.ResponseWriter, r *http.Request, v viewer) error {
		id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
		if !ok {
			return orchestrator.ErrNotFound
		}
		if err := r.ParseForm(); err != nil {
			return err
		}
		did, undo, err := do(r, v.userIDs(), id)
		if err != nil {
			return err
		}
		return s.back(w, r, cmp.Or(r.PostForm.Get("back"), "/l/"+id), did, undo)
	}
}

func (s *Server) mark(r *http.Request, ids []int64, id string) (string, []judged, error) {
	mark, err := parseMark(r.PostForm.Get("mark"))
	if err != nil {
		return "", nil, err
	}
	was, err := s.options.Judging.Mark(r.Context(), ids, id, mark)
	return didMark(mark), []judged{{id, was}}, err
}

func (s *Server) star(r *http.Request, ids []int64, id string) (string, []judged, error) {
	on := r.PostForm.Get("star") == "1"
	did := "unstarred"
	if on {
		did = "starred"
	}
	return did, nil, s.options.Judging.Star(r.Context(), ids, id, on)
}

func (s *Server) note(r *http.Request, ids []int64, id string) (string, []judged, error) {
	text := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("note"), "\r\n", "\n"))
	if len(text) > orchestrator.MaxNote {
		return "", nil, inputError("note")
	}
	return "noted", nil, s.options.Judging.Note(r.Context(), ids, id, strings.ToValidUTF8(text, "\uFFFD"))
}

// forget removes a laugh for good, and goes to its day, for its own page is gone.
func (s *Server) forget(w http.ResponseWriter, r *http.Request, v viewer) error {
	l, p, err := s.findLaugh(r, v)
	if err != nil {
		return err
	}
	if r.PostFormValue("sure") != "1" {
		return inputError("form")
	}
	if err := s.options.Judging.Forget(r.Context(), p.ids(), l.ID); err != nil {
		return err
	}
	return s.back(w, r, p.day(orchestrator.DayIn(l.Start, p.location)), "forgotten", nil)
}
