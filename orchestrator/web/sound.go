package web

import (
	"context"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// heard is where there was sound in a stretch of a person's time, and where it is missing.
type heard struct {
	sound, missing []orchestrator.Span
	// failed recordings could not be read.
	failed int
	// last is when the latest sound ended; zero where there is none.
	last time.Time
}

func hear(recordings []orchestrator.RecordingSpan, ledger []orchestrator.LedgerSpan) heard {
	var h heard
	for _, recording := range recordings {
		if !recording.Done {
			h.failed++
			continue
		}
		h.sound = append(h.sound, recording.Span)
		if recording.End.After(h.last) {
			h.last = recording.End
		}
	}
	for _, span := range ledger {
		if span.State == orchestrator.SpanFailed {
			h.missing = append(h.missing, span.Span)
		}
	}
	return h
}

// length is how much sound there is in a stretch; where recordings overlap it counts once.
func (h heard) length(within orchestrator.Span) time.Duration {
	var total time.Duration
	reached := within.Start
	for _, span := range h.sound { // in order of their start
		start, end := later(span.Start, reached), earlier(span.End, within.End)
		if start.Before(end) {
			total += end.Sub(start)
			reached = end
		}
	}
	return total
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// ofDay is what of it overlaps a day.
func (h heard) ofDay(day orchestrator.Span) heard {
	cut := func(spans []orchestrator.Span) (out []orchestrator.Span) {
		for _, span := range spans {
			if span.Start.Before(day.End) && span.End.After(day.Start) {
				out = append(out, span)
			}
		}
		return out
	}
	return heard{sound: cut(h.sound), missing: cut(h.missing)}
}

// notice is what a person should know, and what to do about it.
type notice struct {
	// Fail marks what needs a person.
	Fail       bool
	Text, Then string
	// Href and Label of the link that helps; empty for none.
	Href, Label string
}

// silentFor is how long there must be no sound before the page asks after the recorder.
const silentFor = 36 * time.Hour

// notices judges the last weeks: what went wrong, in words that need no manual.
func (s *Server) notices(p *person, v viewer, h heard) []notice {
	var list []notice
	now := s.now()
	if !h.last.IsZero() && now.Sub(h.last) > silentFor {
		list = append(list, notice{Fail: true, Text: word("notice.silent", "when", s.moment(h.last, p)), Then: word("notice.silent-then")})
	}
	if n := len(h.missing); n > 0 {
		span := h.missing[n-1]
		list = append(list, notice{Text: word("notice.missing", "from", s.moment(span.Start, p), "to", words.Clock(span.End, p.location)), Then: word("notice.missing-then")})
	}
	if h.failed > 0 {
		list = append(list, notice{Text: plural("notice.unread", h.failed), Then: word("notice.unread-then")})
	}
	if last := len(list) - 1; last >= 0 && v.may(member) { // one way to try it is enough
		list[last].Href, list[last].Label = p.Home+"/update", word("notice.now")
	}
	return list
}

// failedNight says why nothing of the latest day could be read, and what helps; nil where something could.
func (s *Server) failedNight(ctx context.Context, p *person, v viewer) ([]notice, error) {
	status, err := s.options.Heard.UserStatus(ctx, p.user.ID) // and not the source: a disk that hangs must not hold up this page
	if err != nil {
		return nil, err
	}
	latest := status.Latest
	at := slices.IndexFunc(latest.Errors, func(e orchestrator.RunError) bool { return e.Recording == "" })
	if latest.Status != orchestrator.StatusFailed || at < 0 {
		return nil, nil
	}
	n := notice{Fail: true, Text: word("notice.failed", "day", catalogue.Near(latest.Date, p.today)), Then: word("notice.failed-then")}
	switch code := latest.Errors[at].Code; code {
	case orchestrator.CodeAPIKeyMissing, orchestrator.CodeAPIKeyRefused:
		n.Text = word("notice.key", "day", catalogue.Near(latest.Date, p.today))
		if v.may(member) {
			n.Href, n.Label = p.Home+"/settings", word("notice.key-now")
		}
	default:
		if remedy := advice.OfRunError(advice.Page, latest.Errors[at]); remedy != "" {
			n.Then = word("settings.do", "what", remedy)
		}
		if v.may(member) {
			n.Href, n.Label = p.Home+"/update", word("notice.now")
		}
	}
	return []notice{n}, nil
}

// moment says when something was: Tuesday, 09:10.
func (s *Server) moment(t time.Time, p *person) string {
	return catalogue.Near(orchestrator.DayIn(t, p.location), p.today) + ", " + words.Clock(t, p.location)
}
